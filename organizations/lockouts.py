"""Slowing down guessers without shutting out owners.

Failures are counted for a user name as such and, apart from that, for each device already bound to that person.
A stranger who fails five times locks the name for strangers; the owner's own phone has a count of its own and
still gets in. An attempt is counted before the password is looked at, so that guesses made in parallel do not slip
through. Names that nobody has are counted alike, so the answer says nothing about who exists.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from core.ids import stable
from core.problems import Problem
from core.texts import Text
from journal import journal
from organizations.models import Lockout

FAILURES = 5
LOCKED_FOR = timedelta(minutes=30)


class LockedOut(Problem):
    """Too many failures; ``retry_after`` says in how many seconds to come again."""

    kind = "locked-out"
    status = 429
    title = Text("登录失败次数过多，请稍后再试", "Too many failed sign-ins, please try later")


def key(username: str, device: UUID | None = None) -> str:
    """What failures are counted under; ``device`` is given for a device bound to that person only."""
    return sha256(f"{username.casefold()}\0{device or ''}".encode()).hexdigest()


def charge(counted: str, *, at: datetime) -> None:
    """Count an attempt that may fail. Raises ``LockedOut`` while locked; the fifth in half an hour locks."""
    with transaction.atomic():
        Lockout.objects.bulk_create([Lockout(key=counted, last_at=at)], ignore_conflicts=True)
        row = Lockout.objects.select_for_update().get(pk=counted)
        refused = row.locked_until is not None and row.locked_until > at
        if not refused:
            if row.last_at <= at - LOCKED_FOR or row.locked_until is not None:
                row.failures = 0
            row.failures, row.last_at, row.locked_until = row.failures + 1, at, None
            if row.failures >= FAILURES:
                row.locked_until = at + LOCKED_FOR
            row.save()
    if refused and row.locked_until is not None:
        raise LockedOut(retry_after=max(1, int((row.locked_until - at).total_seconds())))


def clear(counted: str) -> None:
    """The attempt was right after all."""
    Lockout.objects.filter(pk=counted).delete()


def failed(counted: str) -> None:
    """Tell the audit trail when a failure has locked the key. Runs inside a unit."""
    row = Lockout.objects.filter(pk=counted, failures=FAILURES).first()
    if row is not None:
        journal.record(
            [
                journal.Change(
                    "session.locked_out", "lockouts", stable("lockouts", counted), {"failures": [None, FAILURES]}
                )
            ]
        )


def sweep(*, at: datetime) -> int:
    """Drop counts that no longer matter; gives how many."""
    return Lockout.objects.filter(last_at__lt=at - 2 * LOCKED_FOR).delete()[0]
