"""Regions and departments over REST: read by everybody signed in, written by the office."""

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
from api.shapes import Flag, Strict, String
from api.views import Noun
from core.ids import stable
from core.problems import Invalid, NotFound
from core.texts import Text
from organizations import reference
from organizations.models import Department, Region
from organizations.roles import RegionKind

CODE = r"^[A-Za-z0-9_]+$"
TAKEN = Text("该代码已存在", "This code exists already")


class RegionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    kind = serializers.ChoiceField(choices=RegionKind.choices)
    aliases = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)


class DepartmentShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    name_en = serializers.CharField()
    duties = serializers.CharField()
    leader = serializers.CharField()
    active = serializers.BooleanField()


class RegionPage(serializers.Serializer[Any]):
    results = RegionShape(many=True)
    next = serializers.CharField(allow_null=True)


class DepartmentPage(serializers.Serializer[Any]):
    results = DepartmentShape(many=True)
    next = serializers.CharField(allow_null=True)


class RegionChange(Strict):
    name = String(max_length=100)
    name_en = String(max_length=100, required=False, allow_blank=True)
    kind = serializers.ChoiceField(choices=RegionKind.choices)
    aliases = serializers.ListField(child=String(max_length=100), max_length=20, required=False)
    note = String(max_length=300, required=False, allow_blank=True)
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_to = serializers.DateField(required=False, allow_null=True)


class RegionInput(RegionChange):
    code = serializers.RegexField(CODE, max_length=20)


class DepartmentChange(Strict):
    name = String(max_length=100)
    name_en = String(max_length=100, required=False, allow_blank=True)
    duties = String(max_length=500, required=False, allow_blank=True)
    leader = String(max_length=50, required=False, allow_blank=True)
    active = Flag(required=False)


class DepartmentInput(DepartmentChange):
    code = serializers.RegexField(CODE, max_length=20)


class PlaceFilter(Strict):
    q = String(max_length=50, required=False, help_text="part of the name, or the code")


def rendered_regions(rows: Iterable[Region]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("id", *reference.REGION_FIELDS)} for row in rows]


def rendered_departments(rows: Iterable[Department]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("id", *reference.DEPARTMENT_FIELDS)} for row in rows]


def _named(asked: dict[str, Any]) -> Q:
    return Q(name__icontains=asked["q"]) | Q(code__iexact=asked["q"]) if "q" in asked else Q()


class Regions(Noun):
    @extend_schema(parameters=[PlaceFilter], responses=RegionPage, operation_id="list_regions")
    def get(self, request: Request) -> Response:
        """Towns, subdistricts and zones."""
        return page(request, Region.objects.filter(_named(self.query(PlaceFilter))), ("code",), rendered_regions)

    @extend_schema(request=RegionInput, responses={201: RegionShape}, operation_id="create_region")
    def post(self, request: Request) -> Response:
        """Add a region; every phone learns of it."""
        values = self.read(RegionInput)

        def answer() -> Response:
            if Region.objects.filter(code=values["code"]).exists():
                raise Invalid.at("/code", "taken", TAKEN)
            return self.shown(rendered_regions(reference.put_regions([values], by=self.by, at=self.at))[0], 201)

        return self.once(answer)


class OneRegion(Noun):
    @extend_schema(responses=RegionShape, operation_id="read_region")
    def get(self, request: Request, key: str) -> Response:
        """One region, by id or code."""
        return self.shown(rendered_regions([_region(key)])[0])

    @extend_schema(request=RegionChange, responses=RegionShape, operation_id="change_region")
    def patch(self, request: Request, key: str) -> Response:
        """Change a region. Takes ``If-Match``."""
        values, row = self.read(RegionChange, partial=True), _region(key)
        self.match(rendered_regions([row])[0])
        rows = reference.put_regions([values | {"code": row.code}], by=self.by, at=self.at)
        return self.shown(rendered_regions(rows)[0])


class Departments(Noun):
    @extend_schema(parameters=[PlaceFilter], responses=DepartmentPage, operation_id="list_departments")
    def get(self, request: Request) -> Response:
        """Member units of the joint conference."""
        rows = Department.objects.filter(_named(self.query(PlaceFilter)))
        return page(request, rows, ("code",), rendered_departments)

    @extend_schema(request=DepartmentInput, responses={201: DepartmentShape}, operation_id="create_department")
    def post(self, request: Request) -> Response:
        """Add a department; every phone learns of it."""
        values = self.read(DepartmentInput)

        def answer() -> Response:
            if Department.objects.filter(code=values["code"]).exists():
                raise Invalid.at("/code", "taken", TAKEN)
            rows = reference.put_departments([values], by=self.by, at=self.at)
            return self.shown(rendered_departments(rows)[0], 201)

        return self.once(answer)


class OneDepartment(Noun):
    @extend_schema(responses=DepartmentShape, operation_id="read_department")
    def get(self, request: Request, key: str) -> Response:
        """One department, by id or code."""
        return self.shown(rendered_departments([_department(key)])[0])

    @extend_schema(request=DepartmentChange, responses=DepartmentShape, operation_id="change_department")
    def patch(self, request: Request, key: str) -> Response:
        """Change a department. Takes ``If-Match``."""
        values, row = self.read(DepartmentChange, partial=True), _department(key)
        self.match(rendered_departments([row])[0])
        rows = reference.put_departments([values | {"code": row.code}], by=self.by, at=self.at)
        return self.shown(rendered_departments(rows)[0])


def _key(kind: str, word: str) -> UUID:
    try:
        return UUID(word)
    except ValueError:
        return stable(kind, word)


def _region(word: str) -> Region:
    row = Region.objects.filter(pk=_key("regions", word)).first()
    if row is None:
        raise NotFound
    return row


def _department(word: str) -> Department:
    row = Department.objects.filter(pk=_key("departments", word)).first()
    if row is None:
        raise NotFound
    return row


urlpatterns = [
    path("regions", Regions.as_view(), name="regions"),
    path("regions/<str:key>", OneRegion.as_view(), name="region"),
    path("departments", Departments.as_view(), name="departments"),
    path("departments/<str:key>", OneDepartment.as_view(), name="department"),
]
