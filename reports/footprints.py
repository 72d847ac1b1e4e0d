"""The records behind the numbers about visits: enterprises, visits, members and duties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial, reduce
from operator import eq, or_
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from inspections.models import Visit
from organizations.models import Enterprise
from reports.fieldwork import Count, Place, group_of, present, survey, valid_visits
from reports.groups import Sight
from reports.measures import Window
from reports.periods import midnight
from reports.questionnaires import OF_PLACE

Pair = tuple[UUID, UUID | None]
"""A member and an enterprise; None stands for any."""
FEW = 3
"""Members whose visits are found by going through what is known of them, and not visit by visit."""


def evidence(
    window: Window, group_by: str, key: str, side: str, group: Any, sight: Sight, *, whole: bool
) -> QuerySet[Any] | set[UUID]:
    """The records behind a number about visits: enterprises, visits, members or duties."""
    if key == "visits_per_member" and side == "numerator":
        return _visits(window, group_by, group, sight, whole=whole)
    if key == "visit_coverage" and sight.everything and (whole or group_by != "field_member"):
        return _pilots(window, "" if whole else OF_PLACE[group_by].removeprefix("enterprise__"), group, side)
    alone = group if group_by == "field_member" and isinstance(group, UUID) and not whole else None
    count = Count(window, survey(window, sight), alone)
    return _evidence(count, window, group_by, key, side, lambda one: whole or one == group, by_place=whole)


def evidence_by_group(
    window: Window, group_by: str, key: str, side: str, sight: Sight
) -> Iterator[tuple[Any, set[UUID]]]:
    """The same for every group, from one count."""
    count = Count(window, survey(window, sight))
    rows = count.by(lambda person, place: group_of(group_by, person, place), by_member=group_by == "field_member")
    for group in rows:
        found = _evidence(count, window, group_by, key, side, partial(eq, group), by_place=False)
        yield group, set(found.values_list("pk", flat=True)) if isinstance(found, QuerySet) else found


def _evidence(
    count: Count,
    window: Window,
    group_by: str,
    key: str,
    side: str,
    wanted: Callable[[Any], bool],
    *,
    by_place: bool,
) -> QuerySet[Visit] | set[UUID]:
    ground = count.ground

    def chosen(person: UUID | None, place: Place | None) -> bool:
        return wanted(group_of(group_by, person, place))

    if key == "visit_coverage":
        return _covered(count, chosen, group_by == "field_member" and not by_place, side)
    if side == "numerator":
        every = window.period.first, window.period.last
        counted = count.owing if key == "visit_completion" else [(*every, set[Pair](count.done))]
        places = ground.places
        return _visits_of(
            window,
            [
                (first, last, {(who, at) for who, at in pairs if chosen(who, places[at] if at else None)})
                for first, last, pairs in counted
            ],
        )
    duties = [
        duty
        for duty in ground.duties
        if any(chosen(duty.person, ground.places[one] if one else None) for one in duty.places or (None,))
    ]
    return {duty.person if key == "visits_per_member" else duty.id for duty in duties}


def _covered(
    count: Count, chosen: Callable[[UUID | None, Place | None], bool], by_member: bool, side: str
) -> set[UUID]:
    """Pilots, and of those the visited ones."""
    ground = count.ground
    assigned = {(duty.person, place) for duty in ground.duties for place in duty.places}
    if by_member:
        mine = {pair for pair in assigned if ground.places[pair[1]].is_pilot and chosen(pair[0], None)}
        return {place for person, place in mine if side == "denominator" or (person, place) in count.done}
    visited = {place for _, place in count.done} if side == "numerator" else set()
    seen = {place for _, place in assigned}
    return {
        one.id
        for one in ground.places.values()
        if one.is_pilot
        and (ground.sight.everything or one.region in ground.sight.regions or one.id in seen)
        and chosen(None, one)
        and (side == "denominator" or one.id in visited)
    }


def _visits_of(window: Window, wanted: Iterable[tuple[date, date, set[Pair]]]) -> QuerySet[Visit]:
    """The period's valid visits of some pairs that have one between two days, nearly always the visit itself."""
    went: list[Q] = []
    members: set[UUID] = set()
    for first, last, pairs in wanted:
        of_person: dict[UUID, list[UUID]] = defaultdict(list)
        for person, place in pairs:
            if place is not None:
                of_person[person].append(place)
        there = [Q(person=person, enterprise__in=places) for person, places in of_person.items()]
        anywhere = [Q(person__in=[person for person, place in pairs if place is None])]
        went.append(_any(there) & _made(first, last, window, "person", "enterprise"))
        went.append(_any(anywhere) & _made(first, last, window, "person"))
        members |= {person for person, _ in pairs}
    if len(members) > FEW:
        return valid_visits(window.period.first, window.period.last, window, _any(went))
    return _where(window, _any(went))


def _any(conditions: Iterable[Q]) -> Q:
    """Any of some conditions on attendance; of none, nothing."""
    return reduce(or_, conditions, Q(person__in=[]))


def _made(first: date, last: date, window: Window, *alike: str) -> Q:
    """That who was there, or their pair, was at a valid visit between two days; it is a question only where the period is longer."""
    if first <= window.period.first and window.period.last <= last:
        return Q()
    made = present(first, last, window)
    itself = Q(began__gte=midnight(first), began__lt=midnight(date.fromordinal(last.toordinal() + 1)))
    return itself | Q(Exists(made.filter(**{name: OuterRef(name) for name in alike})))


def _where(window: Window, here: Q) -> QuerySet[Visit]:
    """The valid visits at which those were that a condition on attendance says."""
    there = present(window.period.first, window.period.last, window).filter(here)
    return Visit.objects.filter(pk__in=there.values("visit"))


def _visits(window: Window, group_by: str, group: Any, sight: Sight, *, whole: bool) -> QuerySet[Visit]:
    """The valid visits of a group, asked of the database: they are many, and nothing need be counted first."""
    in_towns = Q(enterprise__region__in=sorted(sight.regions))
    if whole or group_by != "field_member":
        rows = valid_visits(window.period.first, window.period.last, window)
        seen = Q() if sight.everything else in_towns | Q(pk__in=_where(window, Q(person=sight.person)).values("pk"))
        return rows.filter(seen) if whole else rows.filter(seen, _at(OF_PLACE[group_by], group))
    if group == "":
        return Visit.objects.none()
    return _where(window, Q(person=group)).filter(Q() if sight.everything or group == sight.person else in_towns)


def _pilots(window: Window, path: str, group: Any, side: str) -> QuerySet[Enterprise]:
    """Active pilots, and of those the visited ones; ``path`` "" for all groups.

    A valid visit is looked for enterprise by enterprise, since a page holds few: asked whether one exists, a database
    goes through all of them.
    """
    rows = Enterprise.objects.filter(active=True).exclude(pilot_tier="")
    if side == "numerator":
        visits = valid_visits(window.period.first, window.period.last, window).filter(enterprise=OuterRef("pk"))
        rows = rows.alias(visited=Subquery(visits.order_by("started_at").values("pk")[:1])).filter(
            visited__isnull=False
        )
    return rows.filter(_at(path, group)) if path else rows


def _at(path: str, group: Any) -> Q:
    """The condition of belonging to a group; every enterprise lies in some town, so none belongs to no town."""
    return Q(pk__in=[]) if group == "" and path.endswith("_id") else Q(**{path: group})
