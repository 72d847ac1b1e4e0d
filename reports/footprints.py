"""The records behind the numbers about visits: enterprises, visits, members and duties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from operator import eq
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from inspections.models import JointParticipant, Visit
from organizations.models import Enterprise
from reports.fieldwork import Count, Place, group_of, survey, valid_visits
from reports.groups import Sight
from reports.measures import Window
from reports.questionnaires import OF_PLACE


def evidence(
    window: Window, group_by: str, key: str, side: str, group: Any, sight: Sight, *, whole: bool
) -> QuerySet[Any] | set[UUID]:
    """The records behind a number about visits: enterprises, visits, members or duties."""
    if key == "visits_per_member" and side == "numerator":
        return _visits(window, group_by, group, sight, whole=whole)
    if key == "visit_coverage" and sight.everything and (whole or group_by != "field_member"):
        return _pilots(window, "" if whole else OF_PLACE[group_by].removeprefix("enterprise__"), group, side)
    count = Count(window, survey(window, sight))
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
        pairs_of: set[tuple[UUID, UUID | None]] = (
            {(person, place) for person, place, _, made in count.owed if made}
            if key == "visit_completion"
            else set(count.done)
        )
        places = ground.places
        return _visits_of(window, {(who, at) for who, at in pairs_of if chosen(who, places[at] if at else None)}, count)
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
    visited = {place for _, place in count.done}
    seen = {place for _, place in assigned}
    return {
        one.id
        for one in ground.places.values()
        if one.is_pilot
        and (ground.sight.everything or one.region in ground.sight.regions or one.id in seen)
        and chosen(None, one)
        and (side == "denominator" or one.id in visited)
    }


def _visits_of(window: Window, wanted: set[tuple[UUID, UUID | None]], count: Count) -> QuerySet[Visit]:
    """The valid visits of some pairs of member and enterprise; of a member anywhere when the enterprise is None."""
    period = window.period
    rows = valid_visits(period.first, period.last, window)
    if count.ground.sight.everything and wanted >= set(count.done):
        return rows
    of_person: dict[UUID, list[UUID]] = defaultdict(list)
    anywhere = [person for person, place in wanted if place is None]
    for person, place in wanted:
        if place is not None:
            of_person[person].append(place)
    went = Q(author__in=anywhere) | Q(joint__person__in=anywhere)
    for person, places in of_person.items():
        went |= Q(enterprise__in=places) & (Q(author=person) | Q(joint__person=person))
    return Visit.objects.filter(pk__in=rows.filter(went).values("pk"))


def _visits(window: Window, group_by: str, group: Any, sight: Sight, *, whole: bool) -> QuerySet[Visit]:
    """The valid visits of a group, asked of the database: they are many, and nothing need be counted first."""
    rows = valid_visits(window.period.first, window.period.last, window)
    in_towns = Q(enterprise__region__in=sorted(sight.regions))
    if whole or group_by != "field_member":
        seen = Q() if sight.everything else in_towns | _took_part(sight.person)
        return rows.filter(seen) if whole else rows.filter(seen, _at(OF_PLACE[group_by], group))
    if group == "":
        return rows.none()
    return rows.filter(_took_part(group), Q() if sight.everything or group == sight.person else in_towns)


def _took_part(person: UUID | None) -> Q:
    return Q(author=person) | Q(pk__in=JointParticipant.objects.filter(person=person).values("visit"))


def _pilots(window: Window, path: str, group: Any, side: str) -> QuerySet[Enterprise]:
    """Active pilots, and of those the visited ones; ``path`` "" for all groups."""
    rows = Enterprise.objects.filter(active=True).exclude(pilot_tier="")
    if side == "numerator":
        visits = valid_visits(window.period.first, window.period.last, window)
        rows = rows.filter(Exists(visits.filter(enterprise=OuterRef("pk"))))
    return rows.filter(_at(path, group)) if path else rows


def _at(path: str, group: Any) -> Q:
    """The condition of belonging to a group; every enterprise lies in some town, so none belongs to no town."""
    return Q(pk__in=[]) if group == "" and path.endswith("_id") else Q(**{path: group})
