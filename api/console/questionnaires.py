"""Questionnaires in the console: upload an XLSForm, look at it and at what changed, try it, publish it, close it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminFileFieldWidget

from api.console.base import VerbAdmin, VerbForm
from api.forms import page_of
from api.questionnaires import XLSX
from core.problems import Invalid
from core.texts import ZH, Text
from surveys import questionnaires
from surveys.differences import differences
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
    actions = ("try_out", "publish", "close")
    readonly_fields = ("pages", "remarks", "changed")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        shown = (
            "questionnaire",
            "number",
            "status",
            "pages",
            "remarks",
            "changed",
            "created_at",
            "published_at",
            "closed_at",
        )
        return shown if obj else ("file",)

    def get_urls(self) -> list[URLPattern]:
        own = [
            path("<uuid:key>/preview", self.admin_site.admin_view(self.preview), name="surveys_version_preview"),
            path("<uuid:key>/file", self.admin_site.admin_view(self.file), name="surveys_version_file"),
        ]
        found: list[URLPattern] = own + super().get_urls()
        return found

    @admin.display(description="查看")
    def pages(self, row: Version) -> SafeString:
        addresses = [reverse(f"admin:surveys_version_{name}", args=[row.pk]) for name in ("preview", "file")]
        return format_html('<a href="{}">预览</a> · <a href="{}">下载 XLSX</a>', *addresses)

    @admin.display(description="检查提示")
    def remarks(self, row: Version) -> SafeString:
        return _listed([each["zh"] for each in row.warnings])

    @admin.display(description="与上一版的差异")
    def changed(self, row: Version) -> SafeString:
        before = Version.objects.filter(questionnaire=row.questionnaire_id, number__lt=row.number).first()
        return _listed([str(each) for each in differences(before.form, row.form)] if before else ["第一版"])

    def preview(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """The questionnaire as a page to read through."""
        row = self._seen(request, key)
        more = {"preview": True, "status": row.get_status_display(), "number": row.number}
        return render(request, "questionnaire.html", page_of(row.form, ZH) | more)

    def file(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """The workbook as it was uploaded."""
        row = self._seen(request, key)
        headers = {"Content-Disposition": f'attachment; filename="{row.questionnaire_id}-{row.number}.xlsx"'}
        return HttpResponse(bytes(row.workbook), content_type=XLSX, headers=headers)

    def _seen(self, request: HttpRequest, key: UUID) -> Version:
        row = Version.objects.filter(pk=key).first() if self.has_view_permission(request) else None
        if row is None:
            raise Http404
        return row

    @admin.action(description="试填", permissions=["write"])
    def try_out(self, request: HttpRequest, rows: QuerySet[Version]) -> None:
        def verb(row: Version, by: Any, at: Any) -> object:
            return questionnaires.try_out(row.questionnaire_id, row.number, by=by, at=at)

        self.each(request, rows, verb, "可以试填")

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


def _listed(sentences: list[str]) -> SafeString:
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((each,) for each in sentences or ["无"])))
