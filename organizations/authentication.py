"""Who is at the door: a user name and a password, judged so that neither text nor time says who exists."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from secrets import token_urlsafe
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password

from core.actors import Actor
from core.problems import Invalid, Problem
from core.texts import Text
from journal import journal
from organizations import devices, lockouts, sessions, totp
from organizations.models import Device, Person


class SignInRefused(Problem):
    """User name or password is wrong, or the account is off: one answer for all of them."""

    kind = "sign-in-refused"
    status = 401
    title = Text("用户名或密码不正确", "The user name or the password is wrong")


def sign_in(
    username: str, password: str, draft: devices.Draft, *, at: datetime, lifetime: timedelta
) -> sessions.Issued:
    """Password in, session out. Raises ``SignInRefused``, ``LockedOut``, ``DeviceRevoked``."""
    username = Person.normalize_username(username)
    person = authenticate(username, password, hardware=draft.hardware, at=at)
    by = Actor(person=person.id, language=person.language)
    with journal.unit(by=by, at=at):
        now = Person.objects.select_for_update().filter(pk=person.pk, is_active=True).first()
        if now is None or now.password != person.password:  # while the password was looked at, which is slow
            raise SignInRefused
        device = devices.bind(person.id, draft, by=by, at=at)
        if device.revoked_at is None:
            return sessions.begin(person, device, at=at, lifetime=lifetime)
    raise sessions.DeviceRevoked


def authenticate(
    username: str, password: str, *, hardware: UUID | None, at: datetime, code: str | None = None
) -> Person:
    """The active person with this password. Takes as long for a name that nobody has.

    Where a ``code`` is asked for (text, even if empty), whoever has turned the second factor on must give it, and a wrong
    one counts as a failure like a wrong password. Raises ``SignInRefused``, ``LockedOut``, ``Invalid`` for the code.
    """
    person = Person.objects.filter(username=username).first()
    known = person is not None and hardware is not None and _is_bound(person, hardware)
    counted = lockouts.key(username, hardware if known else None)
    lockouts.charge(counted, at=at)
    right = check_password(password, person.password if person and person.has_usable_password() else _nobody())
    if not right or person is None or not person.is_active or not person.has_usable_password():
        _failed(counted, person, at=at)
        raise SignInRefused
    if code is not None and person.totp_secret and not totp.spend(person, code, at=at):
        _failed(counted, person, at=at)
        raise Invalid.at("/code", "wrong", totp.WRONG)
    lockouts.clear(counted)
    return person


def _failed(counted: str, person: Person | None, *, at: datetime) -> None:
    with journal.unit(by=Actor(person=person.id if person else None), at=at):
        lockouts.failed(counted)


def _is_bound(person: Person, hardware: UUID) -> bool:
    return Device.objects.filter(person=person, hardware=hardware, revoked_at=None).exists()


@cache
def _nobody() -> str:
    """A hash that no password fits, made once, as slow to check as a real one."""
    return make_password(token_urlsafe(32))
