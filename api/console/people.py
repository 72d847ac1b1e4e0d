"""People, assignments and devices in the console."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget

from api.console.base import VerbAdmin, VerbForm
from api.console.site import caller_of
from api.devices import qr
from core.problems import Problem
from organizations import assignments, devices, enrollments, people, totp
from organizations.models import Assignment, Device, Person
from organizations.permissions import live_assignments
from organizations.roles import Role


class PersonForm(VerbForm):
    new_password = forms.CharField(
        label="新密码",
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget,
        help_text="至少 10 个字符，含大写、小写、数字、符号中的三类，不得是常用密码或含本人信息；留空则不修改。"
        "修改后此人的全部登录立即失效。",
    )

    class Meta:
        model = Person
        fields = ("username", "name", "phone", "email", "department", "language", "is_active")

    def put(self, values: dict[str, Any], *, new: bool) -> Person:
        at = timezone.now()
        password = values.pop("new_password", "")
        if "department" in values:
            department = values.pop("department")
            values["department_id"] = department.pk if department else None
        if new:
            values.pop("is_active", None)
            return people.create(values, password=password or None, by=self.by, at=at)
        person = people.change(self.instance.pk, values, by=self.by, at=at) if values else self.instance
        return people.set_password(person.pk, password, by=self.by, at=at) if password else person


@admin.register(Person)
class PersonAdmin(VerbAdmin):
    read_verb, write_verb = "person.write", "person.write"
    form = PersonForm
    list_display = ("name", "username", "roles", "department", "phone", "is_active", "password_changed_at")
    list_filter = ("is_active", "department")
    search_fields = ("name", "username")
    autocomplete_fields = ("department",)
    actions = ("enroll", "sign_out", "switch_off", "switch_on", "drop_second_factor")

    @admin.display(description="角色")
    def roles(self, row: Person) -> str:
        held = live_assignments(timezone.localdate()).filter(person=row).values_list("role", flat=True).distinct()
        return "、".join(str(Role(role).label) for role in held)

    @admin.action(description="生成手机注册二维码（15 分钟有效，一次性）", permissions=["write"])
    def enroll(self, request: HttpRequest, rows: QuerySet[Person]) -> TemplateResponse | None:
        if rows.count() != 1:
            self.message_user(request, "请只选择一人", messages.ERROR)
            return None
        try:
            invitation = enrollments.issue(rows.get().pk, by=caller_of(request), at=timezone.now())
        except Problem as problem:
            self.message_user(request, str(problem.detail), messages.ERROR)
            return None
        context = self.admin_site.each_context(request) | {
            "title": f"手机注册：{rows.get().name}",
            "picture": SafeString(qr(invitation.code)),
            "code": invitation.code,
            "expires_at": invitation.enrollment.expires_at,
        }
        return TemplateResponse(request, "console/enrollment.html", context)

    @admin.action(description="使全部登录失效", permissions=["write"])
    def sign_out(self, request: HttpRequest, rows: QuerySet[Person]) -> None:
        self.each(request, rows, lambda row, by, at: people.sign_out(row.pk, by=by, at=at), "已失效")

    @admin.action(description="停用", permissions=["write"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[Person]) -> None:
        self.each(
            request, rows, lambda row, by, at: people.change(row.pk, {"is_active": False}, by=by, at=at), "已停用"
        )

    @admin.action(description="启用", permissions=["write"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[Person]) -> None:
        self.each(request, rows, lambda row, by, at: people.change(row.pk, {"is_active": True}, by=by, at=at), "已启用")

    @admin.action(description="关闭动态验证码", permissions=["write"])
    def drop_second_factor(self, request: HttpRequest, rows: QuerySet[Person]) -> None:
        self.each(request, rows, lambda row, by, at: totp.disable(row.pk, by=by, at=at), "已关闭")


class AssignmentForm(VerbForm):
    class Meta:
        model = Assignment
        fields = ("person", "role", "enterprise", "region", "department", "starts_on", "ends_on")

    def put(self, values: dict[str, Any], *, new: bool) -> Assignment:
        if not new:
            return assignments.change(self.instance.pk, values, by=self.by, at=timezone.now())
        draft = assignments.Draft(
            person=values["person"].pk,
            role=Role(values["role"]),
            starts_on=values["starts_on"],
            ends_on=values["ends_on"],
            enterprise=_key(values["enterprise"]),
            region=_key(values["region"]),
            department=_key(values["department"]),
        )
        return assignments.begin([draft], by=self.by, at=timezone.now())[0]


def _key(row: Any) -> UUID | None:
    return row.pk if row else None


@admin.register(Assignment)
class AssignmentAdmin(VerbAdmin):
    read_verb, write_verb = "assignment.write", "assignment.write"
    form = AssignmentForm
    list_display = ("person", "role", "place", "starts_on", "ends_on", "revoked_at")
    list_filter = ("role", "region", "department")
    list_select_related = ("person", "enterprise", "region", "department")
    search_fields = ("person__name", "person__username", "enterprise__name")
    autocomplete_fields = ("person", "enterprise", "region", "department")
    actions = ("end",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("person", "role", "enterprise", "region", "department") if obj else ()

    @admin.display(description="范围")
    def place(self, row: Assignment) -> str:
        found = row.enterprise or row.region or row.department
        return found.name if found else "全市"

    @admin.action(description="立即撤销", permissions=["write"])
    def end(self, request: HttpRequest, rows: QuerySet[Assignment]) -> None:
        self.each(request, rows, lambda row, by, at: assignments.end([row.pk], by=by, at=at), "已撤销")


@admin.register(Device)
class DeviceAdmin(VerbAdmin):
    read_verb, write_verb = "person.write", "device.revoke"
    may_add = may_change = False
    list_display = ("person", "name", "platform", "app_version", "last_seen_at", "last_push_at", "revoked_at")
    list_filter = ("platform", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("person",)
    search_fields = ("person__name", "person__username", "name")
    actions = ("revoke",)

    @admin.action(description="注销并清空（“最近上报”之后的未上报数据会丢失）", permissions=["write"])
    def revoke(self, request: HttpRequest, rows: QuerySet[Device]) -> None:
        self.each(request, rows, lambda row, by, at: devices.revoke(row.pk, by=by, at=at), "已注销")
