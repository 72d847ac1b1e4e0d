"""The actors of the domain and the kinds of place each may be assigned to. Choices are stable codes."""

from __future__ import annotations

from django.db.models import TextChoices

from core.texts import Text


class Role(TextChoices):
    """The actors of ``domain.md`` §1."""

    INSTRUCTOR = "instructor", Text("指导员", "Instructor")
    LIAISON = "liaison", Text("联络员", "Liaison")
    OBSERVER = "observer", Text("观察员", "Observer")
    STATION_STAFF = "station_staff", Text("指导站工作人员", "Station staff")
    HANDLER = "handler", Text("部门经办人", "Department handler")
    TOWN_OFFICER = "town_officer", Text("镇街经办人", "Town officer")
    OFFICE = "office", Text("产改办", "Reform office")
    AUDITOR = "auditor", Text("审计员", "Auditor")


class PlaceKind(TextChoices):
    """What an assignment is over; the whole city has no row of its own."""

    ENTERPRISE = "enterprise", Text("企业", "Enterprise")
    REGION = "region", Text("镇街（园区）", "Town")
    DEPARTMENT = "department", Text("部门", "Department")
    CITY = "city", Text("全市", "Whole city")


class PilotTier(TextChoices):
    CITY = "city", Text("市级试点", "City pilot")
    TOWN = "town", Text("镇级试点", "Town pilot")
    ENTERPRISE = "enterprise", Text("企业试点", "Enterprise pilot")


class Designation(TextChoices):
    NATIONAL = "national", Text("国家", "National")
    PROVINCIAL = "provincial", Text("省", "Provincial")
    WUXI = "wuxi", Text("无锡", "Wuxi")
    JIANGYIN = "jiangyin", Text("江阴", "Jiangyin")
    TOWN = "town", Text("镇街", "Town")


class RegionKind(TextChoices):
    STREET = "street", Text("街道", "Subdistrict")
    TOWN = "town", Text("镇", "Town")
    ZONE = "zone", Text("园区", "Zone")


class Ownership(TextChoices):
    STATE_OWNED = "state_owned", Text("国有", "State-owned")
    COLLECTIVE = "collective", Text("集体", "Collective")
    PRIVATE = "private", Text("民营", "Private")
    FOREIGN = "foreign", Text("外资", "Foreign-invested")
    JOINT = "joint", Text("合资", "Joint venture")


class Size(TextChoices):
    MICRO = "micro", Text("微型", "Micro")
    SMALL = "small", Text("小型", "Small")
    MEDIUM = "medium", Text("中型", "Medium")
    LARGE = "large", Text("大型", "Large")


FIELD_ROLES = frozenset({Role.INSTRUCTOR, Role.LIAISON, Role.OBSERVER})
HOLDING_ROLES = FIELD_ROLES | {Role.STATION_STAFF, Role.TOWN_OFFICER}
"""Roles whose phones hold the enterprises they are assigned to; all others hold reference data and their own desk."""

APART = frozenset({Role.OFFICE, Role.AUDITOR})
"""Roles that nobody holds at one time: who runs the system does not audit it (MLPS 2.0)."""

PLACES: dict[Role, frozenset[PlaceKind]] = {
    Role.INSTRUCTOR: frozenset({PlaceKind.ENTERPRISE, PlaceKind.REGION}),
    Role.LIAISON: frozenset({PlaceKind.ENTERPRISE, PlaceKind.REGION}),
    Role.OBSERVER: frozenset({PlaceKind.ENTERPRISE, PlaceKind.REGION, PlaceKind.CITY}),
    Role.STATION_STAFF: frozenset({PlaceKind.ENTERPRISE, PlaceKind.REGION}),
    Role.HANDLER: frozenset({PlaceKind.DEPARTMENT}),
    Role.TOWN_OFFICER: frozenset({PlaceKind.REGION}),
    Role.OFFICE: frozenset({PlaceKind.CITY}),
    Role.AUDITOR: frozenset({PlaceKind.CITY}),
}
"""The kinds of place each role may be held over."""
