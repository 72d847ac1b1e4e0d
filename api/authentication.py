"""Who calls: the bearer token's session, looked up at every request, so that whatever ended it counts at once."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from api import tokens
from core.texts import negotiate
from organizations import sessions
from organizations.permissions import Caller, caller


def identify(authorization: str | None, languages: str | None, *, at: datetime) -> Caller | None:
    """The caller that an ``Authorization`` header names; None without one. Raises ``SessionEnded``, ``DeviceRevoked``."""
    scheme, _, raw = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    live = sessions.live(tokens.session_id(raw.strip().encode("latin-1", "replace")))
    return caller(
        live.person, on=timezone.localdate(at), device=live.device, session=live.session, name=live.name,
        language=negotiate(languages), feed=live.feed,
    )  # fmt: skip


class DeviceJWTAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token>`` → ``request.user`` is a ``Caller``."""

    def authenticate(self, request: Request) -> tuple[Caller, None] | None:
        headers = request.headers
        by = identify(headers.get("Authorization"), headers.get("Accept-Language"), at=timezone.now())
        request._request.__dict__["caller"] = by
        return (by, None) if by else None

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'
