"""The cast of the issue stories: one town with a bakery, another town, the departments, and who works where."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Problem
from inspections import actions, issues, reference, rules
from inspections.actions import ActionRequest
from inspections.deadlines import SHANGHAI
from inspections.models import Issue
from organizations import permissions
from organizations.models import Assignment, Department, Enterprise, Person, Region
from organizations.permissions import Caller
from organizations.reference import put_departments, put_regions
from tests import scenery

MONDAY = datetime(2026, 11, 16, 9, tzinfo=SHANGHAI)
ALL_DATA = {"reason": "因故", "solved": True, "satisfaction": "satisfied", "method": "phone"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass
class World:
    """Everybody by name; ``now`` is the clock that verbs are given."""

    people: dict[str, Person]
    bakery: Enterprise
    shipyard: Enterprise
    now: datetime = MONDAY
    numbers: dict[str, UUID] = field(default_factory=dict)

    def caller(self, name: str) -> Caller:
        return permissions.caller(self.people[name].id, on=self.now.date(), name=name)

    def draft(self, **changes: Any) -> Draft:
        told = {"enterprise": str(self.bakery.id), "category": "recruitment", "description": "招不到熟练工人"}
        return Draft(uuid7(), {k: v for k, v in (told | changes).items() if v is not ...})

    def reports(self, name: str = "liaison", **changes: Any) -> Issue:
        return issues.submit(self.draft(**changes), by=self.caller(name), at=self.now)

    def does(self, name: str, issue: Issue, action: str, text: str | None = None, **data: Any) -> Issue:
        request = ActionRequest(issue.id, action, text, data or None)
        return actions.act_one(request, by=self.caller(name), at=self.now)

    def refused(self, name: str, issue: Issue, action: str, text: str | None = None, **data: Any) -> Problem:
        (outcome,) = actions.act(
            [ActionRequest(issue.id, action, text, data or None)], by=self.caller(name), at=self.now
        )
        assert isinstance(outcome, Problem), f"{action} was not refused"
        return outcome

    def codes(self, *args: Any, **data: Any) -> set[str]:
        return {fault.code for fault in self.refused(*args, **data).errors}

    def on(self, text: str) -> World:
        self.now = at(text)
        return self

    def later(self, **spans: float) -> World:
        self.now += timedelta(**spans)
        return self

    def replied(self, **changes: Any) -> Issue:
        """An issue of HRSS with EDU assisting, answered on the same day."""
        issue = self.reports(**changes)
        self.does("hrss", issue, "acknowledge")
        self.does("edu", issue, "assist_opinion", "可开设定向班")
        return self.does("hrss", issue, "reply", "已对接技校", outcome="solved")


def settle() -> World:
    """The town as it is before anything happens; built once a process, see ``tests/scenery.py``."""
    return scenery.stage(_settle)


def _settle() -> World:
    put_regions([_coded(row, "kind") for row in reference.table("regions")], by=SYSTEM, at=MONDAY)
    put_departments([_coded(row) for row in reference.table("departments")], by=SYSTEM, at=MONDAY)
    rules.load(by=SYSTEM, at=MONDAY)
    huashi, zhouzhuang = (Region.objects.get(code=code) for code in ("320281105", "320281106"))
    bakery = Enterprise.objects.create(
        name="华士面包厂", region=huashi, industry="food", ownership="private", employees=80
    )
    shipyard = Enterprise.objects.create(
        name="周庄船厂", region=zhouzhuang, industry="construction", ownership="state_owned"
    )
    held: dict[str, dict[str, Any]] = {
        "liaison": {"role": "liaison", "enterprise": bakery},
        "colleague": {"role": "instructor", "enterprise": bakery},
        "liaison2": {"role": "liaison", "enterprise": shipyard},
        "observer": {"role": "observer"},
        "station": {"role": "station_staff", "region": huashi},
        "hrss": {"role": "handler", "department": Department.objects.get(code="HRSS")},
        "hrss2": {"role": "handler", "department": Department.objects.get(code="HRSS")},
        "edu": {"role": "handler", "department": Department.objects.get(code="EDU")},
        "emb": {"role": "handler", "department": Department.objects.get(code="EMB")},
        "town": {"role": "town_officer", "region": huashi},
        "town2": {"role": "town_officer", "region": zhouzhuang},
        "office": {"role": "office"},
        "auditor": {"role": "auditor"},
    }
    people = {}
    for name, place in held.items():
        people[name] = Person.objects.create(username=name, name=name)
        Assignment.objects.create(person=people[name], starts_on=date(2026, 1, 1), **place)
    return World(people, bakery, shipyard)


def _coded(row: dict[str, str], *more: str) -> dict[str, Any]:
    return {"code": row["code"], "name": row["name_zh"], "name_en": row["name_en"]} | {name: row[name] for name in more}
