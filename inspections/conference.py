"""The joint conference: what was referred to it, and the tasks that its minutes give to departments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.actors import SYSTEM, Actor
from core.ids import uuid7
from core.problems import Conflict, Fault, Forbidden, Invalid, NotFound
from core.texts import Text
from inspections import calendar
from inspections.deadlines import close_of, local_day
from inspections.issues import visible
from inspections.models import ENDED_STATES, ConferenceTask, Issue
from journal import journal
from organizations.changes import plain
from organizations.models import Department
from organizations.permissions import Caller, permit
from organizations.roles import Role

JOINT_CONFERENCE = 4
SOON, LATE = "soon", "late"


def agenda(by: Actor) -> QuerySet[Issue]:
    """Running issues that have reached the conference, in the caller's sight."""
    return visible(by).filter(level__gte=JOINT_CONFERENCE).exclude(state__in=ENDED_STATES)


def decide(issue: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> ConferenceTask:
    """Note what the conference decided: ``department`` (code), ``minutes``, ``due`` (a day). Raises NotFound, Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        row = visible(by).filter(pk=issue).first()
        if row is None:
            raise NotFound
        permit(by, "issue.refer")
        if row.level < JOINT_CONFERENCE:
            detail = Text("该问题尚未提交联席会议", "It has not been referred to the joint conference")
            raise Conflict(detail, state=row.state)
        department = Department.objects.filter(code=values["department"], active=True).first()
        faults = []
        if department is None:
            faults.append(Fault("/department", "unknown", Text("没有此部门", "There is no such department")))
        if values["due"] < local_day(at):
            faults.append(Fault("/due", "not-ahead", Text("期限已过", "The due day is past")))
        if faults or department is None:
            raise Invalid(errors=faults)
        task = ConferenceTask(
            id=uuid7(), issue=row, department=department, minutes=values["minutes"], due=values["due"], decided_at=at
        )
        task.save(force_insert=True)
        _note("task.decided", task, {"due": [None, plain(task.due)]})
        return task


def finish(task: UUID, *, by: Actor, at: datetime) -> ConferenceTask:
    """The department, or the office for it, says that a task is done. Raises NotFound, Conflict, Forbidden."""
    with journal.unit(by=by, at=at):
        row = tasks(by).select_for_update(of=("self",)).filter(pk=task).first()
        if row is None:
            raise NotFound
        if row.done_at is not None:
            raise Conflict(Text("该任务已完成", "This task is done already"))
        row.done_at = at
        row.save(update_fields=["done_at"])
        _note("task.done", row, {"done_at": [None, plain(at)]})
        return row


def tasks(by: Actor) -> QuerySet[ConferenceTask]:
    """The tasks a caller may see: the office all, a department its own."""
    rows = ConferenceTask.objects.select_related("department", "issue")
    if by.person is None:
        return rows
    if not isinstance(by, Caller):
        raise Forbidden
    return rows if Role.OFFICE in by.roles else rows.filter(Q(department__in=by.departments))


def warn(*, at: datetime) -> int:
    """Tell of each open task that a working day is left, and that it is late; each once. Gives how many were told of."""
    of, today = calendar.current(), local_day(at)
    late = Q(due__lt=today) | Q(due=today) if at > close_of(today) else Q(due__lt=today)
    soon = Q(due__lte=of.after(today, 1), warned="")
    waiting = ConferenceTask.objects.filter(done_at=None)
    if not waiting.filter(late & ~Q(warned=LATE) | soon).exists():
        return 0
    with journal.unit(by=SYSTEM, at=at):
        told = 0
        for verb, mark, which in (("task.overdue", LATE, late & ~Q(warned=LATE)), ("task.due_soon", SOON, soon)):
            rows = waiting.filter(which).select_related("department").select_for_update(of=("self",)).order_by("id")
            for task in list(rows):
                before, task.warned = task.warned, mark
                task.save(update_fields=["warned"])
                _note(verb, task, {"warned": [before, mark]})
                told += 1
        return told


def _note(verb: str, task: ConferenceTask, changed: dict[str, list[Any]]) -> None:
    named = {"issue": [None, str(task.issue_id)], "department": [None, task.department.code]}
    journal.record([journal.Change(verb, "conference_tasks", task.id, named | changed)])
