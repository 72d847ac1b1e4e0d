"""Enterprises, regions and departments in the console."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils import timezone

from api.console.base import VerbAdmin, VerbForm
from organizations import enterprises, reference
from organizations.models import Department, Enterprise, Region


class EnterpriseForm(VerbForm):
    class Meta:
        model = Enterprise
        fields = (
            "name", "uscc", "uscc_override", "region", "address", "location", "industry", "ownership", "size",
            "employees", "pilot_tier", "designation_level", "sample_cluster", "industrial_park", "brands", "active",
        )  # fmt: skip

    def put(self, values: dict[str, Any], *, new: bool) -> Enterprise:
        if "region" in values:
            values["region_id"] = values.pop("region").pk
        if "brands" in values:
            values["brands"] = values["brands"] or []
        if new:
            return enterprises.create(values, by=self.by, at=timezone.now())
        return enterprises.change(self.instance.pk, values, by=self.by, at=timezone.now())


@admin.register(Enterprise)
class EnterpriseAdmin(VerbAdmin):
    read_verb = write_verb = "enterprise.write"
    form = EnterpriseForm
    list_display = ("name", "uscc", "region", "pilot_tier", "industrial_park", "employees", "active")
    list_filter = ("region", "pilot_tier", "designation_level", "ownership", "active")
    list_select_related = ("region",)
    search_fields = ("name", "uscc")
    autocomplete_fields = ("region",)


class RegionForm(VerbForm):
    class Meta:
        model = Region
        fields = ("code", "name", "name_en", "kind", "aliases", "note", "valid_from", "valid_to")

    def put(self, values: dict[str, Any], *, new: bool) -> Region:
        if "aliases" in values:
            values["aliases"] = values["aliases"] or []
        code = values.get("code") or self.instance.code
        return reference.put_regions([values | {"code": code}], by=self.by, at=timezone.now())[0]


@admin.register(Region)
class RegionAdmin(VerbAdmin):
    read_verb = write_verb = "region.write"
    form = RegionForm
    list_display = ("code", "name", "name_en", "kind", "valid_from", "valid_to")
    list_filter = ("kind",)
    search_fields = ("name", "code")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()


class DepartmentForm(VerbForm):
    class Meta:
        model = Department
        fields = ("code", "name", "name_en", "duties", "leader", "active")

    def put(self, values: dict[str, Any], *, new: bool) -> Department:
        code = values.get("code") or self.instance.code
        return reference.put_departments([values | {"code": code}], by=self.by, at=timezone.now())[0]


@admin.register(Department)
class DepartmentAdmin(VerbAdmin):
    read_verb = write_verb = "department.write"
    form = DepartmentForm
    list_display = ("code", "name", "duties", "leader", "active")
    list_filter = ("active",)
    search_fields = ("name", "code")

    def get_readonly_fields(self, request: Any, obj: Any = None) -> tuple[str, ...]:
        return ("code",) if obj else ()
