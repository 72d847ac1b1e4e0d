"""What the worker does, on one page: each chore, how often, and the verb of the room that does it.

A chore is taken by compare-and-set on its row, so any number of workers may run: one does it, the others go on. Every
verb here may be stopped at any point and called again; after a week's stop it catches up once, not seven times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from django.db import DatabaseError
from django.db.models import Q
from django.utils import timezone

from api.views import forget_answers
from config import post
from config.models import Chore
from core.tracing import named
from inspections import copies, escalation, photographs
from journal import upkeep
from media import chain, orphans, renditions, scrub, uploads
from notifications import deliveries, digest, outbox
from organizations import assignments, consoles, lockouts, sessions
from privacy import retention
from reports import commissions, schedule

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=10)
SILENCE = timedelta(minutes=3)
SCRUBBED_AT_ONCE = 100
"""Originals read back in one go: a day's worth is as many as a disk can bear, and the walk goes on where it stopped."""


@dataclass(frozen=True, slots=True)
class Duty:
    """One line of the page. ``work`` gives how many things it did; as long as that is not zero it is called again at once."""

    name: str
    every: timedelta
    work: Callable[[datetime], int]


def _develop(at: datetime) -> int:
    return renditions.make_due(at=at, circumstances=photographs.circumstances)


def _settle_assignments(at: datetime) -> int:
    assignments.settle(at=at)
    return 0


def _sweep_issues(at: datetime) -> int:
    escalation.sweep(at=at)
    return 0


def _mend(at: datetime) -> int:
    return copies.mend(since=at - timedelta(days=7))


def _scrub(at: datetime) -> int:
    scrub.scrub(at=at, limit=SCRUBBED_AT_ONCE, before=at - timedelta(days=1))
    return 0


def _collect(at: datetime) -> int:
    orphans.collect(at=at)
    return 0


def _sign(at: datetime) -> int:
    chain.sign_due(at=at)
    return 0


DUTIES: Sequence[Duty] = (
    Duty("develop-photos", timedelta(seconds=2), _develop),
    Duty("tell", timedelta(seconds=5), lambda at: outbox.read(at=at)),
    Duty("deliver", timedelta(seconds=5), lambda at: deliveries.deliver(at=at)),
    Duty("send-digest", timedelta(minutes=5), lambda at: digest.send(at=at)),
    Duty("escalate-issues", timedelta(minutes=5), _sweep_issues),
    Duty("make-reports", timedelta(seconds=2), lambda at: commissions.make_due(at=at)),
    Duty("mail-reports", timedelta(minutes=5), lambda at: post.send_reports(at=at)),
    Duty("forget-reports", timedelta(hours=6), lambda at: commissions.sweep(at=at)),
    Duty("draft-reports", timedelta(hours=1), lambda at: schedule.draft_due(at=at)),
    Duty("expire-uploads", timedelta(minutes=1), lambda at: uploads.sweep(at=at)),
    Duty("settle-assignments", timedelta(minutes=30), _settle_assignments),
    Duty("sign-photo-chain", timedelta(hours=1), _sign),
    Duty("forget-deliveries", timedelta(days=1), lambda at: deliveries.sweep(at=at)),
    Duty("forget-lockouts", timedelta(hours=1), lambda at: lockouts.sweep(at=at)),
    Duty("forget-sessions", timedelta(hours=6), lambda at: sessions.sweep(at=at) + consoles.sweep(at=at)),
    Duty("forget-deletions", timedelta(days=1), lambda at: upkeep.purge(before=at - upkeep.TOMBSTONES_KEPT)),
    Duty("keep-retention", timedelta(days=1), lambda at: retention.keep(at=at)),
    Duty("forget-answers", timedelta(hours=6), lambda at: forget_answers(at=at)),
    Duty("scrub-photos", timedelta(minutes=5), _scrub),
    Duty("collect-orphans", timedelta(days=1), _collect),
    Duty("mend-copies", timedelta(days=1), _mend),
)


def are_being_done() -> bool:
    """Whether some worker has finished a chore in the last minutes."""
    return Chore.objects.filter(done_at__gt=timezone.now() - SILENCE).exists()


def round_of(duties: Sequence[Duty], *, now: Callable[[], datetime]) -> int:
    """Do whatever is due once; gives how many things were done."""
    return sum(_do(duty, now) for duty in duties if _take(duty, now()))


def _take(duty: Duty, at: datetime) -> bool:
    """Claim the chore if it is due and nobody holds it."""
    free = Q(leased_until=None) | Q(leased_until__lt=at)
    if Chore.objects.filter(free, name=duty.name, due_at__lte=at).update(leased_until=at + LEASE):
        return True
    if Chore.objects.filter(name=duty.name).exists():
        return False
    Chore.objects.bulk_create([Chore(name=duty.name, due_at=at)], ignore_conflicts=True)
    return bool(Chore.objects.filter(free, name=duty.name, due_at__lte=at).update(leased_until=at + LEASE))


def _do(duty: Duty, now: Callable[[], datetime]) -> int:
    with named(f"{duty.name}-{token_hex(4)}"):  # all lines of one run belong together
        return _do_named(duty, now)


def _do_named(duty: Duty, now: Callable[[], datetime]) -> int:
    done, failure = 0, ""
    try:
        while more := duty.work(now()):
            done += more
    except DatabaseError:
        raise
    except Exception as error:  # one broken chore must not stop the others; it is tried again when it is next due
        log.exception("chore %s failed", duty.name)
        failure = f"{type(error).__name__}: {error}"[:500]
    at = now()
    Chore.objects.filter(name=duty.name).update(leased_until=None, due_at=at + duty.every, done_at=at, failure=failure)
    return done
