"""The cast of these tests: two towns, a few enterprises, one person of each role, and an outsider."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from core.actors import SYSTEM
from organizations import assignments, enterprises, people, reference
from organizations.models import Department, Enterprise, Person, Region
from organizations.permissions import Caller, caller
from organizations.roles import Role

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # nine in the morning in Jiangyin
TODAY = date(2026, 11, 23)
PASSWORD = "Correct-Horse-9"


class Cast:
    """Made once a test with the real verbs; every name below is a row."""

    def __init__(self) -> None:
        self.at = NOW
        self.xiake, self.huashi = self.towns()
        self.hrss, self.emb = self.departments()
        self.bakery = self.enterprise("面包厂", self.xiake)
        self.foundry = self.enterprise("铸造厂", self.xiake)
        self.mill = self.enterprise("纺织厂", self.huashi)
        self.office = self.person("office", Role.OFFICE)
        self.auditor = self.person("auditor", Role.AUDITOR)
        self.liaison = self.person("liaison", Role.LIAISON, enterprise=self.bakery.id)
        self.town = self.person("town", Role.TOWN_OFFICER, region=self.xiake.id)
        self.handler = self.person("hrss", Role.HANDLER, department=self.hrss.id)
        self.observer = self.person("observer", Role.OBSERVER)
        self.outsider = self.person("outsider", Role.LIAISON, enterprise=self.mill.id)

    def towns(self) -> list[Region]:
        rows = [
            {"code": "320281104", "name": "徐霞客镇", "name_en": "Xuxiake Town", "kind": "town"},
            {"code": "320281105", "name": "华士镇", "name_en": "Huashi Town", "kind": "town"},
        ]
        return reference.put_regions(rows, by=SYSTEM, at=NOW)

    def departments(self) -> list[Department]:
        rows = [{"code": "HRSS", "name": "市人力资源和社会保障局"}, {"code": "EMB", "name": "市应急管理局"}]
        return reference.put_departments(rows, by=SYSTEM, at=NOW)

    def enterprise(self, name: str, region: Region, **values: object) -> Enterprise:
        return enterprises.create({"name": name, "region_id": region.id, **values}, by=SYSTEM, at=self.at)

    def person(self, username: str, role: Role | None = None, **place: UUID) -> Person:
        person = people.create({"username": username, "name": username.title()}, password=PASSWORD, by=SYSTEM, at=NOW)
        if role:
            self.assign(person, role, **place)
        return person

    def assign(self, person: Person, role: Role, *, starts_on: date = date(2020, 1, 1), **place: object) -> UUID:
        draft = assignments.Draft(person.id, role, starts_on, **place)  # type: ignore[arg-type]
        return assignments.begin([draft], by=SYSTEM, at=self.at)[0].id

    def by(self, person: Person, on: date = TODAY) -> Caller:
        return caller(person.id, on=on)
