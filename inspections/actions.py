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
from inspections import documents, dossiers, guards, issues, particulars, references, shapes, workflow
from inspections.deadlines import SHANGHAI
from inspections.dossiers import Desk, Dossier
from inspections.effects import EFFECTS, Step
from inspections.issues import visible
from inspections.models import Issue, IssueAction
from inspections.references import References
from inspections.routing import OFFICE
from inspections.shapes import Shape
from inspections.workflow import ASKABLE, ROWS, WHO_NAMES, Row, State, Who, WrongState
from journal import journal
from journal.rows import made
from organizations.permissions import Caller, allowed
from organizations.roles import FIELD_ROLES, Role

COLLECTION = "issue_actions"
CONTACTS = frozenset({"comment", "request_extension", "suspend", "reply"})
"""What a lead does that counts as having been in touch."""
GIVEN_AWAY = Text("该问题已不由贵单位牵头", "Your department does not lead this issue any more")
SHAPES: Mapping[str, Shape] = {
    "issue": Shape(shapes.identifier, required=True),
    "action": Shape(shapes.text(24), required=True),
    "text": Shape(shapes.text(4000), empty=""),
    "data": Shape(lambda value: value, empty=dict),
    "at": Shape(shapes.instant, required=True),
}


@dataclass(slots=True)
class ActionRequest:
    """One wished action. ``text`` and ``data`` are as the caller sent them; ``by`` names the item's own actor.

    ``early``: it came from a phone, which sends its photos after what they prove; those that are not there yet are awaited.
    """

    issue: UUID
    action: str
    text: Any = None
    data: Any = None
    id: UUID = field(default_factory=uuid7)
    by: Actor | None = None
    claimed_at: datetime | None = None
    early: bool = False


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
            clean["issue"], clean["action"], clean.get("text"), clean.get("data"), draft.id, draft.by, clean["at"], True
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
        ids = {request.issue for request in requests} | references.masters(requests)
        if by.person is not None:
            ids = set(visible(by).filter(pk__in=ids).values_list("pk", flat=True))
        self.dossiers = dossiers.open_all(ids, self.desk)
        self.references = References(requests, self.dossiers, by, at)
        self.touched: dict[UUID, Dossier] = {}
        self.actions: list[IssueAction] = []
        self.changes: list[journal.Change] = []

    def do(self, request: ActionRequest) -> Issue:
        dossier, row = self.dossiers.get(request.issue), ROWS.get(request.action)
        theirs = dossier is not None and row is not None and may(dossier, row.action, self.by)
        if not theirs and row is not None and Who.LEAD in row.who and request.issue in self.references.given_away:
            raise WrongState(GIVEN_AWAY, state=self.references.given_away[request.issue])
        if dossier is None:
            raise NotFound(errors=[Fault("/issue", "unknown", NotFound.title)])
        if row is None or row.action not in ASKABLE:
            raise Invalid.at("/action", "unknown", Text("没有此操作", "There is no such action"))
        if not theirs:
            raise self._not_theirs(dossier, row)
        step = self._step(dossier, row, request)
        issue = dossier.issue
        before = issue.state
        try:
            after = workflow.step(before, row.action, previous=issue.previous_state)
        except WrongState as refused:
            raise self._moved_on(dossier, row, refused) from None
        self._check(dossier, row, request, step)
        issue.state = after
        if (effect := EFFECTS.get(row.action)) is not None:
            effect(dossier, step)
        if Who.LEAD in row.who and step.party == issue.lead_code and row.action in CONTACTS:
            issue.first_response_at = issue.first_response_at or self.at
        self.touched[issue.id] = dossier
        note = made(
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
        """Everything that is wrong with a request at once: its fields, then the guards that do not wait for them."""
        faults = particulars.check(
            row, request.text, step.data, departments=self.desk.parties, classes=self.desk.classes
        )
        faulty = {name for fault in faults if (name := _field_of(fault, row))}
        data = {name: value for name, value in step.data.items() if name not in faulty} if _is_object(step.data) else {}
        facts = dossier.facts(self.at, **self.references.facts(dossier, row, data))
        against = guards.check(row, facts, faulty=faulty) + self.references.record_faults(
            dossier.issue, row, data, early=request.early
        )
        named = data.get("department")
        if row.action == "assist_opinion" and named and not step.is_office and named not in step.codes:
            detail = Text("只能代表本部门发表意见", "You speak for your own department only")
            against.append(Fault("/data/department", "not-yours", detail))
        if faults or against:
            raise Invalid(against[0].detail if against else None, errors=faults + against, state=dossier.issue.state)

    def _moved_on(self, dossier: Dossier, row: Row, refused: WrongState) -> WrongState:
        """The refusal of an action whose time is past: that the caller did it already, where the case lives now, what is open."""
        issue, detail = dossier.issue, refused.detail
        more: dict[str, Any] = {"open_actions": self._open(dossier)}
        done = self.references.done_before.get((issue.id, row.action)) if self.by.person else None
        if done is not None and done >= (issue.dispatched_at or issue.submitted_at):
            told = Text("您已于 {at} 进行过“{action}”,无需重复", "You did “{action}” at {at}; once is enough")
            detail = _joined(
                told.fill(action=row.label, at=done.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")), detail
            )
            more["done_at"] = documents.moment(done)
        if issue.master_id in self.references.seen_masters:
            detail = _joined(detail, Text("请在主件上办理", "The issue it was merged into is the one to work on"))
            more["merged_into"] = str(issue.master_id)
        return WrongState(detail, **refused.extra, **more)

    def _not_theirs(self, dossier: Dossier, row: Row) -> Forbidden:
        who = [WHO_NAMES[one] for one in row.who if one != Who.RULE]
        named = Text("、".join(who), ", ".join(one.en for one in who))
        detail = Text("“{action}”由{who}进行,您的身份不能", "“{action}” is for {who}: as who you are you may not")
        return Forbidden(detail.fill(action=row.label, who=named), open_actions=self._open(dossier))

    def _open(self, dossier: Dossier) -> list[str]:
        return [one.row.action for one in open_to(dossier.issue, self.by, at=self.at, dossier=dossier) if one.open]

    def tell_the_merged(self) -> None:
        """Whoever reported the same case inherits the result of its master once that is closed, through every merger."""
        results = {pk: d.issue for pk, d in self.touched.items() if d.issue.state == State.CLOSED}
        parents = set(results)
        while parents:
            merged = Issue.objects.filter(master__in=parents, state=State.MERGED).values_list("pk", flat=True)
            parents = set()
            for dossier in dossiers.open_all(set(merged) - self.touched.keys(), self.desk).values():
                issue = dossier.issue
                master = results[issue.master_id] if issue.master_id else issue
                issue.outcome, issue.solved, issue.satisfaction = master.outcome, master.solved, master.satisfaction
                results[issue.id] = issue
                parents.add(issue.id)
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


@dataclass(frozen=True, slots=True)
class Opening:
    """An action that an issue's state and the caller's roles allow: what it needs, and what still stands in its way."""

    row: Row
    requires: tuple[str, ...]
    obstacles: tuple[Fault, ...] = ()

    @property
    def open(self) -> bool:
        return not self.obstacles


def open_to(issue: Issue, by: Actor, *, at: datetime, dossier: Dossier | None = None) -> list[Opening]:
    """The actions that the issue's state and the caller's roles allow now, each with the guards that are not met."""
    dossier = dossier or dossiers.read(issue, Desk())
    rows = workflow.open_actions(issue.state, lambda action: may(dossier, action, by))
    facts = dossier.facts(at, actor=by.person)
    return [Opening(row, _required(row, dossier, by), tuple(guards.obstacles(row, facts))) for row in rows]


def _required(row: Row, dossier: Dossier, by: Actor) -> tuple[str, ...]:
    """A pause that was asked for is granted as it was asked; nothing need be said again."""
    asked = row.action == "suspend" and dossier.pause is not None
    granting = asked and isinstance(by, Caller) and Role.OFFICE in by.roles
    return () if granting else tuple(row.requires)


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


def _field_of(fault: Fault, row: Row) -> str:
    """The field of an action's data that a fault is about."""
    parts = fault.pointer.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "data" else ""


def _is_object(data: Any) -> bool:
    return isinstance(data, Mapping)


def _joined(*parts: Text) -> Text:
    return Text("。".join(parts), ". ".join(part.en for part in parts))
