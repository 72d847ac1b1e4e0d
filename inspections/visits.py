"""Visits: reported, edited until submitted, reviewed. Verbs work on sets; one record is a set of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.coordinates import DATUMS, Place, metres
from core.drafts import Draft
from core.ids import parsed, written
from core.problems import Conflict, Fault, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from inspections import documents, shapes, tables
from inspections.models import Issue, JointParticipant, Mode, PlanState, Visit, VisitPlan, VisitStatus
from inspections.shapes import Shape
from journal import journal
from journal.rows import made
from organizations import permissions, places
from organizations.changes import of_creation, plain
from organizations.models import Person
from organizations.permissions import Caller
from organizations.roles import Role
from surveys import attendance

COLLECTION = "visits"
CHECK_IN = {
    "lat": Shape(shapes.number(-90, 90), required=True),
    "lon": Shape(shapes.number(-180, 180), required=True),
    "crs": Shape(shapes.choice(DATUMS), required=True),
    "accuracy_m": Shape(shapes.number(0, 1_000_000)),
    "provider": Shape(shapes.text(40)),
    "mock": Shape(shapes.boolean),
    "at": Shape(shapes.instant),
}
SHAPES: Mapping[str, Shape] = {
    "enterprise": Shape(shapes.identifier, required=True),
    "visit_plan": Shape(shapes.identifier),
    "mode": Shape(shapes.choice(tuple(Mode.values)), required=True),
    "started_at": Shape(shapes.instant, required=True),
    "ended_at": Shape(shapes.instant),
    "participants": Shape(shapes.identifiers, empty=list),
    "check_in": Shape(shapes.record(CHECK_IN)),
    "interviewee": Shape(shapes.text(200), empty=""),
    "summary": Shape(shapes.text(10_000), empty=""),
    "status": Shape(
        shapes.choice((VisitStatus.DRAFT.value, VisitStatus.SUBMITTED.value)), implied=VisitStatus.DRAFT.value
    ),
}
COLUMNS = {"enterprise": "enterprise_id", "visit_plan": "visit_plan_id"}
_TOLD = tuple(COLUMNS.get(name, name) for name in SHAPES)
EDITABLE = (VisitStatus.DRAFT, VisitStatus.RETURNED)
OPEN_ROLES = (Role.INSTRUCTOR, Role.LIAISON, Role.STATION_STAFF)
REPORTED_FROM = Text("走访中已上报问题,不能删除", "Issues were reported from this visit: it cannot be deleted")
NOT_YOURS = Text("该企业不在您的走访范围内", "You do not look after this enterprise")


class AlreadySubmitted(Conflict):
    """A submitted visit is edited only after a review has sent it back."""

    kind = "already-submitted"
    title = Text("走访已提交,不能再修改", "The visit was submitted and cannot be edited any more")


class _Batch:
    """Everything a set of drafts refers to, read with a constant number of queries."""

    def __init__(self, drafts: Sequence[Draft], cleaned: Sequence[Mapping[str, Any]], by: Actor) -> None:
        self.by = by
        known = [draft.id for draft in drafts if not draft.new]
        self.visits = {v.id: v for v in Visit.objects.select_for_update().filter(pk__in=known)} if known else {}
        wanted = {c["enterprise"] for c in cleaned if "enterprise" in c} | {
            v.enterprise_id for v in self.visits.values()
        }
        self.enterprises = places.enterprises(wanted)
        plans = {c["visit_plan"] for c in cleaned if c.get("visit_plan")}
        plans |= {v.visit_plan_id for v in self.visits.values() if v.visit_plan_id}
        self.plans = VisitPlan.objects.select_for_update().in_bulk(plans) if plans else {}
        people = {one for c in cleaned for one in c.get("participants", ())}
        self.people = set(Person.objects.filter(pk__in=people).values_list("pk", flat=True)) if people else set()
        self.done: set[UUID] = set()
        self.reach = permissions.reach_of(by, "visit.write")

    def covers(self, enterprise: UUID) -> bool:
        row = self.enterprises.get(enterprise)
        return row is not None and self.reach.covers(row.id, row.region_id)

    def is_private(self, enterprise: UUID) -> bool:
        """Whoever visits as an observer only comes unannounced."""
        if not isinstance(self.by, Caller):
            return False
        region = self.enterprises[enterprise].region_id
        return not any(
            held.role in OPEN_ROLES and (held.citywide or held.enterprise == enterprise or held.region == region)
            for held in self.by.held
        )


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Visit | Problem]:
    """Create and edit visits; one outcome a draft, in order. Shapes, references, permission and state are judged one by one."""
    with journal.unit(by=by, at=at):
        read = [shapes.read(draft.changes, SHAPES, new=draft.new) for draft in drafts]
        batch = _Batch(drafts, [clean for clean, _ in read], by)
        outcomes: list[Visit | Problem] = []
        changes: list[journal.Change] = []
        touched: dict[UUID, Visit] = {}
        for draft, (clean, faults) in zip(drafts, read, strict=True):
            try:
                row, changed = _apply(draft, clean, faults, batch, by=by, at=at)
            except Problem as problem:
                outcomes.append(problem)
                continue
            outcomes.append(row)
            if changed:
                touched[row.id] = batch.visits[row.id] = row
                changes += _told(draft, row, changed, batch)
        tables.save(touched.values())
        new = {draft.id for draft in drafts if draft.new}
        _put_joint(touched.values(), new=new)
        tables.put(plan for plan in batch.plans.values() if plan.id in batch.done)
        journal.record(changes)
        attendance.visited({row.id: documents.visit(row) for row in touched.values() if row.id not in new})
        return outcomes


def _put_joint(visits: Iterable[Visit], *, new: set[UUID]) -> None:
    """Keep the rows of joint participants in step with what the visits say."""
    edited = [row.id for row in visits if row.id not in new]
    if edited:
        JointParticipant.objects.filter(visit__in=edited).delete()
    tables.add(
        JointParticipant(visit_id=row.id, person_id=one)
        for row in visits
        for one in sorted({parsed(person) for person in row.participants} - {row.author_id})
    )


def _apply(
    draft: Draft, clean: dict[str, Any], faults: list[Fault], batch: _Batch, *, by: Actor, at: datetime
) -> tuple[Visit, dict[str, list[Any]]]:
    """One draft judged and, if it stands, a row that holds it and what changed. Raises Problem."""
    row = batch.visits.get(draft.id)
    if row is None and not draft.new:
        raise NotFound
    enterprise = clean.get("enterprise", row.enterprise_id if row else None)
    if not faults:
        _permit(row, enterprise, batch, by)
    if row is not None and row.status not in EDITABLE:
        raise AlreadySubmitted(state=row.status)
    faults = faults + _reference_faults(clean, row, enterprise, batch)
    if faults:
        raise Invalid(errors=faults)
    values = {COLUMNS.get(name, name): value for name, value in clean.items()}
    if "participants" in values:
        values["participants"] = [written(one) for one in values["participants"]]
    if row is None:
        if by.person is None or enterprise is None:
            raise Forbidden(NOT_YOURS)
        row = made(
            Visit, id=draft.id, author_id=by.person, created_at=at, private=batch.is_private(enterprise), **values
        )
        changed = of_creation(row, _TOLD)
    else:
        changed = _assign(row, values)
    if "check_in" in clean:
        row.distance_m = _distance(row.check_in, batch.enterprises[row.enterprise_id].location)
    if row.status == VisitStatus.SUBMITTED and row.submitted_at is None:
        row.submitted_at = at
    return row, {name.removesuffix("_id"): pair for name, pair in changed.items()}


def _permit(row: Visit | None, enterprise: Any, batch: _Batch, by: Actor) -> None:
    allowed = batch.covers(enterprise) and (row is None or batch.covers(row.enterprise_id))
    if row is not None and row.private and row.author_id != by.person:
        raise NotFound
    if not allowed:
        raise Forbidden(NOT_YOURS, errors=[Fault("/enterprise", "forbidden", NOT_YOURS)])


def _reference_faults(clean: Mapping[str, Any], row: Visit | None, enterprise: Any, batch: _Batch) -> list[Fault]:
    faults = []
    if row is not None and "enterprise" in clean and clean["enterprise"] != row.enterprise_id:
        faults.append(Fault("/enterprise", "fixed", Text("不能改为另一家企业", "The enterprise cannot be changed")))
    started, ended = (clean.get(name, getattr(row, name, None)) for name in ("started_at", "ended_at"))
    if started and ended and ended < started:
        faults.append(Fault("/ended_at", "before-start", Text("结束早于开始", "It ends before it starts")))
    plan = clean.get("visit_plan")
    if plan and (plan not in batch.plans or batch.plans[plan].enterprise_id != enterprise):
        faults.append(Fault("/visit_plan", "unknown", Text("该企业没有此走访计划", "The enterprise has no such plan")))
    faults += [
        Fault(f"/participants/{at}", "unknown", Text("没有此人", "There is no such person"))
        for at, one in enumerate(clean.get("participants", ()))
        if one not in batch.people
    ]
    return faults


def _assign(row: Any, values: Mapping[str, Any]) -> dict[str, list[Any]]:
    changed = {}
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            changed[name] = [plain(old), plain(value)]
            setattr(row, name, value)
    return changed


def _distance(check_in: Mapping[str, Any] | None, location: Mapping[str, Any] | None) -> float | None:
    """Metres between where the phone was and where the enterprise is, whatever their datums; None when either is unknown."""
    if not check_in or not location:
        return None
    try:
        there = Place(location["lat"], location["lon"], location.get("crs", "wgs84"))
    except (KeyError, TypeError, ValueError):
        return None
    return round(metres(Place(check_in["lat"], check_in["lon"], check_in["crs"]), there), 1)


def _told(draft: Draft, row: Visit, changed: dict[str, list[Any]], batch: _Batch) -> list[journal.Change]:
    submitted = changed.get("status", [None, None])[1] == VisitStatus.SUBMITTED
    verb = "visit.submitted" if submitted else "visit.created" if draft.new else "visit.edited"
    told = [
        journal.Change(
            verb,
            COLLECTION,
            row.id,
            changed,
            documents.visit_scope(row),
            documents.visit(row),
            draft.by,
            draft.claimed_at,
        )
    ]
    plan = batch.plans.get(row.visit_plan_id) if row.visit_plan_id else None
    if submitted and plan is not None and plan.state == PlanState.PLANNED:
        plan.state = PlanState.DONE
        batch.done.add(plan.id)
        told.append(_plan_told("visit_plan.done", plan, {"state": [PlanState.PLANNED.value, PlanState.DONE.value]}))
    return told


def delete(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Visit | Problem]:
    """Delete one's own drafts; one outcome a draft. What an issue was reported from stays."""
    with journal.unit(by=by, at=at):
        found = {v.id: v for v in Visit.objects.select_for_update().filter(pk__in=[draft.id for draft in drafts])}
        reported = set(Issue.objects.filter(visit__in=found).values_list("visit_id", flat=True)) if found else set()
        outcomes: list[Visit | Problem] = []
        gone: list[UUID] = []
        for draft in drafts:
            row = found.pop(draft.id, None)
            if row is None:
                outcomes.append(NotFound())
            elif row.author_id != by.person:
                outcomes.append(Forbidden())
            elif row.status != VisitStatus.DRAFT:
                outcomes.append(Forbidden(AlreadySubmitted.title))
            elif row.id in reported:
                outcomes.append(Forbidden(REPORTED_FROM))
            else:
                outcomes.append(row)
                gone.append(row.id)
        journal.record(
            [
                journal.Change(
                    "visit.deleted",
                    COLLECTION,
                    row.id,
                    {},
                    documents.visit_scope(row),
                    None,
                    draft.by,
                    draft.claimed_at,
                )
                for draft, row in zip(drafts, outcomes, strict=True)
                if isinstance(row, Visit)
            ]
        )
        Visit.objects.filter(pk__in=gone).delete()
        return outcomes


def review(visit: UUID, *, accept: bool, comment: str = "", by: Actor, at: datetime) -> Visit:
    """The office takes a submitted visit, or sends it back to the phone with a comment. Raises NotFound, Forbidden, Conflict."""
    with journal.unit(by=by, at=at):
        row = visible(by).select_for_update(of=("self",)).filter(pk=visit).first()
        if row is None:
            raise NotFound
        permissions.permit(by, "visit.review", permissions.Subject(enterprise=row.enterprise_id))
        if row.status != VisitStatus.SUBMITTED:
            raise Conflict(Text("只有已提交的走访可以审核", "Only a submitted visit is reviewed"), state=row.status)
        if not accept and not comment.strip():
            raise Invalid.at("/comment", "required", Text("退回时请说明原因", "Say why it is sent back"))
        values = {"status": VisitStatus.ACCEPTED if accept else VisitStatus.RETURNED, "review_comment": comment}
        changed = _assign(row, values)
        tables.put([row])
        verb = "visit.accepted" if accept else "visit.returned"
        journal.record(
            [journal.Change(verb, COLLECTION, row.id, changed, documents.visit_scope(row), documents.visit(row))]
        )
        if not accept:
            attendance.sent_back(row.id)
        return row


def visible(by: Actor) -> QuerySet[Visit]:
    """The visits a caller may read: those of the places in sight, and private ones of one's own."""
    open_ones = permissions.scope(by, "visit.read") & Q(private=False)
    return Visit.objects.filter(
        open_ones | permissions.scope(by, "visit.read_private", owner="author") & Q(private=True)
    )


def _plan_told(verb: str, plan: VisitPlan, changed: dict[str, list[Any]]) -> journal.Change:
    scope = journal.enterprise_scope(plan.enterprise_id)
    return journal.Change(verb, "visit_plans", plan.id, changed, scope, documents.visit_plan(plan))


def plan(plans: Sequence[VisitPlan], *, by: Actor, at: datetime) -> list[VisitPlan]:
    """Put visits on the plan of their enterprises (new rows or changed ones). Raises Forbidden, Invalid."""
    with journal.unit(by=by, at=at):
        permissions.permit(by, "visit_plan.write")
        for row in plans:
            if row.due_to < row.due_from:
                raise Invalid.at("/due_to", "before-start", Text("截止早于开始", "It ends before it starts"))
        known = VisitPlan.objects.in_bulk([row.id for row in plans])
        fields = ("enterprise_id", "person_id", "questionnaire", "due_from", "due_to", "state")
        changes = []
        for row in plans:
            old = known.get(row.id)
            changed = {
                name.removesuffix("_id"): [plain(getattr(old, name, None)), plain(getattr(row, name))]
                for name in fields
                if getattr(old, name, None) != getattr(row, name)
            }
            if changed:
                changes.append(_plan_told("visit_plan.changed" if old else "visit_plan.created", row, changed))
        tables.put(plans)
        journal.record(changes)
        return list(plans)


def overdue_plans(today: date) -> QuerySet[VisitPlan]:
    """Plans whose time is over and that nobody has done."""
    return VisitPlan.objects.filter(state=PlanState.PLANNED, due_to__lt=today)
