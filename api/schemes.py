"""Assessment schemes over REST, and what the office enters by hand for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page
from api.shapes import Flag, Identifier, Strict, String
from api.snapshots import Among
from api.views import Noun
from core.problems import NotFound
from reports import periods, schemes
from reports.models import Entry, Scheme, SchemeState, Snapshot


class TitleShape(Strict):
    zh = String(max_length=200)
    en = String(max_length=200)


class SchemeInput(Strict):
    """A new version of a scheme. What the items may say is checked as a whole, every fault with its pointer."""

    code = String(max_length=60)
    title = TitleShape()
    group_by = String(max_length=30)
    items = serializers.ListField(child=serializers.DictField(), max_length=100)
    rank_small = Flag(required=False, help_text="rank units in spite of denominators under five")


class SchemeShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    version = serializers.IntegerField()
    title = serializers.DictField(child=serializers.CharField())
    group_by = serializers.CharField()
    items = serializers.ListField(child=serializers.DictField())
    rank_small = serializers.BooleanField()
    state = serializers.CharField(help_text="draft or published")
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)


class SchemePage(serializers.Serializer[Any]):
    results = SchemeShape(many=True)
    next = serializers.CharField(allow_null=True)


class SchemeFilter(Strict):
    code = String(required=False, max_length=60)
    state = Among(SchemeState, required=False)


class EntryInput(Strict):
    """A mark, occasions of a bonus or deduction, or a veto, with its reason and evidence."""

    item = String(max_length=60)
    unit = String(max_length=100)
    period = String(max_length=30)
    value = serializers.DecimalField(max_digits=9, decimal_places=2, min_value=0)
    reason = String(max_length=500)
    evidence = serializers.ListField(child=String(max_length=200), max_length=200)
    corrects = Identifier(required=False, help_text="the frozen snapshot whose mistake this makes good")


class EntryShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    scheme = serializers.CharField()
    item = serializers.CharField()
    unit = serializers.CharField()
    period = serializers.CharField()
    value = serializers.FloatField()
    reason = serializers.CharField()
    evidence = serializers.ListField(child=serializers.CharField())
    corrects = serializers.UUIDField(allow_null=True)
    entered_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class EntryPage(serializers.Serializer[Any]):
    results = EntryShape(many=True)
    next = serializers.CharField(allow_null=True)


class EntryFilter(Strict):
    period = String(required=False, max_length=30)
    unit = String(required=False, max_length=100)


def rendered(rows: Iterable[Scheme]) -> list[dict[str, Any]]:
    plain = ("id", "code", "version", "group_by", "items", "rank_small", "state", "created_at", "published_at")
    return [
        {name: getattr(row, name) for name in plain} | {"title": {"zh": row.title_zh, "en": row.title_en}}
        for row in rows
    ]


def entered(rows: Iterable[Entry]) -> list[dict[str, Any]]:
    plain = ("id", "item", "unit", "period", "reason", "evidence", "entered_at", "withdrawn_at")
    return [
        {name: getattr(row, name) for name in plain}
        | {"scheme": row.scheme_code, "value": float(row.value), "corrects": row.corrects_id}
        for row in rows
    ]


class Schemes(Noun):
    @extend_schema(parameters=[SchemeFilter], responses=SchemePage, operation_id="list_schemes")
    def get(self, request: Request) -> Response:
        """All versions of all schemes."""
        return page(request, Scheme.objects.filter(**self.query(SchemeFilter)), ("code", "version"), rendered)

    @extend_schema(request=SchemeInput, responses={201: SchemeShape}, operation_id="draft_scheme")
    def post(self, request: Request) -> Response:
        """A new version, to be simulated and then published."""
        values = self.read(SchemeInput)
        return self.once(lambda: Response(rendered([schemes.draft(values, by=self.by, at=self.at)])[0], status=201))


class OneScheme(Noun):
    @extend_schema(responses=SchemeShape, operation_id="read_scheme")
    def get(self, request: Request, key: UUID) -> Response:
        """One version of a scheme."""
        return self.shown(rendered([_scheme(key)])[0])


class PublishedScheme(Noun):
    @extend_schema(request=None, responses=SchemeShape, operation_id="publish_scheme")
    def post(self, request: Request, key: UUID) -> Response:
        """The version comes into force and never changes again."""
        return Response(rendered([schemes.publish(_scheme(key), by=self.by, at=self.at)])[0])


class Entries(Noun):
    @extend_schema(parameters=[EntryFilter], responses=EntryPage, operation_id="list_assessment_entries")
    def get(self, request: Request, key: UUID) -> Response:
        """What was entered by hand for a scheme, withdrawn entries too."""
        rows = Entry.objects.filter(scheme_code=_scheme(key).code, **self.query(EntryFilter))
        return page(request, rows, ("entered_at", "id"), entered)

    @extend_schema(request=EntryInput, responses={201: EntryShape}, operation_id="enter_assessment")
    def post(self, request: Request, key: UUID) -> Response:
        """A bonus, deduction, mark or veto for a unit in a period, with its evidence."""
        values = self.read(EntryInput)
        corrects = values.pop("corrects", None)
        frozen = Snapshot.objects.filter(pk=corrects, state="frozen").first() if corrects else None
        if corrects and frozen is None:
            raise NotFound
        values["period"] = periods.read(values["period"])

        def enter() -> Response:
            row = schemes.enter(_scheme(key), **values, corrects=frozen, by=self.by, at=self.at)
            return Response(entered([row])[0], status=201)

        return self.once(enter)


class OneEntry(Noun):
    @extend_schema(responses={204: None}, operation_id="withdraw_assessment_entry")
    def delete(self, request: Request, key: UUID) -> Response:
        """The entry counts no longer; it stays on record."""
        row = Entry.objects.filter(pk=key).first()
        if row is None:
            raise NotFound
        schemes.withdraw(row, by=self.by, at=self.at)
        return Response(status=204)


def _scheme(key: UUID) -> Scheme:
    row = Scheme.objects.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


urlpatterns = [
    path("reports/schemes", Schemes.as_view(), name="report-schemes"),
    path("reports/schemes/<uuid:key>", OneScheme.as_view(), name="report-scheme"),
    path("reports/schemes/<uuid:key>/publish", PublishedScheme.as_view(), name="report-scheme-publish"),
    path("reports/schemes/<uuid:key>/entries", Entries.as_view(), name="report-entries"),
    path("reports/entries/<uuid:key>", OneEntry.as_view(), name="report-entry"),
]
