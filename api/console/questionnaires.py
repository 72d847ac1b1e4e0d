"""Questionnaires in the console: upload an XLSForm, publish it, close it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminFileFieldWidget

from api.console.base import VerbAdmin, VerbForm
from core.problems import Invalid
from core.texts import Text
from surveys import questionnaires
from surveys.models import Version

MOST_BYTES = 5_000_000


class UploadForm(VerbForm):
    file = forms.FileField(label="XLSForm（.xlsx）", widget=UnfoldAdminFileFieldWidget)

    class Meta:
        model = Version
        fields = ()

    def put(self, values: dict[str, Any], *, new: bool) -> Version:
        file = values["file"]
        if file.size > MOST_BYTES:
            raise Invalid.at("/file", "too-large", Text("文件太大", "The file is too large"))
        return questionnaires.upload(file.read(), by=self.by, at=timezone.now())


@admin.register(Version)
class VersionAdmin(VerbAdmin):
    read_verb, write_verb = "questionnaire.write", "questionnaire.write"
    may_change = False
    form = UploadForm
    list_display = ("questionnaire", "number", "status", "created_at", "published_at", "closed_at")
    list_filter = ("status", "questionnaire")
    search_fields = ("questionnaire__code", "questionnaire__title")
    list_select_related = ("questionnaire",)
    actions = ("publish", "close")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        shown = ("questionnaire", "number", "status", "warnings", "created_at", "published_at", "closed_at")
        return shown if obj else ("file",)

    @admin.action(description="发布", permissions=["write"])
    def publish(self, request: HttpRequest, rows: QuerySet[Version]) -> None:
        def verb(row: Version, by: Any, at: Any) -> object:
            return questionnaires.publish(row.questionnaire_id, row.number, by=by, at=at)

        self.each(request, rows, verb, "已发布")

    @admin.action(description="停用", permissions=["write"])
    def close(self, request: HttpRequest, rows: QuerySet[Version]) -> None:
        def verb(row: Version, by: Any, at: Any) -> object:
            return questionnaires.close(row.questionnaire_id, row.number, by=by, at=at)

        self.each(request, rows, verb, "已停用")
