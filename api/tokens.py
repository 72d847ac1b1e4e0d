"""JSON web tokens: an access token names its session, a refresh token names its row. Both are good for one device.

A pair is a function of the refresh token's row, so a phone that lost the answer gets the very same pair again.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from organizations.sessions import Issued, SessionEnded

SESSION = "sid"


def lifetime() -> timedelta:
    """How long a refresh token is good."""
    found: timedelta = api_settings.REFRESH_TOKEN_LIFETIME
    return found


def pair(issued: Issued) -> dict[str, Any]:
    """``{"access", "refresh", "expires_in"}`` for what a session handed out; ``expires_in`` in seconds."""
    row, person = issued.token, str(issued.person.id)
    refresh, access = RefreshToken(), AccessToken()
    good_until = min(row.issued_at + access.lifetime, row.expires_at)
    for token, expires in ((refresh, row.expires_at), (access, good_until)):
        token.payload |= {"jti": row.id.hex, "user_id": person, SESSION: str(issued.session)}
        token.payload["iat"] = int(row.issued_at.timestamp())
        token.payload["exp"] = int(expires.timestamp())
    left = int((good_until - row.issued_at).total_seconds())
    return {"access": str(access), "refresh": str(refresh), "expires_in": left}


def refresh_id(raw: str) -> UUID:
    """The row that a refresh token names. Raises ``SessionEnded`` for one that is not ours or too old."""
    try:
        _refuse_respelt(raw)
        return UUID(str(_payload(RefreshToken, raw)["jti"]))
    except (TokenError, ValueError, KeyError, TypeError, OverflowError):
        raise SessionEnded from None


def session_id(raw: bytes) -> UUID:
    """The session that an access token names. Raises ``SessionEnded``."""
    session, expires = _read(raw)
    if expires <= time.time():
        raise SessionEnded
    return session


@lru_cache(maxsize=4096)
def _read(raw: bytes) -> tuple[UUID, int]:
    """What an access token says, its signature checked once; a phone shows the same token again and again."""
    try:
        _refuse_respelt(raw.decode("latin-1"))
        payload = _payload(AccessToken, raw.decode("latin-1"))
        return UUID(str(payload[SESSION])), int(payload["exp"])
    except (TokenError, ValueError, KeyError, TypeError, OverflowError):
        raise SessionEnded from None


def _payload(kind: type[Token], raw: str) -> dict[str, Any]:
    """What a token says, signed with the server's key or with a former one. Raises ``TokenError``."""
    told: Any = raw  # takes text, annotated otherwise
    try:
        return dict(kind(told).payload)
    except TokenError:
        for key in settings.SECRET_KEY_FALLBACKS:
            with suppress(TokenError):
                return dict(_signed_with(key, kind)(told).payload)
        raise


def _signed_with(key: str, kind: type[Token]) -> type[Token]:
    """The same kind of token under a former key."""
    chosen = api_settings
    backend = TokenBackend(chosen.ALGORITHM, key, audience=chosen.AUDIENCE, issuer=chosen.ISSUER)
    return type(kind.__name__, (kind,), {"_token_backend": backend})


def _refuse_respelt(raw: str) -> None:
    """A token is good in the spelling it was given out in: the decoder passes over spare bits. Raises ``ValueError``."""
    for part in raw.split("."):
        if urlsafe_b64encode(urlsafe_b64decode(part + "=" * (-len(part) % 4))).rstrip(b"=").decode() != part:
            raise ValueError("not the spelling of ours")
