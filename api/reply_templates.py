"""Reply templates over REST: the office's and a department's own; listed, written, and filled from an issue."""

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
from api.shapes import Strict, String
from api.views import Noun
from core.problems import NotFound
from inspections import issues, reply_templates
from inspections.documents import moment
from inspections.reply_templates import PLACEHOLDERS
from inspections.rulebook import ReplyTemplate
from inspections.workflow import OUTCOMES


class TemplateInput(Strict):
    title = String(max_length=100)
    body = String(max_length=4000, help_text=f"placeholders: {', '.join('{' + name + '}' for name in PLACEHOLDERS)}")
    party = String(
        max_length=20, required=False, allow_blank=True, help_text="a department's or town's code; empty: the office's"
    )
    outcome = serializers.ChoiceField(choices=OUTCOMES, required=False, allow_blank=True)
    category = String(max_length=40, required=False, allow_blank=True, help_text="for issues of this category only")


class TemplateShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    party = serializers.CharField(allow_null=True, help_text="whose it is; null: the office's, for everybody")
    title = serializers.CharField()
    body = serializers.CharField()
    outcome = serializers.CharField(allow_null=True)
    category = serializers.CharField(allow_null=True)
    updated_at = serializers.DateTimeField()


class TemplatePage(serializers.Serializer[Any]):
    results = TemplateShape(many=True)
    next = serializers.CharField(allow_null=True)


class FilledShape(TemplateShape):
    text = serializers.CharField(help_text="the body with the issue's particulars")


class FilledPage(serializers.Serializer[Any]):
    results = FilledShape(many=True)
    next = serializers.CharField(allow_null=True)


class TemplateFilter(Strict):
    party = String(required=False, max_length=20)
    category = String(required=False, max_length=40)


def _one(row: ReplyTemplate) -> dict[str, Any]:
    return {
        "id": row.id,
        "party": row.party or None,
        "title": row.title,
        "body": row.body,
        "outcome": row.outcome or None,
        "category": row.category or None,
        "updated_at": moment(row.updated_at),
    }


def rendered(rows: Iterable[ReplyTemplate]) -> list[dict[str, Any]]:
    return [_one(row) for row in rows]


class Templates(Noun):
    @extend_schema(parameters=[TemplateFilter], responses=TemplatePage, operation_id="list_reply_templates")
    def get(self, request: Request) -> Response:
        """The templates the caller may use: the office's and those of their own department or town."""
        rows = reply_templates.usable(self.by).filter(**self.query(TemplateFilter))
        return page(request, rows, ("party", "title", "id"), rendered)

    @extend_schema(request=TemplateInput, responses={201: TemplateShape}, operation_id="create_reply_template")
    def post(self, request: Request) -> Response:
        """Write a template for one's department or town; the office writes for everybody, or for one of them."""
        asked = self.read(TemplateInput)
        return self.once(lambda: self.shown(_one(reply_templates.create(asked, by=self.by, at=self.at)), 201))


class OneTemplate(Noun):
    @extend_schema(responses=TemplateShape, operation_id="read_reply_template")
    def get(self, request: Request, key: UUID) -> Response:
        """One template."""
        return self.shown(self._shown(key))

    @extend_schema(request=TemplateInput, responses=TemplateShape, operation_id="change_reply_template")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change a template of one's own. Takes ``If-Match``."""
        self.match(self._shown(key))
        asked = self.read(TemplateInput, partial=True)
        return self.shown(_one(reply_templates.change(key, asked, by=self.by, at=self.at)))

    @extend_schema(responses={204: None}, operation_id="end_reply_template")
    def delete(self, request: Request, key: UUID) -> Response:
        """Take a template of one's own out of use."""
        reply_templates.end(key, by=self.by, at=self.at)
        return Response(status=204)

    def _shown(self, key: UUID) -> dict[str, Any]:
        row = reply_templates.usable(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return _one(row)


class IssueTemplates(Noun):
    @extend_schema(responses=FilledPage, operation_id="list_issue_reply_templates")
    def get(self, request: Request, key: UUID) -> Response:
        """The templates that suit an issue, filled in and ready to be sent as the text of a reply."""
        row = issues.visible(self.by).select_related("category", "enterprise", "region").filter(pk=key).first()
        if row is None:
            raise NotFound
        found = reply_templates.filled(reply_templates.usable(self.by), row, at=self.at)
        return self.shown({"results": [_one(one) | {"text": text} for one, text in found], "next": None})


urlpatterns = [
    path("reply-templates", Templates.as_view(), name="reply-templates"),
    path("reply-templates/<uuid:key>", OneTemplate.as_view(), name="reply-template"),
    path("issues/<uuid:key>/reply-templates", IssueTemplates.as_view(), name="issue-reply-templates"),
]
