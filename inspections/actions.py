"""What is done about issues: the workflow as one verb over a set of requests, for the push, the desk and the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Fault, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from inspections import dossiers, guards, issues, particulars, shapes, tables, workflow
from inspections.deadlines import local_day
from inspections.dossiers import Desk, Dossier
from inspections.effects import EFFECTS, Step
from inspections.issues import visible
from inspections.models import Issue, IssueAction
from inspections.routing import OFFICE
from inspections.shapes import Shape
from inspections.workflow import ASKABLE, ROWS, Row, State, Who
from journal import journal
from organizations.permissions import Caller, allowed, live_assignments
from organizations.roles import FIELD_ROLES, Role

COLLECTION = "issue_actions"
CONTACTS = frozenset({"comment", "request_extension", "suspend", "reply"})
"""What a lead does that counts as having been in touch."""
SHAPES: Mapping[str, Shape] = {
    "issue": Shape(shapes.identifier, required=True),
    "action": Shape(shapes.text(24), required=True),
    "text": Shape(shapes.text(4000), empty=""),
    "data": Shape(lambda value: value, empty=dict),
    "at": Shape(shapes.instant, required=True),
}


@dataclass(slots=True)
class ActionRequest:
    """One wished action. ``text`` and ``data`` are as the caller sent them; ``by`` names the item's own actor."""

    issue: UUID
    action: str
    text: Any = None
    data: Any = None
    id: UUID = field(default_factory=uuid7)
    by: Actor | None = None
    claimed_at: datetime | None = None


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Issue | Problem]:
    """The pushed form of ``act``: one issue_actions record a draft. They are only ever created."""
    outcomes: list[Issue | Problem] = []
    requests: list[ActionRequest] = []
    for draft in drafts:
        clean, faults = shapes.read(draft.changes, SHAPES, new=draft.new)
        if not draft.new:
            faults = [Fault("", "append-only", Text("办理记录不能修改", "What was done cannot be edited"))]
        if faults:
            outcomes.append(Invalid(errors=faults))
            continue
        request = ActionRequest(
            clean["issue"], clean["action"], clean.get("text"), clean.get("data"), draft.id, draft.by, clean["at"]
        )
        requests.append(request)
        outcomes.append(NotFound())
    decided = iter(act(requests, by=by, at=at))
    return [next(decided) if isinstance(outcome, NotFound) else outcome for outcome in outcomes]


def act(
    requests: Sequence[ActionRequest], *, by: Actor, at: datetime, desk: Desk | None = None
) -> list[Issue | Problem]:
    """Do what is asked for, in order; one outcome a request. The number of queries does not grow with the set.

    A ``desk`` is given by whoever asks for many sets in a row and knows that calendar, departments and classes stand still.
    """
    with journal.unit(by=by, at=at):
        work = _Work(requests, by, at, desk or Desk())
        outcomes: list[Issue | Problem] = []
        for request in requests:
            try:
                outcomes.append(work.do(request))
            except Problem as problem:
                outcomes.append(problem)
        work.tell_the_merged()
        dossiers.save(list(work.touched.values()), work.actions, at)
        journal.record(work.changes)
        return outcomes


def act_one(request: ActionRequest, *, by: Actor, at: datetime) -> Issue:
    """One action on one issue. Raises NotFound, Forbidden, WrongState, Invalid."""
    (outcome,) = act([request], by=by, at=at)
    if isinstance(outcome, Problem):
        raise outcome
    return outcome


def answer_on_the_spot(draft: Draft, text: Any, *, by: Actor, at: datetime) -> Issue:
    """A new issue that the station has answered already: closed at once, no department is troubled. Raises Problem."""
    with journal.unit(by=by, at=at):
        (outcome,) = issues.put([draft], by=by, at=at)
        if isinstance(outcome, Problem):
            raise outcome
        return act_one(ActionRequest(outcome.id, "answer_now", text, by=draft.by), by=by, at=at)


class _Work:
    """A set of requests at work, and what has come of it so far."""

    def __init__(self, requests: Sequence[ActionRequest], by: Actor, at: datetime, desk: Desk) -> None:
        self.by, self.at, self.desk = by, at, desk
        ids = {request.issue for request in requests}
        if by.person is not None:
            ids = set(visible(by).filter(pk__in=ids).values_list("pk", flat=True))
        self.dossiers = dossiers.open_all(ids, self.desk)
        self.masters = _masters(requests)
        self.people = _people(requests, self.dossiers, self.desk, at)
        self.touched: dict[UUID, Dossier] = {}
        self.actions: list[IssueAction] = []
        self.changes: list[journal.Change] = []

    def do(self, request: ActionRequest) -> Issue:
        dossier = self.dossiers.get(request.issue)
        if dossier is None:
            raise NotFound(errors=[Fault("/issue", "unknown", NotFound.title)])
        row = ROWS.get(request.action)
        if row is None or row.action not in ASKABLE:
            raise Invalid.at("/action", "unknown", Text("没有此操作", "There is no such action"))
        if not may(dossier, row.action, self.by):
            raise Forbidden(
                Text("您的身份不能进行“{action}”", "As who you are you may not “{action}”").fill(action=row.label)
            )
        step = self._step(dossier, row, request)
        issue = dossier.issue
        before = issue.state
        after = workflow.step(before, row.action, previous=issue.previous_state)
        self._check(dossier, row, request, step)
        issue.state = after
        if (effect := EFFECTS.get(row.action)) is not None:
            effect(dossier, step)
        if Who.LEAD in row.who and step.party == issue.lead_code and row.action in CONTACTS:
            issue.first_response_at = issue.first_response_at or self.at
        self.touched[issue.id] = dossier
        note = tables.made(
            IssueAction,
            id=request.id, issue_id=issue.id, action=row.action, text=step.text, data=dict(step.data),
            person_id=self.by.person, party=step.party, from_state=before, to_state=issue.state, round=issue.round,
            claimed_at=request.claimed_at, at=self.at,
        )  # fmt: skip
        self.actions.append(note)
        claimed = {"by": request.by, "claimed_at": request.claimed_at}
        self.changes += dossiers.told(dossier, f"issue.{row.action}", note, **claimed)
        return issue

    def _step(self, dossier: Dossier, row: Row, request: ActionRequest) -> Step:
        data = {} if request.data is None else request.data
        pause = dossier.pause
        party, codes = party_of(dossier, row, self.by)
        office = party == "office"
        if row.action == "suspend" and office and isinstance(data, dict) and pause is not None:
            data = {"reason_code": pause.reason_code, "until": pause.until.isoformat()} | data
        return Step(row.action, self.at, self.by.person, party, request.text or "", data, codes, office)

    def _check(self, dossier: Dossier, row: Row, request: ActionRequest, step: Step) -> None:
        faults = particulars.check(
            row, request.text, step.data, departments=self.desk.parties, classes=self.desk.classes
        )
        if faults:
            raise Invalid(errors=faults)
        more: dict[str, Any] = {"actor": self.by.person, "data": step.data}
        if row.action == "merge":
            more["master"] = self.masters.get(UUID(step.data["into"]))
        if row.action == "acknowledge" and step.data.get("handler"):
            more["lead_people"] = self.people.get(dossier.issue.lead_code, frozenset())
        faults = guards.check(row, dossier.facts(self.at, **more))
        named = step.data.get("department")
        if row.action == "assist_opinion" and named and not step.is_office and named not in step.codes:
            detail = Text("只能代表本部门发表意见", "You speak for your own department only")
            faults.append(Fault("/data/department", "not-yours", detail))
        if faults:
            raise Invalid(faults[0].detail, errors=faults, state=dossier.issue.state)

    def tell_the_merged(self) -> None:
        """Whoever reported the same case inherits the result of its master once that is closed."""
        closed = {pk: d.issue for pk, d in self.touched.items() if d.issue.state == State.CLOSED}
        if not closed:
            return
        merged = Issue.objects.filter(master__in=closed, state=State.MERGED).values_list("pk", flat=True)
        for dossier in dossiers.open_all(set(merged) - self.touched.keys(), self.desk).values():
            issue = dossier.issue
            master = closed[issue.master_id] if issue.master_id else issue
            issue.outcome, issue.solved, issue.satisfaction = master.outcome, master.solved, master.satisfaction
            self.touched[issue.id] = dossier
            self.changes += dossiers.told(dossier, "issue.inherited", None)


def may(dossier: Dossier, action: str, by: Actor) -> bool:
    """Whether the caller's roles and relation to the issue allow an action, whatever its state.

    What no department fits the office leads itself, and then it may do what a lead may.
    """
    if allowed(by, f"issue.{action}", dossier.subject):
        return True
    return Who.LEAD in ROWS[action].who and _leads_as_office(dossier.issue, by)


def _leads_as_office(issue: Issue, by: Actor) -> bool:
    return issue.lead_code == OFFICE and isinstance(by, Caller) and Role.OFFICE in by.roles


def open_to(issue: Issue, by: Actor, *, dossier: Dossier | None = None) -> list[Row]:
    """The actions that the issue's state and the caller's roles allow now."""
    dossier = dossier or Dossier(issue, Desk(), assisting={row.code: row for row in issue.assisting.all()})
    return workflow.open_actions(issue.state, lambda action: may(dossier, action, by))


def party_of(dossier: Dossier, row: Row, by: Actor) -> tuple[str, frozenset[str]]:
    """As whom somebody acts, as everybody may know it; and the departments and towns they speak for here."""
    if by.person is None or not isinstance(by, Caller):
        return "system", frozenset()
    issue, who = dossier.issue, set(row.who)
    towns = {dossier.desk.region_codes[town] for town in by.towns if town in dossier.desk.region_codes}
    roles = by.roles
    codes = frozenset(by.department_codes) | towns | ({OFFICE} if Role.OFFICE in roles else set())
    if Who.OFFICE in who and Role.OFFICE in roles:
        return "office", codes
    if Who.LEAD in who and issue.lead_code in codes:
        return issue.lead_code, codes
    if Who.ASSIST in who and (spoken := codes & set(issue.assists)):
        return min(spoken), codes
    if Who.TOWN in who and towns:
        return "town", codes
    if Who.REPORTER in who and issue.reporter_id == by.person:
        return "reporter", codes
    if Who.FIELD in who and roles & FIELD_ROLES:
        return "field", codes
    return "station" if Role.STATION_STAFF in roles else "other", codes


def _masters(requests: Sequence[ActionRequest]) -> dict[UUID, tuple[UUID, str]]:
    wanted = set()
    for request in requests:
        if request.action == "merge" and isinstance(request.data, Mapping):
            try:
                wanted.add(UUID(str(request.data.get("into"))))
            except ValueError:
                continue
    if not wanted:
        return {}
    return {pk: (pk, state) for pk, state in Issue.objects.filter(pk__in=wanted).values_list("pk", "state")}


def _people(
    requests: Sequence[ActionRequest], found: Mapping[UUID, Dossier], desk: Desk, at: datetime
) -> dict[str, frozenset[UUID]]:
    """Who works for the leads, where somebody is named as a handler."""
    named = [r for r in requests if r.action == "acknowledge" and isinstance(r.data, Mapping) and r.data.get("handler")]
    leads = {found[request.issue].issue.lead_code for request in named if request.issue in found}
    if not leads:
        return {}
    people: dict[str, set[UUID]] = {}
    rows: list[tuple[str | None, str | None, UUID]] = list(
        live_assignments(local_day(at))
        .filter(role__in=(Role.HANDLER, Role.TOWN_OFFICER, Role.OFFICE), person__is_active=True)
        .values_list("department__code", "region__code", "person")
    )
    for department, region, person in rows:
        code = department or region or OFFICE
        if code in leads:
            people.setdefault(code, set()).add(person)
    return {code: frozenset(some) for code, some in people.items()}
