"""Routing rules and issue categories in the console. Changing a rule writes its next version."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from api.console.base import VerbAdmin, VerbForm
from api.routing import last_quarter
from inspections import rules
from inspections.dossiers import Desk
from inspections.routing import Rule
from inspections.rulebook import IssueCategory, RoutingRule


class RuleForm(VerbForm):
    moved = 0
    """How many of last quarter's issues the change would have sent elsewhere."""

    class Meta:
        model = RoutingRule
        fields = ("priority", "category", "place", "when", "lead", "add_assists", "deadline_class", "why")

    def put(self, values: dict[str, Any], *, new: bool) -> RoutingRule:
        given = {name: self.cleaned_data[name] for name in self.Meta.fields}
        given["add_assists"] = tuple(given["add_assists"] or ())
        line, rule, at = None if new else self.instance.line, Rule(**given), timezone.now()
        rules.check_all([rule])
        span = last_quarter(at)
        moved = rules.compare(
            rules.tried({line or uuid4(): rule}), since=span.start, until=span.end, region_codes=Desk().region_codes
        )
        self.moved = len(moved)
        return rules.put(rule, line=line, by=self.by, at=at)


@admin.register(RoutingRule)
class RuleAdmin(VerbAdmin):
    read_verb, write_verb = "rule.read", "rule.write"
    form = RuleForm
    list_display = (
        "priority", "category", "place", "when", "lead", "add_assists", "deadline_class", "why", "version", "ended_at",
    )  # fmt: skip
    list_filter = (("ended_at", admin.EmptyFieldListFilter), "category", "lead")
    search_fields = ("category", "when", "why")
    actions = ("end",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.message_user(request, f"上一季度有 {form.moved} 件问题按改动后的规则会派往他处")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A version that counts no more stays as it was."""
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    @admin.action(description="停用规则", permissions=["write"])
    def end(self, request: HttpRequest, rows: QuerySet[RoutingRule]) -> None:
        self.each(request, rows, lambda row, by, at: rules.end(row.line, by=by, at=at), "已停用")


class CategoryForm(VerbForm):
    class Meta:
        model = IssueCategory
        fields = ("number", "name", "name_en", "dimension", "lead", "assists", "deadline_class", "active")

    def put(self, values: dict[str, Any], *, new: bool) -> IssueCategory:
        if "deadline_class" in values:
            values["deadline_class_id"] = values.pop("deadline_class").pk
        return rules.put_category(self.instance.code, values, by=self.by, at=timezone.now())


@admin.register(IssueCategory)
class CategoryAdmin(VerbAdmin):
    read_verb, write_verb = "rule.read", "rule.write"
    may_add = False
    form = CategoryForm
    list_display = ("number", "code", "name", "dimension", "lead", "assists", "deadline_class", "active")
    list_filter = ("dimension", "lead", "active")
    search_fields = ("code", "name")
    readonly_fields = ("code",)
