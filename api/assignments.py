"""Assignments over REST: who holds which role over which place."""

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

from api.pagination import page
from api.shapes import Coded, Flag, Identifier, Strict
from api.views import Noun
from core.problems import NotFound
from organizations import assignments
from organizations.models import Assignment
from organizations.permissions import live_assignments
from organizations.roles import Role


class AssignmentShape(serializers.Serializer[Any]):
    """At most one of the three places is given; none means the whole city. ``department`` is a code."""

    id = serializers.UUIDField()
    person = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)
    enterprise = serializers.UUIDField(allow_null=True)
    region = serializers.UUIDField(allow_null=True)
    department = serializers.CharField(allow_null=True)
    place = serializers.CharField(allow_null=True, help_text="name of the place; null for the whole city")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    revoked_at = serializers.DateTimeField(allow_null=True)


class AssignmentPage(serializers.Serializer[Any]):
    results = AssignmentShape(many=True)
    next = serializers.CharField(allow_null=True)


class AssignmentInput(Strict):
    person = Identifier()
    role = serializers.ChoiceField(choices=Role.choices)
    enterprise = Identifier(required=False, allow_null=True)
    region = Coded("regions", required=False, allow_null=True)
    department = Coded("departments", required=False, allow_null=True)
    starts_on = serializers.DateField(required=False, help_text="today when left out")
    ends_on = serializers.DateField(required=False, allow_null=True)


class AssignmentChange(Strict):
    starts_on = serializers.DateField(required=False)
    ends_on = serializers.DateField(required=False, allow_null=True)


class AssignmentFilter(Strict):
    person = Identifier(required=False)
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    enterprise = Identifier(required=False)
    region = Coded("regions", required=False)
    live = Flag(required=False, help_text="only those that count today")


def rendered(rows: Iterable[Assignment]) -> list[dict[str, Any]]:
    """Rows fetched with enterprise, region and department."""
    return [_one(row) for row in rows]


def _one(row: Assignment) -> dict[str, Any]:
    place = row.enterprise or row.region or row.department
    return {
        "id": row.id,
        "person": row.person_id,
        "role": row.role,
        "enterprise": row.enterprise_id,
        "region": row.region_id,
        "department": row.department.code if row.department else None,
        "place": place.name if place else None,
        "starts_on": row.starts_on,
        "ends_on": row.ends_on,
        "revoked_at": row.revoked_at,
    }


PLACES = ("enterprise", "region", "department")


class Assignments(Noun):
    @extend_schema(parameters=[AssignmentFilter], responses=AssignmentPage, operation_id="list_assignments")
    def get(self, request: Request) -> Response:
        """Assignments in the caller's sight: their own, a town officer's town, for the office all."""
        asked = self.query(AssignmentFilter)
        rows = assignments.visible(self.by).select_related(*PLACES)
        if asked.pop("live", False):
            rows = rows.filter(pk__in=live_assignments(self.by.standing.on).values("pk"))
        rows = rows.filter(Q(**asked))
        return page(request, rows, ("id",), rendered)

    @extend_schema(request=AssignmentInput, responses={201: AssignmentShape}, operation_id="assign")
    def post(self, request: Request) -> Response:
        """Assign a person; phones get the whole history of the place, however old."""
        values = self.read(AssignmentInput)
        draft = assignments.Draft(
            person=values["person"],
            role=Role(values["role"]),
            starts_on=values.get("starts_on") or self.by.standing.on,
            ends_on=values.get("ends_on"),
            **{name: values.get(name) for name in PLACES},
        )

        def answer() -> Response:
            row = assignments.begin([draft], by=self.by, at=self.at)[0]
            return self.shown(_one(_fetched(row.id)), 201)

        return self.once(answer)


class OneAssignment(Noun):
    @extend_schema(responses=AssignmentShape, operation_id="read_assignment")
    def get(self, request: Request, key: UUID) -> Response:
        """One assignment."""
        return self.shown(_one(self._row(key)))

    @extend_schema(request=AssignmentChange, responses=AssignmentShape, operation_id="change_assignment")
    def patch(self, request: Request, key: UUID) -> Response:
        """Move the first or the last day. Takes ``If-Match``."""
        values = self.read(AssignmentChange)
        self.match(_one(self._row(key)))
        assignments.change(key, values, by=self.by, at=self.at)
        return self.shown(_one(_fetched(key)))

    @extend_schema(responses={204: None}, operation_id="end_assignment")
    def delete(self, request: Request, key: UUID) -> Response:
        """Revoke at once; phones drop what it gave them."""
        self._row(key)
        assignments.end([key], by=self.by, at=self.at)
        return Response(status=204)

    def _row(self, key: UUID) -> Assignment:
        row = assignments.visible(self.by).select_related(*PLACES).filter(pk=key).first()
        if row is None:
            raise NotFound
        return row


def _fetched(key: UUID) -> Assignment:
    return Assignment.objects.select_related(*PLACES).get(pk=key)


urlpatterns = [
    path("assignments", Assignments.as_view(), name="assignments"),
    path("assignments/<uuid:key>", OneAssignment.as_view(), name="assignment"),
]
