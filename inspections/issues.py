"""Issues: reported, edited until dispatched, routed by rule. What is done about them later is in ``actions``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from core.actors import SYSTEM, Actor
from core.drafts import Draft
from core.ids import parsed, uuid7
from core.problems import Conflict, Fault, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from inspections import documents, dossiers, effects, routing, rules, shapes, tables
from inspections.deadlines import close_of, local_day
from inspections.dossiers import Desk
from inspections.models import (
    ENDED_STATES,
    Issue,
    IssueAction,
    IssueAssist,
    Severity,
)
from inspections.shapes import Shape
from inspections.workflow import State
from journal import journal
from journal.rows import made
from organizations import permissions, places
from organizations.changes import of_creation, plain
from organizations.models import Region
from organizations.roles import Role

COLLECTION = "issues"
SHAPES: Mapping[str, Shape] = {
    "enterprise": Shape(shapes.identifier, required=True),
    "visit": Shape(shapes.identifier),
    "category": Shape(shapes.text(40), required=True),
    "description": Shape(shapes.text(4000, shortest=1), required=True),
    "severity": Shape(shapes.choice(tuple(Severity.values)), empty=Severity.NORMAL.value),
    "workers_affected": Shape(shapes.whole(0, 1_000_000)),
    "immediate_danger": Shape(shapes.boolean),
    "special_equipment": Shape(shapes.boolean),
    "confidential": Shape(shapes.boolean, empty=False),
    "external_channel": Shape(shapes.text(40), empty=""),
    "external_case_no": Shape(shapes.text(64), empty=""),
    "occurred_at": Shape(shapes.instant),
}
COLUMNS = {"enterprise": "enterprise_id", "visit": "visit_id", "category": "category_id"}
_TOLD = tuple(COLUMNS.get(name, name) for name in SHAPES)
EDITABLE = frozenset({"description", "category"})
NOT_YOURS = Text("该企业不在您的负责范围内", "You do not look after this enterprise")


class AlreadyDispatched(Conflict):
    """A dispatched issue is not edited any more; further news goes into a comment."""

    kind = "already-dispatched"
    title = Text("问题已派单,不能再修改,请用留言补充", "It has been dispatched: add a comment instead of editing it")


class _Batch:
    """Everything a set of drafts refers to, read with a constant number of queries."""

    def __init__(self, drafts: Sequence[Draft], cleaned: Sequence[Mapping[str, Any]], by: Actor) -> None:
        known = [draft.id for draft in drafts if not draft.new]
        self.issues = {i.id: i for i in Issue.objects.select_for_update().filter(pk__in=known)} if known else {}
        wanted = {c["enterprise"] for c in cleaned if "enterprise" in c} | {
            i.enterprise_id for i in self.issues.values()
        }
        self.enterprises = places.enterprises(wanted)
        self.categories = rules.categories.get()
        journal.fetch(("visits", c["visit"]) for c in cleaned if c.get("visit"))
        self.submit, self.edit = permissions.reach_of(by, "issue.submit"), permissions.reach_of(by, "issue.edit")


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Issue | Problem]:
    """Create and edit issues; one outcome a draft, in order. Creation leaves them submitted: ``route`` comes afterwards."""
    with journal.unit(by=by, at=at):
        read = [shapes.read(draft.changes, SHAPES, new=draft.new) for draft in drafts]
        batch = _Batch(drafts, [clean for clean, _ in read], by)
        outcomes: list[Issue | Problem] = []
        changes: list[journal.Change] = []
        touched: dict[UUID, Issue] = {}
        for draft, (clean, faults) in zip(drafts, read, strict=True):
            try:
                row, changed = _apply(draft, clean, faults, batch, by=by, at=at)
            except Problem as problem:
                outcomes.append(problem)
                continue
            outcomes.append(row)
            if changed:
                touched[row.id] = batch.issues[row.id] = row
                changes.append(_told(draft, row, changed))
        tables.save_later(touched.values())
        journal.record(changes)
        return outcomes


def _apply(
    draft: Draft, clean: dict[str, Any], faults: list[Fault], batch: _Batch, *, by: Actor, at: datetime
) -> tuple[Issue, dict[str, list[Any]]]:
    """One draft judged and, if it stands, a row that holds it and what changed. Raises Problem."""
    row = batch.issues.get(draft.id)
    if row is None:
        if not draft.new:
            raise NotFound
        return _create(draft, clean, faults, batch, by=by, at=at)
    if row.confidential and row.reporter_id != by.person:
        raise NotFound
    if not batch.edit.covers(row.enterprise_id, row.region_id):
        raise Forbidden(NOT_YOURS)
    if row.state != State.SUBMITTED:
        raise AlreadyDispatched(state=row.state)
    values = {COLUMNS.get(name, name): value for name, value in clean.items()}
    values = {name: value for name, value in values.items() if getattr(row, name) != value}
    faults = faults + [
        Fault(
            f"/{name}",
            "fixed",
            Text("上报后只能修改描述和类别", "Only description and category change after submission"),
        )
        for name in clean
        if name not in EDITABLE and COLUMNS.get(name, name) in values
    ]
    faults += _category_faults(clean, batch)
    if faults:
        raise Invalid(errors=faults)
    changed = {name.removesuffix("_id"): [plain(getattr(row, name)), plain(value)] for name, value in values.items()}
    for name, value in values.items():
        setattr(row, name, value)
    row.updated_at = at
    return row, changed


def _create(
    draft: Draft, clean: dict[str, Any], faults: list[Fault], batch: _Batch, *, by: Actor, at: datetime
) -> tuple[Issue, dict[str, list[Any]]]:
    enterprise = clean.get("enterprise")
    place = batch.enterprises.get(enterprise) if enterprise else None
    region = place.region_id if place else None
    if enterprise and (region is None or not batch.submit.covers(enterprise, region)):
        raise Forbidden(NOT_YOURS, errors=[Fault("/enterprise", "forbidden", NOT_YOURS), *faults])
    faults = faults + _category_faults(clean, batch)
    visit = clean.get("visit")
    if visit and enterprise and not places.has_record(enterprise, ("visits", visit), by=by):
        faults.append(Fault("/visit", "unknown", Text("该企业没有此走访", "The enterprise has no such visit")))
    if faults or region is None:
        raise Invalid(errors=faults)
    values = {COLUMNS.get(name, name): value for name, value in clean.items()}
    row = made(
        Issue,
        id=draft.id, region_id=region, reporter_id=by.person, submitted_at=at, updated_at=at, state=State.SUBMITTED,
        **values,
    )  # fmt: skip
    changed = of_creation(row, _TOLD) | {"state": [None, row.state]}
    return row, {name.removesuffix("_id"): pair for name, pair in changed.items()}


def _category_faults(clean: Mapping[str, Any], batch: _Batch) -> list[Fault]:
    code = clean.get("category")
    if code is None or ((row := batch.categories.get(code)) and row.active):
        return []
    return [Fault("/category", "unknown", Text("没有此问题类别", "There is no such category"))]


def _told(draft: Draft, row: Issue, changed: dict[str, list[Any]]) -> journal.Change:
    verb = "issue.submitted" if draft.new and "state" in changed else "issue.edited"
    scope = documents.issue_scope(row)
    document = documents.issue(row) if scope else None
    return journal.Change(verb, COLLECTION, row.id, changed, scope, document, draft.by, draft.claimed_at)


def submit(draft: Draft, *, by: Actor, at: datetime) -> Issue:
    """One new issue, routed at once. Raises what was wrong with it."""
    with journal.unit(by=by, at=at):
        (outcome,) = put([draft], by=by, at=at)
        if isinstance(outcome, Problem):
            raise outcome
        route([outcome.id], by=by, at=at)
        return Issue.objects.get(pk=outcome.id)


def route(ids: Iterable[UUID], *, by: Actor = SYSTEM, at: datetime, desk: Desk | None = None) -> list[Issue]:
    """Dispatch by rule whatever of these is submitted and was never dispatched; the rest is left alone.

    An issue that no rule fits stays submitted, with the reason, in the office's queue.
    """
    with journal.unit(by=by, at=at):
        desk = desk or Desk()
        waiting = dossiers.open_new(ids, desk)
        if not waiting:
            return []
        table = rules.standing.get()
        cases = rules.cases([dossier.issue for dossier in waiting], desk.region_codes)
        changes: list[journal.Change] = []
        notes: list[IssueAction] = []
        for dossier in waiting:
            issue = dossier.issue
            decision = routing.decide(table, cases[issue.id])
            issue.routing_reason = {"zh": str(decision.reason), "en": decision.reason.en}
            if decision.rule is None or decision.lead is None:
                continue
            issue.routing_rule_id = parsed(decision.rule.id)
            effects.dispatch_to(
                dossier, decision.lead, list(decision.assists), decision.deadline_class, how="rule", at=at
            )
            data = {"lead": issue.lead_code, "assists": issue.assists, "deadline_class": issue.deadline_class_id}
            note = made(
                IssueAction,
                id=uuid7(), issue_id=issue.id, action="dispatch", text=str(decision.reason), data=data, party="rule",
                from_state=State.SUBMITTED, to_state=issue.state, round=issue.round, at=at,
            )  # fmt: skip
            notes.append(note)
            changes += dossiers.told(dossier, "issue.dispatch", note, by=SYSTEM)
        dossiers.save(waiting, notes, at)
        journal.expect_new(("issue_actions", note.id) for note in notes)
        journal.record(changes)
        return [dossier.issue for dossier in waiting]


def visible(by: Actor) -> QuerySet[Issue]:
    """The issues a caller may read. A confidential one: its reporter, the lead, its assistants and the office alone."""
    paths: dict[str, str | None] = {"lead": "lead", "lead_region": "lead_region", "owner": "reporter"}
    open_ones = permissions.scope(by, "issue.read", region="region", **paths)
    hidden = permissions.scope(by, "issue.read_confidential", enterprise=None, **paths)
    seen = Q(confidential=False) & open_ones | Q(confidential=True) & hidden
    if isinstance(by, permissions.Caller) and Role.OFFICE not in by.roles and (by.departments or by.towns):
        towns = Q(code__in=Region.objects.filter(pk__in=by.towns).values("code")) if by.towns else Q(pk__in=[])
        helped = IssueAssist.objects.filter(
            Q(department__in=by.departments) | towns, issue=OuterRef("pk"), round=OuterRef("round")
        )
        seen |= Q(Exists(helped))
    return Issue.objects.filter(seen)


def overdue(at: datetime) -> Q:
    """Open issues whose answer is late, and ended ones that were answered late."""
    running = ~Q(state__in=[*ENDED_STATES, State.SUSPENDED.value]) & Q(replied_at=None) & Q(due__lt=at)
    return running | Q(replied_at__gt=F("due"))


def is_overdue(issue: Issue, at: datetime) -> bool:
    """Whether the answer is late by now, or came late."""
    if issue.due is None:
        return False
    if issue.replied_at is not None:
        return issue.replied_at > issue.due
    return issue.state not in (*ENDED_STATES, State.SUSPENDED) and at > issue.due


def likenesses(issue: Issue, by: Actor) -> QuerySet[Issue]:
    """Other issues that may be the same case: the same outside number, or the same matter at the same place that week."""
    same_case = Q(pk__in=[])
    if issue.external_case_no:
        same_case = Q(external_case_no=issue.external_case_no, external_channel=issue.external_channel)
    day = close_of(local_day(issue.submitted_at))
    near = Q(
        enterprise=issue.enterprise_id,
        category=issue.category_id,
        submitted_at__gte=day - timedelta(days=8),
        submitted_at__lte=day + timedelta(days=8),
    )
    return visible(by).filter(same_case | near).exclude(pk=issue.pk)
