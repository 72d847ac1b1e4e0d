"""Assessment schemes, cadences of visits and report snapshots in the console. A change of a scheme is its next version."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from api.console.base import VerbAdmin, VerbForm
from core.texts import Text
from organizations.models import Person
from reports import ledgers, mailings, periods, registers, schemes, snapshots
from reports.deliverables import Wanted
from reports.models import BulletinNumber, CadenceRow, LedgerLine, Mailing, Scheme, Snapshot


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


REPORTS = {
    "supervision": Text("督查情况表", "Supervision"),
    **{f"registers/{kind}": Text(f"清单：{kind}", f"Register: {kind}") for kind in registers.REGISTERS},
}
ANY = periods.read("2026")
"""A mailing has no period of its own; its report is kept with some period and made for the one that is over."""


class MailingForm(VerbForm):
    report = forms.ChoiceField(label="报告", choices=list(REPORTS.items()))
    dress = forms.ChoiceField(label="格式", choices=[("xlsx", "XLSX"), ("csv", "CSV"), ("docx", "DOCX（督查通报）")])
    group_by = forms.ChoiceField(
        label="分组", choices=[("department", "部门"), ("region", "镇街（园区）"), ("field_member", "三员")]
    )
    readers = forms.ModelMultipleChoiceField(label="收件人", queryset=Person.objects.none())

    class Meta:
        model = Mailing
        fields = ("title", "rhythm", "workday", "hour", "active")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        reader: Any = self.fields["readers"]
        reader.queryset = Person.objects.filter(is_active=True).exclude(email="").order_by("name")
        if not self.instance._state.adding:
            wanted = self.instance.wanted
            register = wanted.get("register")
            self.initial["report"] = f"registers/{register}" if register else wanted["report"]
            self.initial.update(dress=wanted["dress"], group_by=wanted["group_by"], readers=self.instance.people)

    def put(self, values: dict[str, Any], *, new: bool) -> Mailing:
        given = dict(self.cleaned_data)
        kind, _, register = given.pop("report").partition("/")
        wanted = Wanted(
            "register" if register else kind,
            ANY,
            given.pop("dress"),
            group_by=given.pop("group_by"),
            register=register,
        )
        given["people"] = [str(one.pk) for one in given.pop("readers")]
        if new:
            return mailings.arrange(given, wanted, by=self.by, at=timezone.now())
        return mailings.change(self.instance, given, wanted, by=self.by, at=timezone.now())


@admin.register(Mailing)
class MailingAdmin(VerbAdmin):
    read_verb, write_verb = "report.write", "report.write"
    form = MailingForm
    list_display = ("title", "rhythm", "workday", "hour", "active", "sent_for", "sent_at")
    actions = ("cancel",)

    @admin.action(description="不再报送", permissions=["write"])
    def cancel(self, request: HttpRequest, rows: QuerySet[Mailing]) -> None:
        self.each(request, rows, lambda row, by, at: mailings.cancel(row, by=by, at=at), "已取消")


class LedgerForm(VerbForm):
    class Meta:
        model = LedgerLine
        fields = ("region", "kind", "day", "subject", "people", "note")

    def put(self, values: dict[str, Any], *, new: bool) -> LedgerLine:
        given = dict(self.cleaned_data)
        return ledgers.enter(**given | {"region": given["region"].pk}, by=self.by, at=timezone.now())


@admin.register(LedgerLine)
class LedgerAdmin(VerbAdmin):
    read_verb, write_verb = "ledger.read", "ledger.write"
    may_change = False
    form = LedgerForm
    list_display = ("day", "region", "kind", "subject", "people", "withdrawn_at")
    list_filter = ("kind", "region")
    actions = ("withdraw",)

    @admin.action(description="撤回", permissions=["write"])
    def withdraw(self, request: HttpRequest, rows: QuerySet[LedgerLine]) -> None:
        self.each(request, rows, lambda row, by, at: ledgers.withdraw(row.pk, by=by, at=at), "已撤回")


@admin.register(BulletinNumber)
class BulletinNumberAdmin(VerbAdmin):
    read_verb, write_verb = "report.write", "report.write"
    may_add = may_change = False
    list_display = ("year", "number", "period", "given_at")
    list_filter = ("year",)
