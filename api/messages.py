"""A person's messages over REST; phones pull the same as a collection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page
from api.shapes import Flag, Identifier, Strict
from api.views import Noun
from inspections.documents import moment
from notifications import messages
from notifications.models import Message


class MessageShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    title = serializers.CharField()
    body = serializers.CharField()
    issue = serializers.UUIDField(allow_null=True)
    visit = serializers.UUIDField(allow_null=True)
    at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)


class MessagePage(serializers.Serializer[Any]):
    results = MessageShape(many=True)
    next = serializers.CharField(allow_null=True)


class MessageFilter(Strict):
    unread = Flag(required=False)


class ReadInput(Strict):
    messages = serializers.ListField(child=Identifier(), required=False, max_length=500, help_text="all when left out")


class ReadOutcome(serializers.Serializer[Any]):
    read = serializers.IntegerField()


def rendered(rows: Iterable[Message], language: str) -> list[dict[str, Any]]:
    tongue = "en" if language == "en" else "zh"
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "title": row.title[tongue],
            "body": row.body[tongue],
            "issue": row.issue,
            "visit": row.visit,
            "at": moment(row.at),
            "read_at": moment(row.read_at),
        }
        for row in rows
    ]


class Messages(Noun):
    @extend_schema(parameters=[MessageFilter], responses=MessagePage, operation_id="list_messages")
    def get(self, request: Request) -> Response:
        """What the caller was told, newest first."""
        rows = messages.of(self.by)
        if self.query(MessageFilter).get("unread"):
            rows = rows.filter(read_at=None)
        return page(request, rows, ("-at", "id"), lambda found: rendered(found, self.by.language))


class MessagesRead(Noun):
    @extend_schema(request=ReadInput, responses=ReadOutcome, operation_id="mark_messages_read")
    def post(self, request: Request) -> Response:
        """Mark messages as read."""
        asked = self.read(ReadInput)
        return Response({"read": messages.read(asked.get("messages"), by=self.by, at=self.at)})


urlpatterns = [
    path("messages", Messages.as_view(), name="messages"),
    path("messages/read", MessagesRead.as_view(), name="messages-read"),
]
