"""What each action of the workflow does to an issue beyond its state. One function an action; none of them writes.

``EFFECTS`` maps the actions to their functions; an action that only leaves words has none. The state has already been
moved when a function runs, and the guards have agreed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from core.ids import uuid7
from inspections import calendar, deadlines
from inspections.deadlines import SHANGHAI, Colour
from inspections.dossiers import Dossier
from inspections.models import Extension, IssueAssist, Segment, Suspension
from inspections.routing import TOWN
from inspections.workflow import State
from journal.rows import made

REVIEW_WORKDAYS = 2
RANK = [Colour.NONE, Colour.BLUE, Colour.YELLOW, Colour.RED]


@dataclass(frozen=True, slots=True)
class Step:
    """One action as it takes effect: who in person, with what words and data, when; ``codes`` are the actor's parties."""

    action: str
    at: datetime
    person: UUID | None = None
    party: str = "system"
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    is_office: bool = False


def dispatch_to(
    dossier: Dossier, lead: str, assists: list[str], deadline_class: str, *, how: str, at: datetime, limit: int = 0
) -> None:
    """Give the issue to one lead: a new segment with new due times."""
    issue, desk = dossier.issue, dossier.desk
    town = desk.region_codes.get(issue.region_id, "")
    lead, *assists = [town if code == TOWN and town else code for code in (lead, *assists)]
    of = desk.classes[deadline_class]
    _end_segment(dossier, at)
    issue.state = State.DISPATCHED
    issue.lead_code, issue.lead_region_id = lead, desk.regions.get(lead)
    issue.lead_id = desk.departments[lead].id if lead in desk.departments else None
    issue.assists = [code for code in dict.fromkeys(assists) if code != lead]
    issue.deadline_class_id, issue.dispatched_at = deadline_class, at
    issue.limit = issue.allowance = limit or of.resolve_workdays
    issue.acknowledged_at = issue.first_response_at = issue.replied_at = issue.accepted_at = issue.review_due = None
    issue.handler_id, issue.outcome, issue.previous_state = None, "", ""
    issue.colour, issue.level, issue.extended = Colour.NONE, 0, how == "rework" and issue.extended
    issue.segment += 1
    calendar.clocks(issue, desk.calendar, of)
    _open_segment(dossier, how)
    _ask_assistants(dossier)


def _open_segment(dossier: Dossier, how: str) -> None:
    issue = dossier.issue
    if not (issue.dispatched_at and issue.acknowledge_due and issue.due and issue.deadline_class_id):
        raise ValueError("a segment begins with a dispatch")
    dossier.segment = made(
        Segment,
        id=uuid7(), issue_id=issue.id, number=issue.segment, round=issue.round, how=how, lead_code=issue.lead_code,
        lead_id=issue.lead_id, lead_region_id=issue.lead_region_id, region_id=issue.region_id, reporter_id=issue.reporter_id,
        deadline_class_id=issue.deadline_class_id, dispatched_at=issue.dispatched_at,
        acknowledge_due=issue.acknowledge_due, due=issue.due,
    )  # fmt: skip


def _end_segment(dossier: Dossier, at: datetime) -> None:
    if dossier.segment is not None:
        dossier.segment.ended_at = at
        dossier.ended.append(dossier.segment)
        dossier.segment = None


def _ask_assistants(dossier: Dossier) -> None:
    """One row for each assistant of the round; an opinion already given in it stands."""
    issue, departments = dossier.issue, dossier.desk.departments
    for code in [
        code for code, row in dossier.assisting.items() if code not in issue.assists or row.round != issue.round
    ]:
        row = dossier.assisting.pop(code)
        if row.opinion_at is None:
            dossier.dropped.append(row.id)
    for code in issue.assists:
        if code not in dossier.assisting:
            department = departments[code].id if code in departments else None
            dossier.assisting[code] = made(
                IssueAssist, id=uuid7(), issue_id=issue.id, round=issue.round, code=code, department_id=department
            )


def take_back(dossier: Dossier, at: datetime) -> None:
    """The issue leaves its department and waits for the office again."""
    issue = dossier.issue
    _end_segment(dossier, at)
    issue.lead_code, issue.lead_id, issue.lead_region_id, issue.handler_id = "", None, None, None
    issue.dispatched_at = issue.acknowledge_due = issue.acknowledged_at = issue.due = issue.original_due = None
    issue.first_response_due = issue.first_response_at = issue.replied_at = issue.accepted_at = issue.review_due = None
    issue.provisional_due, issue.colour, issue.level = False, Colour.NONE, 0
    issue.limit = issue.allowance = 0


def _dispatch(dossier: Dossier, step: Step) -> None:
    data = step.data
    dispatch_to(
        dossier, data["lead"], list(data.get("assists") or []), data["deadline_class"], how="office", at=step.at
    )


def _merge(dossier: Dossier, step: Step) -> None:
    dossier.issue.master_id = UUID(step.data["into"])


def _answer_now(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    issue.instant, issue.closed_at, issue.replied_at, issue.outcome = True, step.at, step.at, "explained"


def _acknowledge(dossier: Dossier, step: Step) -> None:
    handler = step.data.get("handler")
    dossier.issue.handler_id = UUID(handler) if handler else step.person
    dossier.issue.acknowledged_at = step.at
    if dossier.segment is not None:
        dossier.segment.acknowledged_at = step.at


def _request_return(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    issue.previous_state = dossier.before["state"]
    issue.returns = [*issue.returns, issue.lead_code]
    if dossier.segment is not None:
        dossier.segment.return_asked_at = step.at
    if len(issue.returns) > 1:
        dossier.warn(4, "jurisdiction", step.at, reason=step.data["ground"])


def _decide_return(result: str) -> Callable[[Dossier, Step], None]:
    def effect(dossier: Dossier, step: Step) -> None:
        issue, data = dossier.issue, step.data
        if dossier.segment is not None:
            dossier.segment.return_result = result
        issue.previous_state = ""
        if result == "approved":
            take_back(dossier, step.at)
        elif result == "adjudicated":
            assists, of = data.get("assists"), data.get("deadline_class") or issue.deadline_class_id
            issue.adjudicated = True
            dispatch_to(
                dossier, data["lead"], issue.assists if assists is None else assists, str(of), how=result, at=step.at
            )

    return effect


def _transfer(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    dispatch_to(dossier, step.data["lead"], issue.assists, str(issue.deadline_class_id), how="transfer", at=step.at)


def _give_time(dossier: Dossier, workdays: int) -> None:
    issue = dossier.issue
    issue.allowance += workdays
    calendar.clocks(issue, dossier.desk.calendar, dossier.desk.classes[str(issue.deadline_class_id)])
    if dossier.segment is not None and issue.due is not None:
        dossier.segment.due = issue.due


def _request_extension(dossier: Dossier, step: Step) -> None:
    issue, old = dossier.issue, dossier.issue.due
    _give_time(dossier, step.data["workdays"])
    issue.extended = True
    if old is None or issue.due is None:
        raise ValueError("only what is due can be extended")
    dossier.extensions.append(
        Extension(
            id=uuid7(),
            issue_id=issue.id,
            round=issue.round,
            workdays=step.data["workdays"],
            reason=step.data["reason"],
            old_due=old,
            new_due=issue.due,
            at=step.at,
        )
    )


def _suspend(dossier: Dossier, step: Step) -> None:
    """The lead asks; the office starts the pause, the one asked for or one of its own."""
    data, asked = step.data, dossier.pause
    document = data.get("document")
    pause = asked or Suspension(id=uuid7(), issue_id=dossier.issue.id, asked_at=step.at)
    pause.reason_code, pause.until = data["reason_code"], date.fromisoformat(data["until"])
    pause.document = UUID(str(document)) if document else None
    if step.is_office:
        pause.state, pause.since = "running", step.at
    else:
        pause.state, dossier.issue.state = "asked", State.IN_PROGRESS
    dossier.put_pause(pause)


def _refuse_suspension(dossier: Dossier, step: Step) -> None:
    if (pause := dossier.pause) is not None:
        pause.state, pause.ended_at = "refused", step.at
        dossier.put_pause(pause)


def end_of(pause: Suspension) -> datetime:
    """When a pause ends by itself: as its last day begins."""
    return datetime.combine(pause.until, time(), SHANGHAI)


def _resume(dossier: Dossier, step: Step) -> None:
    pause = dossier.pause
    if pause is None or pause.since is None:
        return
    pause.ended_at = min(step.at, max(end_of(pause), pause.since + timedelta(seconds=1)))
    pause.workdays = deadlines.paused_workdays(dossier.desk.calendar, pause.since, pause.ended_at)
    pause.state = "ended"
    dossier.issue.paused_workdays += pause.workdays
    _give_time(dossier, pause.workdays)
    dossier.put_pause(pause)


def _reply(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    issue.replied_at, issue.outcome = step.at, step.data["outcome"]
    issue.review_due = deadlines.due(dossier.desk.calendar, step.at, REVIEW_WORKDAYS).at
    if dossier.segment is not None:
        dossier.segment.replied_at = step.at
    if (pause := dossier.pause) is not None:
        pause.state, pause.ended_at = "refused", step.at
        dossier.put_pause(pause)


def _reject_reply(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    issue.replied_at = issue.review_due = None
    issue.outcome = ""
    if dossier.segment is not None:
        dossier.segment.replied_at = None
    raise_colour(dossier, Colour.YELLOW)
    dossier.warn(0, "refused_reply", step.at, card="yellow", reason=step.data["reason"])


def _accept_reply(dossier: Dossier, step: Step) -> None:
    dossier.issue.accepted_at = step.at


def _close(dossier: Dossier, step: Step) -> None:
    issue, data = dossier.issue, step.data
    issue.closed_at, issue.satisfaction = step.at, data["satisfaction"]
    issue.solved, issue.method = data["solved"], data["method"]
    _end_segment(dossier, step.at)


def _rework(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    issue.round += 1
    issue.reworks += 1
    of = dossier.desk.classes[str(issue.deadline_class_id)]
    limit = deadlines.rework_limit(of.resolve_workdays)
    dispatch_to(dossier, issue.lead_code, issue.assists, of.code, how="rework", at=step.at, limit=limit)
    if issue.reworks > 1:
        raise_colour(dossier, Colour.RED)
        dossier.warn(3, "second_rework", step.at, card="red", reason=step.data["reason"])


def _reopen(dossier: Dossier, step: Step) -> None:
    issue = dossier.issue
    take_back(dossier, step.at)
    issue.round += 1
    issue.reworks, issue.returns, issue.adjudicated, issue.extended, issue.instant = 0, [], False, False, False
    issue.closed_at, issue.satisfaction, issue.solved, issue.method, issue.outcome = None, "", None, "", ""


def _assist_opinion(dossier: Dossier, step: Step) -> None:
    """An assistant speaks for itself; the office may note what it heard, of one assistant or of all still missing."""
    named = step.data.get("department")
    codes = {named} if named else set(dossier.issue.assists) if step.is_office else set(step.codes)
    for code, row in dossier.assisting.items():
        if code in codes and (named or not step.is_office or row.opinion_at is None):
            row.opinion_at, row.opinion = step.at, step.text


def _supervise(level: int, cause: str, card: str = "") -> Callable[[Dossier, Step], None]:
    def effect(dossier: Dossier, step: Step) -> None:
        if card:
            raise_colour(dossier, Colour(card))
        dossier.warn(level, cause, step.at, card=card, reason=step.data.get("reason") or step.text)

    return effect


def raise_colour(dossier: Dossier, colour: Colour) -> None:
    """A warning only ever gets worse within a segment."""
    dossier.issue.colour = max(Colour(dossier.issue.colour), colour, key=RANK.index)


EFFECTS: Mapping[str, Callable[[Dossier, Step], None]] = {
    "merge": _merge,
    "dispatch": _dispatch,
    "answer_now": _answer_now,
    "acknowledge": _acknowledge,
    "request_return": _request_return,
    "approve_return": _decide_return("approved"),
    "refuse_return": _decide_return("refused"),
    "adjudicate": _decide_return("adjudicated"),
    "transfer": _transfer,
    "request_extension": _request_extension,
    "suspend": _suspend,
    "refuse_suspension": _refuse_suspension,
    "resume": _resume,
    "reply": _reply,
    "reject_reply": _reject_reply,
    "accept_reply": _accept_reply,
    "close": _close,
    "rework": _rework,
    "reopen": _reopen,
    "assist_opinion": _assist_opinion,
    "urge": _supervise(1, "urged"),
    "supervise": _supervise(2, "ordered", "yellow"),
    "admonish": _supervise(3, "talk", "red"),
    "refer": _supervise(4, "referred"),
}
