"""A name for every request, its count, and a line in the log when it is answered."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from config import counting
from core.tracing import request_id
from organizations.alarms import pseudonym

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
log = logging.getLogger("requests")


class Named:
    """Takes the proxy's name for the request or makes one, tells it in the answer, and logs route, status and time.

    The address itself is not logged, only its route: ids of people and searches stay out of the logs. Whoever was refused
    stands there by pseudonym.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.tells: bool = settings.LOG_REQUESTS

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        name = given if GIVEN.fullmatch(given) else uuid4().hex
        token = request_id.set(name)
        began = time.perf_counter()
        try:
            response = self.get_response(request)
            response[HEADER] = name
            took = time.perf_counter() - began
            method = str(request.method)
            route = request.resolver_match.route if request.resolver_match else ""
            counting.answered(method, route, response.status_code, took)
            if self.tells:
                _tell(method, route, response.status_code, took, _refusal(request, response))
            return response
        finally:
            request_id.reset(token)


def _refusal(request: HttpRequest, response: HttpResponseBase) -> dict[str, str]:
    """Of what was refused also why, and to whom by pseudonym."""
    if response.status_code < 400:
        return {}
    kind = response.__dict__.get("problem")
    by = request.__dict__.get("caller") or request.__dict__.get("console_caller")
    told = {"problem": kind} if kind else {}
    return told | ({"who": pseudonym(by.person)} if by is not None and by.person else {})


def _tell(method: str, route: str, status: int, seconds: float, refusal: dict[str, str]) -> None:
    told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1), **refusal}
    log.info("%s %s %s", method, route or "(no route)", status, extra={"told": told})
