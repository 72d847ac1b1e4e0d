"""Issues opened for work: each with its running segment, its assistants and its pause, and what came of the work.

A dossier remembers how the issue stood when it was opened, so that what changed can be recorded. ``Desk`` is everything
that a set of dossiers shares: the calendar, the departments, the classes. All of it is read with a constant number of
queries and written with one statement a table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from operator import attrgetter
from typing import Any
from uuid import UUID

from core.ids import uuid7
from inspections import calendar, documents, tables
from inspections.deadlines import Calendar
from inspections.guards import Facts
from inspections.models import Extension, Issue, IssueAction, IssueAssist, Segment, Supervision, Suspension
from inspections.rulebook import DeadlineClass
from inspections.workflow import State
from journal import journal
from journal.remembered import Remembered
from organizations.changes import plain
from organizations.models import Department, Region
from organizations.permissions import Subject

LIVE = ("asked", "running")
"""The states in which a pause counts."""
NOT_TOLD = frozenset({"updated_at", "lead_id", "lead_region_id", "previous_state", "routing_reason", "segment"})


_calendar = Remembered(calendar.current)
_departments = Remembered(lambda: {row.code: row for row in Department.objects.all()})
_regions = Remembered(lambda: dict(Region.objects.values_list("code", "id")))
_classes = Remembered(DeadlineClass.objects.in_bulk)


class Desk:
    """What all issues of one set are judged with; each part is looked up when it is first needed."""

    @cached_property
    def calendar(self) -> Calendar:
        return _calendar.get()

    @cached_property
    def departments(self) -> dict[str, Department]:
        return _departments.get()

    @cached_property
    def regions(self) -> dict[str, UUID]:
        return _regions.get()

    @cached_property
    def region_codes(self) -> dict[UUID, str]:
        return {pk: code for code, pk in self.regions.items()}

    @cached_property
    def classes(self) -> dict[str, DeadlineClass]:
        return _classes.get()

    @cached_property
    def parties(self) -> set[str]:
        """Every code that may lead or assist."""
        return {code for code, row in self.departments.items() if row.active} | set(self.regions)


@dataclass
class Dossier:
    """One issue at work."""

    issue: Issue
    desk: Desk
    segment: Segment | None = None
    assisting: dict[str, IssueAssist] = field(default_factory=dict)
    pause: Suspension | None = None
    ended: list[Segment] = field(default_factory=list)
    pauses: dict[UUID, Suspension] = field(default_factory=dict)
    dropped: list[UUID] = field(default_factory=list)
    extensions: list[Extension] = field(default_factory=list)
    supervisions: list[Supervision] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.remember()

    def remember(self) -> None:
        """From here on ``before`` and ``changed`` speak of the present state."""
        self.before = self.issue.__dict__.copy()

    def changed(self) -> dict[str, list[Any]]:
        """What has changed since it was remembered, as the journal keeps it; ``moved`` collects the columns to be saved."""
        before, now = self.before, self.issue.__dict__
        names = [name for name in _COLUMNS if before[name] != now[name]]
        self.moved.update(names)
        return {
            name.removesuffix("_id"): [plain(before[name]), plain(now[name])] for name in names if name not in NOT_TOLD
        }

    @property
    def subject(self) -> Subject:
        """The issue as permissions see it."""
        issue = self.issue
        return Subject(
            enterprise=issue.enterprise_id,
            region=issue.region_id,
            lead=issue.lead_id,
            lead_region=issue.lead_region_id,
            assists=frozenset(
                row.department_id for code in issue.assists if (row := self.assisting.get(code)) and row.department_id
            ),
            owner=issue.reporter_id,
        )

    def facts(self, at: datetime, **more: Any) -> Facts:
        """The issue as guards see it."""
        issue = self.issue
        of = self.desk.classes.get(issue.deadline_class_id or "")
        return Facts(
            at=at,
            calendar=self.desk.calendar,
            issue=issue.id,
            lead=issue.lead_code or None,
            assists=tuple(issue.assists),
            opinions=frozenset(code for code, row in self.assisting.items() if row.opinion_at),
            handler=issue.handler_id,
            submitted_at=issue.submitted_at if issue.segment == 0 else at,
            dispatched_at=issue.dispatched_at,
            due=issue.due,
            closed_at=issue.closed_at,
            limit=issue.limit,
            may_be_extended=of.may_be_extended if of else True,
            extended=issue.extended,
            returns=tuple(issue.returns),
            adjudicated=issue.adjudicated,
            paused=issue.paused_workdays,
            pause_asked=self.pause is not None and self.pause.state == "asked",
            round=issue.round,
            reworks=issue.reworks,
            **more,
        )

    def put_pause(self, pause: Suspension) -> None:
        self.pauses[pause.id] = pause
        self.pause = pause if pause.state in ("asked", "running") else None

    def warn(self, level: int, cause: str, at: datetime, *, card: str = "", reason: str = "") -> None:
        """Note one step of escalation against the lead."""
        issue = self.issue
        department = self.desk.departments.get(issue.lead_code)
        issue.level = max(issue.level, level)
        self.supervisions.append(
            Supervision(
                id=uuid7(),
                issue_id=issue.id,
                segment=issue.segment,
                lead_code=issue.lead_code,
                level=level,
                card=card,
                cause=cause,
                reason=reason,
                leader=department.leader if department and level > 1 else "",
                at=at,
            )
        )


_COLUMNS = tables.columns_of(Issue)


def open_new(ids: Iterable[UUID], desk: Desk) -> list[Dossier]:
    """Dossiers of those of these issues that were never dispatched, locked: nothing can hang on them yet. One query, or
    none where this unit has just made them all."""
    wanted = set(ids)
    found = [issue for issue in tables.waiting(Issue, wanted) if issue.state == State.SUBMITTED and not issue.segment]
    written = wanted - {issue.id for issue in found}
    if written:
        there = Issue.objects.filter(pk__among=written, state=State.SUBMITTED, segment=0)
        found += there.select_for_update(of=("self",))
    return [Dossier(issue, desk) for issue in sorted(found, key=attrgetter("id"))]


def open_all(ids: Iterable[UUID], desk: Desk) -> dict[UUID, Dossier]:
    """Dossiers of these issues, locked until the unit ends. Four queries, however many issues."""
    found = list(Issue.objects.filter(pk__among=set(ids)).order_by("id").select_for_update(of=("self",)))
    dossiers = {issue.id: Dossier(issue, desk) for issue in found}
    if not dossiers:
        return dossiers
    for segment in Segment.objects.filter(issue__id__among=dossiers, ended_at=None):
        dossiers[segment.issue_id].segment = segment
    for assist in IssueAssist.objects.filter(issue__id__among=dossiers):
        dossier = dossiers[assist.issue_id]
        if assist.round == dossier.issue.round:
            dossier.assisting[assist.code] = assist
    for pause in Suspension.objects.filter(issue__id__among=dossiers, state__in=("asked", "running")):
        dossiers[pause.issue_id].pause = pause
    return dossiers


def read(issue: Issue, desk: Desk) -> Dossier:
    """A dossier to look at and not to write, from what was fetched with the issue (``assisting``, ``suspensions``)."""
    assisting = {row.code: row for row in issue.assisting.all() if row.round == issue.round}
    pause = next((row for row in issue.suspensions.all() if row.state in LIVE), None)
    return Dossier(issue, desk, assisting=assisting, pause=pause)


def save(dossiers: Sequence[Dossier], actions: Sequence[IssueAction], at: datetime) -> None:
    """Write everything that came of the work: one statement a table."""
    for dossier in dossiers:
        dossier.issue.updated_at = at
        dossier.changed()
    tables.change((d.issue for d in dossiers), set().union(*(d.moved for d in dossiers)))
    segments = [s for d in dossiers for s in (*d.ended, d.segment) if s is not None]
    tables.save({segment.id: segment for segment in segments}.values())
    dropped = [one for dossier in dossiers for one in dossier.dropped]
    if dropped:
        IssueAssist.objects.filter(pk__in=dropped).delete()
    tables.save(row for dossier in dossiers for row in dossier.assisting.values())
    pauses = [pause for dossier in dossiers for pause in dossier.pauses.values()]
    pauses.sort(key=lambda pause: pause.state in ("asked", "running"))
    tables.put(pauses)
    tables.add(row for dossier in dossiers for row in dossier.extensions)
    tables.add(row for dossier in dossiers for row in dossier.supervisions)
    tables.add(actions)


def told(dossier: Dossier, verb: str, action: IssueAction | None, **claimed: Any) -> list[journal.Change]:
    """The journal's entries for one step: the issue where it changed, and the action. Forgets what it has told."""
    issue = dossier.issue
    scope = documents.issue_scope(issue)
    changed = dossier.changed()
    found = []
    if changed:
        document = documents.issue(issue) if scope else None
        found.append(journal.Change(verb, "issues", issue.id, changed, scope, document, **claimed))
        dossier.remember()
    if action is not None:
        kept = {"issue": issue.id, "action": action.action, "text": action.text, "data": action.data}
        document = documents.action(action) if scope else None
        pairs = {name: [None, plain(value)] for name, value in kept.items() if value}
        found.append(journal.Change(f"{verb}.noted", "issue_actions", action.id, pairs, scope, document, **claimed))
    return found
