"""The desk in the console: the queue, one issue with its history in words, the actions open now; reply templates."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from api.console.actions import Wish, wish
from api.console.base import VerbAdmin, VerbForm
from api.console.site import caller_of
from core.problems import Problem
from inspections import actions, history, issues, reply_templates, words
from inspections.actions import ActionRequest, Opening
from inspections.deadlines import SHANGHAI
from inspections.models import ENDED_STATES, Issue
from inspections.rulebook import ReplyTemplate
from organizations.models import Department, Region


class StateFilter(admin.SimpleListFilter):
    """What runs, unless something else is asked for."""

    title = "状态"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "全部"), ("overdue", "超期"), *((code, str(name)) for code, name in _STATES)]

    def queryset(self, request: HttpRequest, rows: QuerySet[Issue]) -> QuerySet[Issue]:
        match self.value():
            case "all":
                return rows
            case "overdue":
                return rows.filter(issues.overdue(timezone.now())).exclude(state__in=ENDED_STATES)
            case None:
                return rows.exclude(state__in=ENDED_STATES)
            case state:
                return rows.filter(state=state)

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield (
                choice | {"display": "在办"}
                if choice["query_string"] == changelist.get_query_string(remove=[self.parameter_name])
                else choice
            )


_STATES = Issue._meta.get_field("state").choices or ()


@admin.register(Issue)
class IssueAdmin(VerbAdmin):
    read_verb, write_verb = "issue.dispatch", "issue.dispatch"
    may_add = False
    list_display = ("short", "state", "category", "enterprise", "region", "lead_code", "shown_due", "warning", "level")
    list_filter = (StateFilter, "colour", "level", "deadline_class", "region", "category")
    list_select_related = ("category", "enterprise", "region")
    search_fields = ("description", "external_case_no", "enterprise__name", "lead_code")
    ordering = ("due", "id")
    actions = ("accept", "urge")

    @admin.display(description="问题")
    def short(self, row: Issue) -> str:
        return row.description[:40]

    @admin.display(description="期限", ordering="due")
    def shown_due(self, row: Issue) -> str:
        return row.due.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if row.due else "—"

    @admin.display(description="预警", ordering="colour")
    def warning(self, row: Issue) -> str:
        return str(words.COLOUR_NAMES.get(row.colour, row.colour))

    @admin.action(description="反馈审核通过", permissions=["write"])
    def accept(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self.each(request, rows, _verb("accept_reply"), "已审核通过")

    @admin.action(description="催办", permissions=["write"])
    def urge(self, request: HttpRequest, rows: QuerySet[Issue]) -> None:
        self.each(request, rows, _verb("urge"), "已催办")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One issue: what it is, what happened, what can be done now; a form for each action, sent to this very page."""
        by, at = caller_of(request), timezone.now()
        if not self.has_view_permission(request):
            raise Http404
        row = _found(object_id, by)
        openings = actions.open_to(row, by, at=at)
        asked = request.POST.get("action") if request.method == "POST" else None
        wishes = [
            self._wish(request, row, one, asked)
            for one in openings
            if one.row.action != "assist_opinion" or row.assists
        ]
        wished = next((one for one in wishes if one.opening.row.action == asked), None)
        if wished is not None and wished.form.is_valid() and self._done(request, row, wished):
            return HttpResponseRedirect(request.path)
        if asked and wished is None:
            self.message_user(request, "该操作已不可进行,请看当前状态", messages.ERROR)
        names = dict(Region.objects.values_list("code", "name")) | dict(Department.objects.values_list("code", "name"))
        told = [(event.sentence, event.person) for event in history.of(row, names)]
        context = self.admin_site.each_context(request) | {
            "title": f"问题:{row.category.name} · {row.get_state_display()}",
            "issue": row,
            "facts": _facts(row, names, at),
            "history": told,
            "wishes": wishes,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "console/issue.html", context)

    def _wish(self, request: HttpRequest, row: Issue, opening: Opening, asked: str | None) -> Wish:
        given = request.POST if asked == opening.row.action else None
        return wish(opening, row, given)

    def _done(self, request: HttpRequest, row: Issue, wished: Wish) -> bool:
        text, data = wished.carried()
        try:
            actions.act_one(
                ActionRequest(row.pk, wished.opening.row.action, text, data), by=caller_of(request), at=timezone.now()
            )
        except Problem as problem:
            wished.refuse(problem)
            return False
        self.message_user(request, f"{wished.opening.row.label}:已办", messages.SUCCESS)
        return True


def _verb(action: str) -> Any:
    def verb(row: Issue, by: Any, at: Any) -> object:
        return actions.act_one(ActionRequest(row.pk, action), by=by, at=at)

    return verb


def _found(key: str, by: Any) -> Issue:
    try:
        rows = issues.visible(by).filter(pk=UUID(key))
    except ValueError:
        raise Http404 from None
    row = rows.select_related("category", "enterprise", "region", "reporter", "handler", "deadline_class").first()
    if row is None:
        raise Http404
    return row


def _facts(row: Issue, names: dict[str, str], at: Any) -> list[tuple[str, str]]:
    """The particulars of an issue as labelled lines; what is empty is left out."""

    def moment(when: Any) -> str:
        return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if when else ""

    late = "(已超期)" if issues.is_overdue(row, at) else "(暂定)" if row.provisional_due else ""
    reason = (row.routing_reason or {}).get("zh", "")
    lines = [
        ("编号", str(row.pk)),
        ("企业", row.enterprise.name),
        ("镇街", row.region.name),
        ("描述", row.description),
        ("程度", row.get_severity_display()),
        ("保密", "是" if row.confidential else ""),
        ("上报人", row.reporter.name if row.reporter else row.external_channel),
        ("渠道编号", row.external_case_no),
        ("上报时间", moment(row.submitted_at)),
        ("牵头", names.get(row.lead_code, row.lead_code)),
        ("协办", "、".join(names.get(code, code) for code in row.assists)),
        ("派单理由", reason),
        ("时限类别", row.deadline_class.name if row.deadline_class else ""),
        ("派单时间", moment(row.dispatched_at)),
        ("签收期限", moment(row.acknowledge_due)),
        ("办理期限", moment(row.due) + late if row.due else ""),
        ("经办人", row.handler.name if row.handler else ""),
        ("预警", f"{words.COLOUR_NAMES.get(row.colour, row.colour)} · L{row.level}"),
        ("轮次", str(row.round)),
        ("主件", str(row.master_id or "")),
    ]
    return [(label, value) for label, value in lines if value]


class TemplateForm(VerbForm):
    class Meta:
        model = ReplyTemplate
        fields = ("party", "title", "body", "outcome", "category")
        widgets: ClassVar[dict[str, Any]] = {"body": forms.Textarea(attrs={"rows": 8, "cols": 80})}

    def put(self, values: dict[str, Any], *, new: bool) -> ReplyTemplate:
        if new:
            return reply_templates.create(values, by=self.by, at=timezone.now())
        return reply_templates.change(self.instance.pk, values, by=self.by, at=timezone.now())


@admin.register(ReplyTemplate)
class TemplateAdmin(VerbAdmin):
    read_verb, write_verb = "template.read", "template.write"
    form = TemplateForm
    list_display = ("title", "party", "category", "outcome", "updated_at", "active")
    list_filter = ("active", "party")
    search_fields = ("title", "body")
    actions = ("end",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.active)

    @admin.action(description="停用", permissions=["write"])
    def end(self, request: HttpRequest, rows: QuerySet[ReplyTemplate]) -> None:
        self.each(request, rows, lambda row, by, at: reply_templates.end(row.pk, by=by, at=at), "已停用")
