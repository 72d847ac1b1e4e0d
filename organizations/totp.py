"""Time-based one-time passwords (RFC 6238: SHA-1, six digits, thirty seconds), the second factor of the console.

What the database keeps is a random seed; the secret is derived from it with the server's key, so a stolen
database alone opens nothing.
"""

from __future__ import annotations

import base64
import hmac
import struct
from datetime import datetime
from itertools import product
from secrets import compare_digest, token_hex
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac

from core.actors import Actor
from core.problems import Invalid
from core.texts import Text
from journal import journal
from organizations import sessions
from organizations.models import Person
from organizations.permissions import permit

STEP_SECONDS = 30
ISSUER = "三员通"
WRONG = Text("动态验证码不正确", "The one-time password is wrong")
NEEDED = Text("请输入动态验证码", "Give the one-time password of your authenticator app")


def code(secret: bytes, step: int) -> str:
    """The six digits of one step."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    start = digest[-1] & 0x0F
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def new_seed() -> str:
    return token_hex(20)


def secret(seed: str, key: str | None = None) -> bytes:
    """The twenty bytes that the authenticator app keeps; made with the server's key unless a former one is given."""
    return salted_hmac("organizations.totp", seed, secret=key, algorithm="sha256").digest()[:20]


def address(seed: str, username: str) -> str:
    """What the QR code carries to an authenticator app."""
    shown = base64.b32encode(secret(seed)).decode()
    label = quote(f"{ISSUER}:{username}")
    return f"otpauth://totp/{label}?{urlencode({'secret': shown, 'issuer': ISSUER})}"


def spend(person: Person, given: str, *, at: datetime) -> bool:
    """Whether the code is right now (a step to either side is allowed) and was not used before; it is used up by this."""
    now = step_of(at)
    known = [secret(person.totp_secret, key) for key in (None, *settings.SECRET_KEY_FALLBACKS)]
    for one, step in product(known, (now - 1, now, now + 1)):
        if compare_digest(code(one, step).encode(), given.encode()):
            rows = Person.objects.filter(pk=person.pk, totp_step__lt=step)
            return bool(rows.update(totp_step=step))
    return False


def enable(key: UUID, seed: str, given: str, *, by: Actor, at: datetime, keep: UUID | None = None) -> None:
    """Turn the second factor on, once the app shows a right code; every session but ``keep`` ends. Raises ``Invalid``."""
    step = step_of(at)
    if given not in {code(secret(seed), step + near) for near in (-1, 0, 1)}:
        raise Invalid.at("/code", "wrong", WRONG)
    with journal.unit(by=by, at=at):
        Person.objects.filter(pk=key).update(totp_secret=seed, totp_step=step)
        journal.record([journal.Change("person.second_factor_enabled", "people", key, {})])
        sessions.end_all(key, reason="second factor", by=by, at=at, keep=keep)


def disable(key: UUID, *, by: Actor, at: datetime) -> None:
    """Turn it off, as the office does for somebody who lost their phone; their sessions end. Raises ``Forbidden``."""
    with journal.unit(by=by, at=at):
        permit(by, "person.write")
        Person.objects.filter(pk=key).update(totp_secret="", totp_step=0)
        journal.record([journal.Change("person.second_factor_disabled", "people", key, {})])
        sessions.end_all(key, reason="second factor", by=by, at=at)
