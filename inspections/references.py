"""What a set of asked actions refers to besides its issues: masters, people, evidence, earlier attempts. A query a kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from django.db.models import Q

from core.actors import Actor
from core.problems import Fault
from core.texts import Text
from inspections import photographs
from inspections.deadlines import local_day
from inspections.dossiers import Dossier
from inspections.issues import visible
from inspections.models import Issue, IssueAction, Segment
from inspections.photographs import Exhibit
from inspections.routing import OFFICE
from inspections.workflow import NOT_RATED, TABLE, Row
from organizations.permissions import Caller, live_assignments
from organizations.roles import Role

RECORDS = sorted({field.name for row in TABLE for field in row.fields if field.kind in ("record", "records")})


class Asked(Protocol):
    """As much of a request as is looked at here."""

    issue: UUID
    action: str
    data: Any


class References:
    """Read for the whole set when one of its requests first needs it, so that queries do not grow with the set."""

    def __init__(self, asked: Sequence[Asked], dossiers: Mapping[UUID, Dossier], by: Actor, at: datetime) -> None:
        self.asked, self.dossiers, self.by, self.at = asked, dossiers, by, at

    def facts(self, dossier: Dossier, row: Row, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the guards of an action want to know beyond the issue itself."""
        more: dict[str, Any] = {"actor": self.by.person, "data": data}
        if row.action == "merge":
            more["master"] = self._master(data.get("into"))
        if row.action == "acknowledge" and data.get("handler"):
            more["lead_people"] = self.people.get(dossier.issue.lead_code, frozenset())
        if row.action == "close" and data.get("satisfaction") == NOT_RATED:
            more["unreached"] = self.unreached.get((dossier.issue.id, dossier.issue.round), 0)
        return more

    def _master(self, into: Any) -> tuple[UUID, str] | None:
        """A master and the state that the set has brought it to; its dossier is open, so it cannot be merged meanwhile."""
        for key in _ids([into]):
            if (dossier := self.dossiers.get(key)) is not None:
                return key, dossier.issue.state
        return None

    def record_faults(self, issue: Issue, row: Row, data: Mapping[str, Any], *, early: bool) -> list[Fault]:
        """What is wrong with the photos that an action names: absent, of another case, or without their bytes.

        ``early``: what is absent or incomplete may still be on its way.
        """
        faults = []
        for name in (field.name for field in row.fields if field.kind in ("record", "records")):
            given = data.get(name)
            listed = given if isinstance(given, list) else [given] if given else []
            for number, one in enumerate(listed):
                pointer = f"/data/{name}/{number}" if isinstance(given, list) else f"/data/{name}"
                why = _record_fault(self.exhibits.get(UUID(one)), issue)
                if why is not None and not (early and why[0] in ("unknown", "not-stored")):
                    faults.append(Fault(pointer, *why))
        return faults

    @cached_property
    def people(self) -> dict[str, frozenset[UUID]]:
        """Who works for the leads."""
        leads = {dossier.issue.lead_code for dossier in self.dossiers.values()}
        people: dict[str, set[UUID]] = {}
        rows: list[tuple[str | None, str | None, UUID]] = list(
            live_assignments(local_day(self.at))
            .filter(role__in=(Role.HANDLER, Role.TOWN_OFFICER, Role.OFFICE), person__is_active=True)
            .values_list("department__code", "region__code", "person")
        )
        for department, region, person in rows:
            code = department or region or OFFICE
            if code in leads:
                people.setdefault(code, set()).add(person)
        return {code: frozenset(some) for code, some in people.items()}

    @cached_property
    def unreached(self) -> dict[tuple[UUID, int], int]:
        """How many follow-ups of an issue's round reached nobody."""
        found: dict[tuple[UUID, int], int] = {}
        rows = IssueAction.objects.filter(issue__in=self.dossiers, action="follow_up")
        for issue, round_, data in rows.values_list("issue", "round", "data"):
            if data.get("solved") is None:
                found[issue, round_] = found.get((issue, round_), 0) + 1
        return found

    @cached_property
    def exhibits(self) -> dict[UUID, Exhibit]:
        given = [value for name in RECORDS for value in _values(self.asked, name)]
        return photographs.exhibits(set(_ids(given)), by=self.by)

    @cached_property
    def done_before(self) -> dict[tuple[UUID, str], datetime]:
        """When the caller last did each of the asked actions to each of the issues."""
        actions = {one.action for one in self.asked}
        rows = IssueAction.objects.filter(issue__in=self.dossiers, action__in=actions, person=self.by.person)
        return {(issue, action): at for issue, action, at in rows.order_by("at").values_list("issue", "action", "at")}

    @cached_property
    def given_away(self) -> dict[UUID, str]:
        """Of the asked issues, the ones that the caller's department or town led before, with the state they are in now."""
        if not isinstance(self.by, Caller) or not (self.by.departments or self.by.towns):
            return {}
        theirs = Q(lead__in=self.by.departments) | Q(lead_region__in=self.by.towns)
        led = Segment.objects.filter(theirs, issue__in={one.issue for one in self.asked}, ended_at__isnull=False)
        return dict(led.values_list("issue", "issue__state"))

    @cached_property
    def seen_masters(self) -> set[UUID]:
        """Of the issues that others were merged into, the ones the caller may read."""
        wanted = [d.issue.master_id for d in self.dossiers.values() if d.issue.master_id]
        return set(visible(self.by).filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()


def masters(asked: Sequence[Asked]) -> set[UUID]:
    """The issues that others of the set are to be merged into."""
    return set(_ids(_values([one for one in asked if one.action == "merge"], "into")))


def _values(asked: Sequence[Asked], name: str) -> Iterator[Any]:
    """What requests carry under a name, lists laid flat."""
    for one in asked:
        if isinstance(one.data, Mapping):
            value = one.data.get(name)
            yield from value if isinstance(value, list) else [value]


def _ids(values: Iterable[Any]) -> Iterator[UUID]:
    for value in values:
        try:
            yield UUID(value if isinstance(value, str) else "")
        except ValueError:
            continue


def _record_fault(exhibit: Exhibit | None, issue: Issue) -> tuple[str, Text] | None:
    if exhibit is None or not (exhibit.readable or exhibit.issue == issue.id):
        return "unknown", Text("没有这张照片", "There is no such photo")
    if exhibit.issue != issue.id and exhibit.enterprise != issue.enterprise_id:
        return "elsewhere", Text("照片不属于本问题或该企业", "The photo shows neither this issue nor its enterprise")
    if not exhibit.stored:
        return "not-stored", Text("照片尚未上传完成", "The photo has not been uploaded completely")
    return None
