"""Who may do what to whom: the one place that knows. What is not in the table is denied.

Reading guide for other rooms
-----------------------------
* ``caller(person, on=day, device=…)`` gives the :class:`Caller` that doors pass on as ``by``. It is an ``Actor``;
  its roles are read once, with one query, when somebody first asks. ``dataclasses.replace(by, mutation=…)`` keeps them.
* ``permit(by, "issue.acknowledge", Subject(enterprise=…, region=…, lead=…, owner=…))`` raises ``Forbidden``.
* ``permitted(by, "visit.write", enterprise_ids)`` gives the subset that the verb may touch, in at most one query.
* ``scope(by, "issue.read", enterprise="enterprise", lead="lead", owner="reporter")`` gives a ``Q`` for lists.
* ``visible_enterprises(by)`` is the usual case of it.
* ``may(by, verb)`` asks only whether some role of the caller may do this to anything (the check at the door).

``SYSTEM`` (an actor without a person) may do everything. Seeing comes first: fetch from what the caller may read,
so that a thing out of sight is a 404 like an absent one, and only then ``permit``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from core.actors import Actor
from core.problems import Forbidden
from core.texts import ZH, Text
from journal.prepared import Statement, table
from organizations.models import Assignment, Department, Enterprise, Person
from organizations.roles import FIELD_ROLES, Role


class Relation(StrEnum):
    """How the caller stands to the thing."""

    ALL = "all"  # none is needed
    ASSIGNED = "assigned"  # its enterprise lies in a place that the caller holds in that role
    LEAD = "lead"  # its lead department (or lead town) is the caller's
    ASSIST = "assist"  # its assisting department is the caller's
    OWN = "own"  # the caller made it, or it is about the caller


EVERYTHING: Final = Q(pk__isnull=False)
"""The condition that holds for all rows; unlike an empty ``Q`` it still does when another is or-ed to it."""
EVERYONE: Final = "everyone"
"""Any person signed in, whatever the roles."""

Row = Mapping[str, tuple[Relation, ...]]
ALL, ASSIGNED, LEAD, ASSIST, OWN = Relation.ALL, Relation.ASSIGNED, Relation.LEAD, Relation.ASSIST, Relation.OWN
FIELD = (Role.INSTRUCTOR, Role.LIAISON, Role.OBSERVER)
STATION, TOWN, OFFICE, HANDLER, AUDITOR = (
    Role.STATION_STAFF, Role.TOWN_OFFICER, Role.OFFICE, Role.HANDLER, Role.AUDITOR,
)  # fmt: skip


def _to(relation: Relation, *roles: str) -> dict[str, tuple[Relation, ...]]:
    return dict.fromkeys(roles, (relation,))


_office = _to(ALL, OFFICE)
_on_the_ground = _to(ASSIGNED, *FIELD, STATION)
_in_sight = _on_the_ground | _to(ASSIGNED, TOWN) | _office
_own_or_office = _to(OWN, EVERYONE) | _office
_lead = _to(LEAD, HANDLER, TOWN)

VERBS: dict[str, Row] = {
    # reference data
    "region.read": _to(ALL, EVERYONE),
    "department.read": _to(ALL, EVERYONE),
    "category.read": _to(ALL, EVERYONE),
    "questionnaire.read": _to(ALL, EVERYONE),
    "region.write": _office,
    "department.write": _office,
    "questionnaire.write": _office,
    "rule.read": _office,
    "rule.write": _office,
    "calendar.write": _office,
    # people
    "person.read": _own_or_office | _to(ASSIGNED, *FIELD, STATION, TOWN) | _to(LEAD, HANDLER),
    "person.contact": _own_or_office,
    "person.write": _office,
    "assignment.read": _own_or_office | _to(ASSIGNED, TOWN),
    "assignment.write": _office,
    "device.read": _own_or_office,
    "device.revoke": _own_or_office,
    "enrollment.issue": _office,
    # places
    "enterprise.read": _in_sight,
    "enterprise.write": _office,
    "visit_plan.read": _in_sight,
    "visit_plan.write": _office,
    # what is brought back from the field
    "visit.read": _in_sight,
    "visit.read_private": _own_or_office,
    "visit.write": _on_the_ground,
    "visit.review": _office,
    "response.read": _in_sight,
    "response.read_private": _own_or_office,
    "response.write": _on_the_ground,
    "response.review": _office,
    "response.export": _office,
    "photo.read": _in_sight | _to(LEAD, HANDLER),
    "photo.read_private": _own_or_office,
    "photo.original": _own_or_office,
    "photo.write": _on_the_ground | {HANDLER: (LEAD, ASSIST), TOWN: (LEAD, ASSIST)},
    # issues (the workflow table of the domain, §3)
    "issue.read": _in_sight | {HANDLER: (LEAD, ASSIST)},
    "issue.read_confidential": _own_or_office | _lead | {HANDLER: (LEAD, ASSIST)},
    "issue.submit": _on_the_ground,
    "issue.edit": _on_the_ground,
    "issue.withdraw": _to(OWN, EVERYONE),
    "issue.reject": _office | _to(ASSIGNED, TOWN),
    "issue.merge": _office,
    "issue.dispatch": _office,
    "issue.answer_now": _to(ASSIGNED, STATION),
    "issue.acknowledge": _lead,
    "issue.request_return": _lead,
    "issue.approve_return": _office,
    "issue.refuse_return": _office,
    "issue.adjudicate": _office,
    "issue.transfer": _office,
    "issue.request_extension": _lead,
    "issue.suspend": _lead | _office,
    "issue.refuse_suspension": _office,
    "issue.resume": _lead,
    "issue.reply": _lead,
    "issue.reject_reply": _office | _to(ASSIGNED, TOWN),
    "issue.accept_reply": _office,
    "issue.close": _office | _to(ASSIGNED, TOWN),
    "issue.rework": _office,
    "issue.reopen": _office,
    "issue.urge": _office,
    "issue.supervise": _office,
    "issue.admonish": _office,
    "issue.refer": _office,
    "issue.comment": _in_sight | {HANDLER: (LEAD, ASSIST)},
    "issue.verify": _to(ASSIGNED, *FIELD),
    "issue.follow_up": _in_sight,
    "issue.assist_opinion": _to(ASSIST, HANDLER, TOWN) | _office,
    "template.read": _lead | _office,
    "template.write": _lead | _office,
    "channel.write": _office,
    "task.read": _to(LEAD, HANDLER) | _office,
    # desks, reports, audit
    "quarantine.read": _own_or_office,
    "quarantine.resolve": _own_or_office,
    "conflict.read": _own_or_office,
    "conflict.resolve": _own_or_office,
    "report.read": _office | _to(ASSIGNED, TOWN) | _to(LEAD, HANDLER) | _to(OWN, *FIELD, STATION),
    "report.write": _office,
    "assessment.read": _office,
    "ledger.read": _to(ASSIGNED, STATION, TOWN) | _office,
    "ledger.write": _to(ASSIGNED, STATION) | _office,
    "webhook.write": _office,
    "journal.read": _to(ALL, AUDITOR) | _office,
    # personal information
    "privacy.read": _to(ALL, AUDITOR) | _office,
    "privacy.request": _own_or_office,
    "privacy.settle": _office,
    "console.use": _office,
}


@dataclass(frozen=True, slots=True)
class Held:
    """A role over one place; all places None means the whole city."""

    role: Role
    enterprise: UUID | None = None
    region: UUID | None = None
    department: UUID | None = None
    department_code: str | None = None

    @property
    def citywide(self) -> bool:
        return self.enterprise is None and self.region is None and self.department is None


class Standing:
    """What a person holds on a day; read with one query when it is first asked for."""

    def __init__(self, person: UUID | None, on: date, held: tuple[Held, ...] | None = None) -> None:
        self.person, self.on, self._held = person, on, held

    @property
    def held(self) -> tuple[Held, ...]:
        if self._held is None:
            self._held = _read_held(self.person, self.on) if self.person else ()
        return self._held


def _read_held(person: UUID, on: date) -> tuple[Held, ...]:
    """The roles of an active person on a day, in one plain query, for nearly every request asks."""
    native, day = connection.features.has_native_uuid_field, connection.ops.adapt_datefield_value(on)
    rows = _HELD.all(person if native else person.hex, day, day)
    if not native:
        rows = [(role, *(UUID(id_) if id_ else None for id_ in ids), code) for role, *ids, code in rows]
    return tuple(Held(Role(role), *rest) for role, *rest in rows)


_HELD = Statement(
    "held_roles",
    "SELECT a.role, a.enterprise_id, a.region_id, a.department_id, d.code "
    f"FROM {table(Assignment)} a JOIN {table(Person)} p ON p.id = a.person_id "
    f"LEFT JOIN {table(Department)} d ON d.id = a.department_id "
    "WHERE a.person_id = %s AND p.is_active AND a.revoked_at IS NULL AND a.starts_on <= %s "
    "AND (a.ends_on IS NULL OR a.ends_on >= %s)",
)


@dataclass(frozen=True)
class Caller(Actor):
    """A person at a door, with the roles held today; ``session`` is the sign-in they came with, ``feed`` the columns of the
    feed row as it was just before."""

    name: str = ""
    session: UUID | None = None
    feed: tuple[Any, ...] | None = field(default=None, compare=False, repr=False)
    standing: Standing = field(default_factory=lambda: Standing(None, date.min, ()), compare=False, repr=False)

    @property
    def held(self) -> tuple[Held, ...]:
        return self.standing.held

    @property
    def roles(self) -> frozenset[Role]:
        return frozenset(held.role for held in self.held)

    @property
    def departments(self) -> frozenset[UUID]:
        """The departments the caller handles for."""
        return frozenset(held.department for held in self.held if held.role == HANDLER and held.department)

    @property
    def department_codes(self) -> frozenset[str]:
        return frozenset(held.department_code for held in self.held if held.role == HANDLER and held.department_code)

    @property
    def towns(self) -> frozenset[UUID]:
        """The regions the caller is the town officer of."""
        return frozenset(held.region for held in self.held if held.role == TOWN and held.region)

    @property
    def is_field_member(self) -> bool:
        return bool(self.roles & FIELD_ROLES)


@dataclass(frozen=True, slots=True)
class Subject:
    """The thing a verb touches, as far as relations go. ``region`` is its enterprise's; ids are row ids."""

    enterprise: UUID | None = None
    region: UUID | None = None
    lead: UUID | None = None
    lead_region: UUID | None = None
    assists: frozenset[UUID] = frozenset()
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """The enterprises that some roles of a caller cover."""

    everywhere: bool
    enterprises: frozenset[UUID]
    regions: frozenset[UUID]

    def covers(self, enterprise: UUID | None, region: UUID | None) -> bool:
        return self.everywhere or enterprise in self.enterprises or (region is not None and region in self.regions)


def caller(
    person: UUID,
    *,
    on: date,
    device: UUID | None = None,
    session: UUID | None = None,
    name: str = "",
    language: str = ZH,
    feed: tuple[Any, ...] | None = None,
) -> Caller:
    """The caller as of ``on``; no query is made until roles are asked for."""
    standing = Standing(person, on)
    return Caller(
        person=person, device=device, language=language, name=name, session=session, feed=feed, standing=standing
    )


def live_assignments(on: date) -> QuerySet[Assignment]:
    """Assignments that count on this day."""
    open_ended = Q(ends_on=None) | Q(ends_on__gte=on)
    return Assignment.objects.filter(open_ended, revoked_at=None, starts_on__lte=on)


def may(by: Actor, verb: str) -> bool:
    """Whether the caller may do this to anything at all."""
    return by.person is None or bool(_relations(by, verb))


def permit(by: Actor, verb: str, subject: Subject | None = None) -> None:
    """Raise ``Forbidden`` unless the table lets the caller do this to the subject."""
    if not allowed(by, verb, subject):
        raise Forbidden(Text("您的角色或分工不允许此操作", "Your roles and assignments do not allow this"), verb=verb)


def allowed(by: Actor, verb: str, subject: Subject | None = None) -> bool:
    """Whether the table lets the caller do this to the subject."""
    if by.person is None:
        return True
    subject = subject or Subject()
    return any(
        _stands(by, role, relation, subject)
        for role, relations in _relations(by, verb).items()
        for relation in relations
    )


def permitted(by: Actor, verb: str, enterprises: Iterable[UUID]) -> set[UUID]:
    """Of these enterprises, the ones that exist and that the caller may do this to; at most one query."""
    wanted = set(enterprises)
    reach = reach_of(by, verb)
    direct = set() if reach.everywhere else wanted & reach.enterprises
    rest = wanted - direct
    if not rest or not (reach.everywhere or reach.regions):
        return direct
    known = Enterprise.objects.filter(pk__in=rest)
    if not reach.everywhere:
        known = known.filter(region__in=reach.regions)
    return direct | set(known.values_list("pk", flat=True))


def reach_of(by: Actor, verb: str) -> Reach:
    """The enterprises that the caller may do this to."""
    if by.person is None:
        return Reach(True, frozenset(), frozenset())
    everywhere, enterprises, regions = False, set(), set()
    for role, relations in _relations(by, verb).items():
        everywhere |= ALL in relations
        if ASSIGNED not in relations:
            continue
        for held in _held_as(by, role):
            everywhere |= held.citywide
            enterprises.add(held.enterprise)
            regions.add(held.region)
    return Reach(everywhere, frozenset(filter(None, enterprises)), frozenset(filter(None, regions)))


def scope(
    by: Actor,
    verb: str,
    *,
    enterprise: str | None = "enterprise",
    region: str | None = None,
    lead: str | None = None,
    lead_region: str | None = None,
    assists: str | None = None,
    owner: str | None = None,
) -> Q:
    """The condition under which rows may be subjects of the verb; arguments are the paths of their foreign keys.

    ``enterprise="pk"`` is for enterprises themselves. A to-many ``assists`` may repeat rows: the list says distinct().
    """
    if by.person is None:
        return EVERYTHING
    reach = reach_of(by, verb)
    if reach.everywhere:
        return EVERYTHING
    found = Q(pk__in=[])
    if enterprise:
        region = region or ("region" if enterprise == "pk" else f"{enterprise}__region")
        found |= _among(enterprise, reach.enterprises) | _among(region, reach.regions)
    row = _relations(by, verb)
    relations = {relation for relations in row.values() for relation in relations}
    if LEAD in relations:
        departments = _departments(by) if LEAD in row.get(HANDLER, ()) else frozenset()
        towns = _towns(by) if LEAD in row.get(TOWN, ()) else frozenset()
        found |= _among(lead, departments) | _among(lead_region, towns)
    if ASSIST in relations:
        found |= _among(assists, _departments(by))
    if OWN in relations and owner:
        found |= Q(**{owner: by.person})
    return found


def visible_enterprises(by: Actor) -> QuerySet[Enterprise]:
    """The enterprises that the caller may read."""
    return Enterprise.objects.filter(scope(by, "enterprise.read", enterprise="pk"))


def _among(path: str | None, values: Iterable[UUID]) -> Q:
    found = list(values)
    return Q(**{f"{path}__in": found}) if path and found else Q(pk__in=[])


def _held(by: Actor) -> tuple[Held, ...]:
    if not isinstance(by, Caller):
        raise TypeError("permissions: a person acts as a Caller (permissions.caller), not as a bare Actor")
    return by.held


def _held_as(by: Actor, role: str) -> list[Held]:
    return [held for held in _held(by) if role in (EVERYONE, held.role)]


def _departments(by: Actor) -> frozenset[UUID]:
    return frozenset(held.department for held in _held(by) if held.role == HANDLER and held.department)


def _towns(by: Actor) -> frozenset[UUID]:
    return frozenset(held.region for held in _held(by) if held.role == TOWN and held.region)


def _relations(by: Actor, verb: str) -> Row:
    """The rows of the table that speak of the caller."""
    roles = {EVERYONE} | {held.role.value for held in _held(by)}
    return {role: relations for role, relations in VERBS[verb].items() if role in roles}


def _stands(by: Actor, role: str, relation: Relation, subject: Subject) -> bool:
    match relation:
        case Relation.ALL:
            return True
        case Relation.OWN:
            return subject.owner is not None and subject.owner == by.person
        case Relation.ASSIGNED:
            return any(
                held.citywide
                or (subject.enterprise is not None and held.enterprise == subject.enterprise)
                or (subject.region is not None and held.region == subject.region)
                for held in _held_as(by, role)
            )
        case Relation.LEAD:
            if role == TOWN:
                return subject.lead_region is not None and subject.lead_region in _towns(by)
            return subject.lead is not None and subject.lead in _departments(by)
        case Relation.ASSIST:
            if role == TOWN:
                return subject.region is not None and subject.region in _towns(by)
            return bool(subject.assists & _departments(by))
