"""The counts behind the indicators about issues, by group: one aggregate query a basis, none that loads its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, F, Model, Q
from django.db.models.functions import TruncDate

from inspections.deadlines import Calendar
from inspections.models import Issue, Segment, Supervision
from reports.arithmetic import median
from reports.figures import Figure, figure
from reports.groups import Sight, path
from reports.measures import BASES, MEASURES, Measure, Window
from reports.periods import SHANGHAI

Key = Any
"""A group as the database knows it: a code, a row id, "" or None for what belongs to no group."""


@dataclass(slots=True)
class Tally:
    """What one group came to for one indicator; tallies of several groups can be added up."""

    numerator: int = 0
    denominator: int | None = None
    parts: dict[str, int] = field(default_factory=dict)
    days: dict[int, int] = field(default_factory=dict)

    def __iadd__(self, other: Tally) -> Tally:
        self.numerator += other.numerator
        if other.denominator is not None:
            self.denominator = (self.denominator or 0) + other.denominator
        for name, count in other.parts.items():
            self.parts[name] = self.parts.get(name, 0) + count
        for day, count in other.days.items():
            self.days[day] = self.days.get(day, 0) + count
        return self

    def figure(self, key: str) -> Figure:
        parts: dict[str, Decimal | int | None] = dict(self.parts)
        if key == "handling_days":
            parts["median"] = median(self.days)
        return figure(key, self.numerator, self.denominator, parts)

    @property
    def empty(self) -> bool:
        return not self.numerator and not self.denominator


Tallies = dict[Key, dict[str, Tally]]


def blank(key: str) -> Tally:
    """Nothing counted: what a group shows for an indicator that has no records."""
    if key == "workload":
        return Tally(parts={"new": 0, "carried": 0})
    if key == "handling_days":
        return Tally(denominator=0)
    measure = MEASURES[key]
    return Tally(0, None if measure.denominator is None else 0, dict.fromkeys(measure.parts, 0))


def of_issues(window: Window, group_by: str, sight: Sight, calendar: Calendar, keys: Iterable[str]) -> Tallies:
    """Tallies by group and indicator, for the indicators about issues among ``keys``."""
    wanted = set(keys)
    found: Tallies = defaultdict(dict)
    measured = {key: measure for key, measure in MEASURES.items() if key in wanted}
    for model in (Issue, Segment, Supervision):
        counts = [
            one for key, measure in measured.items() for one in _counts(key, measure) if _model(one.basis) is model
        ]
        if model is Issue and "workload" in wanted:
            counts += [_Wanted("workload", "new", "new", Q()), _Wanted("workload", "carried", "carried", Q())]
        if counts:
            _count(found, counts, window, group_by, sight)
    if "handling_days" in wanted:
        _count_days(found, window, group_by, sight, calendar)
    return found


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One number to be counted: which part of which indicator, over which basis, under which condition."""

    key: str
    part: str
    basis: str
    condition: Q


def _counts(key: str, measure: Measure) -> Iterable[_Wanted]:
    yield _Wanted(key, "numerator", measure.basis, measure.numerator)
    if measure.denominator is not None:
        yield _Wanted(key, "denominator", measure.basis, measure.denominator)
    for part, condition in measure.parts.items():
        yield _Wanted(key, part, measure.basis, condition)


def _model(basis: str) -> type[Model]:
    return BASES[basis].model


def _count(found: Tallies, counts: list[_Wanted], window: Window, group_by: str, sight: Sight) -> None:
    """All numbers over one table in one pass: it is read once, however many bases look at it."""
    bases = {one.basis: BASES[one.basis] for one in counts}
    basis = next(iter(bases.values()))
    whens = {name: one.when(window) for name, one in bases.items()}
    aggregates = {f"n{index}": Count("pk", filter=whens[one.basis] & one.condition) for index, one in enumerate(counts)}
    rows = (
        basis.model._default_manager.filter(reduce(or_, whens.values()), sight.of_issues(basis.prefix))
        .order_by()
        .values(group=F(path(group_by, basis.prefix)))
        .annotate(**aggregates)
    )
    for row in rows:
        for index, one in enumerate(counts):
            _note(found[row["group"]].setdefault(one.key, blank(one.key)), one.part, row[f"n{index}"])


def _note(tally: Tally, part: str, count: int) -> None:
    if part == "numerator":
        tally.numerator = count
    elif part == "denominator":
        tally.denominator = count
    else:
        tally.parts[part] = count
        if part in ("new", "carried"):
            tally.numerator += count


def _count_days(found: Tallies, window: Window, group_by: str, sight: Sight, calendar: Calendar) -> None:
    """Working days go by pairs of days, of which there are few, so the calendar stays out of the database."""
    basis = BASES["replied"]
    rows = (
        basis.records(window)
        .filter(sight.of_issues(basis.prefix))
        .values_list(
            F(path(group_by, basis.prefix)),
            TruncDate("dispatched_at", tzinfo=SHANGHAI),
            TruncDate("replied_at", tzinfo=SHANGHAI),
            "paused_workdays",
        )
        .annotate(count=Count("pk"))
    )
    for group, dispatched, replied, paused, count in rows:
        days = max(0, calendar.between(dispatched, replied) - paused)
        tally = found[group].setdefault("handling_days", blank("handling_days"))
        tally += Tally(days * count, count, {}, {days: count})
