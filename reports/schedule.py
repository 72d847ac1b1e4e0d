"""Drafts that make themselves: on the first working day of a month the one before is put out for objections."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.actors import SYSTEM
from inspections import calendar
from reports import snapshots
from reports.models import Scheme, SchemeState, Snapshot
from reports.periods import Period, containing, day_of

GROUPINGS = ("department", "region")
PATIENCE = timedelta(days=10)
"""A worker that was away this long leaves the month to the office."""


def draft_due(*, at: datetime) -> int:
    """Take the drafts of the month before that nobody has taken yet; gives how many. Nothing before the first working day."""
    today = day_of(at)
    period = containing("month", today).previous()
    first = calendar.current().after(period.last, 1)
    if not first <= today <= first + PATIENCE:
        return 0
    made = sum(_draft(period, group_by, None, at) for group_by in GROUPINGS)
    return made + sum(_draft(period, scheme.group_by, scheme, at) for scheme in _in_force())


def _draft(period: Period, group_by: str, scheme: Scheme | None, at: datetime) -> int:
    if Snapshot.objects.filter(period=period.code, group_by=group_by, scheme=scheme).exists():
        return 0
    picture = snapshots.picture(period, group_by, scheme=scheme, at=at)
    if not any(told["numerator"] for told in picture.document["report"]["total"].values()):
        return 0
    snapshots.keep(picture, by=SYSTEM)
    return 1


def _in_force() -> list[Scheme]:
    """The newest published version of every scheme."""
    newest: dict[str, Scheme] = {}
    for scheme in Scheme.objects.filter(state=SchemeState.PUBLISHED).order_by("version"):
        newest[scheme.code] = scheme
    return list(newest.values())
