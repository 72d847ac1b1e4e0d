"""Reports over REST: the indicators, the assessment, and the ids behind every number; as JSON, CSV, XLSX or DOCX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from api.errors import NotAcceptable
from api.pagination import read_limit
from api.shapes import Strict, String
from api.views import Noun, etag
from core.problems import Forbidden, Invalid, NotFound
from core.texts import Text, negotiate
from organizations.permissions import may
from reports import (
    assessing,
    bulletins,
    circulars,
    csvs,
    dimensions,
    evidence,
    groups,
    layouts,
    periods,
    registers,
    schemes,
    sheets,
    supervision,
)
from reports.indicators import GROUPS
from reports.periods import Period
from reports.tables import Column, Table

DRESSES = {"csv": "text/csv", "xlsx": sheets.MEDIA_TYPE, "docx": bulletins.MEDIA_TYPE, "json": "application/json"}
KINDS = ("supervision", "assessment")


class InJSON(BaseContentNegotiation):
    """Problems are always JSON; the dress of a report is chosen by the view, from ``format`` or ``Accept``."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        return next(iter(parsers))

    def select_renderer(self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None) -> Any:
        first = next(iter(renderers))
        return first, first.media_type


class PeriodQuery(Strict):
    """A period: ``period``, or ``from`` and ``to``."""

    period = String(required=False, max_length=30, help_text="2026, 2026-Q3, 2026-07 or 2026-W30")
    format = serializers.ChoiceField(choices=list(DRESSES), required=False)

    def get_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = String(required=False, max_length=10, help_text="first day, with `to`")
        fields["to"] = String(required=False, max_length=10, help_text="last day, with `from`")
        return fields


class SupervisionQuery(PeriodQuery):
    group_by = serializers.ChoiceField(choices=list(GROUPS), required=False, default="department")
    compare = String(required=False, max_length=40, help_text="`previous`, `year_earlier` or both with a comma")


class AssessmentQuery(PeriodQuery):
    scheme = String(max_length=80, help_text="a code (its newest published version), `code@version`, or an id")


class EvidenceQuery(PeriodQuery):
    indicator = String(max_length=40)
    group = String(required=False, max_length=100, allow_blank=True, help_text="a code; without it: behind the total")
    group_by = serializers.ChoiceField(choices=list(GROUPS), required=False, default="department")
    scheme = String(required=False, max_length=80, help_text="of an assessment: its scheme's grouping counts")
    side = serializers.ChoiceField(choices=list(evidence.SIDES), required=False)


class FigureShape(serializers.Serializer[Any]):
    value = serializers.FloatField(allow_null=True, help_text="rates in percent at two decimals")
    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField(allow_null=True)
    parts = serializers.DictField(child=serializers.FloatField(allow_null=True), required=False)
    too_small = serializers.BooleanField(required=False, help_text="a denominator under 5: not to be ranked by")


class GroupShape(serializers.Serializer[Any]):
    code = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class ReportRow(serializers.Serializer[Any]):
    group = GroupShape()
    indicators = serializers.DictField(child=FigureShape())


class SpanShape(serializers.Serializer[Any]):
    code = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


class ReportShape(serializers.Serializer[Any]):
    period = SpanShape()
    group_by = serializers.ChoiceField(choices=list(GROUPS))
    rows = ReportRow(many=True)
    total = serializers.DictField(child=FigureShape())
    compared = serializers.DictField(required=False, help_text="the same report of `previous` and `year_earlier`")


class ScoredItem(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    indicator = serializers.CharField(allow_null=True)
    full_mark = serializers.FloatField()
    weight = serializers.FloatField()
    method = serializers.CharField()
    points = serializers.FloatField(allow_null=True)
    status = serializers.CharField()
    arithmetic = serializers.CharField(help_text="how the points were worked out")
    figure = FigureShape(required=False)
    entries = serializers.ListField(child=serializers.DictField(), required=False)


class AssessedRow(serializers.Serializer[Any]):
    group = GroupShape()
    score = serializers.FloatField(allow_null=True)
    rank = serializers.IntegerField(allow_null=True)
    grade = serializers.CharField(allow_null=True)
    arithmetic = serializers.CharField()
    flags = serializers.ListField(child=serializers.CharField())
    items = ScoredItem(many=True)


class AssessmentShape(serializers.Serializer[Any]):
    period = SpanShape()
    scheme = serializers.DictField()
    rows = AssessedRow(many=True)


class EvidencePage(serializers.Serializer[Any]):
    kind = serializers.CharField(help_text="what the ids are of: issue, segment, visit …")
    results = serializers.ListField(child=serializers.UUIDField())
    issues = serializers.ListField(
        child=serializers.UUIDField(),
        required=False,
        help_text="in step with results: the issues of segments and cards",
    )
    next = serializers.CharField(allow_null=True)


class EvidenceShape(serializers.Serializer[Any]):
    numerator = EvidencePage()
    denominator = EvidencePage()


def dressed(shape: type[serializers.Serializer[Any]]) -> dict[Any, Any]:
    """The answers of a report for the OpenAPI document."""
    files = {(200, kind): OpenApiTypes.BINARY for name, kind in DRESSES.items() if name != "json"}
    return {(200, "application/json"): shape, **files, 304: OpenApiResponse(description="Not modified")}


class Reported(Noun):
    """What the views of reports share: the language, the period, and the file a table is sent as."""

    content_negotiation_class = InJSON

    @property
    def language(self) -> str:
        return negotiate(self.request.headers.get("Accept-Language"))

    def dress(self, asked: dict[str, Any]) -> str:
        """``format``, or what ``Accept`` wants most of what we have. Raises ``NotAcceptable``."""
        if "format" in asked:
            return str(asked["format"])
        wanted = self.request.headers.get("Accept", "*/*")
        for part in wanted.split(","):
            kind = part.split(";")[0].strip().lower()
            found = next((name for name, media in DRESSES.items() if media == kind), None)
            if found or kind in ("*/*", "application/*", ""):
                return found or "json"
        raise NotAcceptable

    def send(self, tables: Sequence[Table], dress: str, document: Any) -> HttpResponseBase:
        """Tables as a file. Its ETag is over what it says, the form and the language; a streamed list has none."""
        tag = etag([document, dress, self.language])
        headers = {
            **({"ETag": tag} if document is not None else {}),
            "Content-Disposition": f'attachment; filename="{tables[0].key}.{dress}"',
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept, Accept-Language, Authorization",
        }
        if document is not None and tag in self.request.headers.get("If-None-Match", ""):
            return HttpResponse(status=304, headers=headers)
        if dress == "csv":
            lines = csvs.lines(tables[0], self.language)
            return StreamingHttpResponse(lines, content_type=csvs.MEDIA_TYPE, headers=headers)
        return HttpResponse(sheets.workbook(tables, self.language), content_type=sheets.MEDIA_TYPE, headers=headers)


def read_period(asked: dict[str, Any]) -> Period:
    return periods.read(asked.get("period"), since=asked.get("from"), until=asked.get("to"))


class Supervision(Reported):
    @extend_schema(parameters=[SupervisionQuery], responses=dressed(ReportShape), operation_id="report_supervision")
    def get(self, request: Request) -> HttpResponseBase:
        """The indicators of a period by group. The office sees the city, everybody else what is theirs.

        `docx` is the supervision bulletin; `xlsx` holds the figures and the list of issues to be pressed.
        """
        asked = self.query(SupervisionQuery)
        period, dress = read_period(asked), self.dress(asked)
        sight = groups.sight(self.by)
        if dress == "docx":
            return self._bulletin(period)
        compare = [name for name in asked.get("compare", "").split(",") if name]
        report = supervision.report(
            period, asked["group_by"], sight=sight, at=self.at, compare=compare, language=self.language
        )
        document = report.document()
        if dress == "json":
            return self.shown(document)
        tables = [report.table()]
        if dress == "xlsx":
            tables.append(circulars.pressing(period, sight=sight, at=self.at, language=self.language))
        return self.send(tables, dress, document)

    def _bulletin(self, period: Period) -> HttpResponse:
        if not may(self.by, "report.write"):
            raise Forbidden
        bulletin = circulars.bulletin(period, at=self.at, language=self.language)
        made = bulletins.write(bulletin, self.language, template=layouts.current())
        headers = {"Content-Disposition": f'attachment; filename="bulletin-{period.code}.docx"'}
        return HttpResponse(made, content_type=bulletins.MEDIA_TYPE, headers=headers)


class Assessment(Reported):
    @extend_schema(parameters=[AssessmentQuery], responses=dressed(AssessmentShape), operation_id="report_assessment")
    def get(self, request: Request) -> HttpResponseBase:
        """Scores, places and grades by a scheme, with the arithmetic of each; of a draft scheme: a simulation."""
        asked = self.query(AssessmentQuery)
        dress = self.dress(asked)
        made = assessing.run(schemes.find(asked["scheme"]), read_period(asked), at=self.at, language=self.language)
        document = made.document(self.language)
        if dress == "docx":
            raise Invalid.at("/format", "invalid-choice", Text("考核没有 docx 格式", "An assessment has no docx form"))
        return self.shown(document) if dress == "json" else self.send(made.tables(), dress, document)


class Evidence(Reported):
    @extend_schema(parameters=[EvidenceQuery], responses=dressed(EvidenceShape), operation_id="report_evidence")
    def get(self, request: Request, kind: str) -> HttpResponseBase:
        """The ids behind a number: both sides at once, or page by page with `side`; `csv` and `xlsx` hold them all."""
        if kind not in KINDS:
            raise NotFound
        asked = self.query(EvidenceQuery)
        group_by = asked["group_by"]
        if kind == "assessment":
            if "scheme" not in asked:
                raise Invalid.at("/scheme", "required", Text("请指明考核方案", "Say which scheme"))
            group_by = schemes.find(asked["scheme"]).group_by
        period, dress = read_period(asked), self.dress(asked)
        sides = [asked["side"]] if "side" in asked else list(evidence.SIDES)
        if dress in ("csv", "xlsx"):
            return self.send([self._sheet(asked, period, group_by, sides)], dress, None)
        pages = {side: self._page(request, asked, period, group_by, side) for side in sides}
        return self.shown(pages[sides[0]] if len(sides) == 1 else pages)

    def _sheet(self, asked: dict[str, Any], period: Period, group_by: str, sides: Sequence[str]) -> Table:
        sight = groups.sight(self.by)
        found = [
            (
                side,
                evidence.every(
                    period, group_by, asked["indicator"], side, group=asked.get("group"), sight=sight, at=self.at
                ),
            )
            for side in sides
        ]
        return Table(
            key=f"evidence-{asked['indicator']}-{period.code}",
            title=Text("指标明细", "Behind the number"),
            columns=(
                Column("side", Text("分子或分母", "Side"), width=14),
                Column("kind", Text("种类", "Kind"), width=14),
                Column("id", Text("编号", "Id"), width=40),
                Column("issue", Text("问题", "Issue"), width=40),
            ),
            rows=((SIDE_NAMES[side], *row) for side, rows in found for row in rows),
            period=period.name,
        )

    def _page(
        self, request: Request, asked: dict[str, Any], period: Period, group_by: str, side: str
    ) -> dict[str, Any]:
        found = evidence.page(
            period,
            group_by,
            asked["indicator"],
            side,
            group=asked.get("group"),
            sight=groups.sight(self.by),
            at=self.at,
            after=request.query_params.get("cursor") if "side" in asked else None,
            size=read_limit(request),
        )
        following = None
        if found.next:
            others = {name: value for name, value in request.query_params.items() if name not in ("cursor", "side")}
            query = urlencode(others | {"side": side, "cursor": found.next})
            following = request.build_absolute_uri(f"{request.path}?{query}")
        told: dict[str, Any] = {"kind": found.kind, "results": found.ids, "next": following}
        return told if found.issues is None else told | {"issues": found.issues}


class RegisterQuery(PeriodQuery):
    """Which days; what the register holds is its kind."""


class DimensionQuery(PeriodQuery):
    questionnaire = String(max_length=100, help_text="the form id of a questionnaire")
    group_by = serializers.ChoiceField(choices=list(dimensions.GROUPED), required=False, default="region")


class TableShape(serializers.Serializer[Any]):
    title = serializers.CharField()
    columns = serializers.ListField(child=serializers.DictField())
    rows = serializers.ListField(child=serializers.DictField())


class RegisterShape(serializers.Serializer[Any]):
    tables = TableShape(many=True)


class DimensionShape(serializers.Serializer[Any]):
    period = SpanShape()
    questionnaire = serializers.CharField()
    rows = serializers.ListField(child=serializers.DictField(), help_text="a suppressed group has no scores")
    total = serializers.DictField(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "group_by": serializers.CharField()}


class Register(Reported):
    @extend_schema(parameters=[RegisterQuery], responses=dressed(RegisterShape), operation_id="report_register")
    def get(self, request: Request, kind: str) -> HttpResponseBase:
        """A list that the office keeps: pressing, issues, duties, tasks, members, boards."""
        if kind not in registers.REGISTERS:
            raise NotFound
        asked = self.query(RegisterQuery)
        period, dress = read_period(asked), self.dress(asked)
        made = registers.make(kind, registers.Asked(period, self.at, groups.sight(self.by), self.language))
        if dress == "json":
            return self.shown({"tables": [table.document(self.language) for table in made]})
        if dress == "docx":
            raise Invalid.at("/format", "invalid-choice", Text("清单没有 docx 格式", "A list has no docx form"))
        return self.send(made, dress, None)


class Dimensions(Reported):
    @extend_schema(parameters=[DimensionQuery], responses=dressed(DimensionShape), operation_id="report_dimensions")
    def get(self, request: Request) -> HttpResponseBase:
        """Mean questionnaire scores by dimension; groups under five are suppressed."""
        asked = self.query(DimensionQuery)
        period, dress = read_period(asked), self.dress(asked)
        made = dimensions.scores(
            asked["questionnaire"], period, asked["group_by"], sight=groups.sight(self.by), at=self.at,
            language=self.language,
        )  # fmt: skip
        if dress == "docx":
            raise Invalid.at("/format", "invalid-choice", Text("此表没有 docx 格式", "This table has no docx form"))
        return self.shown(made.document()) if dress == "json" else self.send([made.table()], dress, made.document())


SIDE_NAMES = {"numerator": Text("分子", "numerator"), "denominator": Text("分母", "denominator")}

urlpatterns = [
    path("reports/supervision", Supervision.as_view(), name="report-supervision"),
    path("reports/assessment", Assessment.as_view(), name="report-assessment"),
    path("reports/dimensions", Dimensions.as_view(), name="report-dimensions"),
    path("reports/registers/<str:kind>", Register.as_view(), name="report-register"),
    path("reports/<str:kind>/evidence", Evidence.as_view(), name="report-evidence"),
]
