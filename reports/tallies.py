"""The counts behind the indicators about issues, by group: each table is read once, and no row of it is loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from operator import add, or_
from typing import Any

from django.db.models import Case, Count, F, IntegerField, Q, Value, When
from django.db.models.expressions import Combinable

from inspections.deadlines import Calendar
from inspections.models import Issue, Segment, Supervision
from reports.arithmetic import median
from reports.expressions import Element, day_number, workdays_until
from reports.figures import Figure, figure
from reports.groups import Sight, path, within
from reports.measures import ALL, BASES, MEASURES, Measure, Window
from reports.periods import day_of

REPLIED = "replied"
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
    for model in (Issue, Segment, Supervision):
        counts = [
            one
            for key, measure in MEASURES.items()
            if key in wanted and BASES[measure.basis].model is model
            for one in _counts(key, measure)
        ]
        if model is Issue and "workload" in wanted:
            counts += [_Wanted("workload", "new", "new", ALL), _Wanted("workload", "carried", "carried", ALL)]
        if model is Issue and "handling_days" in wanted:
            counts.append(_Wanted("handling_days", "days", REPLIED, ALL))
        if counts:
            _count(found, counts, window, group_by, sight, calendar)
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


class _Facts:
    """What is asked of one record, as the bits of a number: a bit for each basis and for each condition on one.

    Each is looked at once however many indicators rest on it, and records that answer alike are counted together.
    """

    def __init__(self, counts: Sequence[_Wanted], window: Window) -> None:
        self.counts = counts
        self.known: dict[int, list[_Wanted]] = {}
        self.bits: dict[tuple[str, Q], int] = {}
        for one in counts:
            for fact in ((one.basis, ALL), (one.basis, one.condition)):
                self.bits.setdefault(fact, 1 << len(self.bits))
        self.whens = {basis: BASES[basis].when(window) for basis, _ in self.bits}

    def counted(self, row: int) -> list[_Wanted]:
        """The numbers that a record with these bits counts for; there are few sorts of records, so each is asked once."""
        if row not in self.known:
            self.known[row] = [
                one
                for one in self.counts
                if row & self.bits[one.basis, ALL] and row & self.bits[one.basis, one.condition]
            ]
        return self.known[row]

    @property
    def any(self) -> Q:
        """The condition on records that answer anything at all."""
        return reduce(or_, self.whens.values())

    @property
    def number(self) -> Combinable:
        return reduce(add, (self._of_basis(basis) for basis in self.whens))

    def _of_basis(self, basis: str) -> Case:
        """The bits of a basis; its conditions are only looked at where it holds."""
        held: Combinable = Value(self.bits[basis, ALL])
        for (other, condition), bit in self.bits.items():
            if other == basis and condition != ALL:
                held = held + _yes(condition, Value(bit))
        return _yes(self.whens[basis], held)


def _yes(condition: Q, then: Combinable) -> Case:
    return Case(When(condition, then=then), default=Value(0), output_field=IntegerField())


def _count(
    found: Tallies, counts: list[_Wanted], window: Window, group_by: str, sight: Sight, calendar: Calendar
) -> None:
    """All numbers over one table in one pass: it is read once, however many bases look at it."""
    facts = _Facts(counts, window)
    basis = BASES[counts[0].basis]
    days = _days(window, calendar) if REPLIED in facts.whens else Value(None, output_field=IntegerField())
    rows = (
        basis.model._default_manager.filter(facts.any, within(sight, group_by).of_issues(basis.prefix))
        .order_by()
        .values_list(F(path(group_by, basis.prefix, basis.own)), facts.number, days)
        .annotate(count=Count("pk"))
    )
    seen: dict[Key, dict[int, dict[int, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    for group, bits, spent, count in rows:
        seen[group][bits][max(0, spent or 0)] += count
    for group, sorts in seen.items():
        mine = found[group]
        for bits, told in sorts.items():
            for one in facts.counted(bits):
                if one.key not in mine:
                    mine[one.key] = blank(one.key)
                _note(mine[one.key], one.part, told)


def _note(tally: Tally, part: str, told: dict[int, int]) -> None:
    """Records that answer alike, counted by the working days that were spent on them."""
    count = sum(told.values())
    if part == "days":
        tally += Tally(sum(day * times for day, times in told.items()), count, {}, told)
    elif part == "numerator":
        tally.numerator += count
    elif part == "denominator":
        tally.denominator = (tally.denominator or 0) + count
    else:
        tally.parts[part] += count
        if part in ("new", "carried"):
            tally.numerator += count


def _days(window: Window, calendar: Calendar) -> Case:
    """Working days from dispatch to reply less pauses; the calendar goes along as one list."""
    until = workdays_until(calendar, min(window.period.last, day_of(window.at)))
    spent = Element(day_number("replied_at"), of=until) - Element(day_number("dispatched_at"), of=until)
    return Case(
        When(BASES[REPLIED].when(window), then=spent - F("paused_workdays")), default=None, output_field=IntegerField()
    )
