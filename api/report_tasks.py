"""Reports made in the background over REST: ask, look how far it is, fetch the file; rights are looked at again then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.urls import path, reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import files
from api.pagination import page
from api.reports import (
    AssessmentQuery,
    DimensionQuery,
    EvidenceQuery,
    InJSON,
    RegisterQuery,
    SupervisionQuery,
    read_evidence,
    wanted_of,
)
from api.shapes import Strict, String
from api.views import Noun
from core.problems import Invalid, NotFound
from core.texts import Text, negotiate
from reports import commissions, registers
from reports.deliverables import DRESSES, Wanted
from reports.models import Commission

QUERIES: Mapping[str, type[Strict]] = {
    "supervision": SupervisionQuery,
    "assessment": AssessmentQuery,
    "dimensions": DimensionQuery,
    "supervision/evidence": EvidenceQuery,
    "assessment/evidence": EvidenceQuery,
    **{f"registers/{kind}": RegisterQuery for kind in registers.REGISTERS},
}
"""The reports that can be asked for, by their path below ``reports/``, and what each may be asked."""


class CommissionInput(Strict):
    """A report by its path below `reports/`, and the query one would send there; `format` is `xlsx` unless said."""

    report = String(max_length=60, help_text="supervision, assessment, registers/issues, supervision/evidence …")
    query = serializers.DictField(child=String(max_length=200, allow_blank=True))


class CommissionShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    report = serializers.CharField()
    period = serializers.CharField()
    state = serializers.CharField(help_text="waiting, running, done or failed")
    progress = serializers.IntegerField(help_text="percent")
    asked_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    problem = serializers.DictField(allow_null=True, help_text="why it failed")
    file = serializers.CharField(allow_null=True, help_text="its name")
    size = serializers.IntegerField(allow_null=True, help_text="bytes")
    result = serializers.CharField(allow_null=True, help_text="where the file is fetched, with one's own token")


class CommissionPage(serializers.Serializer[Any]):
    results = CommissionShape(many=True)
    next = serializers.CharField(allow_null=True)


def read_wanted(report: str, query: Mapping[str, str], at: str = "/query") -> Wanted:
    """What a report's path and query ask for. Raises Invalid at ``/report`` or below ``at``."""
    if report not in QUERIES:
        them = ", ".join(QUERIES)
        raise Invalid.at("/report", "invalid-choice", Text("应为：{it}", "One of {it}").fill(it=them))
    reader = QUERIES[report](data=dict(query))
    if not reader.is_valid():
        raise serializers.ValidationError({at.strip("/"): reader.errors})
    asked = reader.validated_data
    kind, _, rest = report.partition("/")
    if rest == "evidence":
        asked, kind = read_evidence(asked, kind), "evidence"
    elif kind == "registers":
        asked, kind = {**asked, "register": rest}, "register"
    return wanted_of(kind, asked, asked.get("format", "xlsx"))


def path_of(wanted: Mapping[str, Any]) -> str:
    """The path below ``reports/`` of what was kept."""
    if wanted["report"] == "register":
        return f"registers/{wanted['register']}"
    if wanted["report"] == "evidence":
        return f"{'assessment' if wanted['scheme'] else 'supervision'}/evidence"
    return str(wanted["report"])


class Told(Noun):
    """What the views of tasks share: how a task is shown."""

    content_negotiation_class = InJSON

    def told(self, rows: Iterable[Commission]) -> list[dict[str, Any]]:
        language = negotiate(self.request.headers.get("Accept-Language"))
        return [
            {
                "id": row.id,
                "report": path_of(row.wanted),
                "period": row.wanted["period"],
                "state": row.state,
                "progress": row.progress,
                "asked_at": row.asked_at,
                "done_at": row.done_at,
                "problem": (row.refusal or {}).get(language),
                "file": row.name or None,
                "size": row.size,
                "result": self.request.build_absolute_uri(reverse("report-task-result", args=[row.id]))
                if row.state == "done"
                else None,
            }
            for row in rows
        ]


class Tasks(Told):
    @extend_schema(responses=CommissionPage, operation_id="list_report_tasks")
    def get(self, request: Request) -> Response:
        """One's own tasks of the last week, the latest first."""
        return page(request, commissions.of(self.by), ("-asked_at", "id"), self.told)

    @extend_schema(request=CommissionInput, responses={202: CommissionShape}, operation_id="ask_for_report")
    def post(self, request: Request) -> Response:
        """Have a report made in the background. It is made within the rights that one has when it is made."""
        values = self.read(CommissionInput)
        wanted = read_wanted(values["report"], values["query"])
        language = negotiate(request.headers.get("Accept-Language"))

        def ask() -> Response:
            row = commissions.ask(wanted, by=self.by, at=self.at, language=language)
            where = request.build_absolute_uri(reverse("report-task", args=[row.id]))
            return Response(self.told([row])[0], status=202, headers={"Location": where})

        return self.once(ask)


class OneTask(Told):
    @extend_schema(responses=CommissionShape, operation_id="read_report_task")
    def get(self, request: Request, key: UUID) -> Response:
        """How far a task of one's own is."""
        row = commissions.of(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return self.shown(self.told([row])[0])

    @extend_schema(responses={204: None}, operation_id="drop_report_task")
    def delete(self, request: Request, key: UUID) -> Response:
        """Give up a task and its file."""
        commissions.drop(key, by=self.by, at=self.at)
        return Response(status=204)


class TaskResult(Told):
    @extend_schema(
        responses={(200, kind): OpenApiTypes.BINARY for kind in DRESSES.values()}, operation_id="fetch_report_result"
    )
    def get(self, request: Request, key: UUID) -> HttpResponseBase:
        """The file. 409 until it is there; 403 when one's rights are not those any more that it was made with."""
        row = commissions.result(key, by=self.by)
        return files.send(
            request._request,
            lambda start, end: commissions.content(row, start, end),
            size=row.size or 0,
            content_type=row.media_type,
            tag=row.digest,
            filename=row.name,
            attachment=True,
        )


urlpatterns = [
    path("reports/tasks", Tasks.as_view(), name="report-tasks"),
    path("reports/tasks/<uuid:key>", OneTask.as_view(), name="report-task"),
    path("reports/tasks/<uuid:key>/result", TaskResult.as_view(), name="report-task-result"),
]
