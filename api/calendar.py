"""The working calendar over REST: years with their days off and make-up days, and what a new year moves."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.shapes import Flag, Strict, String, Whole
from api.views import Noun
from core.problems import NotFound
from inspections import calendar, documents
from inspections.rulebook import CalendarYear


class DayShape(serializers.Serializer[Any]):
    day = serializers.DateField()
    name = serializers.CharField()


class YearShape(serializers.Serializer[Any]):
    year = serializers.IntegerField()
    official = serializers.BooleanField(help_text="false: a guess, and due times that reach it are provisional")
    basis = serializers.CharField()
    off = DayShape(many=True)
    makeup = DayShape(many=True)


class YearList(serializers.Serializer[Any]):
    results = YearShape(many=True)
    next = serializers.CharField(allow_null=True)


class MovedShape(serializers.Serializer[Any]):
    issue = serializers.UUIDField()
    lead = serializers.CharField()
    old = serializers.DateTimeField()
    new = serializers.DateTimeField()


class YearOutcome(YearShape):
    moved = MovedShape(many=True)


class DayInput(Strict):
    day = serializers.DateField()
    name = String(max_length=50, required=False, allow_blank=True)


class YearChange(Strict):
    official = Flag()
    basis = String(max_length=200, required=False, allow_blank=True)
    off = DayInput(many=True, help_text="weekdays that are days off")
    makeup = DayInput(many=True, help_text="weekend days that are worked")


class YearInput(YearChange):
    year = Whole(min_value=2000, max_value=2100)


def _shown(row: CalendarYear) -> dict[str, Any]:
    days = list(row.days.all())
    return {
        "year": row.year,
        "official": row.official,
        "basis": row.source,
        **{
            kind: [{"day": one.day.isoformat(), "name": one.name} for one in days if one.kind == kind]
            for kind in ("off", "makeup")
        },
    }


def _put(view: Noun, year: int, asked: dict[str, Any]) -> dict[str, Any]:
    days = {kind: {one["day"]: one.get("name", "") for one in asked[kind]} for kind in ("off", "makeup")}
    moved = calendar.put_year(
        year, official=asked["official"], source=asked.get("basis", ""), by=view.by, at=view.at, **days
    )
    told = [
        {"issue": one.issue, "lead": one.lead, "old": documents.moment(one.old), "new": documents.moment(one.new)}
        for one in moved
    ]
    return _shown(CalendarYear.objects.get(year=year)) | {"moved": told}


class CalendarYears(Noun):
    @extend_schema(responses=YearList, operation_id="list_calendar_years")
    def get(self, request: Request) -> Response:
        """Every year we have a calendar for; the others are plain Monday to Friday."""
        return self.shown({"results": [_shown(row) for row in calendar.years()], "next": None})

    @extend_schema(request=YearInput, responses={201: YearOutcome}, operation_id="import_calendar_year")
    def post(self, request: Request) -> Response:
        """Import a year; open issues are due anew, and the answer lists which due times moved."""
        asked = self.read(YearInput)
        return self.once(lambda: self.shown(_put(self, asked["year"], asked), 201))


class OneCalendarYear(Noun):
    @extend_schema(responses=YearShape, operation_id="read_calendar_year")
    def get(self, request: Request, year: int) -> Response:
        """One year."""
        row = CalendarYear.objects.filter(year=year).first()
        if row is None:
            raise NotFound
        return self.shown(_shown(row))

    @extend_schema(request=YearChange, responses=YearOutcome, operation_id="replace_calendar_year")
    def put(self, request: Request, year: int) -> Response:
        """Replace a year."""
        return self.shown(_put(self, year, self.read(YearChange)))


urlpatterns = [
    path("calendar/years", CalendarYears.as_view(), name="calendar-years"),
    path("calendar/years/<int:year>", OneCalendarYear.as_view(), name="calendar-year"),
]
