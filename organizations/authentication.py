"""Who is at the door: a user name and a password, judged so that neither text nor time says who exists."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import cache
from secrets import token_urlsafe
from uuid import UUID

from django.contrib.auth.hashers import check_password, get_hasher, identify_hasher, make_password

from core.actors import Actor
from core.problems import Invalid, Problem
from core.texts import Text
from journal import journal
from organizations import alarms, devices, lockouts, sessions, totp
from organizations.models import Device, Person

WRONG = Text("原密码不对", "The present password is wrong")


class PasswordExpired(Problem):
    """The password is right, but the office gave it long ago and it was never made the person's own."""

    kind = "password-expired"
    status = 401
    title = Text(
        "初始密码已过期,请联系产改办重新发放", "The password you were given has expired; ask the office for another"
    )


class EnrollFirst(Problem):
    """The password is right, but this installation takes passwords only at phones that the office has let in."""

    kind = "enroll-first"
    status = 401
    title = Text("请先用产改办的注册码绑定本手机", "Enroll this phone first, with a code of the office")


class SignInRefused(Problem):
    """User name or password is wrong, or the account is off: one answer for all of them."""

    kind = "sign-in-refused"
    status = 401
    title = Text("用户名或密码不正确", "The user name or the password is wrong")


def sign_in(
    username: str,
    password: str,
    draft: devices.Draft,
    *,
    at: datetime,
    lifetime: timedelta,
    code: str = "",
    enrolled_only: bool = False,
) -> sessions.Issued:
    """Password in, session out; whoever has a second factor gives its ``code`` too, at this door as at the console's.

    With ``enrolled_only`` a password is good at phones alone that were enrolled by a code. Raises ``SignInRefused``,
    ``LockedOut``, ``DeviceRevoked``, ``PasswordExpired``, ``EnrollFirst``, ``Invalid`` for the code.
    """
    username = Person.normalize_username(username)
    person = authenticate(username, password, hardware=draft.hardware, at=at, code=code)
    if enrolled_only and not devices.is_enrolled(person.id, draft.hardware):
        alarms.note("sign-in.refused", who=person.id, door="phone", why="not enrolled")
        raise EnrollFirst
    by = Actor(person=person.id, language=person.language)
    with journal.unit(by=by, at=at):
        now = Person.objects.select_for_update().filter(pk=person.pk, is_active=True).first()
        if now is None or now.password != person.password:  # while the password was looked at, which is slow
            raise SignInRefused
        device = devices.bind(person.id, draft, by=by, at=at)
        if device.revoked_at is None:
            return sessions.begin(person, device, at=at, lifetime=lifetime)
    raise sessions.DeviceRevoked


def authenticate(username: str, password: str, *, hardware: UUID | None, at: datetime, code: str = "") -> Person:
    """The active person with this password. Takes as long for a name that nobody has.

    Whoever has turned the second factor on must give its ``code``; a wrong or missing one counts as a failure like a wrong
    password. Raises ``SignInRefused``, ``LockedOut``, ``PasswordExpired``, ``Invalid`` for the code.
    """
    person = Person.objects.filter(username=username).first()
    known = person is not None and hardware is not None and _is_bound(person, hardware)
    counted = lockouts.key(username, hardware if known else None)
    told = {"who": person.id if person else username, "door": "console" if hardware is None else "phone"}
    try:
        lockouts.charge(counted, at=at)
    except lockouts.LockedOut:
        alarms.note("sign-in.locked", **told)
        raise
    right = check_password(password, person.password if person and person.has_usable_password() else _nobody())
    if not right or person is None or not person.is_active or not person.has_usable_password():
        alarms.note("sign-in.refused", why="password", **told)
        _failed(counted, person, at=at)
        raise SignInRefused
    if person.totp_secret and not totp.spend(person, code, at=at):
        alarms.note("sign-in.refused", why="code", **told)
        _failed(counted, person, at=at)
        raise Invalid.at("/code", "wrong" if code else "required", totp.WRONG if code else totp.NEEDED)
    lockouts.clear(counted)
    if person.password_expires_at is not None and person.password_expires_at <= at:
        alarms.note("sign-in.refused", why="expired", **told)
        raise PasswordExpired
    _renew_hash(person, password)
    alarms.note("sign-in.accepted", factors=["password", *(["code"] if person.totp_secret else [])], **told)
    return person


def prove(person: UUID, password: str, *, at: datetime) -> str | None:
    """Somebody signed in shows their password once more: its hash if it is right, None if not.

    Whoever has the phone but not the password guesses no oftener here than at the door. Raises ``LockedOut``.
    """
    counted = lockouts.key(f"password of {person}")
    lockouts.charge(counted, at=at)
    known = Person.objects.filter(pk=person).values_list("password", flat=True).first()
    if known is None or not check_password(password, known):
        alarms.note("password.refused", who=person)
        return None
    lockouts.clear(counted)
    return known


def sign_out(
    person: UUID, password: str, chosen: Collection[UUID] | None, *, keep: UUID | None, by: Actor, at: datetime
) -> None:
    """Somebody ends sessions of their own, those chosen or all but ``keep``, and shows their password for it.

    Raises ``Invalid``, ``LockedOut``, ``NotFound``.
    """
    if prove(person, password, at=at) is None:
        raise Invalid.at("/password", "wrong", WRONG)
    if chosen is None:
        sessions.end_all(person, reason="chosen", by=by, at=at, keep=keep)
    else:
        sessions.end_chosen(person, chosen, by=by, at=at)


def _renew_hash(person: Person, password: str) -> None:
    """Keep the password as one would today, if it was hashed by a former way or with former costs."""
    known, wanted = identify_hasher(person.password), get_hasher()
    if known.algorithm == wanted.algorithm and not wanted.must_update(person.password):
        return
    hashed = make_password(password)
    if Person.objects.filter(pk=person.pk, password=person.password).update(password=hashed):
        person.password = hashed


def _failed(counted: str, person: Person | None, *, at: datetime) -> None:
    with journal.unit(by=Actor(person=person.id if person else None), at=at):
        lockouts.failed(counted)


def _is_bound(person: Person, hardware: UUID) -> bool:
    return Device.objects.filter(person=person, hardware=hardware, revoked_at=None).exists()


@cache
def _nobody() -> str:
    """A hash that no password fits, made once, as slow to check as a real one."""
    return make_password(token_urlsafe(32))
