"""How the indicators about visits are counted.

Visits are counted in the database down to pairs of member and enterprise, of which there are as many as duties and
not as many as visits; every grouping is a property of one of the two, so all rows and the total come from one count.
Who was at a valid visit is written down when it becomes one (``surveys.attendance``); a pair has at most one a day.
A joint visit counts once for the enterprise and once for each who took part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery

from inspections.models import Visit
from organizations.models import Assignment, Enterprise
from organizations.roles import FIELD_ROLES
from reports.cadences import Block, Cadence, blocks, shipped
from reports.expressions import Bit, Bucket, DaySet, day_number, mask
from reports.groups import Sight
from reports.measures import Window
from reports.models import CadenceRow
from reports.periods import Period, day_of, midnight
from reports.tallies import Tallies, Tally
from surveys.models import Attendance

KEYS = ("visit_coverage", "visit_completion", "visits_per_member")
SHORT = 45
"""Days up to which a second connection would not pay."""
Pairs = Mapping[tuple[UUID, UUID], int]
"""Days with a valid visit, by (member, enterprise)."""


@dataclass(frozen=True, slots=True)
class Place:
    """An enterprise, as far as grouping goes."""

    id: UUID
    region: UUID
    park: str
    pilot_tier: str
    designation_level: str
    active: bool

    @property
    def is_pilot(self) -> bool:
        return self.active and bool(self.pilot_tier)


@dataclass(frozen=True, slots=True)
class Duty:
    """A field member's assignment to some enterprises on some days; ``places`` are those it covers.

    ``last`` is the last day that was served to its end: the day of a revocation is not.
    """

    id: UUID
    person: UUID
    role: str
    first: date
    last: date | None
    places: tuple[UUID, ...]

    def owes(self, block: Block) -> bool:
        """Whether the member is on duty when the block's visits fall due."""
        return self.first <= block.last and (self.last is None or self.last >= block.last)


@dataclass(frozen=True, slots=True)
class Ground:
    """Who had to visit whom, as far as the caller may know."""

    places: Mapping[UUID, Place]
    duties: tuple[Duty, ...]
    sight: Sight


def survey(window: Window, sight: Sight) -> Ground:
    """Enterprises and the duties that touch the period."""
    columns = ("id", "region_id", "industrial_park", "pilot_tier", "designation_level", "active")
    places = {row[0]: Place(*row) for row in Enterprise.objects.order_by().values_list(*columns)}
    of_region: dict[UUID, list[UUID]] = defaultdict(list)
    for place in places.values():
        if place.is_pilot:
            of_region[place.region].append(place.id)
    duties: list[Duty] = []
    known = ("id", "person_id", "role", "starts_on", "ends_on", "revoked_at", "enterprise_id", "region_id")
    rows = held(window.period, FIELD_ROLES).filter(person__is_active=True).order_by("id")
    for pk, person, role, first, ends, revoked, enterprise, region in rows.values_list(*known):
        covered = [enterprise] if enterprise else of_region.get(region, []) if region else []
        seen = [one for one in covered if sight.sees_pair(person, places[one].region)]
        if seen or (not covered and (sight.everything or sight.person == person)):
            last = until(ends, revoked and day_of(revoked) - timedelta(days=1))
            duties.append(Duty(pk, person, role, first, last, tuple(seen)))
    return Ground(places, tuple(duties), sight)


def held(period: Period, roles: Iterable[str]) -> QuerySet[Assignment]:
    """The assignments in some roles that stood on some day of the period, also those that were revoked in it or since."""
    return Assignment.objects.filter(
        Q(ends_on=None) | Q(ends_on__gte=period.first),
        Q(revoked_at=None) | Q(revoked_at__gte=period.start),
        role__in=sorted(roles),
        starts_on__lte=period.last,
    )


def until(*days: date | None) -> date | None:
    """The earliest of some last days; None of those that have none."""
    return min((day for day in days if day is not None), default=None)


def present(first: date, last: date, window: Window) -> QuerySet[Attendance]:
    """Who was at valid visits begun from the first day to the last, by now."""
    until = midnight(date.fromordinal(last.toordinal() + 1))
    return Attendance.objects.filter(began__gte=midnight(first), began__lt=until, began__lte=window.at)


def valid_visits(first: date, last: date, window: Window, here: Q | None = None) -> QuerySet[Visit]:
    """The visits that :func:`present` counts (``here``: for some), looked up visit by visit: a page holds few of a year's."""
    until = midnight(date.fromordinal(last.toordinal() + 1))
    there = Attendance.objects.filter(here or Q(), visit=OuterRef("pk")).values("visit")[:1]
    rows = Visit.objects.filter(started_at__gte=midnight(first), started_at__lt=until, started_at__lte=window.at)
    return rows.alias(counted=Subquery(there)).filter(counted__isnull=False)


class Days:
    """Days with a valid visit by member and enterprise, each day once, read once for a stretch of days."""

    def __init__(self, first: date, last: date, window: Window, person: UUID | None = None) -> None:
        self.counted: dict[tuple[UUID, UUID], dict[int, int]] = defaultdict(dict)
        day = day_number("began")
        there = present(first, last, window).filter(Q(person=person) if person else Q())
        rows = there.values_list("person", "enterprise", Bucket(day))
        for person, place, bucket, days in rows.annotate(days=DaySet(Bit(day))):
            self.counted[person, place][bucket] = days

    def pairs(self, first: date, last: date) -> Pairs:
        """How many days from the first to the last by member and enterprise."""
        masks = _Masks(first, last)
        found = {
            pair: sum((bits & masks[bucket]).bit_count() for bucket, bits in known.items())
            for pair, known in self.counted.items()
        }
        return {pair: days for pair, days in found.items() if days}


class _Masks(dict[int, int]):
    """The bits of a stretch of days by bucket, worked out when first asked for."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__()
        self.first, self.last = first, last

    def __missing__(self, bucket: int) -> int:
        self[bucket] = found = mask(bucket, self.first, self.last)
        return found


def tallies(window: Window, group_by: str, sight: Sight, keys: Iterable[str]) -> tuple[Tallies, dict[str, Tally]]:
    """Tallies by group, and those of the whole: towns share members, so a total is not always the sum of its rows."""
    wanted = [key for key in KEYS if key in set(keys)]
    if not wanted:
        return {}, {}
    ground = survey(window, sight)
    count = Count(window, ground)
    rows = count.by(lambda person, place: group_of(group_by, person, place), by_member=group_by == "field_member")
    whole = count.by(lambda person, place: None, by_member=False)[None]
    return (
        {group: {key: one[key] for key in wanted} for group, one in rows.items()},
        {key: whole[key] for key in wanted},
    )


def group_of(group_by: str, person: UUID | None, place: Place | None) -> Any:
    if group_by == "field_member":
        return person
    return getattr(place, group_by) if place is not None else ""


class Count:
    """One period's pairs, or one member's, counted once and grouped as often as wanted; who only asks for duties counts nothing."""

    def __init__(self, window: Window, ground: Ground, person: UUID | None = None) -> None:
        self.window, self.ground, self.person = window, ground, person
        on_duty = {duty.role for duty in ground.duties}
        today = day_of(window.at)
        wanted = cadences() if window.cadences is None else window.cadences
        due = {one: blocks(one, window.period, today) for one in wanted if one.role in on_duty}
        self.due = {one: some for one, some in due.items() if some}

    @cached_property
    def days(self) -> Days:
        period = self.window.period
        firsts, lasts = [some[0].first for some in self.due.values()], [some[-1].last for some in self.due.values()]
        return Days(min([*firsts, period.first]), max([*lasts, period.last]), self.window, self.person)

    @cached_property
    def done(self) -> Pairs:
        """Days of the period by pair, as far as the caller may know."""
        return self._seen(self.days.pairs(self.window.period.first, self.window.period.last))

    @cached_property
    def owed(self) -> list[tuple[UUID, UUID | None, int, int]]:
        """Member, enterprise (None: any), visits owed, visits made of those."""
        return [
            one
            for cadence, some in self.due.items()
            for one in self._owe(cadence, some, self.days.pairs(some[0].first, some[-1].last))
        ]

    @cached_property
    def owing(self) -> list[tuple[date, date, set[tuple[UUID, UUID | None]]]]:
        """Pairs that owe visits, with the first and the last day on which one is made for that; nothing is counted."""
        return [
            (some[0].first, some[-1].last, {pair for pair, owed in self._quota(cadence, some).items() if owed})
            for cadence, some in self.due.items()
        ]

    def _seen(self, found: Pairs) -> Pairs:
        ground = self.ground
        return {
            (person, place): days
            for (person, place), days in found.items()
            if ground.sight.sees_pair(person, ground.places[place].region)
        }

    def _quota(self, cadence: Cadence, due: list[Block]) -> Mapping[tuple[UUID, UUID | None], int]:
        """Visits owed by member and enterprise (None: anywhere)."""
        quota: dict[tuple[UUID, UUID | None], int] = defaultdict(int)
        for duty in self.ground.duties:
            if duty.role != cadence.role:
                continue
            owed = cadence.visits * sum(duty.owes(block) for block in due)
            if cadence.each == "member":
                quota[duty.person, None] = max(quota[duty.person, None], owed)
            else:
                for place in duty.places:
                    if self.ground.places[place].active:
                        quota[duty.person, place] = max(quota[duty.person, place], owed)
        return quota

    def _owe(self, cadence: Cadence, due: list[Block], done: Pairs) -> Iterator[tuple[UUID, UUID | None, int, int]]:
        """Visits owed and done, each pair capped at what it owes; done counts from the first block on."""
        anywhere: dict[UUID, int] = defaultdict(int)
        for (person, _), days in done.items():
            anywhere[person] += days
        for (member, where), owed in self._quota(cadence, due).items():
            made = done.get((member, where), 0) if where is not None else anywhere[member]
            if owed:
                yield member, where, owed, min(made, owed)

    def by(self, group: Callable[[UUID | None, Place | None], Any], *, by_member: bool) -> dict[Any, dict[str, Tally]]:
        found: dict[Any, dict[str, Tally]] = defaultdict(lambda: {key: Tally(0, 0) for key in KEYS})
        self._cover(found, group, by_member)
        for person, place_id, owed, made in self.owed:
            place = self.ground.places[place_id] if place_id else None
            found[group(person, place)]["visit_completion"] += Tally(made, owed)
        members: dict[Any, set[UUID]] = defaultdict(set)
        for duty in self.ground.duties:
            for covered in duty.places or (None,):
                members[group(duty.person, self.ground.places[covered] if covered else None)].add(duty.person)
        for key, people in members.items():
            found[key]["visits_per_member"].denominator = len(people)
        for (person, one), days in self.done.items():
            found[group(person, self.ground.places[one])]["visits_per_member"].numerator += days
        return found

    def _cover(
        self,
        found: dict[Any, dict[str, Tally]],
        group: Callable[[UUID | None, Place | None], Any],
        by_member: bool,
    ) -> None:
        """A member answers for the pilots assigned to them; a group of places for its pilots, whoever went."""
        places = self.ground.places
        if by_member:
            for person, place in {(duty.person, place) for duty in self.ground.duties for place in duty.places}:
                if places[place].is_pilot:
                    found[person]["visit_coverage"] += Tally(int((person, place) in self.done), 1)
            return
        visited = {place for _, place in self.done}
        assigned = {place for duty in self.ground.duties for place in duty.places}
        sight = self.ground.sight
        for one in places.values():
            if one.is_pilot and (sight.everything or one.region in sight.regions or one.id in assigned):
                found[group(None, one)]["visit_coverage"] += Tally(int(one.id in visited), 1)


def cadences() -> tuple[Cadence, ...]:
    """What the office wants visited how often."""
    rows = tuple(Cadence(row.role, row.visits, row.months, row.each) for row in CadenceRow.objects.order_by("role"))
    return rows or shipped()
