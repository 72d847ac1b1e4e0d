"""The cast of the stories: two towns, three enterprises, one person of each role, and whoever has nothing to do with it.

Everything is made by the real verbs and spoken to over HTTP. Rows are attributes: ``world.bakery``, ``world.liaison``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from uuid import UUID

import httpx
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from client.line import Line
from core.actors import SYSTEM
from inspections import rules
from inspections.models import Issue
from organizations import assignments, enterprises, people, reference
from organizations.assignments import Draft
from organizations.models import Department, Enterprise, Person, Region
from organizations.permissions import Caller, caller
from organizations.roles import Role
from surveys import questionnaires
from tests.phone import Phone

PASSWORD = "Stories-Have-1-End"
FORMS = Path(__file__).resolve().parents[1] / "data" / "questionnaires"


class World:
    """A small city on an ordinary day; whoever speaks to its server first sets ``http``, the way there."""

    http: httpx.Client

    def __init__(self) -> None:
        self.at: datetime = timezone.now() - timedelta(hours=1)
        self.hashed = make_password(PASSWORD)
        reference.load(by=SYSTEM, at=self.at)
        rules.load(by=SYSTEM, at=self.at)
        self.zhouzhuang, self.xinqiao = (Region.objects.get(code=code) for code in ("320281106", "320281107"))
        self.hrss, self.emb, self.edu = (self.department(code) for code in ("HRSS", "EMB", "EDU"))
        self._enterprises()
        self._people()

    def _enterprises(self) -> None:
        place = {"lat": 31.862, "lon": 120.415, "crs": "wgs84"}
        self.bakery = self.enterprise("周庄面包厂", self.zhouzhuang, industry="food", employees=86, location=place)
        self.steelworks = self.enterprise("周庄钢铁厂", self.zhouzhuang, industry="metallurgy", employees=2300)
        self.mill = self.enterprise("新桥毛纺厂", self.xinqiao, industry="textile", employees=640)

    def _people(self) -> None:
        here, there = {"region": self.zhouzhuang.id}, {"region": self.xinqiao.id}
        drafts: list[Draft] = []

        def join(username: str, role: Role, **place: UUID) -> Person:
            person = self.person(username)
            drafts.append(Draft(person.id, role, timezone.localdate(self.at), **place))  # type: ignore[arg-type]
            return person

        self.liaison = join("liaison", Role.LIAISON, **here)
        self.other_liaison = join("liaison2", Role.LIAISON, **there)
        self.instructor = join("instructor", Role.INSTRUCTOR, enterprise=self.bakery.id)
        self.observer = join("observer", Role.OBSERVER, **here)
        self.station = join("station", Role.STATION_STAFF, **here)
        self.town = join("town", Role.TOWN_OFFICER, **here)
        self.hrss_handler = join("hrss", Role.HANDLER, department=self.hrss.id)
        self.emb_handler = join("embureau", Role.HANDLER, department=self.emb.id)
        self.edu_handler = join("education", Role.HANDLER, department=self.edu.id)
        self.office = join("office", Role.OFFICE)
        self.auditor = join("auditor", Role.AUDITOR)
        assignments.begin(drafts, by=SYSTEM, at=self.at)

    # --- more of everything ---------------------------------------------------------------------------------------

    def department(self, code: str) -> Department:
        return Department.objects.get(code=code)

    def enterprise(self, name: str, region: Region, **values: object) -> Enterprise:
        values = {"ownership": "private", "pilot_tier": "town"} | values
        return enterprises.create({"name": name, "region_id": region.id, **values}, by=SYSTEM, at=self.at)

    def person(self, username: str) -> Person:
        """Somebody new, with the password of all and no role."""
        values = {"username": username, "name": username.title()}
        return people.create(values, hashed=self.hashed, by=SYSTEM, at=self.at)

    def assign(self, person: Person, role: Role, **place: UUID) -> UUID:
        draft = Draft(person.id, role, timezone.localdate(), **place)  # type: ignore[arg-type]
        return assignments.begin([draft], by=SYSTEM, at=timezone.now())[0].id

    def publishes(self, *codes: str) -> World:
        """Put these questionnaires on every phone."""
        for code in codes:
            version = questionnaires.upload((FORMS / f"{code}.xlsx").read_bytes(), by=SYSTEM, at=self.at)
            questionnaires.publish(version.questionnaire_id, version.number, by=SYSTEM, at=self.at)
        return self

    # --- speaking to the server -----------------------------------------------------------------------------------

    def phone(self, *, of: Person) -> Phone:
        """A phone of this person, signed in, with everything pulled."""
        phone = Phone(self.http, of.username, PASSWORD)
        phone.sign_in().pull()
        return phone

    def caller(self, person: Person) -> Caller:
        """The person as verbs want to know them."""
        return caller(person.id, on=timezone.localdate())

    def clerk(self, person: Person) -> Line:
        """This person at a desk, over REST."""
        line = Line(self.http, person.username, PASSWORD)
        line.sign_in()
        return line

    @cached_property
    def stranger(self) -> Person:
        """Somebody with an account and without any role."""
        return self.person("stranger")

    def server(self, issue: str) -> Issue:
        """The issue as the server has it."""
        return Issue.objects.select_related("lead").get(pk=issue)
