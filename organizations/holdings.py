"""Which enterprises a person's phone holds: derived from assignments, told to the journal as grants.

Everyone holds ``shared`` and ``user:<own id>`` without a grant. The enterprise scopes follow the assignments in
field, station and town roles over an enterprise, a region or the whole city, as of a day. Whenever one of those
begins or ends, or an enterprise appears or moves, :func:`settle` compares what is due with what the journal has
granted and grants or revokes only the difference, because a repeated grant would send a whole scope again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from django.db.models import Q

from journal import journal
from journal.models import Grant
from organizations.models import Enterprise, Person
from organizations.permissions import live_assignments
from organizations.roles import HOLDING_ROLES

PREFIX = "enterprise:"


def due(people: Iterable[UUID], *, on: date) -> dict[UUID, set[UUID]]:
    """The enterprises each of these people is to hold on this day; two queries for any number of people."""
    people = set(people)
    rows = live_assignments(on).filter(person__in=people, person__is_active=True, role__in=HOLDING_ROLES)
    found: dict[UUID, set[UUID]] = {person: set() for person in people}
    regions: dict[UUID | None, set[UUID]] = defaultdict(set)
    for person, enterprise, region in rows.values_list("person_id", "enterprise_id", "region_id"):
        if enterprise:
            found[person].add(enterprise)
        else:
            regions[region].add(person)
    if regions:
        inside = Enterprise.objects.all() if None in regions else Enterprise.objects.filter(region__in=regions)
        for enterprise, region in inside.values_list("id", "region_id"):
            for person in regions.get(region, set()) | regions.get(None, set()):
                found[person].add(enterprise)
    return found


def holders(*, regions: Iterable[UUID], on: date) -> set[UUID]:
    """The people whose holdings follow what lies in these regions."""
    places = Q(region__in=set(regions)) | Q(region=None, enterprise=None, department=None)
    rows = live_assignments(on).filter(places, role__in=HOLDING_ROLES)
    return set(rows.values_list("person_id", flat=True))


def settle(people: Iterable[UUID], *, on: date) -> None:
    """Grant and revoke until the journal says what is due on this day. Runs inside a unit."""
    people = set(people)
    if not people:
        return
    held = _granted(people)
    for person, enterprises in sorted(due(people, on=on).items()):
        wanted = {journal.enterprise_scope(enterprise) for enterprise in enterprises}
        if missing := wanted - held[person]:
            journal.grant(person, sorted(missing))
        if surplus := held[person] - wanted:
            journal.revoke(person, sorted(surplus))


def everyone() -> set[UUID]:
    """All people who hold or may come to hold something; a daily command settles them, for assignments have dates."""
    granted = Grant.objects.filter(live=True).values_list("person", flat=True)
    assigned = Person.objects.filter(assignments__role__in=HOLDING_ROLES).values_list("id", flat=True)
    return set(granted) | set(assigned)


def _granted(people: set[UUID]) -> dict[UUID, set[str]]:
    """Live grants, as they will stand when the open unit ends."""
    held: dict[UUID, set[str]] = {person: set() for person in people}
    rows = Grant.objects.filter(person__in=people, live=True, scope__name__startswith=PREFIX)
    for person, name in rows.values_list("person", "scope__name"):
        held[person].add(name)
    for (person, name), live in journal.current().grants.items():
        if person in held and name.startswith(PREFIX):
            (held[person].add if live else held[person].discard)(name)
    return held
