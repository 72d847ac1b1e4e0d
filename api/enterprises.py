"""Enterprises over REST, one by one and by table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.urls import path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page
from api.shapes import Coded, Flag, Strict, String, Whole
from api.views import Noun
from core.problems import Invalid, NotFound
from core.texts import Text
from organizations import documents, enterprise_import, enterprises
from organizations.models import Enterprise
from organizations.permissions import visible_enterprises
from organizations.roles import Designation, Ownership, PilotTier, Size


class LocationShape(Strict):
    lat = serializers.FloatField(min_value=-90, max_value=90)
    lon = serializers.FloatField(min_value=-180, max_value=180)
    crs = serializers.ChoiceField(choices=["wgs84", "gcj02", "bd09"])


class EnterpriseChange(Strict):
    name = String(max_length=200)
    uscc = String(max_length=18, required=False, allow_null=True, help_text="GB 32100; the check digit is checked")
    uscc_override = String(
        max_length=300, required=False, allow_blank=True, help_text="why a code with a wrong check digit is genuine"
    )
    region = Coded("regions", help_text="id or code")
    address = String(max_length=300, required=False, allow_blank=True, allow_null=True)
    location = LocationShape(required=False, allow_null=True)
    industry = String(max_length=60, required=False, allow_blank=True, allow_null=True)
    ownership = serializers.ChoiceField(choices=Ownership.choices, required=False, allow_null=True)
    size = serializers.ChoiceField(choices=Size.choices, required=False, allow_null=True)
    employees = Whole(min_value=0, max_value=10_000_000, required=False, allow_null=True)
    pilot_tier = serializers.ChoiceField(choices=PilotTier.choices, required=False, allow_null=True)
    designation_level = serializers.ChoiceField(choices=Designation.choices, required=False, allow_null=True)
    sample_cluster = String(max_length=20, required=False, allow_blank=True, allow_null=True)
    industrial_park = String(max_length=100, required=False, allow_blank=True, allow_null=True)
    brands = serializers.ListField(child=String(max_length=100), max_length=20, required=False)
    active = Flag(required=False)


class EnterpriseInput(EnterpriseChange):
    """A new enterprise."""


class EnterpriseShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    uscc = serializers.CharField(allow_null=True)
    region = serializers.UUIDField()
    address = serializers.CharField(allow_null=True)
    location = LocationShape(allow_null=True)
    industry = serializers.CharField(allow_null=True)
    ownership = serializers.ChoiceField(choices=Ownership.choices, allow_null=True)
    size = serializers.ChoiceField(choices=Size.choices, allow_null=True)
    employees = serializers.IntegerField(allow_null=True)
    pilot_tier = serializers.ChoiceField(choices=PilotTier.choices, allow_null=True)
    designation_level = serializers.ChoiceField(choices=Designation.choices, allow_null=True)
    sample_cluster = serializers.CharField(allow_null=True)
    industrial_park = serializers.CharField(allow_null=True)
    brands = serializers.ListField(child=serializers.CharField())
    active = serializers.BooleanField()
    uscc_override = serializers.CharField(allow_null=True)


class EnterprisePage(serializers.Serializer[Any]):
    results = EnterpriseShape(many=True)
    next = serializers.CharField(allow_null=True)


class EnterpriseFilter(Strict):
    q = String(max_length=50, required=False, help_text="part of the name, or the credit code")
    region = Coded("regions", required=False)
    industrial_park = String(max_length=100, required=False)
    pilot_tier = serializers.ChoiceField(choices=PilotTier.choices, required=False)
    designation_level = serializers.ChoiceField(choices=Designation.choices, required=False)
    industry = String(max_length=60, required=False)
    active = Flag(required=False)


class ImportFile(serializers.Serializer[Any]):
    file = serializers.FileField()


VerdictShape = inline_serializer(
    "Verdict",
    {
        "row": serializers.IntegerField(help_text="as the spreadsheet counts; the header is row 1"),
        "status": serializers.ChoiceField(choices=["created", "changed", "unchanged", "failed"]),
        "enterprise": serializers.UUIDField(allow_null=True),
        "name": serializers.CharField(),
        "errors": serializers.ListField(child=serializers.DictField(child=serializers.CharField())),
    },
    many=True,
)


class ImportReport(serializers.Serializer[Any]):
    created = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    failed = serializers.IntegerField()
    rows = VerdictShape


def rendered(rows: Iterable[Enterprise]) -> list[dict[str, Any]]:
    return [{"id": row.id} | documents.enterprise(row) | {"uscc_override": row.uscc_override or None} for row in rows]


def _values(values: dict[str, Any]) -> dict[str, Any]:
    return {"region_id" if name == "region" else name: value for name, value in values.items()}


class Enterprises(Noun):
    @extend_schema(parameters=[EnterpriseFilter], responses=EnterprisePage, operation_id="list_enterprises")
    def get(self, request: Request) -> Response:
        """The enterprises assigned to the caller; for the office all."""
        asked = self.query(EnterpriseFilter)
        rows = visible_enterprises(self.by)
        if "q" in asked:
            word = asked.pop("q")
            rows = rows.filter(Q(name__icontains=word) | Q(uscc__iexact=word))
        return page(request, rows.filter(**asked), ("name", "id"), rendered)

    @extend_schema(request=EnterpriseInput, responses={201: EnterpriseShape}, operation_id="create_enterprise")
    def post(self, request: Request) -> Response:
        """Enter an enterprise; the phones of whoever holds its place get it."""
        values = _values(self.read(EnterpriseInput))

        def answer() -> Response:
            return self.shown(rendered([enterprises.create(values, by=self.by, at=self.at)])[0], 201)

        return self.once(answer)


class OneEnterprise(Noun):
    @extend_schema(responses=EnterpriseShape, operation_id="read_enterprise")
    def get(self, request: Request, key: UUID) -> Response:
        """One enterprise."""
        return self.shown(rendered([self._row(key)])[0])

    @extend_schema(request=EnterpriseChange, responses=EnterpriseShape, operation_id="change_enterprise")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change an enterprise; a move to another region moves it to other phones. Takes ``If-Match``."""
        values = _values(self.read(EnterpriseChange, partial=True))
        self.match(rendered([self._row(key)])[0])
        return self.shown(rendered([enterprises.change(key, values, by=self.by, at=self.at)])[0])

    def _row(self, key: UUID) -> Enterprise:
        row = visible_enterprises(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return row


class EnterpriseImport(Noun):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={"multipart/form-data": ImportFile}, responses=ImportReport, operation_id="import_enterprises"
    )
    def post(self, request: Request) -> Response:
        """A CSV or XLSX table; the answer has a verdict for every row."""
        file = request.FILES.get("file")
        if file is None or set(request.data) != {"file"}:
            raise Invalid.at("/file", "required", Text("请上传一个 file", "Send one file"))
        return self.once(lambda: self._run(file.read(enterprise_import.MOST_BYTES + 1)))

    def _run(self, content: bytes) -> Response:
        verdicts = enterprise_import.run(content, by=self.by, at=self.at)
        counts = dict.fromkeys(("created", "changed", "unchanged", "failed"), 0)
        for verdict in verdicts:
            counts[verdict.status] += 1
        rows = [
            {
                "row": verdict.row,
                "status": verdict.status,
                "enterprise": verdict.enterprise,
                "name": verdict.name,
                "errors": [fault.told(self.by.language) for fault in verdict.faults],
            }
            for verdict in verdicts
        ]
        return Response({**counts, "rows": rows})


urlpatterns = [
    path("enterprises", Enterprises.as_view(), name="enterprises"),
    path("enterprises/import", EnterpriseImport.as_view(), name="enterprise-import"),
    path("enterprises/<uuid:key>", OneEnterprise.as_view(), name="enterprise"),
]
