"""Sessions at the console: one row for each sign-in, so that they can be seen, ended from elsewhere, and end by themselves.

The browser's cookie names a session of the framework; that names the row here. A request counts only while the row is open,
so ending it works at the next one, whatever the cookie still says.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from core.actors import Actor
from journal import journal
from organizations.models import ConsoleSession

IDLE: Final = timedelta(minutes=30)
"""Silence after which a session is over (``domain.md`` §6); the cookie's age says the same."""
LONGEST: Final = timedelta(hours=12)
"""How long a session lasts however busy it is: a working day, then password and code again."""
NOTED_EVERY: Final = timedelta(minutes=1)


def begin(person: UUID, *, by: Actor, at: datetime) -> ConsoleSession:
    """Somebody has signed in with all that was asked of them."""
    with journal.unit(by=by, at=at):
        row = ConsoleSession.objects.create(person_id=person, started_at=at, seen_at=at)
        journal.record([journal.Change("console.entered", "people", person, {"session": [None, str(row.pk)]})])
    return row


def is_live(key: UUID, person: UUID, *, at: datetime) -> bool:
    """Whether this session of this person is still good; notes now and then that it was used."""
    row = live(person, at=at).filter(pk=key).first()
    if row is not None and at - row.seen_at >= NOTED_EVERY:
        ConsoleSession.objects.filter(pk=key).update(seen_at=at)
    return row is not None


def live(person: UUID, *, at: datetime) -> QuerySet[ConsoleSession]:
    """The person's sessions that are good right now."""
    return ConsoleSession.objects.filter(
        person=person, ended_at=None, started_at__gt=at - LONGEST, seen_at__gt=at - IDLE
    )


def end(keys: Collection[UUID], *, reason: str, by: Actor, at: datetime) -> None:
    """End these sessions; ending an ended one does nothing."""
    with journal.unit(by=by, at=at):
        ended = list(ConsoleSession.objects.filter(pk__in=keys, ended_at=None).values_list("pk", "person"))
        ConsoleSession.objects.filter(pk__in=[key for key, _ in ended]).update(ended_at=at, reason=reason)
        journal.record(
            [
                journal.Change(
                    "console.left", "people", person, {"session": [str(key), None], "reason": [None, reason]}
                )
                for key, person in ended
            ]
        )


def end_all(person: UUID, *, reason: str, by: Actor, at: datetime, keep: UUID | None = None) -> None:
    """End every session of a person but ``keep``."""
    open_now = set(live(person, at=at).values_list("pk", flat=True))
    end(open_now - {keep}, reason=reason, by=by, at=at)


def sweep(*, at: datetime, kept: timedelta = timedelta(days=30)) -> int:
    """Forget sessions that were over long ago; gives how many rows went."""
    return ConsoleSession.objects.filter(started_at__lt=at - kept - LONGEST).delete()[0]
