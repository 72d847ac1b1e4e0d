"""The quarantine desk over REST: see, understand, correct and apply, or dismiss with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.operations import OPERATIONS
from api.pagination import page
from api.shapes import Identifier, Strict, String
from api.views import Noun
from core.problems import NotFound
from sync import envelope, quarantine
from sync.models import Quarantined, QuarantineState


class QuarantineShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    mutation = serializers.UUIDField(allow_null=True)
    collection = serializers.CharField(allow_null=True)
    record = serializers.UUIDField(allow_null=True)
    problem = serializers.DictField(help_text="why it was refused, as RFC 9457")
    blocked_by = serializers.ListField(child=serializers.UUIDField())
    state = serializers.ChoiceField(choices=QuarantineState.choices)
    reason = serializers.CharField(allow_null=True)
    received_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    person = serializers.UUIDField()
    device = serializers.UUIDField()
    payload = serializers.JSONField(help_text="the mutation as it was sent, whole")


class QuarantinePage(serializers.Serializer[Any]):
    results = QuarantineShape(many=True)
    next = serializers.CharField(allow_null=True)


class QuarantineFilter(Strict):
    state = serializers.ChoiceField(choices=QuarantineState.choices, required=False)
    collection = String(required=False, max_length=64)
    record = Identifier(required=False)
    person = Identifier(required=False)


RESOLUTION = inline_serializer(  # read by the desk itself, so that a phone and a form are judged alike
    "ResolutionInput",
    {
        "resolution": serializers.ChoiceField(choices=quarantine.RESOLUTIONS),
        "data": serializers.DictField(required=False, allow_null=True, help_text="corrected fields, with apply"),
        "reason": serializers.CharField(required=False, help_text="with dismiss"),
    },
)


def rendered(rows: Iterable[Quarantined]) -> list[dict[str, Any]]:
    return [
        {"id": str(row.id)}
        | quarantine.document(row)
        | {"person": str(row.person), "device": str(row.device), "payload": envelope.shown(row.payload)}
        for row in rows
    ]


class Quarantine(Noun):
    @extend_schema(parameters=[QuarantineFilter], responses=QuarantinePage, operation_id="list_quarantine")
    def get(self, request: Request) -> Response:
        """What could not be applied, newest first: one's own, or everybody's for the office."""
        rows = Quarantined.objects.filter(quarantine.desk(self.by), **self.query(QuarantineFilter))
        return page(request, rows, ("-received_at", "id"), rendered)


class OneQuarantined(Noun):
    @extend_schema(responses=QuarantineShape, operation_id="read_quarantined")
    def get(self, request: Request, key: UUID) -> Response:
        """One refused mutation with why it was refused."""
        return self.shown(rendered([self._row(key)])[0])

    @extend_schema(request=RESOLUTION, responses=QuarantineShape, operation_id="resolve_quarantined")
    def patch(self, request: Request, key: UUID) -> Response:
        """Correct and apply it, or dismiss it with a reason. Takes ``If-Match``."""
        self.match(rendered([self._row(key)])[0])
        wish = request.data if isinstance(request.data, dict) else {}
        row = quarantine.resolve(key, dict(wish), by=self.by, at=self.at, operations=OPERATIONS)
        return self.shown(rendered([row])[0])

    def _row(self, key: UUID) -> Quarantined:
        row = Quarantined.objects.filter(quarantine.desk(self.by), pk=key).first()
        if row is None:
            raise NotFound
        return row


urlpatterns = [
    path("quarantine", Quarantine.as_view(), name="quarantine"),
    path("quarantine/<uuid:key>", OneQuarantined.as_view(), name="quarantined"),
]
