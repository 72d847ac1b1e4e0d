"""The ledgers of guidance stations, and the running numbers of bulletins, over REST."""

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
from api.shapes import Coded, Strict, String, Whole
from api.snapshots import Among
from api.views import Noun
from reports import ledgers, numbers, periods
from reports.models import BulletinNumber, LedgerLine, Service


class LineInput(Strict):
    """What a station did: a policy release or a consultation."""

    region = Coded("regions", help_text="id or code")
    kind = Among(Service)
    day = serializers.DateField()
    subject = String(max_length=200)
    people = Whole(required=False, min_value=0, max_value=1_000_000, help_text="how many were reached or advised")
    note = String(required=False, max_length=1000, allow_blank=True)


class LineShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    region = serializers.UUIDField()
    kind = serializers.CharField(help_text="policy_release or consultation")
    day = serializers.DateField()
    subject = serializers.CharField()
    people = serializers.IntegerField()
    note = serializers.CharField(allow_blank=True)
    entered_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class LinePage(serializers.Serializer[Any]):
    results = LineShape(many=True)
    next = serializers.CharField(allow_null=True)


class LineFilter(Strict):
    region = Coded("regions", required=False, help_text="id or code")
    kind = Among(Service, required=False)
    period = String(required=False, max_length=30)


_PLAIN = ("id", "kind", "day", "subject", "people", "note", "entered_at", "withdrawn_at")


def told(rows: Iterable[LedgerLine]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in _PLAIN} | {"region": row.region_id} for row in rows]


class Ledger(Noun):
    @extend_schema(parameters=[LineFilter], responses=LinePage, operation_id="list_ledger_lines")
    def get(self, request: Request) -> Response:
        """The lines of the stations that the caller may read, withdrawn ones too."""
        asked = self.query(LineFilter)
        rows = ledgers.visible(self.by)
        if "period" in asked:
            period = periods.read(asked.pop("period"))
            rows = rows.filter(day__gte=period.first, day__lte=period.last)
        return page(request, rows.filter(**asked), ("day", "id"), told)

    @extend_schema(request=LineInput, responses={201: LineShape}, operation_id="enter_ledger_line")
    def post(self, request: Request) -> Response:
        """A line in the ledger of one's own station."""
        values: dict[str, Any] = {"people": 0, "note": "", **self.read(LineInput)}
        return self.once(lambda: Response(told([ledgers.enter(**values, by=self.by, at=self.at)])[0], status=201))


class OneLine(Noun):
    @extend_schema(responses={204: None}, operation_id="withdraw_ledger_line")
    def delete(self, request: Request, key: UUID) -> Response:
        """The line counts no longer; it stays on record."""
        ledgers.withdraw(key, by=self.by, at=self.at)
        return Response(status=204)


class NumberInput(Strict):
    period = String(max_length=30)


class NumberShape(serializers.Serializer[Any]):
    period = serializers.CharField()
    year = serializers.IntegerField()
    number = serializers.IntegerField()
    given_at = serializers.DateTimeField()


class NumberPage(serializers.Serializer[Any]):
    results = NumberShape(many=True)
    next = serializers.CharField(allow_null=True)


def numbered(rows: Iterable[BulletinNumber]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in ("period", "year", "number", "given_at")} for row in rows]


class Bulletins(Noun):
    @extend_schema(responses=NumberPage, operation_id="list_bulletin_numbers")
    def get(self, request: Request) -> Response:
        """The bulletins that have a number."""
        return page(request, BulletinNumber.objects.all(), ("-given_at", "period"), numbered)

    @extend_schema(request=NumberInput, responses={201: NumberShape}, operation_id="number_bulletin")
    def post(self, request: Request) -> Response:
        """Give the bulletin of a period its number: the one it has, or the next of its year. Freezing does so too."""
        period = periods.read(self.read(NumberInput)["period"])
        return Response(numbered([numbers.give(period, by=self.by, at=self.at)])[0], status=201)


urlpatterns = [
    path("reports/ledger", Ledger.as_view(), name="report-ledger"),
    path("reports/ledger/<uuid:key>", OneLine.as_view(), name="report-ledger-line"),
    path("reports/bulletins", Bulletins.as_view(), name="report-bulletins"),
]
