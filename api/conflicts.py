"""The conflicts desk over REST: fields with two values, of which a person chooses one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.operations import OPERATIONS
from api.pagination import page
from api.shapes import Identifier, Strict, String
from api.views import Noun
from core.problems import NotFound
from sync import conflicts
from sync.models import ConflictState, FieldConflict


class ConflictShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    collection = serializers.CharField()
    record = serializers.UUIDField()
    field = serializers.CharField(allow_null=True, help_text="null: a deletion met a change")
    yours = serializers.JSONField(allow_null=True)
    kept = serializers.JSONField(allow_null=True)
    kept_revision = serializers.IntegerField()
    mutation = serializers.UUIDField(allow_null=True)
    state = serializers.ChoiceField(choices=ConflictState.choices)
    noticed_at = serializers.DateTimeField()
    person = serializers.UUIDField()


class ConflictPage(serializers.Serializer[Any]):
    results = ConflictShape(many=True)
    next = serializers.CharField(allow_null=True)


class ConflictFilter(Strict):
    state = serializers.ChoiceField(choices=ConflictState.choices, required=False)
    collection = String(required=False, max_length=24)
    record = Identifier(required=False)
    person = Identifier(required=False)


class ChoiceInput(serializers.Serializer[Any]):
    resolution = serializers.ChoiceField(choices=["kept", "yours"])


def rendered(rows: Iterable[FieldConflict]) -> list[dict[str, Any]]:
    return [{"id": str(row.id)} | conflicts.document(row) | {"person": str(row.person)} for row in rows]


class Conflicts(Noun):
    @extend_schema(parameters=[ConflictFilter], responses=ConflictPage, operation_id="list_conflicts")
    def get(self, request: Request) -> Response:
        """Fields with two values, newest first: one's own, or everybody's for the office."""
        rows = FieldConflict.objects.filter(conflicts.desk(self.by), **self.query(ConflictFilter))
        return page(request, rows, ("-noticed_at", "id"), rendered)


class OneConflict(Noun):
    @extend_schema(responses=ConflictShape, operation_id="read_conflict")
    def get(self, request: Request, key: UUID) -> Response:
        """One field with both its values."""
        return self.shown(rendered([self._row(key)])[0])

    @extend_schema(request=ChoiceInput, responses=ConflictShape, operation_id="resolve_conflict")
    def patch(self, request: Request, key: UUID) -> Response:
        """Keep what stands, or take the newcomer. Takes ``If-Match``."""
        self.match(rendered([self._row(key)])[0])
        wish = request.data if isinstance(request.data, dict) else {}
        row = conflicts.resolve(key, dict(wish), by=self.by, at=self.at, operations=OPERATIONS)
        return self.shown(rendered([row])[0])

    def _row(self, key: UUID) -> FieldConflict:
        row = FieldConflict.objects.filter(conflicts.desk(self.by), pk=key).first()
        if row is None:
            raise NotFound
        return row


urlpatterns = [
    path("conflicts", Conflicts.as_view(), name="conflicts"),
    path("conflicts/<uuid:key>", OneConflict.as_view(), name="conflict"),
]
