"""Plain doors for the hot paths: the same caller, the same table, the same problems, without a serializer in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from api import errors, tokens
from api.policy import ROUTES, SIGNED_IN
from core.problems import Forbidden, Problem
from core.texts import negotiate
from organizations import sessions
from organizations.permissions import Caller, caller, may

View = Callable[[HttpRequest, Caller, datetime], HttpResponse]


def door(method: str) -> Callable[[View], Callable[[HttpRequest], HttpResponse]]:
    """A plain view for one method and callers signed in at a device; refusals are answered as problems."""

    def wrap(view: View) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def enter(request: HttpRequest) -> HttpResponse:
            at = timezone.now()
            try:
                if request.method != method:
                    raise errors.MethodNotAllowed
                return view(request, _admit(request, at), at)
            except (Problem, OperationalError, InterfaceError) as error:
                problem = errors.as_problem(error)
                assert problem is not None
                return errors.page(request, problem)

        return enter

    return wrap


def _admit(request: HttpRequest, at: datetime) -> Caller:
    """The caller, if the table lets somebody like them in."""
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise errors.Unauthenticated
    live = sessions.live(tokens.session_id(raw.strip().encode("latin-1", "replace")))
    language = negotiate(request.headers.get("Accept-Language"))
    by = caller(live.person, on=timezone.localdate(at), device=live.device, name=live.name, language=language)
    match = request.resolver_match
    rule = ROUTES.get(match.url_name or "", {}).get(request.method or "") if match else None
    if rule is None or (rule != SIGNED_IN and not may(by, rule)):
        raise Forbidden
    return by
