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

from api import errors, tokens
from api.policy import PUBLIC, ROUTES, SIGNED_IN
from core.problems import Forbidden, Problem
from core.texts import negotiate
from organizations import sessions
from organizations.permissions import Caller, caller, may

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
                    raise errors.MethodNotAllowed
                return view(request, admitted(request, at), at, **route)
            except (Problem, OperationalError, InterfaceError) as error:
                problem = errors.as_problem(error)
                assert problem is not None
                return errors.page(request, problem)

        return enter

    return wrap


def admitted(request: HttpRequest, at: datetime) -> Caller:
    """The caller, if the table lets somebody like them in."""
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise errors.Unauthenticated
    live = sessions.live(tokens.session_id(raw.strip().encode("latin-1", "replace")))
    language = negotiate(request.headers.get("Accept-Language"))
    by = caller(live.person, on=timezone.localdate(at), device=live.device, name=live.name, language=language)
    match = request.resolver_match
    method = "GET" if request.method == "HEAD" else str(request.method)
    rule = ROUTES.get(match.url_name or "", {}).get(method) if match else None
    if rule is None or (rule not in (PUBLIC, SIGNED_IN) and not may(by, rule)):
        raise Forbidden
    return by
