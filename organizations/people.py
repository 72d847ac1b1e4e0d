"""People: entered, changed, switched off, forgotten. What they may do follows from their assignments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q, QuerySet
from django.utils import timezone

from core.actors import Actor
from core.ids import uuid7
from core.problems import Fault, Invalid, NotFound
from core.texts import EN, ZH, Text
from journal import journal
from organizations import authentication, changes, holdings, passwords, sessions
from organizations.models import Department, Person
from organizations.permissions import Caller, Subject, allowed, live_assignments, permit, reach_of
from organizations.roles import HOLDING_ROLES

FIELDS = ("username", "name", "phone", "email", "department_id", "language")
HIDDEN = frozenset({"phone", "email"})
ERASED = Text("已注销人员", "Erased person")
GIVEN_FOR = timedelta(days=14)
LIMITS = {"username": 64, "name": 50, "phone": 30, "email": 254, "language": 10}


def create(
    values: Mapping[str, Any],
    *,
    password: str | None = None,
    hashed: str | None = None,
    by: Actor,
    at: datetime,
    key: UUID | None = None,
) -> Person:
    """A new person (``values`` of FIELDS). Without a password only an enrollment code lets them in.

    ``hashed`` is a password that was hashed before, as another system's export or the demo world brings it.
    Raises ``Forbidden``, ``Invalid``.
    """
    hashed = hashed or make_password(password)  # slow on purpose, so not while a transaction is open
    with journal.unit(by=by, at=at):
        permit(by, "person.write")
        person = Person(id=key or uuid7(), created_at=at)
        faults = _fill(person, values, new=True)[1]
        if password is not None:
            faults += passwords.faults(password, username=person.username, about=_told(person))
        if faults:
            raise Invalid(errors=faults)
        person.password = hashed
        person.password_changed_at = at if person.has_usable_password() else None
        person.password_expires_at = _expiry(person, by, at) if password is not None else None
        person.save(force_insert=True)
        _record("person.created", person, changes.of_creation(person, FIELDS, HIDDEN))
    return person


def change(key: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> Person:
    """Change the fields given; ``is_active`` false ends all sessions.

    Raises ``NotFound``, ``Invalid``, ``Forbidden``.
    """
    with journal.unit(by=by, at=at):
        person = _locked(key)
        permit(by, "person.write")
        values = dict(values)
        active = values.pop("is_active", person.is_active)
        changed, faults = _fill(person, values, new=False)
        if faults:
            raise Invalid(errors=faults)
        changed |= changes.assign(person, {"is_active": active})
        if changed:
            person.save(update_fields=list(changed))
            _record("person.changed", person, changed)
        if "is_active" in changed:
            if not active:
                sessions.end_all(person.id, reason="disabled", by=by, at=at)
            holdings.settle([person.id], on=timezone.localdate(at))
    return person


def speak(key: UUID, language: str, *, by: Actor, at: datetime) -> Person:
    """Somebody chooses their own language. Raises ``NotFound``, ``Invalid``."""
    with journal.unit(by=by, at=at):
        person = _locked(key)
        permit(by, "person.contact", Subject(owner=person.id))
        changed, faults = _fill(person, {"language": language}, new=False)
        if faults:
            raise Invalid(errors=faults)
        if changed:
            person.save(update_fields=list(changed))
            _record("person.changed", person, changed)
    return person


def set_password(key: UUID, password: str, *, by: Actor, at: datetime) -> Person:
    """The office gives somebody a new password; every session of theirs ends. Raises ``Invalid``, ``NotFound``."""
    hashed = make_password(password)  # slow on purpose, so not while a transaction is open
    with journal.unit(by=by, at=at):
        person = _locked(key)
        permit(by, "person.write")
        return _set_password(person, password, hashed, by=by, at=at)


def sign_out(key: UUID, *, by: Actor, at: datetime) -> None:
    """The office ends every session of somebody, at phones and at the console. Raises ``NotFound``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        person = _locked(key)
        permit(by, "person.write")
        sessions.end_all(person.id, reason="office", by=by, at=at)


def change_password(key: UUID, old: str, new: str, *, by: Actor, at: datetime) -> Person:
    """Somebody changes their own password, knowing the old one; every session ends.

    Raises ``Invalid``, ``LockedOut``.
    """
    known, hashed = authentication.prove(key, old, at=at), make_password(new)
    with journal.unit(by=by, at=at):
        person = _locked(key)
        if by.person != person.id or known is None or person.password != known:
            raise Invalid.at("/old", "wrong", authentication.WRONG)
        if old == new:
            raise Invalid.at("/new", "same", Text("新密码不得与原密码相同", "Must differ from the present password"))
        return _set_password(person, new, hashed, by=by, at=at, pointer="/new")


def _set_password(
    person: Person, password: str, hashed: str, *, by: Actor, at: datetime, pointer: str = "/password"
) -> Person:
    if faults := passwords.faults(password, username=person.username, about=_told(person), pointer=pointer):
        raise Invalid(errors=faults)
    person.password, person.password_changed_at = hashed, at
    person.password_expires_at = _expiry(person, by, at)
    person.save(update_fields=["password", "password_changed_at", "password_expires_at"])
    _record("person.password_changed", person, {"password": [changes.HIDDEN, changes.HIDDEN]})
    sessions.end_all(person.id, reason="password", by=by, at=at)
    return person


def erase(key: UUID, *, by: Actor, at: datetime) -> Person:
    """Forget who somebody is: name, user name, phone, mail and password go; what they did stays under the bare id.

    Assignments end, devices are signed off. Raises ``NotFound``, ``Forbidden``.
    """
    with journal.unit(by=by, at=at):
        person = _locked(key)
        permit(by, "person.write")
        person.username, person.name, person.phone, person.email = f"erased-{person.id.hex}", str(ERASED), "", ""
        person.password, person.is_active, person.totp_secret, person.department = make_password(None), False, "", None
        person.save()
        person.assignments.filter(revoked_at=None).update(revoked_at=at)
        person.devices.update(name="", platform="", revoked_at=at)
        sessions.end_all(person.id, reason="erased", by=by, at=at)
        _record("person.erased", person, {"is_active": [True, False]})
        holdings.settle([person.id], on=timezone.localdate(at))
    return person


def visible(by: Caller) -> QuerySet[Person]:
    """People the caller may know of: themselves, those who share their places or departments, for the office all."""
    if allowed(by, "person.contact"):  # of anybody
        return Person.objects.all()
    reach = reach_of(by, "person.read")
    near = Q(enterprise__in=reach.enterprises) | Q(region__in=reach.regions) | Q(department__in=by.departments)
    near |= Q(region__enterprises__in=reach.enterprises) | Q(enterprise__region__in=reach.regions)
    if reach.everywhere:
        near |= Q(role__in=HOLDING_ROLES)
    colleagues = live_assignments(by.standing.on).filter(near).values("person")
    return Person.objects.filter(Q(pk=by.person) | Q(pk__in=colleagues, is_active=True))


def shows_contact(by: Actor, person: UUID) -> bool:
    """Whether the caller may read phone, mail and user name of this person, beside name and roles."""
    return allowed(by, "person.contact", Subject(owner=person))


def told_of(words: str, *, by: Caller) -> Q:
    """The people whose name holds the words, or whose user name, phone or mail does where the caller may read those."""
    found = Q(name__icontains=words)
    contact = Q(username__icontains=words) | Q(phone__icontains=words) | Q(email__icontains=words)
    return found | (contact if allowed(by, "person.contact") else contact & Q(pk=by.person))


def _expiry(person: Person, by: Actor, at: datetime) -> datetime | None:
    """A password that somebody else gave is good for a while, in which to make it one's own."""
    return None if by.person in (None, person.id) else at + GIVEN_FOR


def _told(person: Person) -> tuple[str, str, str]:
    return person.name, person.phone, person.email.partition("@")[0]


def _locked(key: UUID) -> Person:
    person = Person.objects.select_for_update().filter(pk=key).first()
    if person is None:
        raise NotFound
    return person


def _record(verb: str, person: Person, changed: Mapping[str, Any]) -> None:
    fields = {name.removesuffix("_id"): pair for name, pair in changed.items()}
    journal.record([journal.Change(verb, "people", person.id, fields)])


def _fill(person: Person, values: Mapping[str, Any], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """Put clean values into the row; gives what changed and every fault."""
    faults = [Fault(f"/{name}", "unknown", _UNKNOWN) for name in values if name not in FIELDS]
    clean = {name: value for name, value in values.items() if name in FIELDS}
    for name, limit in LIMITS.items():
        if name in clean and clean[name] is None:
            clean[name] = ""
        if len(clean.get(name, "")) > limit:
            detail = Text("最多 {limit} 个字", "At most {limit} characters").fill(limit=limit)
            faults.append(Fault(f"/{name}", "too-long", detail))
    for name in ("username", "name"):
        if (new or name in clean) and not clean.get(name, "").strip():
            faults.append(Fault(f"/{name}", "required", Text("必填", "Is required")))
    if "username" in clean:
        clean["username"] = Person.normalize_username(clean["username"].strip())
        faults += _username_faults(person, clean["username"])
    if clean.get("email"):
        try:
            validate_email(clean["email"])
        except ValidationError:
            faults.append(Fault("/email", "email", Text("邮箱格式不对", "Is not a mail address")))
    if clean.get("language", ZH) not in (ZH, EN):
        faults.append(Fault("/language", "choice", Text("只能是 zh-Hans 或 en", "Must be zh-Hans or en")))
    if clean.get("department_id") and not Department.objects.filter(pk=clean["department_id"]).exists():
        faults.append(Fault("/department", "unknown", Text("没有这个部门", "There is no such department")))
    return (changes.assign(person, clean, HIDDEN) if not faults else {}), faults


_UNKNOWN = Text("没有这个字段", "There is no such field")


def _username_faults(person: Person, username: str) -> list[Fault]:
    found = []
    field = Person._meta.get_field("username")
    try:
        field.run_validators(username)
    except ValidationError:
        detail = Text("用户名只能含字母、数字和 @ . + - _", "May hold letters, digits and @ . + - _ only")
        found.append(Fault("/username", "username", detail))
    if Person.objects.filter(username=username).exclude(pk=person.pk).exists():
        found.append(Fault("/username", "taken", Text("用户名已被使用", "Is taken")))
    return found
