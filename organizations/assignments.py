"""Assignments: who holds which role over which place, from when until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.ids import uuid7
from core.problems import Fault, Invalid, NotFound
from core.texts import Text
from journal import journal
from organizations import changes, holdings
from organizations.models import Assignment, Department, Enterprise, Person, Region
from organizations.permissions import Caller, Held, Standing, permit, scope
from organizations.roles import APART, PLACES, PlaceKind, Role

FIELDS = ("person_id", "role", "enterprise_id", "region_id", "department_id", "starts_on", "ends_on")
PLACE_FIELDS = ("enterprise_id", "region_id", "department_id")


@dataclass(frozen=True, slots=True)
class Draft:
    """A role over one place; all three places None means the whole city."""

    person: UUID
    role: Role
    starts_on: date
    ends_on: date | None = None
    enterprise: UUID | None = None
    region: UUID | None = None
    department: UUID | None = None
    key: UUID | None = None

    @property
    def places(self) -> list[PlaceKind]:
        named = {"enterprise": self.enterprise, "region": self.region, "department": self.department}
        return [PlaceKind(kind) for kind, value in named.items() if value] or [PlaceKind.CITY]


def begin(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Assignment]:
    """Assign people. All or nothing; raises ``Invalid`` with pointers like ``/0/region``, or ``Forbidden``."""
    with journal.unit(by=by, at=at):
        permit(by, "assignment.write")
        if faults := _faults(drafts, today=timezone.localdate(at)):
            raise Invalid(errors=[fault if len(drafts) > 1 else _bare(fault) for fault in faults])
        rows = [
            Assignment(
                id=draft.key or uuid7(), person_id=draft.person, role=draft.role, starts_on=draft.starts_on,
                ends_on=draft.ends_on, enterprise_id=draft.enterprise, region_id=draft.region,
                department_id=draft.department,
            )
            for draft in drafts
        ]  # fmt: skip
        Assignment.objects.bulk_create(rows, batch_size=500)
        journal.record([_told("assignment.begun", row, changes.of_creation(row, FIELDS)) for row in rows])
        holdings.settle({draft.person for draft in drafts}, on=timezone.localdate(at))
    return rows


def change(key: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> Assignment:
    """Change ``starts_on`` or ``ends_on``. Raises ``NotFound``, ``Invalid``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        row = _locked([key])[0]
        permit(by, "assignment.write")
        changed = changes.assign(row, {name: values[name] for name in ("starts_on", "ends_on") if name in values})
        if row.ends_on and row.ends_on < row.starts_on:
            raise Invalid.at("/ends_on", "order", ENDS_EARLY)
        if row.revoked_at is None and _is_apart(Draft(row.person_id, Role(row.role), row.starts_on, row.ends_on), []):
            raise Invalid.at("/ends_on", "separation", SEPARATE)
        if changed:
            row.save(update_fields=list(changed))
            journal.record([_told("assignment.changed", row, changed)])
            holdings.settle([row.person_id], on=timezone.localdate(at))
    return row


def end(keys: Iterable[UUID], *, by: Actor, at: datetime) -> list[Assignment]:
    """Revoke assignments at once; one already revoked stays as it is. Raises ``NotFound``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        rows = [row for row in _locked(list(keys)) if row.revoked_at is None]
        permit(by, "assignment.write")
        Assignment.objects.filter(pk__in=[row.pk for row in rows]).update(revoked_at=at)
        told = [_told("assignment.ended", row, changes.assign(row, {"revoked_at": at})) for row in rows]
        journal.record(told)
        holdings.settle({row.person_id for row in rows}, on=timezone.localdate(at))
    return rows


def settle(*, by: Actor = SYSTEM, at: datetime) -> None:
    """Bring all phones' holdings to what today's dates say; a daily task calls it."""
    with journal.unit(by=by, at=at):
        holdings.settle(holdings.everyone(), on=timezone.localdate(at))


def visible(by: Caller) -> QuerySet[Assignment]:
    """The assignments that the caller may read."""
    reach = scope(by, "assignment.read", enterprise="enterprise", owner="person")
    inside = scope(by, "assignment.read", enterprise=None, owner="person") | Q(region__in=by.towns)
    return Assignment.objects.filter(reach | inside)


def vouched(author: Caller) -> Caller:
    """The same person with every role in every place they ever had, for what the office lets pass of the time before an end."""
    columns = ("role", *PLACE_FIELDS, "department__code")
    ever = Assignment.objects.filter(person=author.person).values_list(*columns).distinct()
    held = tuple(Held(Role(role), *rest) for role, *rest in ever)
    return replace(author, standing=Standing(author.person, author.standing.on, held))


SEPARATE = Text("系统管理与审计不得由同一人担任", "The office and the audit are not held by one person")
ENDS_EARLY = Text("结束日期不得早于开始日期", "Must not be before the start")


def _bare(fault: Fault) -> Fault:
    """The pointer of a set of one has no index."""
    return Fault("/" + fault.pointer.split("/", 2)[2], fault.code, fault.detail)


def _locked(keys: Sequence[UUID]) -> list[Assignment]:
    rows = {row.pk: row for row in Assignment.objects.select_for_update().filter(pk__in=keys)}
    if set(keys) - rows.keys():
        raise NotFound
    return [rows[key] for key in keys]


def _told(verb: str, row: Assignment, changed: Mapping[str, Any]) -> journal.Change:
    fields = {"person": [None, str(row.person_id)]} | {name.removesuffix("_id"): pair for name, pair in changed.items()}
    return journal.Change(verb, "assignments", row.id, fields)


def _faults(drafts: Sequence[Draft], *, today: date) -> list[Fault]:
    known = {
        "person": set(Person.objects.filter(pk__in=[d.person for d in drafts]).values_list("pk", flat=True)),
        "enterprise": _existing(Enterprise, [d.enterprise for d in drafts]),
        "region": _existing(Region, [d.region for d in drafts]),
        "department": _existing(Department, [d.department for d in drafts]),
    }
    live = Assignment.objects.filter(person__in=known["person"], revoked_at=None).exclude(ends_on__lt=today)
    taken = {tuple(row[:5]): row[5] for row in live.values_list("person_id", "role", *PLACE_FIELDS, "ends_on")}
    faults: list[Fault] = []
    for index, draft in enumerate(drafts):
        found = _shape_faults(draft)
        for name, ids in known.items():
            if (value := getattr(draft, name)) and value not in ids:
                found.append(Fault(f"/{name}", "unknown", Text("不存在", "There is no such thing")))
        key = (draft.person, draft.role.value, draft.enterprise, draft.region, draft.department)
        if key in taken and (taken[key] is None or taken[key] >= draft.starts_on):
            found.append(Fault("/person", "assigned-already", Text("已有相同的分工", "Is assigned there already")))
        taken[key] = draft.ends_on
        if _is_apart(draft, drafts[:index]):
            found.append(Fault("/role", "separation", SEPARATE))
        faults += [fault.under(f"/{index}") for fault in found]
    return faults


def _is_apart(draft: Draft, before: Sequence[Draft]) -> bool:
    """Whether the person would run the system and audit it on one and the same day."""
    if draft.role not in APART:
        return False
    others = APART - {draft.role}
    live = Assignment.objects.filter(person=draft.person, role__in=others, revoked_at=None)
    spans = [(one.starts_on, one.ends_on) for one in before if one.person == draft.person and one.role in others]
    spans += live.values_list("starts_on", "ends_on")
    return any(
        (ends_on is None or ends_on >= draft.starts_on) and (draft.ends_on is None or draft.ends_on >= starts_on)
        for starts_on, ends_on in spans
    )


def _shape_faults(draft: Draft) -> list[Fault]:
    found = []
    kinds, allowed = draft.places, PLACES[draft.role]
    if len(kinds) > 1:
        found.append(Fault(f"/{kinds[1]}", "one-place", Text("只能指定一个范围", "Name one place only")))
    elif kinds[0] not in allowed:
        detail = Text("{role}的分工范围应为：{kinds}", "A {role} is assigned to: {kinds}").fill(
            role=draft.role.label, kinds=", ".join(sorted(allowed))
        )
        found.append(Fault("/role", "place", detail))
    if draft.ends_on and draft.ends_on < draft.starts_on:
        found.append(Fault("/ends_on", "order", ENDS_EARLY))
    return found


def _existing(model: type[Enterprise] | type[Region] | type[Department], ids: Iterable[UUID | None]) -> set[UUID]:
    wanted = {key for key in ids if key}
    return set(model._default_manager.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
