"""Assessment schemes, cadences of visits and report snapshots in the console. A change of a scheme is its next version."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from api.console.base import VerbAdmin, VerbForm
from reports import schemes, snapshots
from reports.models import CadenceRow, Scheme, Snapshot


class SchemeForm(VerbForm):
    class Meta:
        model = Scheme
        fields = ("code", "title_zh", "title_en", "group_by", "items", "rank_small")

    def put(self, values: dict[str, Any], *, new: bool) -> Scheme:
        given = {name: self.cleaned_data[name] for name in ("code", "group_by", "items", "rank_small")}
        given["title"] = {"zh": self.cleaned_data["title_zh"], "en": self.cleaned_data["title_en"]}
        return schemes.draft(given, by=self.by, at=timezone.now())


@admin.register(Scheme)
class SchemeAdmin(VerbAdmin):
    read_verb, write_verb = "assessment.read", "report.write"
    form = SchemeForm
    list_display = ("code", "version", "title_zh", "group_by", "state", "published_at")
    list_filter = ("code", "state")
    search_fields = ("code", "title_zh")
    actions = ("publish",)

    @admin.action(description="发布方案", permissions=["write"])
    def publish(self, request: HttpRequest, rows: QuerySet[Scheme]) -> None:
        self.each(request, rows, lambda row, by, at: schemes.publish(row, by=by, at=at), "已发布")


class CadenceForm(VerbForm):
    class Meta:
        model = CadenceRow
        fields = ("role", "visits", "months", "each")

    def put(self, values: dict[str, Any], *, new: bool) -> CadenceRow:
        given = {name: self.cleaned_data[name] for name in ("visits", "months", "each")}
        role = self.cleaned_data["role"] if new else self.instance.role
        return schemes.set_cadence(role, **given, by=self.by, at=timezone.now())


@admin.register(CadenceRow)
class CadenceAdmin(VerbAdmin):
    read_verb, write_verb = "report.write", "report.write"
    form = CadenceForm
    list_display = ("role", "visits", "months", "each")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("role",) if obj else ()


@admin.register(Snapshot)
class SnapshotAdmin(VerbAdmin):
    read_verb, write_verb = "report.write", "report.write"
    may_add = may_change = False
    list_display = (
        "period",
        "kind",
        "group_by",
        "scheme",
        "version",
        "state",
        "taken_at",
        "objections_until",
        "frozen_at",
    )
    list_filter = ("kind", "state", "group_by")
    fields = (*list_display, "digest")
    actions = ("freeze",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        rows: QuerySet[Snapshot] = super().get_queryset(request)
        return rows.defer("document")

    @admin.action(description="冻结", permissions=["write"])
    def freeze(self, request: HttpRequest, rows: QuerySet[Snapshot]) -> None:
        self.each(request, rows, lambda row, by, at: snapshots.freeze(row, by=by, at=at), "已冻结")
