"""The audit trail over REST: what happened, by whom, from what to what. Read by the auditor and the office; written by nobody."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.negotiation import ParsedByType
from api.pagination import page
from api.shapes import Identifier, Strict, String, Whole
from api.views import Noun
from journal.models import Entry
from organizations.models import Person
from reports.csvs import guarded

COLUMNS = (
    "id",
    "at",
    "claimed_at",
    "verb",
    "collection",
    "record",
    "revision",
    "person",
    "name",
    "device",
    "mutation",
    "changes",
)


class JournalEntryShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    position = serializers.IntegerField(help_text="of its unit in the feed: entries of one transaction share it")
    at = serializers.DateTimeField(help_text="when the server took it")
    claimed_at = serializers.DateTimeField(allow_null=True, help_text="the device's clock")
    verb = serializers.CharField()
    collection = serializers.CharField()
    record = serializers.UUIDField()
    revision = serializers.IntegerField(allow_null=True)
    person = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True)
    device = serializers.UUIDField(allow_null=True)
    mutation = serializers.UUIDField(allow_null=True)
    changes = serializers.DictField(help_text="{field: [old, new]}")
    digest = serializers.CharField(help_text="its link in the audit chain")


class JournalEntryPage(serializers.Serializer[Any]):
    results = JournalEntryShape(many=True)
    next = serializers.CharField(allow_null=True)


class EntryFilter(Strict):
    record = Identifier(required=False)
    collection = String(required=False, max_length=24)
    verb = String(required=False, max_length=48)
    person = Identifier(required=False)
    device = Identifier(required=False)
    mutation = Identifier(required=False)
    position = Whole(required=False, min_value=0)
    since = serializers.DateTimeField(required=False, help_text="taken at or after")
    until = serializers.DateTimeField(required=False, help_text="taken before")
    format = serializers.ChoiceField(choices=["json", "csv"], required=False)


PATHS = {"since": "at__gte", "until": "at__lt", "position": "version"}


def rendered(rows: Iterable[Entry]) -> list[dict[str, Any]]:
    found = list(rows)
    names = dict(Person.objects.filter(pk__in={row.person for row in found if row.person}).values_list("pk", "name"))
    return [
        {
            "id": row.pk,
            "position": row.version,
            "at": row.at,
            "claimed_at": row.claimed_at,
            "verb": row.verb,
            "collection": row.collection,
            "record": str(row.record),
            "revision": row.revision,
            "person": str(row.person) if row.person else None,
            "name": names.get(row.person) if row.person else None,
            "device": str(row.device) if row.device else None,
            "mutation": str(row.mutation) if row.mutation else None,
            "changes": orjson.loads(row.changes),
            "digest": row.digest,
        }
        for row in found
    ]


class Journal(Noun):
    content_negotiation_class = ParsedByType

    @extend_schema(
        parameters=[EntryFilter],
        responses={(200, "application/json"): JournalEntryPage, (200, "text/csv"): OpenApiTypes.STR},
        operation_id="list_journal",
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        """The audit trail, newest first; with ``format=csv`` all of it as one sheet, oldest first."""
        asked = self.query(EntryFilter)
        form = asked.pop("format", "json")
        rows = Entry.objects.filter(**{PATHS.get(name, name): value for name, value in asked.items()})
        if form == "csv":
            answer = StreamingHttpResponse(_sheet(rows.order_by("pk")), content_type="text/csv; charset=utf-8")
            answer["Content-Disposition"] = 'attachment; filename="journal.csv"'
            return answer
        return page(request, rows, ("-id",), rendered)


class _Line:
    """A file that gives back what the CSV writer writes."""

    def write(self, text: str) -> str:
        return text


def _sheet(rows: QuerySet[Entry]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(COLUMNS)
    some: list[Entry] = []
    for row in rows.iterator(chunk_size=1000):
        some.append(row)
        if len(some) == 1000:
            yield from _lines(writer, some)
            some = []
    yield from _lines(writer, some)


def _lines(writer: Any, rows: list[Entry]) -> Iterator[str]:
    for told in rendered(rows):
        told["changes"] = orjson.dumps(told["changes"]).decode()
        yield writer.writerow([guarded(value) if isinstance(value := told[name], str) else value for name in COLUMNS])


urlpatterns = [path("journal", Journal.as_view(), name="journal")]
