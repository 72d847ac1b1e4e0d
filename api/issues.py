"""Issues over REST: the desk of whoever has to do with them, and the workflow's actions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from api.issue_shapes import (
    BESIDE,
    RELATED,
    ActionInput,
    BatchInput,
    BatchOutcomes,
    Counts,
    History,
    IssueChange,
    IssueFilter,
    IssueInput,
    IssuePage,
    WholeIssueShape,
    raw,
    rendered,
)
from api.pagination import page
from api.views import Noun
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Conflict, Fault, Invalid, NotFound, Problem
from core.texts import Text
from inspections import actions, documents, history, issues, shapes
from inspections.actions import ActionRequest
from inspections.models import ENDED_STATES, Issue, IssueAction, IssueAssist
from inspections.workflow import State
from media.models import Photo
from organizations.models import Department, Region
from organizations.permissions import Caller
from organizations.roles import Role
from reports import periods

OPEN = "open"
TAKEN = Text("此编号已用于另一问题", "This id belongs to another issue")


def fetched(rows: QuerySet[Issue]) -> QuerySet[Issue]:
    return rows.select_related(*RELATED).prefetch_related(*BESIDE)


def shown(key: UUID, by: Caller, at: Any) -> dict[str, Any]:
    """The issue as this caller may read it. Raises ``NotFound``."""
    row = fetched(issues.visible(by)).filter(pk=key).first()
    if row is None:
        raise NotFound
    return rendered([row], by, at)[0] | {"photos": _photos(row)}


def _photos(row: Issue) -> list[dict[str, Any]]:
    """What was photographed of an issue and of what was done about it; whoever sees the issue sees that they exist."""
    about = Q(issue=row.id) | Q(issue_action__in=IssueAction.objects.filter(issue=row).values("pk"))
    columns = ("id", "issue_action", "caption", "bytes")
    return list(Photo.objects.filter(about).order_by("taken_at", "id").values(*columns))


class Issues(Noun):
    @extend_schema(parameters=[IssueFilter], responses=IssuePage, operation_id="list_issues")
    def get(self, request: Request) -> Response:
        """Issues in the caller's sight, newest first; ``sort=due`` is the queue of what is running, nearest due first."""
        asked = self.query(IssueFilter)
        rows = fetched(_chosen(issues.visible(self.by), asked, self.at))
        order = ("-submitted_at", "id")
        if asked.get("sort") == "due":
            rows, order = rows.exclude(state__in=ENDED_STATES).exclude(due=None), ("due", "id")
        return page(request, rows, order, lambda found: rendered(found, self.by, self.at))

    @extend_schema(request=IssueInput, responses={201: WholeIssueShape}, operation_id="submit_issue")
    def post(self, request: Request) -> Response:
        """Report an issue; it is routed at once, or closed at once with the ``answer`` a station gave on the spot."""
        body = dict(raw(request.data))
        key, given_answer = _client_id(body.pop("id", None)), body.pop("answer", None)

        def answer() -> Response:
            if Issue.objects.filter(pk=key).exists():
                raise Conflict(TAKEN, errors=[Fault("/id", "taken", TAKEN)])
            draft = Draft(key, body, by=self.by)
            if given_answer is None:
                issues.submit(draft, by=self.by, at=self.at)
            else:
                actions.answer_on_the_spot(draft, given_answer, by=self.by, at=self.at)
            return self.shown(shown(key, self.by, self.at), 201)

        return self.once(answer)


def _client_id(value: Any) -> UUID:
    if value is None:
        return uuid7()
    try:
        return shapes.identifier(value)
    except shapes.Unfit as unfit:
        raise Invalid.at("/id", unfit.code, unfit.detail) from None


def _chosen(rows: QuerySet[Issue], asked: dict[str, Any], at: Any) -> QuerySet[Issue]:
    """The rows that the filters ask for."""
    if states := asked.get("state"):
        named = [one.strip() for one in states.split(",")]
        if strange := sorted(set(named) - {*State, OPEN}):
            raise Invalid.at(
                "/state", "invalid-choice", Text(f"没有状态 {strange[0]}", f"There is no state {strange[0]}")
            )
        wanted = Q(state__in=[one for one in named if one != OPEN])
        rows = rows.filter(wanted | ~Q(state__in=ENDED_STATES) if OPEN in named else wanted)
    if lead := asked.get("lead"):
        rows = rows.filter(lead_code=lead)
    if helper := asked.get("assists"):
        rows = rows.filter(
            Exists(IssueAssist.objects.filter(issue=OuterRef("pk"), code=helper, round=OuterRef("round")))
        )
    if "overdue" in asked:
        late = issues.overdue(at)
        rows = rows.filter(late if asked["overdue"] else ~late | Q(due=None))
    if word := asked.get("q"):
        rows = rows.filter(Q(description__icontains=word) | Q(external_case_no__iexact=word))
    if period := asked.get("period"):
        span = periods.read(period)
        rows = rows.filter(submitted_at__gte=span.start, submitted_at__lt=span.end)
    same = ("region", "enterprise", "category", "deadline_class", "colour", "confidential", "external_case_no", "level")
    rows = rows.filter(**{name: asked[name] for name in same if name in asked})
    if "since" in asked:
        rows = rows.filter(submitted_at__gte=asked["since"])
    return rows.filter(submitted_at__lt=asked["until"]) if "until" in asked else rows


class OneIssue(Noun):
    @extend_schema(responses=WholeIssueShape, operation_id="read_issue")
    def get(self, request: Request, key: UUID) -> Response:
        """One issue, with the actions open to the caller and what each needs."""
        return self.shown(shown(key, self.by, self.at))

    @extend_schema(request=IssueChange, responses=WholeIssueShape, operation_id="edit_issue")
    def patch(self, request: Request, key: UUID) -> Response:
        """Mend the description or the category before dispatch. Takes ``If-Match``."""
        self.match(shown(key, self.by, self.at))
        draft = Draft(key, dict(raw(request.data)), new=False, by=self.by)
        (outcome,) = issues.put([draft], by=self.by, at=self.at)
        if isinstance(outcome, Problem):
            raise outcome
        return self.shown(shown(key, self.by, self.at))


class IssueActions(Noun):
    @extend_schema(request=ActionInput, responses=WholeIssueShape, operation_id="act_on_issue")
    def post(self, request: Request, key: UUID) -> Response:
        """Do something about an issue; answers the issue afterwards, 409 with its state when it has moved on."""
        body = raw(request.data)
        if request.headers.get("If-Match"):
            self.match(shown(key, self.by, self.at))
        wanted = _request(key, body, self.by)

        def answer() -> Response:
            actions.act_one(wanted, by=self.by, at=self.at)
            return self.shown(self._after(key))

        return self.once(answer)

    def _after(self, key: UUID) -> dict[str, Any]:
        """The issue after the action; whoever gave it away is told its state and nothing more."""
        try:
            return shown(key, self.by, self.at)
        except NotFound:
            row = Issue.objects.get(pk=key)
            return {"id": str(key), "state": row.state, "actions": []}


def _request(key: UUID, body: Any, by: Caller) -> ActionRequest:
    strange = [
        Fault(f"/{shapes.pointed(str(name))}", "unknown-field", shapes.UNKNOWN_FIELD)
        for name in body
        if name not in ("action", "text", "data")
    ]
    if strange:
        raise Invalid(errors=strange)
    action = body.get("action")
    if not isinstance(action, str):
        raise Invalid.at("/action", "required" if action is None else "type", shapes.REQUIRED)
    return ActionRequest(key, action, body.get("text"), body.get("data"), by=by)


class ManyActions(Noun):
    @extend_schema(request=BatchInput, responses=BatchOutcomes, operation_id="act_on_issues")
    def post(self, request: Request) -> Response:
        """The same action on many issues at once (a desk acknowledging its morning); each is judged by itself."""
        asked = self.read(BatchInput)
        wanted = [
            ActionRequest(key, asked["action"], asked.get("text"), asked.get("data"), by=self.by)
            for key in dict.fromkeys(asked["issues"])
        ]

        def answer() -> Response:
            outcomes = actions.act(wanted, by=self.by, at=self.at)
            pairs = zip(wanted, outcomes, strict=True)
            return self.shown({"results": [_outcome(one.issue, outcome, self.by.language) for one, outcome in pairs]})

        return self.once(answer)


def _outcome(key: UUID, outcome: Issue | Problem, language: str) -> dict[str, Any]:
    if isinstance(outcome, Problem):
        return {"issue": str(key), "state": outcome.extra.get("state"), "problem": outcome.told(language)}
    return {"issue": str(key), "state": outcome.state, "problem": None}


class IssueHistory(Noun):
    @extend_schema(responses=History, operation_id="read_issue_history")
    def get(self, request: Request, key: UUID) -> Response:
        """Everything that happened to an issue, in words."""
        row = issues.visible(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        names = dict(Department.objects.values_list("code", "name")) | dict(Region.objects.values_list("code", "name"))
        told = [_event(event, self.by) for event in history.of(row, names)]
        return self.shown({"results": told, "next": None})


def _event(event: history.Event, by: Caller) -> dict[str, Any]:
    return {
        "at": documents.moment(event.at),
        "action": event.action,
        "by": event.party,
        "person": event.person if event.person and Role.OFFICE in by.roles else None,
        "text": event.text or None,
        "data": event.data,
        "from_state": event.from_state or None,
        "to_state": event.to_state or None,
        "round": event.round,
        "sentence": event.sentence.of(by.language),
    }


class Likenesses(Noun):
    @extend_schema(responses=IssuePage, operation_id="list_issue_likenesses")
    def get(self, request: Request, key: UUID) -> Response:
        """Other issues that may be the same case: same outside number, or same matter at the same place that week."""
        row = issues.visible(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        rows = fetched(issues.likenesses(row, self.by))
        return page(request, rows, ("-submitted_at", "id"), lambda found: rendered(found, self.by, self.at))


class IssueCounts(Noun):
    @extend_schema(parameters=[IssueFilter], responses=Counts, operation_id="count_issues")
    def get(self, request: Request) -> Response:
        """How much lies on the desk, by state and by colour."""
        asked = self.query(IssueFilter)
        rows = _chosen(issues.visible(self.by), asked, self.at)
        running = rows.exclude(state__in=ENDED_STATES)
        return self.shown(
            {
                "open": running.count(),
                "overdue": running.filter(issues.overdue(self.at)).count(),
                "state": dict(rows.order_by().values_list("state").annotate(Count("pk"))),
                "colour": dict(running.order_by().values_list("colour").annotate(Count("pk"))),
            }
        )


urlpatterns = [
    path("issues", Issues.as_view(), name="issues"),
    path("issues/counts", IssueCounts.as_view(), name="issue-counts"),
    path("issues/actions", ManyActions.as_view(), name="issues-actions"),
    path("issues/<uuid:key>", OneIssue.as_view(), name="issue"),
    path("issues/<uuid:key>/actions", IssueActions.as_view(), name="issue-actions"),
    path("issues/<uuid:key>/history", IssueHistory.as_view(), name="issue-history"),
    path("issues/<uuid:key>/likenesses", Likenesses.as_view(), name="issue-likenesses"),
]
