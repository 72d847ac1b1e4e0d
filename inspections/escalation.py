"""Warnings and escalation by the clock: what a worker does every few minutes, and may be late in doing.

Every warning has a cause and is given once for each dispatch of an issue, so a sweep after a week's stop does in one go
what is due by then, and a second sweep at the same moment does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from core.actors import SYSTEM
from core.ids import uuid7
from inspections import calendar, conference, deadlines, dossiers
from inspections.deadlines import JOINT_CONFERENCE_AFTER, RED_AFTER, Calendar, Colour, close_of, local_day
from inspections.dossiers import Desk
from inspections.effects import EFFECTS, RANK, Step
from inspections.models import ENDED_STATES, Issue, IssueAction, Supervision, Suspension
from inspections.workflow import WITH_DEPARTMENT, State
from journal import journal, rows

BATCH = 500


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a warning is given: its name, colour and level, and the card that goes with it."""

    name: str
    colour: Colour
    level: int
    card: str = ""


DUE_SOON = Cause("due_soon", Colour.BLUE, 0)
LATE_ACKNOWLEDGEMENT = Cause("late_acknowledgement", Colour.YELLOW, 2, "yellow")
OVERDUE = Cause("overdue", Colour.YELLOW, 2, "yellow")
LONG_OVERDUE = Cause("long_overdue", Colour.RED, 3, "red")
FAR_OVERDUE = Cause("far_overdue", Colour.RED, 4)
CAUSES = (DUE_SOON, LATE_ACKNOWLEDGEMENT, OVERDUE, LONG_OVERDUE, FAR_OVERDUE)


@dataclass(slots=True)
class Swept:
    """How much a sweep did."""

    resumed: int = 0
    warned: int = 0
    tasks: int = 0


def sweep(*, at: datetime) -> Swept:
    """Resume pauses that are over, then warn whoever is late or nearly so, with an issue or a task of the conference."""
    swept = Swept()
    over = Suspension.objects.filter(state="running", until__lte=local_day(at)).values_list("issue", flat=True)
    for ids in _slices(over):
        swept.resumed += _resume(ids, at)
    for ids in _slices(_candidates(calendar.current(), at)):
        swept.warned += _warn(ids, at)
    swept.tasks = conference.warn(at=at)
    return swept


def _slices(ids: Iterable[UUID]) -> Iterator[list[UUID]]:
    found = sorted(set(ids))
    for start in range(0, len(found), BATCH):
        yield found[start : start + BATCH]


def _resume(ids: list[UUID], at: datetime) -> int:
    with journal.unit(by=SYSTEM, at=at):
        desk = Desk()
        paused = [d for d in dossiers.open_all(ids, desk).values() if d.issue.state == State.SUSPENDED]
        notes, changes = [], []
        for dossier in paused:
            issue = dossier.issue
            issue.state = State.IN_PROGRESS
            EFFECTS["resume"](dossier, Step("resume", at))
            note = IssueAction(
                id=uuid7(), issue_id=issue.id, action="resume", party="system", from_state=State.SUSPENDED,
                to_state=issue.state, round=issue.round, at=at,
            )  # fmt: skip
            notes.append(note)
            changes += dossiers.told(dossier, "issue.resume", note)
        dossiers.save(paused, notes, at)
        journal.record(changes)
        return len(paused)


def _candidates(of: Calendar, at: datetime) -> Iterable[UUID]:
    """Issues that some warning is due for and was not given yet; one query over the open ones."""
    today = local_day(at)
    conditions = {
        DUE_SOON: Q(due__gte=at, due__lte=close_of(of.after(today, 1))),
        LATE_ACKNOWLEDGEMENT: Q(state=State.DISPATCHED.value, acknowledge_due__lt=at),
        OVERDUE: Q(due__lt=at),
        LONG_OVERDUE: Q(due__lte=close_of(of.after(today, -RED_AFTER))),
        FAR_OVERDUE: Q(due__lte=close_of(of.after(today, -JOINT_CONFERENCE_AFTER))),
    }
    wanted = Q()
    for cause, condition in conditions.items():
        given = Supervision.objects.filter(issue=OuterRef("pk"), segment=OuterRef("segment"), cause=cause.name)
        wanted |= condition & Q(~Exists(given))
    running = Issue.objects.exclude(state__in=ENDED_STATES).filter(state__in=WITH_DEPARTMENT, replied_at=None)
    return running.filter(wanted).values_list("pk", flat=True)


def _warn(ids: list[UUID], at: datetime) -> int:
    """Warn whoever has earned it among these: few statements, plain rows, and only the columns that a warning touches."""
    with journal.unit(by=SYSTEM, at=at):
        locked = Issue.objects.filter(pk__among=ids).order_by("id").select_for_update(of=("self",))
        found = [_Case(*row) for row in locked.values_list("pk", *_LOOKED_AT)]
        given = _given(ids)
        desk = Desk()
        supervisions: list[tuple[Any, ...]] = []
        changes: list[journal.Change] = []
        outcomes: list[tuple[UUID, str, int, datetime]] = []
        for case in found:
            known = given.get((case.id, case.segment), ())
            causes = [cause for cause in due_causes(case, desk.calendar, at) if cause.name not in known]
            if not causes:
                continue
            colour, level = _worst(case, causes)
            outcomes.append((case.id, colour, level, at))
            supervisions += [_supervision(case, cause, desk, at) for cause in causes]
            told = {"cause": [None, causes[-1].name], "colour": [case.colour, colour], "level": [case.level, level]}
            changes.append(journal.Change("issue.warned", "issues", case.id, told))
        rows.update(Issue, "id", ("colour", "level", "updated_at"), outcomes)
        rows.insert(Supervision, _GIVEN, supervisions)
        journal.record(changes)
        return len(changes)


@dataclass(slots=True)
class _Case:
    """What a warning looks at of an issue, without the rest of its row."""

    id: UUID
    state: str
    due: datetime | None
    acknowledge_due: datetime | None
    replied_at: datetime | None
    segment: int
    lead_code: str
    colour: str
    level: int


_LOOKED_AT = ("state", "due", "acknowledge_due", "replied_at", "segment", "lead_code", "colour", "level")
_GIVEN = ("id", "issue_id", "segment", "lead_code", "level", "card", "cause", "reason", "leader", "at")


def _given(ids: list[UUID]) -> dict[tuple[UUID, int], set[str]]:
    """The causes that have warned before, by issue and segment."""
    found: dict[tuple[UUID, int], set[str]] = {}
    for issue, segment, cause in Supervision.objects.filter(issue__id__among=ids).values_list(
        "issue", "segment", "cause"
    ):
        found.setdefault((issue, segment), set()).add(cause)
    return found


def _worst(case: _Case, causes: list[Cause]) -> tuple[str, int]:
    """The colour and level an issue has after these warnings; both only ever get worse."""
    colours = [Colour(case.colour), *(cause.colour for cause in causes)]
    return max(colours, key=RANK.index).value, max(case.level, *(cause.level for cause in causes))


def _supervision(case: _Case, cause: Cause, desk: Desk, at: datetime) -> tuple[Any, ...]:
    department = desk.departments.get(case.lead_code)
    leader = department.leader if department and cause.level > 1 else ""
    return uuid7(), case.id, case.segment, case.lead_code, cause.level, cause.card, cause.name, "", leader, at


def due_causes(issue: Issue | _Case, of: Calendar, at: datetime) -> list[Cause]:
    """Every warning that an issue has earned by an instant, mildest first."""
    if issue.state not in WITH_DEPARTMENT or issue.due is None or issue.replied_at is not None:
        return []
    found = []
    if issue.due >= at and deadlines.workdays_left(of, issue.due, at) <= 1:
        found.append(DUE_SOON)
    if issue.state == State.DISPATCHED and issue.acknowledge_due is not None and issue.acknowledge_due < at:
        found.append(LATE_ACKNOWLEDGEMENT)
    if issue.due < at:
        found.append(OVERDUE)
    if deadlines.is_late_by(of, issue.due, at, RED_AFTER):
        found.append(LONG_OVERDUE)
    if deadlines.is_late_by(of, issue.due, at, JOINT_CONFERENCE_AFTER):
        found.append(FAR_OVERDUE)
    return found
