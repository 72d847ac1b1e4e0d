"""Reports over REST: the indicators, the assessment, and the ids behind every number; as JSON, CSV, XLSX or DOCX."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request

from api import negotiation
from api.errors import NotAcceptable
from api.pagination import read_limit
from api.shapes import Strict, String
from api.views import Noun
from core.problems import Invalid, NotFound
from core.texts import Text, negotiate
from reports import deliverables, dimensions, evidence, groups, periods, schemes
from reports.deliverables import DRESSES, File, Wanted
from reports.indicators import GROUPS
from reports.periods import Period

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
    adjustments = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="what has changed about frozen periods before this one"
    )
    findings = serializers.ListField(child=serializers.CharField(), required=False, help_text="what was left out")


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
        for kind in negotiation.preferred(self.request.headers.get("Accept", "*/*")):
            for name in ("json", *DRESSES):
                plain = DRESSES[name].partition(";")[0]
                if kind in ("", "*/*", plain, f"{plain.partition('/')[0]}/*"):
                    return name
        raise NotAcceptable

    def answer(self, report: str, asked: dict[str, Any]) -> HttpResponseBase:
        """The report that is asked for, as JSON or as a file; either with an ETag over what it says."""
        wanted = wanted_of(report, asked, self.dress(asked))
        if wanted.dress == "json":
            made = deliverables.make(wanted, by=self.by, at=self.at, language=self.language)
            return self.shown(made.document)
        return self.send(deliverables.deliver(wanted, by=self.by, at=self.at, language=self.language))

    def send(self, file: File) -> HttpResponseBase:
        """A file to be saved, or 304 to whoever has it."""
        headers = {
            "ETag": f'"{file.tag}"',
            "Content-Disposition": f'attachment; filename="{file.name}"',
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept, Accept-Language, Authorization",
        }
        if negotiation.has(self.request, headers["ETag"]):
            file.content.close()
            return HttpResponse(status=304, headers=headers)
        return FileResponse(file.content, content_type=file.media_type, headers=headers)


def read_period(asked: Mapping[str, Any]) -> Period:
    return periods.read(asked.get("period"), since=asked.get("from"), until=asked.get("to"))


def wanted_of(report: str, asked: Mapping[str, Any], dress: str) -> Wanted:
    """What a checked query asks for."""
    plain = ("group_by", "scheme", "questionnaire", "register", "indicator", "group", "side")
    given = {name: asked[name] for name in plain if name in asked}
    compare = tuple(name for name in asked.get("compare", "").split(",") if name)
    return Wanted(report=report, period=read_period(asked), dress=dress, compare=compare, **given)


class Supervision(Reported):
    @extend_schema(parameters=[SupervisionQuery], responses=dressed(ReportShape), operation_id="report_supervision")
    def get(self, request: Request) -> HttpResponseBase:
        """The indicators of a period by group. The office sees the city, everybody else what is theirs.

        `docx` is the supervision bulletin; `xlsx` holds the figures, a heat table, rankings, trends and the list of issues
        to be pressed.
        """
        return self.answer("supervision", self.query(SupervisionQuery))


class Assessment(Reported):
    @extend_schema(parameters=[AssessmentQuery], responses=dressed(AssessmentShape), operation_id="report_assessment")
    def get(self, request: Request) -> HttpResponseBase:
        """Scores, places and grades by a scheme, with the arithmetic of each; of a draft scheme: a simulation."""
        return self.answer("assessment", self.query(AssessmentQuery))


class Evidence(Reported):
    @extend_schema(parameters=[EvidenceQuery], responses=dressed(EvidenceShape), operation_id="report_evidence")
    def get(self, request: Request, kind: str) -> HttpResponseBase:
        """The ids behind a number: both sides at once, or page by page with `side`; `csv` and `xlsx` hold them all."""
        asked = read_evidence(self.query(EvidenceQuery), kind)
        wanted = wanted_of("evidence", asked, self.dress(asked))
        if wanted.dress != "json":
            return self.answer("evidence", asked)
        deliverables.check(wanted, by=self.by)
        group_by = deliverables.grouping(wanted)
        sides = [wanted.side] if wanted.side else list(evidence.SIDES)
        pages = {side: self._page(request, wanted, group_by, side) for side in sides}
        return self.shown(pages[sides[0]] if len(sides) == 1 else pages)

    def _page(self, request: Request, wanted: Wanted, group_by: str, side: str) -> dict[str, Any]:
        found = evidence.page(
            wanted.period,
            group_by,
            wanted.indicator,
            side,
            group=wanted.group,
            sight=groups.sight(self.by),
            at=self.at,
            after=request.query_params.get("cursor") if wanted.side else None,
            size=read_limit(request),
        )
        following = None
        if found.next:
            others = {name: value for name, value in request.query_params.items() if name not in ("cursor", "side")}
            query = urlencode(others | {"side": side, "cursor": found.next})
            following = request.build_absolute_uri(f"{request.path}?{query}")
        told: dict[str, Any] = {"kind": found.kind, "results": found.ids, "next": following}
        return told if found.issues is None else told | {"issues": found.issues}


def read_evidence(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    """What is asked behind a report of a kind: of an assessment its scheme must be named, otherwise it says nothing."""
    if kind not in KINDS:
        raise NotFound
    if kind == "supervision":
        return {name: value for name, value in asked.items() if name != "scheme"}
    if "scheme" not in asked:
        raise Invalid.at("/scheme", "required", Text("请指明考核方案", "Say which scheme"))
    schemes.find(asked["scheme"])
    return asked


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
        """A list that the office keeps: pressing, issues, duties, tasks, members, boards, stations, doubtful."""
        return self.answer("register", self.query(RegisterQuery) | {"register": kind})


class Dimensions(Reported):
    @extend_schema(parameters=[DimensionQuery], responses=dressed(DimensionShape), operation_id="report_dimensions")
    def get(self, request: Request) -> HttpResponseBase:
        """Mean questionnaire scores by dimension; groups under five are suppressed."""
        return self.answer("dimensions", self.query(DimensionQuery))


urlpatterns = [
    path("reports/supervision", Supervision.as_view(), name="report-supervision"),
    path("reports/assessment", Assessment.as_view(), name="report-assessment"),
    path("reports/dimensions", Dimensions.as_view(), name="report-dimensions"),
    path("reports/registers/<str:kind>", Register.as_view(), name="report-register"),
    path("reports/<str:kind>/evidence", Evidence.as_view(), name="report-evidence"),
]
