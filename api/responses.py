"""Responses over REST: read, reviewed, exported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponseBase, StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response as Answer

from api.negotiation import ByAddress
from api.pagination import page
from api.questionnaires import XLSX
from api.shapes import Coded, Flag, Identifier, Strict, String, Whole
from api.views import Noun
from core.problems import Fault, Invalid, NotFound
from core.texts import Text
from organizations.permissions import Caller
from surveys import externals, responses
from surveys.documents import SHANGHAI, moment
from surveys.exports import Export
from surveys.models import Questionnaire, Response, ResponseStatus
from surveys.responses import definition_of
from surveys.scores import score


class ResponseFilter(Strict):
    questionnaire = String(max_length=100, required=False)
    version = Whole(min_value=1, required=False)
    enterprise = Identifier(required=False)
    region = Coded("regions", required=False, help_text="id or code")
    visit = Identifier(required=False)
    author = Identifier(required=False)
    status = serializers.ChoiceField(choices=ResponseStatus.choices, required=False)
    received_from = serializers.DateField(required=False, help_text="a day in Shanghai, included")
    received_to = serializers.DateField(required=False, help_text="a day in Shanghai, included")


class ExportQuery(ResponseFilter):
    questionnaire = String(max_length=100)
    format = serializers.ChoiceField(choices=["csv", "xlsx", "geojson"], default="csv")
    table = String(max_length=100, required=False, help_text="csv: responses, a repeat's name, or codebook")
    labels = Flag(required=False, help_text="labels instead of codes")


class ResponseShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    enterprise = serializers.UUIDField()
    visit = serializers.UUIDField(allow_null=True)
    questionnaire = serializers.CharField()
    version = serializers.IntegerField()
    author = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=ResponseStatus.choices)
    answers = serializers.DictField()
    scores = serializers.DictField(child=serializers.FloatField())
    findings = serializers.ListField(child=serializers.DictField())
    review_comment = serializers.CharField(allow_null=True)
    comments = serializers.DictField(child=serializers.CharField())
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)


class ResponsePage(serializers.Serializer[Any]):
    results = ResponseShape(many=True)
    next = serializers.CharField(allow_null=True)


class OneResponseShape(ResponseShape):
    scoring = serializers.DictField(help_text="each dimension's score with its arithmetic")


class ResponseReviewInput(Strict):
    decision = serializers.ChoiceField(choices=["accept", "return"])
    comment = String(max_length=1000, required=False, allow_blank=True)
    comments = serializers.DictField(child=String(max_length=1000), required=False, help_text="by question")


def shown(row: Response, language: str) -> dict[str, Any]:
    english = language == "en"
    return {
        "id": row.id,
        "enterprise": row.enterprise_id,
        "visit": row.visit,
        "questionnaire": row.questionnaire_id,
        "version": row.version,
        "author": row.author_id,
        "status": row.status,
        "answers": row.answers,
        "scores": row.scores,
        "findings": [
            {**{name: said for name, said in each.items() if name != "detail_en"}, **({"detail": each["detail_en"]} if english else {})}
            for each in row.findings
        ],
        "review_comment": row.review_comment or None,
        "comments": row.comments,
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
        "received_at": moment(row.received_at),
        "submitted_at": moment(row.submitted_at),
    }  # fmt: skip


def narrowed(rows: QuerySet[Response], asked: dict[str, Any]) -> QuerySet[Response]:
    """The rows that the declared filters leave."""
    if region := asked.get("region"):
        rows = rows.filter(enterprise__region=region)
    if day := asked.get("received_from"):
        rows = rows.filter(received_at__gte=_midnight(day))
    if day := asked.get("received_to"):
        rows = rows.filter(received_at__lt=_midnight(day + timedelta(days=1)))
    plain = ("questionnaire", "version", "enterprise", "visit", "author", "status")
    return rows.filter(**{name: asked[name] for name in plain if name in asked})


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)


class Responses(Noun):
    @extend_schema(parameters=[ResponseFilter], responses=ResponsePage, operation_id="list_responses")
    def get(self, request: Request) -> Answer:
        """The responses that the caller may read, the latest first."""
        rows = narrowed(responses.visible(self.by), self.query(ResponseFilter))
        language = self.by.language

        def rendered(found: Iterable[Response]) -> list[dict[str, Any]]:
            return [shown(row, language) for row in found]

        return page(request, rows, ("-received_at", "-id"), rendered)


class OneResponse(Noun):
    @extend_schema(responses=OneResponseShape, operation_id="read_response")
    def get(self, request: Request, key: UUID) -> Answer:
        """One response, with the arithmetic of its scores."""
        row = responses.visible(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return self.shown(shown(row, self.by.language) | {"scoring": _scoring(row, self.by)})


def _scoring(row: Response, by: Caller) -> dict[str, Any]:
    version = row.questionnaire.versions.filter(number=row.version).values_list("hash", flat=True).first()
    if version is None:
        return {}
    definition = definition_of(row.questionnaire_id, row.version, version)
    day = (row.ended_at or row.started_at).astimezone(SHANGHAI).date()
    lists = externals.at_hand([(definition, row.answers)], by=by)
    return {name: each.told() for name, each in score(definition, row.answers, today=day, lists=lists).items()}


class Review(Noun):
    @extend_schema(request=ResponseReviewInput, responses=ResponseShape, operation_id="review_response")
    def post(self, request: Request, key: UUID) -> Answer:
        """Accept a submitted response, or send it back to the phone with a comment on the whole or on single questions."""
        asked = self.read(ResponseReviewInput)
        row = responses.review(
            key, accept=asked["decision"] == "accept", comment=asked.get("comment", ""), comments=asked.get("comments"),
            by=self.by, at=self.at,
        )  # fmt: skip
        return self.shown(shown(row, self.by.language))


_TELLING = frozenset({"version", "visit", "author", "status", "received_from", "received_to"})
"""Two exports that differ by one of these would show whoever answered in between."""


class ResponseExport(Noun):
    content_negotiation_class = ByAddress

    @extend_schema(
        parameters=[ExportQuery], responses={(200, "text/csv"): OpenApiTypes.BINARY}, operation_id="export_responses"
    )
    def get(self, request: Request) -> HttpResponseBase:
        """A questionnaire's responses as CSV (one table), XLSX (all tables and the codebook) or GeoJSON, streamed."""
        asked = self.query(ExportQuery)
        questionnaire = Questionnaire.objects.filter(pk=asked["questionnaire"]).first()
        if questionnaire is None:
            raise NotFound
        if questionnaire.anonymous and (told := sorted(_TELLING & asked.keys())):
            why = Text("匿名问卷不能这样筛选", "An anonymous questionnaire is not narrowed by this")
            raise Invalid(errors=[Fault(f"/{name}", "anonymous", why) for name in told])
        rows = responses.exportable(self.by)
        export = Export(
            questionnaire, narrowed(rows, asked), language=self.by.language if asked.get("labels") else None
        )
        content, kind, ending = self._content(export, asked)
        name = f"{questionnaire.code}{'-' + asked['table'] if 'table' in asked else ''}.{ending}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return StreamingHttpResponse(content, content_type=kind, headers=headers)

    def _content(self, export: Export, asked: dict[str, Any]) -> tuple[Iterator[bytes], str, str]:
        if asked["format"] == "xlsx":
            return export.xlsx(), XLSX, "xlsx"
        if asked["format"] == "geojson":
            return export.geojson(), "application/geo+json", "geojson"
        if asked.get("table") == "codebook":
            return export.codebook_csv(), "text/csv; charset=utf-8", "csv"
        return export.csv(export.table(asked.get("table", "responses"))), "text/csv; charset=utf-8", "csv"


urlpatterns = [
    path("responses", Responses.as_view(), name="responses"),
    path("responses/export", ResponseExport.as_view(), name="response-export"),
    path("responses/<uuid:key>", OneResponse.as_view(), name="response"),
    path("responses/<uuid:key>/review", Review.as_view(), name="response-review"),
]
