"""A person's inbox."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from core.actors import Actor
from inspections import tables
from journal import journal
from notifications.models import Message
from notifications.outbox import told


def of(by: Actor) -> QuerySet[Message]:
    """The messages of a caller; nobody reads another's."""
    return Message.objects.filter(person=by.person)


def read(ids: Collection[UUID] | None, *, by: Actor, at: datetime) -> int:
    """Mark messages of one's own as read (None: all of them); gives how many were unread."""
    with journal.unit(by=by, at=at):
        unread = of(by).filter(read_at=None).select_for_update()
        found = list(unread if ids is None else unread.filter(pk__in=ids))
        for message in found:
            message.read_at = at
        tables.put(found)
        journal.record([told(message, "message.read") for message in found])
        return len(found)
