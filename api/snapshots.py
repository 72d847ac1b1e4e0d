"""Snapshots of reports over REST: drafts, objections and their answers, freezing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, TextChoices
from django.http import HttpResponseBase
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import BAD_CURSOR, page, read_limit
from api.parsing import refused
from api.reports import EvidencePage, Reported, dressed
from api.shapes import Flag, Strict, String
from api.views import Noun
from core.problems import Invalid, NotFound
from core.texts import Text, negotiate
from organizations.permissions import may, permit
from reports import deliverables, evidence, groups, indicators, periods, reprints, schemes, snapshots
from reports.groups import Sight
from reports.indicators import GROUPS
from reports.models import Objection, Snapshot, SnapshotState


class Among(String):
    """One of a model's choices, as plain text in the OpenAPI document: many models have a ``state`` of their own."""

    def __init__(self, choices: type[TextChoices], **options: Any) -> None:
        self.known = choices.values
        super().__init__(max_length=20, help_text=" or ".join(self.known), **options)

    def to_internal_value(self, data: Any) -> str:
        word = super().to_internal_value(data)
        if word not in self.known:
            raise serializers.ValidationError("", code="invalid_choice")
        return word


class SnapshotInput(Strict):
    """What to take a snapshot of."""

    kind = serializers.ChoiceField(choices=["supervision", "assessment"])
    period = String(max_length=30)
    group_by = serializers.ChoiceField(choices=list(GROUPS), required=False, default="department")
    scheme = String(max_length=80, required=False, help_text="of an assessment: a code, `code@version` or an id")


class SnapshotShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    period = serializers.CharField()
    group_by = serializers.CharField()
    scheme = serializers.UUIDField(allow_null=True)
    version = serializers.IntegerField()
    state = serializers.CharField(help_text="draft or frozen")
    digest = serializers.CharField()
    taken_at = serializers.DateTimeField()
    objections_until = serializers.DateTimeField()
    frozen_at = serializers.DateTimeField(allow_null=True)


class FullSnapshot(SnapshotShape):
    document = serializers.DictField(help_text="the report as it stood; for others than the office their own rows")
    intact = serializers.BooleanField(help_text="whether content and id lists still match their digests")
    faults = serializers.ListField(child=serializers.CharField())


class SnapshotPage(serializers.Serializer[Any]):
    results = SnapshotShape(many=True)
    next = serializers.CharField(allow_null=True)


class SnapshotFilter(Strict):
    kind = String(required=False, max_length=20)
    period = String(required=False, max_length=30)
    state = Among(SnapshotState, required=False)


class FreezeInput(Strict):
    early = String(required=False, max_length=500, help_text="why not to wait for the end of objections")


class ObjectionInput(Strict):
    unit = String(max_length=100)
    text = String(max_length=2000)


class AnswerInput(Strict):
    accepted = Flag()
    answer = String(max_length=2000)


class ObjectionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    unit = serializers.CharField()
    text = serializers.CharField()
    raised_at = serializers.DateTimeField()
    accepted = serializers.BooleanField(allow_null=True)
    answer = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField(allow_null=True)


class ObjectionPage(serializers.Serializer[Any]):
    results = ObjectionShape(many=True)
    next = serializers.CharField(allow_null=True)


_PLAIN = ("id", "kind", "period", "group_by", "version", "state", "digest", "taken_at", "objections_until", "frozen_at")
_OBJECTION = ("id", "unit", "text", "raised_at", "accepted", "answer", "answered_at")


def rendered(rows: Iterable[Snapshot]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in _PLAIN} | {"scheme": row.scheme_id} for row in rows]


def objected(rows: Iterable[Objection]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in _OBJECTION} for row in rows]


class Snapshots(Noun):
    @extend_schema(parameters=[SnapshotFilter], responses=SnapshotPage, operation_id="list_snapshots")
    def get(self, request: Request) -> Response:
        """Drafts and frozen reports."""
        rows = Snapshot.objects.filter(**self.query(SnapshotFilter)).defer("document")
        return page(request, rows, ("-taken_at", "id"), rendered)

    @extend_schema(request=SnapshotInput, responses={201: SnapshotShape}, operation_id="take_snapshot")
    def post(self, request: Request) -> Response:
        """A draft as of now, open to objections for three working days."""
        values = self.read(SnapshotInput)
        period = periods.read(values["period"])
        if values["kind"] == "assessment" and "scheme" not in values:
            raise Invalid.at("/scheme", "required", Text("请指明考核方案", "Say which scheme"))
        scheme = schemes.find(values["scheme"]) if values["kind"] == "assessment" else None

        group_by = scheme.group_by if scheme else values["group_by"]
        made = snapshots.picture(period, group_by, scheme=scheme, at=self.at)
        return self.once(lambda: Response(rendered([snapshots.keep(made, by=self.by)])[0], status=201))


class SnapshotQuery(Strict):
    format = serializers.ChoiceField(choices=["json", "csv", "xlsx"], required=False)


class SnapshotEvidenceQuery(SnapshotQuery):
    indicator = String(max_length=40)
    group = String(required=False, max_length=100, allow_blank=True, help_text="a code; without it: behind the total")
    side = serializers.ChoiceField(choices=list(evidence.SIDES))


class OneSnapshot(Reported):
    @extend_schema(parameters=[SnapshotQuery], responses=dressed(FullSnapshot), operation_id="read_snapshot")
    def get(self, request: Request, key: UUID) -> HttpResponseBase:
        """One snapshot with what it says, checked against its digests; to the office also as `xlsx` or `csv`."""
        row = _snapshot(key)
        dress = self.dress(self.query(SnapshotQuery))
        if dress != "json":
            permit(self.by, "report.write")
            made = deliverables.Made(f"snapshot-{row.kind}-{row.period}-v{row.version}", None, reprints.tables(row))
            return self.send(deliverables.write(made, dress, self.language))
        faults = snapshots.verify(row)
        language = negotiate(request.headers.get("Accept-Language"))
        told = rendered([row])[0] | {"intact": not faults, "faults": [fault.of(language) for fault in faults]}
        told["document"] = row.document if may(self.by, "report.write") else _own(row, groups.sight(self.by))
        return self.shown(told)


class SnapshotEvidence(Reported):
    @extend_schema(
        parameters=[SnapshotEvidenceQuery], responses=dressed(EvidencePage), operation_id="read_snapshot_evidence"
    )
    def get(self, request: Request, key: UUID) -> HttpResponseBase:
        """The ids behind a number of a snapshot, as they were when it was taken."""
        row, asked = _snapshot(key), self.query(SnapshotEvidenceQuery)
        kind = indicators.named(asked["indicator"]).evidence[evidence.SIDES.index(asked["side"])]
        found = snapshots.ids(row, asked.get("group", snapshots.TOTAL), asked["indicator"], asked["side"])
        dress = self.dress(asked)
        if dress == "json":
            told = _page(request, found)
            issues = evidence.issues_of(kind or "", told["results"])
            return self.shown({"kind": kind or "", **told} | ({} if issues is None else {"issues": issues}))
        period = snapshots.period_of(row)
        issues = found if kind == "issue" else evidence.issues_of(kind or "", found)
        side = deliverables.SIDE_NAMES[asked["side"]]
        rows = ((side, kind, one, issue) for one, issue in zip(found, issues or repeat(None), strict=False))
        table = deliverables.evidence_table(f"evidence-{asked['indicator']}-{period.code}", period, rows)
        return self.send(deliverables.write(deliverables.Made(table.key, None, [table]), dress, self.language))


def _page(request: Request, ids: Sequence[UUID]) -> dict[str, Any]:
    """Some of the ids of a snapshot, which never change: the cursor counts those before. Raises ``Malformed``."""
    raw, limit = request.query_params.get("cursor", "0"), read_limit(request)
    if not (raw.isascii() and raw.isdigit() and len(raw) < 10):
        raise refused("cursor", BAD_CURSOR, "/cursor")
    start, following = int(raw), None
    if start + limit < len(ids):
        query = request.query_params.dict() | {"cursor": str(start + limit)}
        following = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
    return {"results": ids[start : start + limit], "next": following}


class FrozenSnapshot(Noun):
    @extend_schema(request=FreezeInput, responses=SnapshotShape, operation_id="freeze_snapshot")
    def post(self, request: Request, key: UUID) -> Response:
        """The draft becomes the report, for ever. 409 says what is still missing."""
        values = self.read(FreezeInput)
        return Response(rendered([snapshots.freeze(_snapshot(key), **values, by=self.by, at=self.at)])[0])


class Objections(Noun):
    @extend_schema(responses=ObjectionPage, operation_id="list_objections")
    def get(self, request: Request, key: UUID) -> Response:
        """What was said against a draft; for others than the office what their own units said."""
        rows = Objection.objects.filter(snapshot=_snapshot(key))
        sight = groups.sight(self.by)
        if not sight.everything:
            rows = rows.filter(Q(raised_by=self.by.person) | Q(unit__in=[*sight.leads, str(self.by.person)]))
        return page(request, rows, ("raised_at", "id"), objected)

    @extend_schema(request=ObjectionInput, responses={201: ObjectionShape}, operation_id="object_to_snapshot")
    def post(self, request: Request, key: UUID) -> Response:
        """Object to a draft for one's own unit."""
        values = self.read(ObjectionInput)

        def say() -> Response:
            sight = groups.sight(self.by)
            row = snapshots.object_to(_snapshot(key), **values, sight=sight, by=self.by, at=self.at)
            return Response(objected([row])[0], status=201)

        return self.once(say)


class AnsweredObjection(Noun):
    @extend_schema(request=AnswerInput, responses=ObjectionShape, operation_id="answer_objection")
    def post(self, request: Request, key: UUID) -> Response:
        """The office's answer; an accepted objection asks for another draft."""
        values = self.read(AnswerInput)
        row = Objection.objects.filter(pk=key).first()
        if row is None:
            raise NotFound
        row = snapshots.answer(row, accepted=values["accepted"], text=values["answer"], by=self.by, at=self.at)
        return Response(objected([row])[0])


def _own(row: Snapshot, sight: Sight) -> dict[str, Any]:
    """The rows of a snapshot that are about the caller's own unit."""
    told: dict[str, Any] = {}
    for part in ("report", "assessment"):
        if part in row.document:
            rows = [
                one
                for one in row.document[part]["rows"]
                if one["group"]["code"] and groups.speaks_for(sight, row.group_by, one["group"]["code"])
            ]
            told[part] = {"period": row.document[part]["period"], "rows": rows}
    return told


def _snapshot(key: UUID) -> Snapshot:
    row = Snapshot.objects.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


urlpatterns = [
    path("reports/snapshots", Snapshots.as_view(), name="report-snapshots"),
    path("reports/snapshots/<uuid:key>", OneSnapshot.as_view(), name="report-snapshot"),
    path("reports/snapshots/<uuid:key>/evidence", SnapshotEvidence.as_view(), name="report-snapshot-evidence"),
    path("reports/snapshots/<uuid:key>/freeze", FrozenSnapshot.as_view(), name="report-snapshot-freeze"),
    path("reports/snapshots/<uuid:key>/objections", Objections.as_view(), name="report-objections"),
    path("reports/objections/<uuid:key>/answer", AnsweredObjection.as_view(), name="report-objection-answer"),
]
