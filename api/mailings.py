"""Reports that go out by mail on the office's calendar, over REST."""

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
from api.report_tasks import path_of, read_wanted
from api.shapes import Flag, Identifier, Strict, String, Whole
from api.views import Noun
from core.problems import NotFound
from reports import mailings, periods
from reports.deliverables import Wanted
from reports.models import Mailing, Rhythm

ANY = "2026"
"""A period to check a query by; a mailing has none of its own."""


class MailingInput(Strict):
    """A report by its path below `reports/`, its query without a period, how often, when, and to whom."""

    title = String(max_length=100)
    report = String(max_length=60, help_text="supervision, registers/pressing …")
    query = serializers.DictField(child=String(max_length=200, allow_blank=True), required=False)
    rhythm = serializers.ChoiceField(choices=Rhythm.choices)
    workday = Whole(required=False, min_value=1, max_value=mailings.LATEST_WORKDAY, help_text="after the period's end")
    hour = Whole(required=False, min_value=0, max_value=23, help_text="in Shanghai")
    people = serializers.ListField(child=Identifier(), max_length=mailings.MOST_PEOPLE)
    active = Flag(required=False)


class MailingShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    title = serializers.CharField()
    report = serializers.CharField()
    query = serializers.DictField()
    rhythm = serializers.CharField(help_text="week, month, quarter or year")
    workday = serializers.IntegerField()
    hour = serializers.IntegerField()
    people = serializers.ListField(child=serializers.UUIDField())
    active = serializers.BooleanField()
    sent_for = serializers.CharField(help_text="the last period it was sent for, or that was over when it was set up")
    sent_at = serializers.DateTimeField(allow_null=True)
    next_at = serializers.DateTimeField(help_text="when it goes out next")


class MailingPage(serializers.Serializer[Any]):
    results = MailingShape(many=True)
    next = serializers.CharField(allow_null=True)


_PLAIN = ("id", "title", "rhythm", "workday", "hour", "people", "active", "sent_for", "sent_at")
_ASKED = ("group_by", "compare", "scheme", "questionnaire", "indicator", "group", "side")


class Told(Noun):
    """What both views share."""

    def told(self, rows: Iterable[Mailing]) -> list[dict[str, Any]]:
        return [
            {name: getattr(row, name) for name in _PLAIN}
            | {
                "report": path_of(row.wanted),
                "query": {"format": row.wanted["dress"]}
                | {name: row.wanted[name] for name in _ASKED if row.wanted.get(name)},
                "next_at": mailings.next_day(row, at=self.at),
            }
            for row in rows
        ]

    def wanted(self, values: dict[str, Any]) -> Wanted | None:
        """The report that the body names, if it names one."""
        if "report" not in values:
            return None
        query = {"period": ANY} | values.pop("query", {})
        return read_wanted(values.pop("report"), query)

    def values(self, values: dict[str, Any]) -> dict[str, Any]:
        if "people" in values:
            values["people"] = [str(one) for one in values["people"]]
        return values


class Mailings(Told):
    @extend_schema(responses=MailingPage, operation_id="list_mailings")
    def get(self, request: Request) -> Response:
        """All mailings, also those at rest."""
        return page(request, Mailing.objects.all(), ("title", "id"), self.told)

    @extend_schema(request=MailingInput, responses={201: MailingShape}, operation_id="arrange_mailing")
    def post(self, request: Request) -> Response:
        """Send a report by mail from the next period's end on; each reader gets what they may see."""
        values = self.values(self.read(MailingInput))
        wanted = self.wanted(values) or Wanted("supervision", periods.read(ANY))

        def arrange() -> Response:
            row = mailings.arrange(values, wanted, by=self.by, at=self.at)
            return Response(self.told([row])[0], status=201)

        return self.once(arrange)


class OneMailing(Told):
    @extend_schema(responses=MailingShape, operation_id="read_mailing")
    def get(self, request: Request, key: UUID) -> Response:
        """One mailing."""
        return self.shown(self.told([_mailing(key)])[0])

    @extend_schema(request=MailingInput, responses=MailingShape, operation_id="change_mailing")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change what is sent, when, or to whom; a new `query` comes with its `report`."""
        row = _mailing(key)
        self.match(self.told([row])[0])
        values = self.values(self.read(MailingInput, partial=True))
        return Response(self.told([mailings.change(row, values, self.wanted(values), by=self.by, at=self.at)])[0])

    @extend_schema(responses={204: None}, operation_id="cancel_mailing")
    def delete(self, request: Request, key: UUID) -> Response:
        """Send it no more."""
        mailings.cancel(_mailing(key), by=self.by, at=self.at)
        return Response(status=204)


def _mailing(key: UUID) -> Mailing:
    row = Mailing.objects.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


urlpatterns = [
    path("reports/mailings", Mailings.as_view(), name="report-mailings"),
    path("reports/mailings/<uuid:key>", OneMailing.as_view(), name="report-mailing"),
]
