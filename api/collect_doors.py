"""Who is there when ODK Collect knocks: a secret in the address, or HTTP Digest; and what each of our answers to it bears."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from functools import wraps
from secrets import compare_digest
from typing import Any

from django.core import signing
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from api import errors
from core.problems import Problem
from core.texts import Text, negotiate
from media import uploads
from organizations.models import Device
from organizations.permissions import caller
from surveys import collect, openrosa

LIMIT = uploads.MAX_BYTES
XML = "text/xml; charset=utf-8"
NONCE_SECONDS = 600

View = Callable[..., HttpResponse]


def entrance(view: View, *, submits: bool = False) -> View:
    """What every answer to Collect has in common, refusals included; finds the caller by address or by Digest.

    Where Collect ``submits`` it asks by HEAD first, and insists on 204 before any guard.
    """

    @csrf_exempt
    @wraps(view)
    def enter(request: HttpRequest, secret: str | None = None, **route: Any) -> HttpResponse:
        at = timezone.now()
        try:
            if request.method not in (("HEAD", "POST") if submits else ("HEAD", "GET")):
                raise errors.MethodNotAllowed
            if request.method == "HEAD" and submits and secret is not None:
                response = HttpResponse(status=204)
            else:
                device = _by_address(secret) if secret is not None else _by_digest(request)
                by = caller(device.person_id, on=timezone.localdate(at), device=device.id, name=device.person.name)
                request.__dict__["caller"] = by
                base = request.build_absolute_uri("/api/v1/openrosa" + (f"/key/{secret}" if secret else ""))
                response = view(request, by, at, base=base, **route)
        except (Problem, OperationalError, InterfaceError) as error:
            response = _refusal(request, error)
        response["X-OpenRosa-Version"] = "1.0"
        response["X-OpenRosa-Accept-Content-Length"] = str(LIMIT)
        response["Date"] = http_date(at.timestamp())
        response["Cache-Control"] = "no-store"
        return response

    return enter


def _refusal(request: HttpRequest, error: Exception) -> HttpResponse:
    """A refusal in the envelope whose message Collect shows."""
    problem = errors.as_problem(error)
    assert problem is not None
    language = negotiate(request.headers.get("Accept-Language"))
    said = problem.detail.of(language)
    details = [fault.detail.of(language) for fault in problem.errors if fault.detail != problem.detail]
    body = openrosa.message("; ".join([said, *details[:5]]), "submit_failed")
    response = HttpResponse(body, status=problem.status, content_type=XML)
    if isinstance(problem, Challenge):
        stale = ", stale=true" if problem.stale else ""
        nonce = signing.dumps(problem.nonce_at, salt="openrosa")
        response["WWW-Authenticate"] = (
            f'Digest realm="{collect.REALM}", qop="auth", nonce="{nonce}", algorithm=MD5{stale}'
        )
    return errors.marked(response, problem)


# --- who is there ---------------------------------------------------------------------------------------------------


class Challenge(errors.Unauthenticated):
    """HTTP Digest is wanted; ``stale`` when only the nonce is too old. The new nonce is later than ``after``, whatever our clocks say."""

    def __init__(self, *, stale: bool = False, after: int = 0) -> None:
        super().__init__()
        self.stale, self.nonce_at = stale, max(time.time_ns() // 1000, after + 1)


class WrongKey(Problem):
    """The address is not one of ours: 403, for a 401 would make Collect ask for a password."""

    kind = "wrong-key"
    status = 403
    title = Text("访问密钥无效或已注销", "The access key is wrong or was revoked")


def _by_address(secret: str) -> Device:
    device = collect.by_secret(secret)
    if device is None:
        raise WrongKey
    return device


_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def _by_digest(request: HttpRequest) -> Device:
    """RFC 7616 with MD5, ``qop`` none or ``auth``; the nonce is signed by us, lives ten minutes and serves each count once.

    Without ``qop`` there is no count, and a nonce serves once.
    """
    header = request.headers.get("Authorization", "")
    if not header.lower().startswith("digest "):
        raise Challenge
    told = {name: quoted or bare for name, quoted, bare in _PAIR.findall(header[7:])}
    found = collect.by_username(told.get("username", ""))
    if found is None or told.get("uri") != request.get_full_path() or told.get("realm") != collect.REALM:
        raise Challenge
    device, ha1 = found
    ha2 = _md5(f"{request.method}:{told['uri']}")
    middle = [told["nc"], told["cnonce"], "auth"] if {"nc", "cnonce", "qop"} <= told.keys() else []
    wanted = _md5(":".join([ha1, told.get("nonce", ""), *middle, ha2]))
    if not compare_digest(wanted.encode(), told.get("response", "").encode()):
        raise Challenge
    try:
        nonce_at = signing.loads(told.get("nonce", ""), salt="openrosa", max_age=NONCE_SECONDS)
        count = int(told["nc"], 16) if middle else 1
    except signing.SignatureExpired:
        raise Challenge(stale=True) from None
    except (signing.BadSignature, ValueError):
        raise Challenge from None
    if not isinstance(nonce_at, int) or not 0 < count < 2**32:
        raise Challenge
    if not collect.spend(device, nonce_at, count):
        raise Challenge(stale=True, after=device.collect_key.nonce_at)
    return device


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
