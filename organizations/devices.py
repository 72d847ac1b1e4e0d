"""Phones bound to people: bound at sign-in, seen, revoked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from core.actors import Actor
from core.ids import uuid7
from core.problems import NotFound
from journal import journal
from organizations import sessions
from organizations.models import Device
from organizations.permissions import Caller, Subject, permit, scope


@dataclass(frozen=True, slots=True)
class Draft:
    """What a phone says of itself; ``hardware`` is the id it gave itself."""

    hardware: UUID
    name: str = ""
    platform: str = ""
    app_version: str = ""


def bind(person: UUID, draft: Draft, *, by: Actor, at: datetime, reinstate: bool = False) -> Device:
    """The binding of this phone to this person, made when there is none.

    A revoked binding stays revoked unless the office lets the phone in again by enrollment (``reinstate``).
    """
    with journal.unit(by=by, at=at):
        key = uuid7() if Device.objects.filter(pk=draft.hardware).exists() else draft.hardware
        device, new = Device.objects.get_or_create(
            hardware=draft.hardware, person_id=person, defaults={"id": key, "bound_at": at, "last_seen_at": at}
        )
        device.name, device.platform, device.app_version = draft.name, draft.platform, draft.app_version
        device.last_seen_at = at
        if reinstate:
            device.enrolled_at = at
        restored = reinstate and device.revoked_at is not None
        if restored:
            device.revoked_at = None
        device.save()
        if new or restored:
            by = replace(by, device=device.id)
            told = {"person": [None, str(person)], "hardware": [None, str(draft.hardware)]}
            verb = "device.bound" if new else "device.reinstated"
            journal.record([journal.Change(verb, "devices", device.id, told, by=by)])
    return device


def revoke(key: UUID, *, by: Actor, at: datetime) -> Device:
    """Sign a phone off for good: its next request of any kind is told to wipe. Raises ``NotFound``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        device = Device.objects.select_for_update().filter(pk=key).first()
        if device is None:
            raise NotFound
        permit(by, "device.revoke", Subject(owner=device.person_id))
        if device.revoked_at is None:
            device.revoked_at = at
            device.save(update_fields=["revoked_at"])
            journal.record(
                [journal.Change("device.revoked", "devices", device.id, {"revoked_at": [None, at.isoformat()]})]
            )
            sessions.end_all(device.person_id, reason="device", by=by, at=at, device=device.id)
    return device


def is_enrolled(person: UUID, hardware: UUID) -> bool:
    """Whether the office itself let this phone of this person in, by a code."""
    return Device.objects.filter(person=person, hardware=hardware, revoked_at=None, enrolled_at__isnull=False).exists()


def pushed(key: UUID, *, at: datetime) -> None:
    """Remember when a phone last handed in its work; whoever revokes it is shown this first."""
    Device.objects.filter(pk=key).update(last_push_at=at, last_seen_at=at)


def visible(by: Caller) -> QuerySet[Device]:
    """The devices that the caller may read."""
    return Device.objects.filter(scope(by, "device.read", enterprise=None, owner="person"))
