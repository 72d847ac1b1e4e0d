"""Plain doors for the hot paths: the same caller, the same table, the same problems, without a serializer in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from api import errors
from api.authentication import identify
from api.policy import admit
from core.problems import Problem
from organizations.permissions import Caller

REFUSALS = (Problem, OperationalError, InterfaceError)
View = Callable[..., HttpResponseBase]
"""Called with the request, the caller, the moment, and what the route holds."""


def door(*methods: str) -> Callable[[View], View]:
    """A plain view for some methods and callers signed in at a device; refusals are answered as problems."""

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def enter(request: HttpRequest, **route: Any) -> HttpResponseBase:
            at = timezone.now()
            try:
                if request.method not in methods:
                    raise errors.MethodNotAllowed(allow=sorted(methods))
                return view(request, admitted(request, at), at, **route)
            except REFUSALS as error:
                return _refused(request, error)

        return enter

    return wrap


def open_door(view: View) -> View:
    """A plain view that nobody need be signed in for; any method but those of its row in the table is a 405."""

    @csrf_exempt
    @wraps(view)
    def enter(request: HttpRequest, **route: Any) -> HttpResponseBase:
        try:
            match = request.resolver_match
            admit(match.url_name if match else None, str(request.method), None, knows=lambda _: False)
            return view(request, **route)
        except REFUSALS as error:
            return _refused(request, error)

    return enter


def admitted(request: HttpRequest, at: datetime) -> Caller:
    """The caller, if the table lets somebody like them in."""
    headers, match = request.headers, request.resolver_match
    by = identify(headers.get("Authorization"), headers.get("Accept-Language"), at=at)
    request.__dict__["caller"] = by  # for the log, should it be refused
    admit(match.url_name if match else None, str(request.method), by)
    if by is None:
        raise errors.Unauthenticated
    return by


def _refused(request: HttpRequest, error: Exception) -> HttpResponseBase:
    problem = errors.as_problem(error)
    assert problem is not None
    return errors.page(request, problem)
