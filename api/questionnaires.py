"""Questionnaires over REST: uploaded as XLSForms, tried, published, closed, compared, looked at."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.forms import page_of
from api.negotiation import ByAddress
from api.shapes import Identifier, Strict, Whole
from api.views import Noun
from core.problems import Invalid, NotFound, TooLarge
from core.texts import Text, negotiate
from inspections import documents, issues
from inspections.models import ENDED_STATES
from organizations.permissions import visible_enterprises
from organizations.roles import PilotTier, Role
from surveys import anonymous, questionnaires
from surveys.beginnings import shows_issues
from surveys.definition import told
from surveys.differences import differences
from surveys.documents import moment
from surveys.models import Questionnaire, Requirement, Version
from surveys.prefill import prefill
from surveys.spreadsheet import MAX_BYTES
from surveys.summaries import summary

MOST_ISSUES = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class UploadFile(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="an XLSForm (.xlsx)")


class UploadedShape(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="the form id of the settings sheet")
    version = serializers.IntegerField()
    status = serializers.CharField()
    warnings = serializers.ListField(child=serializers.CharField())


class VersionShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.CharField()
    title = serializers.CharField()
    hash = serializers.CharField(help_text="SHA-256 of the compiled form")
    warnings = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    published_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)


class VersionWithForm(VersionShape):
    form = serializers.DictField()


class QuestionnaireShape(serializers.Serializer[Any]):
    code = serializers.CharField()
    title = serializers.CharField()
    title_en = serializers.CharField(allow_null=True)
    anonymous = serializers.BooleanField()
    published = serializers.IntegerField(allow_null=True, help_text="the version phones fill in now")
    versions = VersionShape(many=True)


class QuestionnaireList(serializers.Serializer[Any]):
    results = QuestionnaireShape(many=True)
    next = serializers.CharField(allow_null=True)


class DiffQuery(Strict):
    since = Whole(min_value=1, required=False, help_text="the older version; the one before by default")


class DifferenceList(serializers.Serializer[Any]):
    since = serializers.IntegerField(allow_null=True)
    differences = serializers.ListField(child=serializers.CharField())


class EnterpriseQuery(Strict):
    enterprise = Identifier()


class SummaryQuery(Strict):
    enterprise = Identifier(required=False)
    region = Identifier(required=False)


class RequirementShape(Strict):
    role = serializers.ChoiceField(choices=Role.choices)
    pilot_tier = serializers.ChoiceField(choices=PilotTier.choices, allow_null=True, required=False)


class RequirementList(Strict):
    requirements = RequirementShape(many=True)


class LinkInput(Strict):
    enterprise = Identifier()
    days = Whole(min_value=1, max_value=3650, required=False)


class LinkShape(serializers.Serializer[Any]):
    token = serializers.CharField()
    url = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


def shown(row: Version, language: str) -> dict[str, Any]:
    title = told(row.form["title"])
    return {
        "code": row.questionnaire_id,
        "version": row.number,
        "status": row.status,
        "title": title.of(language) if title else row.questionnaire_id,
        "hash": row.hash,
        "warnings": _warnings(row, language),
        "created_at": moment(row.created_at),
        "published_at": moment(row.published_at),
        "closed_at": moment(row.closed_at),
    }


def _warnings(row: Version, language: str) -> list[str]:
    return [each["en" if language == "en" else "zh"] for each in row.warnings]


def listed(rows: QuerySet[Version], language: str) -> list[dict[str, Any]]:
    """Questionnaires with the given versions of theirs."""
    found: dict[str, list[Version]] = {}
    for row in rows.defer("workbook", "xform").order_by("questionnaire", "-number"):
        found.setdefault(row.questionnaire_id, []).append(row)
    return [
        {
            "code": each.code,
            "title": each.title,
            "title_en": each.title_en or None,
            "anonymous": each.anonymous,
            "published": next((row.number for row in found[each.code] if row.status == "published"), None),
            "versions": [shown(row, language) for row in found[each.code]],
        }
        for each in Questionnaire.objects.filter(pk__in=found)
    ]


class Questionnaires(Noun):
    def get_parsers(self) -> list[Any]:
        return [MultiPartParser()]

    @extend_schema(responses=QuestionnaireList, operation_id="all_questionnaires")
    def get(self, request: Request) -> Response:
        """All questionnaires with the versions that the caller may see."""
        return Response({"results": listed(questionnaires.visible(self.by), self.by.language), "next": None})

    @extend_schema(
        request={"multipart/form-data": UploadFile}, responses={201: UploadedShape}, operation_id="upload_questionnaire"
    )
    def post(self, request: Request) -> Response:
        """Upload an XLSForm as the next version of its questionnaire. Faults are named by sheet, row and column."""
        file = request.FILES.get("file")
        if file is None or set(request.data) != {"file"}:
            raise Invalid.at("/file", "required", Text("请上传一个 file", "Send one file"))
        return self.once(lambda: self._upload(file.read(MAX_BYTES + 1)))

    def _upload(self, content: bytes) -> Response:
        if len(content) > MAX_BYTES:
            raise TooLarge(limits={"bytes": MAX_BYTES})
        row = questionnaires.upload(content, by=self.by, at=self.at)
        said = {"code": row.questionnaire_id, "version": row.number, "status": row.status}
        return Response(said | {"warnings": _warnings(row, self.by.language)}, status=201)


class OneQuestionnaire(Noun):
    @extend_schema(responses=QuestionnaireShape, operation_id="read_questionnaire")
    def get(self, request: Request, code: str) -> Response:
        """One questionnaire with the versions that the caller may see."""
        found = listed(questionnaires.visible(self.by).filter(questionnaire=code), self.by.language)
        if not found:
            raise NotFound
        return self.shown(found[0])


class Requirements(Noun):
    @extend_schema(responses=RequirementList, operation_id="read_questionnaire_requirements")
    def get(self, request: Request, code: str) -> Response:
        """Whose visits want this questionnaire filled in."""
        rows = Requirement.objects.filter(questionnaire=code)
        return Response({"requirements": [{"role": row.role, "pilot_tier": row.pilot_tier or None} for row in rows]})

    @extend_schema(request=RequirementList, responses=RequirementList, operation_id="set_questionnaire_requirements")
    def put(self, request: Request, code: str) -> Response:
        """Say by role and pilot tier whose visits want this questionnaire; phones are told."""
        wanted = [(each["role"], each.get("pilot_tier") or "") for each in self.read(RequirementList)["requirements"]]
        rows = questionnaires.require(code, wanted, by=self.by, at=self.at)
        return Response({"requirements": [{"role": row.role, "pilot_tier": row.pilot_tier or None} for row in rows]})


class Versions(Noun):
    @extend_schema(responses=VersionShape(many=True), operation_id="versions_of_questionnaire")
    def get(self, request: Request, code: str) -> Response:
        """The versions of a questionnaire, the newest first."""
        rows = list(questionnaires.visible(self.by).filter(questionnaire=code).defer("workbook", "xform"))
        if not rows:
            raise NotFound
        return Response({"results": [shown(row, self.by.language) for row in rows], "next": None})


class OneVersion(Noun):
    @extend_schema(responses=VersionWithForm, operation_id="read_questionnaire_version")
    def get(self, request: Request, code: str, number: int) -> Response:
        """A version with its compiled form."""
        row = questionnaires.get(code, number, by=self.by)
        return self.shown(shown(row, self.by.language) | {"form": row.form})


class _Move(Noun):
    verb: Any

    @extend_schema(request=None, responses=VersionShape)
    def post(self, request: Request, code: str, number: int) -> Response:
        """Move the version on; doing it twice is harmless or a 409 that names its status."""
        row = type(self).verb(code, number, by=self.by, at=self.at)
        return Response(shown(row, self.by.language))


class Publish(_Move):
    """Send the version to every phone; the one before is closed."""

    verb = staticmethod(questionnaires.publish)


class TryOut(_Move):
    """Let a draft be answered by way of trial."""

    verb = staticmethod(questionnaires.try_out)


class Close(_Move):
    """Take the version out of use."""

    verb = staticmethod(questionnaires.close)


class Form(Noun):
    @extend_schema(responses=OpenApiTypes.OBJECT, operation_id="read_questionnaire_form")
    def get(self, request: Request, code: str, number: int) -> Response:
        """The compiled form, as phones hold it (docs/forms.md)."""
        return self.shown(questionnaires.get(code, number, by=self.by).form)


class File(Noun):
    """What the version was made from, or the XForm made of it."""

    content_negotiation_class = ByAddress
    kind = "xlsx"

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, code: str, number: int) -> HttpResponse:
        """The file as it was uploaded (xlsx), or as ODK Collect reads it (xform)."""
        row = questionnaires.get(code, number, by=self.by)
        is_workbook = self.kind == "xlsx"
        content = bytes(row.workbook) if is_workbook else row.xform.encode()
        name = f"{row.questionnaire_id}-{row.number}.{'xlsx' if is_workbook else 'xml'}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
        return HttpResponse(content, content_type=XLSX if is_workbook else "text/xml; charset=utf-8", headers=headers)


class Preview(Noun):
    content_negotiation_class = ByAddress

    @extend_schema(responses={(200, "text/html"): OpenApiTypes.STR}, operation_id="preview_questionnaire")
    def get(self, request: Request, code: str, number: int) -> HttpResponse:
        """The questionnaire as a page to read through, in the language of ``Accept-Language``."""
        row = questionnaires.get(code, number, by=self.by)
        language = negotiate(request.headers.get("Accept-Language"))
        context = page_of(row.form, language) | {
            "preview": True,
            "status": row.get_status_display(),
            "number": row.number,
        }
        return render(request._request, "questionnaire.html", context)


class Diff(Noun):
    @extend_schema(parameters=[DiffQuery], responses=DifferenceList, operation_id="compare_questionnaire_versions")
    def get(self, request: Request, code: str, number: int) -> Response:
        """What changed since an older version, in words."""
        since = self.query(DiffQuery).get("since")
        new = questionnaires.get(code, number, by=self.by)
        rows = questionnaires.visible(self.by).filter(questionnaire=code, number__lt=number)
        old = (rows.filter(number=since) if since else rows).order_by("-number").first()
        if since and old is None:
            raise NotFound
        said = [each.of(self.by.language) for each in differences(old.form, new.form)] if old else []
        return Response({"since": old.number if old else None, "differences": said})


class Prefill(Noun):
    @extend_schema(parameters=[EnterpriseQuery], responses=OpenApiTypes.OBJECT, operation_id="prefill_questionnaire")
    def get(self, request: Request, code: str) -> Response:
        """What a new response on an enterprise begins with: what was last answered, and its open issues to ask about."""
        enterprise: UUID = self.query(EnterpriseQuery)["enterprise"]
        version = questionnaires.published(code)
        if version is None or not visible_enterprises(self.by).filter(pk=enterprise).exists():
            raise NotFound
        shown = self._open_issues(enterprise) if shows_issues(version.form) else []
        answers = prefill(enterprise, version, issues=shown, by=self.by)
        return Response({"questionnaire": code, "version": version.number, "answers": answers})

    def _open_issues(self, enterprise: UUID) -> list[dict[str, Any]]:
        """As phones hold them, the oldest first; no confidential ones, for who may read the answers may not read those."""
        rows = issues.visible(self.by).filter(enterprise=enterprise, confidential=False)
        rows = rows.exclude(state__in=ENDED_STATES).order_by("submitted_at", "id")[:MOST_ISSUES]
        return [documents.issue(row) | {"id": str(row.id)} for row in rows]


class Summary(Noun):
    @extend_schema(parameters=[SummaryQuery], responses=OpenApiTypes.OBJECT, operation_id="summarize_questionnaire")
    def get(self, request: Request, code: str) -> Response:
        """Counts, mean scores and alerts over a group of responses; groups under five are suppressed."""
        asked = self.query(SummaryQuery)
        found = summary(code, by=self.by, **asked)
        return Response({name: getattr(found, name) for name in ("count", "suppressed", "scores", "choices", "alerts")})


class Links(Noun):
    @extend_schema(request=LinkInput, responses={201: LinkShape}, operation_id="link_questionnaire")
    def post(self, request: Request, code: str) -> Response:
        """The address of an enterprise's anonymous questionnaire, for its QR code; the one before stops working."""
        wanted = self.read(LinkInput)
        row = anonymous.link(code, wanted["enterprise"], by=self.by, at=self.at, days=wanted.get("days"))
        url = request.build_absolute_uri(f"/api/v1/public/questionnaires/{row.token}")
        return Response({"token": row.token, "url": url, "expires_at": moment(row.expires_at)}, status=201)


_VERSION = "questionnaires/<str:code>/versions/<int:number>"
urlpatterns = [
    path("questionnaires", Questionnaires.as_view(), name="questionnaires"),
    path("questionnaires/<str:code>", OneQuestionnaire.as_view(), name="questionnaire"),
    path("questionnaires/<str:code>/requirements", Requirements.as_view(), name="questionnaire-requirements"),
    path("questionnaires/<str:code>/versions", Versions.as_view(), name="questionnaire-versions"),
    path("questionnaires/<str:code>/prefill", Prefill.as_view(), name="questionnaire-prefill"),
    path("questionnaires/<str:code>/summary", Summary.as_view(), name="questionnaire-summary"),
    path("questionnaires/<str:code>/links", Links.as_view(), name="questionnaire-links"),
    path(_VERSION, OneVersion.as_view(), name="questionnaire-version"),
    path(f"{_VERSION}/publish", Publish.as_view(), name="questionnaire-publish"),
    path(f"{_VERSION}/test", TryOut.as_view(), name="questionnaire-test"),
    path(f"{_VERSION}/close", Close.as_view(), name="questionnaire-close"),
    path(f"{_VERSION}/form", Form.as_view(), name="questionnaire-form"),
    path(f"{_VERSION}/xlsx", File.as_view(), name="questionnaire-xlsx"),
    path(f"{_VERSION}/xform", File.as_view(kind="xform"), name="questionnaire-xform"),
    path(f"{_VERSION}/preview", Preview.as_view(), name="questionnaire-preview"),
    path(f"{_VERSION}/diff", Diff.as_view(), name="questionnaire-diff"),
]
