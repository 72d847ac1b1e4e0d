"""The counts behind the indicators about issues, by group: one aggregate query a basis, none that loads its rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate

from inspections.deadlines import Calendar
from reports.arithmetic import median
from reports.figures import Figure, figure
from reports.groups import Sight, path
from reports.measures import BASES, MEASURES, Window
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
    for name in BASES:
        measured = [key for key, measure in MEASURES.items() if measure.basis == name and key in wanted]
        if measured:
            _count(found, name, measured, window, group_by, sight)
    if "workload" in wanted:
        _count_workload(found, window, group_by, sight)
    if "handling_days" in wanted:
        _count_days(found, window, group_by, sight, calendar)
    return found


def _count(found: Tallies, name: str, keys: list[str], window: Window, group_by: str, sight: Sight) -> None:
    conditions: dict[str, Q] = {}
    for key in keys:
        measure = MEASURES[key]
        conditions[f"{key}__n"] = measure.numerator
        if measure.denominator is not None:
            conditions[f"{key}__d"] = measure.denominator
        conditions |= {f"{key}__p__{part}": condition for part, condition in measure.parts.items()}
    for row in _grouped(name, window, group_by, sight, conditions):
        for key in keys:
            measure = MEASURES[key]
            denominator = None if measure.denominator is None else row[f"{key}__d"]
            parts = {part: row[f"{key}__p__{part}"] for part in measure.parts}
            found[row["group"]][key] = Tally(row[f"{key}__n"], denominator, parts)


def _grouped(
    name: str, window: Window, group_by: str, sight: Sight, conditions: Mapping[str, Q]
) -> Iterable[dict[str, Any]]:
    basis = BASES[name]
    counts = {
        alias.replace("__", "_x_"): Count("pk", filter=condition) if condition else Count("pk")
        for alias, condition in conditions.items()
    }
    rows = (
        basis.records(window)
        .filter(sight.of_issues(basis.prefix))
        .values(group=F(path(group_by, basis.prefix)))
        .annotate(**counts)
    )
    for row in rows:
        yield {alias.replace("_x_", "__"): value for alias, value in row.items()}


def _count_workload(found: Tallies, window: Window, group_by: str, sight: Sight) -> None:
    for name in ("new", "carried"):
        for row in _grouped(name, window, group_by, sight, {"all": Q()}):
            tally = found[row["group"]].setdefault("workload", blank("workload"))
            tally.numerator += row["all"]
            tally.parts[name] = row["all"]


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
