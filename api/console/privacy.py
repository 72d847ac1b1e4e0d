"""What people ask about their own data, in the console: noted from paper, looked at beside what is kept, settled, handed out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from api.console.base import VerbAdmin, VerbForm
from api.console.site import caller_of
from api.privacy import handed_out
from core.problems import Problem
from core.texts import ZH
from organizations.models import Person
from privacy import dossiers, requests, retention
from privacy.models import Kind, Period, Request, RequestState
from privacy.register import BY_CATEGORY
from surveys.documents import SHANGHAI

FIELDS = {"name": "姓名", "phone": "手机", "email": "邮箱"}


class RequestForm(VerbForm):
    """A request that somebody made on paper or by word of mouth."""

    name = forms.CharField(label="更正后的姓名", required=False, max_length=50, widget=UnfoldAdminTextInputWidget)
    phone = forms.CharField(label="更正后的手机", required=False, max_length=30, widget=UnfoldAdminTextInputWidget)
    email = forms.CharField(label="更正后的邮箱", required=False, max_length=254, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = Request
        fields = ("kind", "person", "reason")

    def put(self, values: dict[str, Any], *, new: bool) -> Request:
        wanted = {name: values[name] for name in FIELDS if values.get(name)}
        person: Person = values["person"]
        return requests.ask(
            values["kind"], person.pk, reason=values.get("reason", ""), wanted=wanted, by=self.by, at=timezone.now()
        )


class StateFilter(admin.SimpleListFilter):
    """What is still to be settled, unless something else is asked for."""

    title = "状态"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "全部"), *((code, str(name)) for code, name in RequestState.choices)]

    def queryset(self, request: HttpRequest, rows: QuerySet[Request]) -> QuerySet[Request]:
        wanted = self.value() or RequestState.OPEN.value
        return rows if wanted == "all" else rows.filter(state=wanted)


@admin.register(Request)
class RequestAdmin(VerbAdmin):
    read_verb, write_verb = "privacy.settle", "privacy.settle"
    form = RequestForm
    list_display = ("kind", "person", "state", "asked_at", "due_on", "late", "settled_at")
    list_filter = (StateFilter, "kind")
    list_select_related = ("person",)
    search_fields = ("person__name", "person__username")
    autocomplete_fields = ("person",)
    ordering = (F("settled_at").asc(nulls_first=True), "due_on", "id")

    @admin.display(description="逾期", boolean=True)
    def late(self, row: Request) -> bool | None:
        over = row.state == RequestState.OPEN and row.due_on < timezone.localdate()
        return False if over else None  # shown as a red cross, or not at all

    def get_urls(self) -> list[URLPattern]:
        own = [path("<uuid:key>/file", self.admin_site.admin_view(self.file), name="privacy_request_file")]
        found: list[URLPattern] = own + super().get_urls()
        return found

    def file(self, request: HttpRequest, key: UUID) -> HttpResponse:
        """Everything about the person, to hand over; that it was taken is noted in the audit trail."""
        if not self.has_view_permission(request):
            raise Http404
        try:
            return handed_out(key, by=caller_of(request), at=timezone.now())
        except Problem as problem:
            self.message_user(request, str(problem.detail), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:privacy_request_changelist"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One request: who asks for what until when, what is kept of them, and the decision."""
        row = self._found(request, object_id)
        faults: list[str] = []
        if request.method == "POST":
            faults = self._decide(request, row)
            if not faults:
                return HttpResponseRedirect(request.path)
        handing = row.kind == Kind.ACCESS and row.state == RequestState.GRANTED
        context = self.admin_site.each_context(request) | {
            "title": f"{row.get_kind_display()} · {row.person.name} · {row.get_state_display()}",
            "facts": _facts(row),
            "kept": [(str(name), count) for name, count in dossiers.counts(row.person_id) if count],
            "open": row.state == RequestState.OPEN,
            "erasing": row.kind == Kind.ERASURE,
            "file": reverse("admin:privacy_request_file", args=[row.pk]) if handing else None,
            "answer": request.POST.get("answer", ""),
            "faults": faults,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "console/privacy_request.html", context)

    def _decide(self, request: HttpRequest, row: Request) -> list[str]:
        decision = request.POST.get("decision")
        if decision not in ("grant", "refuse"):
            return ["请选择办理或不予办理"]
        if row.kind == Kind.ERASURE and decision == "grant" and request.POST.get("confirm") != row.person.username:
            return ["删除不可恢复:请填写该人员的用户名以确认"]
        answer = request.POST.get("answer", "")[:1000]
        try:
            requests.settle(row.pk, grant=decision == "grant", answer=answer, by=caller_of(request), at=timezone.now())
        except Problem as problem:
            return [str(fault.detail) for fault in problem.errors] or [str(problem.detail)]
        self.message_user(request, "已办理" if decision == "grant" else "已答复不予办理", messages.SUCCESS)
        return []

    def _found(self, request: HttpRequest, key: str) -> Request:
        try:
            rows = requests.visible(caller_of(request)).filter(pk=UUID(key))
        except ValueError:
            raise Http404 from None
        row = rows.select_related("person").first() if self.has_view_permission(request) else None
        if row is None:
            raise Http404
        return row


def _facts(row: Request) -> list[tuple[str, str]]:
    def moment(when: Any) -> str:
        return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if when else ""

    noted = row.asked_by is not None and row.asked_by != row.person_id
    lines = [
        ("事项", str(row.get_kind_display())),
        ("本人", str(row.person)),
        ("提出", moment(row.asked_at) + ("(产改办代为登记)" if noted else "")),
        ("答复期限", row.due_on.isoformat()),
        ("说明", row.reason),
        ("更正内容", ";".join(f"{FIELDS.get(name, name)}:{value}" for name, value in row.wanted.items())),
        ("状态", str(row.get_state_display())),
        ("答复", row.answer),
        ("办理", moment(row.settled_at)),
    ]
    return [(label, value) for label, value in lines if value]


class PeriodForm(VerbForm):
    """The office's own number of days for a category of the register."""

    category = forms.ChoiceField(label="类别", choices=(), widget=UnfoldAdminSelectWidget)
    days = forms.IntegerField(label="保存天数", min_value=1, max_value=36500, widget=UnfoldAdminIntegerFieldWidget)

    class Meta:
        model = Period
        fields = ("category", "days")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "category" in self.fields:
            known = [
                (name, f"{BY_CATEGORY[name].name.of(ZH)}(默认 {BY_CATEGORY[name].days} 天)") for name in retention.RULES
            ]
            self.fields["category"] = forms.ChoiceField(label="类别", choices=known, widget=UnfoldAdminSelectWidget)

    def _post_clean(self) -> None:
        if self.instance._state.adding and Period.objects.filter(pk=self.cleaned_data.get("category")).exists():
            self.add_error("category", ValidationError("该类别已有期限,请直接修改"))
        super()._post_clean()

    def put(self, values: dict[str, Any], *, new: bool) -> Period:
        category = values["category"] if new else self.instance.pk
        return retention.set_period(category, self.cleaned_data["days"], by=self.by, at=timezone.now())


@admin.register(Period)
class PeriodAdmin(VerbAdmin):
    read_verb, write_verb = "privacy.settle", "privacy.settle"
    form = PeriodForm
    list_display = ("named", "days")

    @admin.display(description="类别")
    def named(self, row: Period) -> str:
        return str(BY_CATEGORY[row.category].name)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("category",) if obj else ()
