"""Visits and visit plans over REST."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.issue_shapes import raw
from api.pagination import page
from api.shapes import Coded, Identifier, Strict, String
from api.views import Noun
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Conflict, Fault, Invalid, NotFound, Problem
from core.texts import Text
from inspections import documents, shapes, visits
from inspections.models import Mode, PlanState, Visit, VisitPlan, VisitStatus
from organizations import permissions
from organizations.models import Enterprise, Person

TAKEN = Text("此编号已用于另一走访", "This id belongs to another visit")


class CheckInShape(serializers.Serializer[Any]):
    lat = serializers.FloatField()
    lon = serializers.FloatField()
    crs = serializers.ChoiceField(choices=["wgs84", "gcj02", "bd09"])
    accuracy_m = serializers.FloatField(required=False)
    provider = serializers.CharField(required=False)
    mock = serializers.BooleanField(required=False)
    at = serializers.DateTimeField(required=False)


class VisitInput(serializers.Serializer[Any]):
    """Read by the domain itself (``inspections.visits.SHAPES``), so that a phone and a form are judged alike."""

    id = serializers.UUIDField(required=False)
    enterprise = serializers.UUIDField()
    visit_plan = serializers.UUIDField(required=False, allow_null=True)
    mode = serializers.ChoiceField(choices=Mode.choices)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(required=False, allow_null=True)
    participants = serializers.ListField(child=serializers.UUIDField(), required=False)
    check_in = CheckInShape(required=False, allow_null=True)
    interviewee = serializers.CharField(required=False, allow_null=True)
    summary = serializers.CharField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=["draft", "submitted"], required=False, help_text="draft when left out")


class VisitShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    enterprise = serializers.UUIDField()
    visit_plan = serializers.UUIDField(allow_null=True)
    author = serializers.UUIDField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    participants = serializers.ListField(child=serializers.UUIDField())
    check_in = CheckInShape(allow_null=True)
    distance_m = serializers.FloatField(allow_null=True, help_text="from the check-in to the enterprise")
    interviewee = serializers.CharField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=VisitStatus.choices)
    review_comment = serializers.CharField(allow_null=True)
    submitted_at = serializers.DateTimeField(allow_null=True)


class VisitPage(serializers.Serializer[Any]):
    results = VisitShape(many=True)
    next = serializers.CharField(allow_null=True)


class VisitFilter(Strict):
    enterprise = Identifier(required=False)
    region = Coded("regions", required=False)
    author = Identifier(required=False)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    status = serializers.ChoiceField(choices=VisitStatus.choices, required=False)
    since = serializers.DateTimeField(required=False, help_text="started at or after")
    until = serializers.DateTimeField(required=False, help_text="started before")
    q = String(required=False, max_length=50, help_text="part of the enterprise's name or of the summary")


class VisitVerdict(Strict):
    decision = serializers.ChoiceField(choices=["accept", "return"])
    comment = String(required=False, allow_blank=True, max_length=1000)


class PlanInput(Strict):
    enterprise = Identifier()
    person = Identifier(required=False, allow_null=True)
    questionnaire = String(required=False, allow_blank=True, max_length=64)
    due_from = serializers.DateField()
    due_to = serializers.DateField()


class PlanChange(Strict):
    person = Identifier(required=False, allow_null=True)
    questionnaire = String(required=False, allow_blank=True, max_length=64)
    due_from = serializers.DateField(required=False)
    due_to = serializers.DateField(required=False)
    state = serializers.ChoiceField(choices=PlanState.choices, required=False)


class PlanShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    enterprise = serializers.UUIDField()
    person = serializers.UUIDField(allow_null=True)
    questionnaire = serializers.CharField(allow_null=True)
    due_from = serializers.DateField()
    due_to = serializers.DateField()
    state = serializers.ChoiceField(choices=PlanState.choices)


class PlanPage(serializers.Serializer[Any]):
    results = PlanShape(many=True)
    next = serializers.CharField(allow_null=True)


class PlanFilter(Strict):
    enterprise = Identifier(required=False)
    region = Coded("regions", required=False)
    person = Identifier(required=False)
    state = serializers.ChoiceField(choices=PlanState.choices, required=False)


def rendered(rows: Iterable[Visit]) -> list[dict[str, Any]]:
    return [{"id": str(row.id)} | documents.visit(row) for row in rows]


def rendered_plans(rows: Iterable[VisitPlan]) -> list[dict[str, Any]]:
    return [{"id": str(row.id)} | documents.visit_plan(row) for row in rows]


class Visits(Noun):
    @extend_schema(parameters=[VisitFilter], responses=VisitPage, operation_id="list_visits")
    def get(self, request: Request) -> Response:
        """Visits in the caller's sight, newest first."""
        asked = self.query(VisitFilter)
        rows = visits.visible(self.by)
        if word := asked.pop("q", ""):
            rows = rows.filter(Q(enterprise__name__icontains=word) | Q(summary__icontains=word))
        paths = {"region": "enterprise__region", "since": "started_at__gte", "until": "started_at__lt"}
        rows = rows.filter(**{paths.get(name, name): value for name, value in asked.items()})
        return page(request, rows, ("-started_at", "id"), rendered)

    @extend_schema(request=VisitInput, responses={201: VisitShape}, operation_id="create_visit")
    def post(self, request: Request) -> Response:
        """Enter a visit."""
        body = dict(raw(request.data))
        try:
            key = shapes.identifier(body.pop("id")) if body.get("id") is not None else uuid7()
        except shapes.Unfit as unfit:
            raise Invalid.at("/id", unfit.code, unfit.detail) from None

        def answer() -> Response:
            if Visit.objects.filter(pk=key).exists():
                raise Conflict(TAKEN, errors=[Fault("/id", "taken", TAKEN)])
            return self.shown(self._put(Draft(key, body, by=self.by)), 201)

        return self.once(answer)

    def _put(self, draft: Draft) -> dict[str, Any]:
        return _put(self, draft)


def _put(view: Noun, draft: Draft) -> dict[str, Any]:
    (outcome,) = visits.put([draft], by=view.by, at=view.at)
    if isinstance(outcome, Problem):
        raise outcome
    return rendered([outcome])[0]


def _visit(view: Noun, key: UUID) -> Visit:
    row = visits.visible(view.by).filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


class OneVisit(Noun):
    @extend_schema(responses=VisitShape, operation_id="read_visit")
    def get(self, request: Request, key: UUID) -> Response:
        """One visit."""
        return self.shown(rendered([_visit(self, key)])[0])

    @extend_schema(request=VisitInput(partial=True), responses=VisitShape, operation_id="edit_visit")
    def patch(self, request: Request, key: UUID) -> Response:
        """Edit a visit until it is submitted, or after it was sent back. Takes ``If-Match``."""
        self.match(rendered([_visit(self, key)])[0])
        return self.shown(_put(self, Draft(key, dict(raw(request.data)), new=False, by=self.by)))

    @extend_schema(responses={204: None}, operation_id="delete_visit")
    def delete(self, request: Request, key: UUID) -> Response:
        """Delete a draft of one's own."""
        _visit(self, key)
        (outcome,) = visits.delete([Draft(key, by=self.by)], by=self.by, at=self.at)
        if isinstance(outcome, Problem):
            raise outcome
        return Response(status=204)


class VisitReview(Noun):
    @extend_schema(request=VisitVerdict, responses=VisitShape, operation_id="review_visit")
    def post(self, request: Request, key: UUID) -> Response:
        """Take a submitted visit, or send it back to the phone with a comment."""
        asked = self.read(VisitVerdict)
        accept = asked["decision"] == "accept"
        row = visits.review(key, accept=accept, comment=asked.get("comment", ""), by=self.by, at=self.at)
        return self.shown(rendered([row])[0])


class VisitPlans(Noun):
    @extend_schema(parameters=[PlanFilter], responses=PlanPage, operation_id="list_visit_plans")
    def get(self, request: Request) -> Response:
        """Planned visits in the caller's sight, nearest first."""
        asked = self.query(PlanFilter)
        rows = VisitPlan.objects.filter(permissions.scope(self.by, "visit_plan.read"))
        rows = rows.filter(**{"enterprise__region" if name == "region" else name: v for name, v in asked.items()})
        return page(request, rows, ("due_to", "id"), rendered_plans)

    @extend_schema(request=PlanInput, responses={201: PlanShape}, operation_id="plan_visit")
    def post(self, request: Request) -> Response:
        """Put a visit on the plan; the phones that hold the enterprise get it."""
        asked = self.read(PlanInput)
        _check_references(asked)

        def answer() -> Response:
            row = VisitPlan(**_columns(asked))
            visits.plan([row], by=self.by, at=self.at)
            return self.shown(rendered_plans([row])[0], 201)

        return self.once(answer)


class OneVisitPlan(Noun):
    @extend_schema(responses=PlanShape, operation_id="read_visit_plan")
    def get(self, request: Request, key: UUID) -> Response:
        """One planned visit."""
        return self.shown(rendered_plans([self._row(key)])[0])

    @extend_schema(request=PlanChange, responses=PlanShape, operation_id="change_visit_plan")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change or cancel a planned visit. Takes ``If-Match``."""
        asked, row = self.read(PlanChange), self._row(key)
        self.match(rendered_plans([row])[0])
        _check_references(asked)
        for name, value in _columns(asked).items():
            setattr(row, name, value)
        visits.plan([row], by=self.by, at=self.at)
        return self.shown(rendered_plans([row])[0])

    def _row(self, key: UUID) -> VisitPlan:
        row = VisitPlan.objects.filter(permissions.scope(self.by, "visit_plan.read"), pk=key).first()
        if row is None:
            raise NotFound
        return row


def _columns(asked: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_id" if name in ("enterprise", "person") else name: value for name, value in asked.items()}


def _check_references(asked: dict[str, Any]) -> None:
    enterprise, person = asked.get("enterprise"), asked.get("person")
    if enterprise and not Enterprise.objects.filter(pk=enterprise).exists():
        raise Invalid.at("/enterprise", "unknown", Text("没有此企业", "There is no such enterprise"))
    if person and not Person.objects.filter(pk=person).exists():
        raise Invalid.at("/person", "unknown", Text("没有此人", "There is no such person"))


urlpatterns = [
    path("visits", Visits.as_view(), name="visits"),
    path("visits/<uuid:key>", OneVisit.as_view(), name="visit"),
    path("visits/<uuid:key>/review", VisitReview.as_view(), name="visit-review"),
    path("visit-plans", VisitPlans.as_view(), name="visit-plans"),
    path("visit-plans/<uuid:key>", OneVisitPlan.as_view(), name="visit-plan"),
]
