"""Enrollment: the office shows a QR code, a phone reads it once within minutes and is signed in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from core.actors import Actor
from core.problems import NotFound, Problem
from core.texts import Text
from journal import journal
from organizations import alarms, devices, sessions
from organizations.models import Enrollment, Person
from organizations.permissions import permit

VALID_FOR = timedelta(minutes=15)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
LENGTH = 26  # 128 bits


class EnrollmentRefused(Problem):
    """The code is wrong, used or too old: one answer for all of them."""

    kind = "enrollment-refused"
    status = 401
    title = Text("注册码无效或已过期", "The enrollment code is not valid or has expired")


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the QR code carries; the code itself is shown once and never stored."""

    enrollment: Enrollment
    code: str


def issue(person: UUID, *, by: Actor, at: datetime) -> Invitation:
    """A code that lets this person's phone in. Raises ``Forbidden``, ``NotFound``."""
    with journal.unit(by=by, at=at):
        permit(by, "enrollment.issue")
        if not Person.objects.filter(pk=person, is_active=True).exists():
            raise NotFound
        code = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        enrollment = Enrollment.objects.create(
            person_id=person, digest=_digest(code), issued_by=by.person, issued_at=at, expires_at=at + VALID_FOR
        )
        told = {"person": [None, str(person)], "expires_at": [None, enrollment.expires_at.isoformat()]}
        journal.record([journal.Change("enrollment.issued", "enrollments", enrollment.id, told)])
    return Invitation(enrollment, code)


def redeem(code: str, draft: devices.Draft, *, at: datetime, lifetime: timedelta) -> sessions.Issued:
    """Sign a phone in by its code, once. Raises ``EnrollmentRefused``."""
    found = Enrollment.objects.select_related("person").filter(digest=_digest(code)).first()
    if found is None or not found.person.is_active:
        alarms.note("enrollment.refused", who=found.person_id if found else None, why="unknown")
        raise EnrollmentRefused
    by = Actor(person=found.person_id, language=found.person.language)
    with journal.unit(by=by, at=at):
        fresh = Enrollment.objects.filter(pk=found.pk, used_at=None, expires_at__gt=at, person__is_active=True)
        if not fresh.update(used_at=at):
            alarms.note("enrollment.refused", who=found.person_id, why="used or old")
            raise EnrollmentRefused
        journal.record(
            [journal.Change("enrollment.used", "enrollments", found.id, {"used_at": [None, at.isoformat()]})]
        )
        alarms.note("sign-in.accepted", who=found.person_id, door="phone", factors=["enrollment"])
        device = devices.bind(found.person_id, draft, by=by, at=at, reinstate=True)
        return sessions.begin(found.person, device, at=at, lifetime=lifetime)


def _digest(code: str) -> str:
    return sha256("".join(code.upper().split()).encode()).hexdigest()
