"""Forgetting who somebody was, everywhere, while what they did stays accounted for under a bare id."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.actors import Actor
from journal import journal, redaction
from notifications.models import Delivery, Message
from organizations import people
from organizations.models import Device, Enrollment, Person
from surveys.models import CollectKey

MARK = "erased-"
"""What the user names of erased people begin with."""
FIELDS = ("username", "name", "phone", "email")


def erase(key: UUID, *, by: Actor, at: datetime) -> Person:
    """The person's identity goes from the tables and is masked in the audit trail. Raises ``NotFound``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        person = people.erase(key, by=by, at=at)
        Device.objects.filter(person=key).update(app_version="")
        Enrollment.objects.filter(person=key).delete()
        CollectKey.objects.filter(person=key).delete()
        Message.objects.filter(person=key).delete()
        Delivery.objects.filter(person=key).delete()
        redaction.redact([("people", key)], FIELDS)
    return person
