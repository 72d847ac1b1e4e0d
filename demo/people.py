"""The people of the demo world: the ten accounts one signs in with, and everybody else who does the work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from core.actors import Actor
from core.texts import Text
from demo.dice import Dice
from demo.firms import Firm
from demo.names import Names
from demo.places import TOWNS
from organizations import assignments, people, reference
from organizations.models import Department
from organizations.permissions import Caller, caller
from organizations.roles import Role

HOME, NEXT_TOWN = TOWNS[0], TOWNS[1]
ACCOUNTS = {
    "liaison": Text("联络员(周庄镇)", "liaison of Zhouzhuang"),
    "liaison2": Text("联络员(新桥镇)", "liaison of Xinqiao, another town"),
    "instructor": Text("指导员(周庄镇三家试点企业)", "instructor of three pilot enterprises in Zhouzhuang"),
    "observer": Text("观察员(周庄镇)", "observer in Zhouzhuang"),
    "station": Text("指导站工作人员(周庄镇)", "staff of the guidance station in Zhouzhuang"),
    "hrss": Text("市人社局经办人", "handler of Human Resources and Social Security"),
    "embureau": Text("市应急管理局经办人", "handler of Emergency Management"),
    "town": Text("周庄镇经办人", "town officer of Zhouzhuang"),
    "office": Text("产改办", "reform office"),
    "auditor": Text("审计员", "auditor"),
}
"""The accounts people are told of; all have the demo password."""
NO_DEPARTMENT = {"TOWN"}
FIRMS_A_LIAISON, FIRMS_AN_INSTRUCTOR = 15, 3


@dataclass
class Cast:
    """Who is who: people by what they do, and the caller that each of them acts as."""

    since: date
    office: list[UUID] = field(default_factory=list)
    handlers: dict[str, UUID] = field(default_factory=dict)
    """By department code, and by region code for the officers of towns."""
    liaisons: dict[UUID, UUID] = field(default_factory=dict)
    instructors: dict[UUID, UUID] = field(default_factory=dict)
    """Both by enterprise."""
    observers: list[tuple[UUID, str]] = field(default_factory=list)
    stations: list[tuple[UUID, str]] = field(default_factory=list)
    """Both with their town's code."""
    _callers: dict[UUID, Caller] = field(default_factory=dict)

    def caller(self, person: UUID) -> Caller:
        """The person as a caller with their roles; assignments do not change in this world."""
        found = self._callers.get(person)
        if found is None:
            found = self._callers[person] = caller(person, on=self.since)
        return found


def gather(dice: Dice, firms: Sequence[Firm], *, hashed: str, by: Actor, at: datetime, since: date) -> Cast:
    """Enter everybody with their assignments. ``hashed`` is the demo password's hash, shared by all."""
    troupe = _Troupe(dice, hashed, by, at, since)
    troupe.join("office", Role.OFFICE)
    for number in (2, 3):
        troupe.join(f"office{number}", Role.OFFICE)
    troupe.join("auditor", Role.AUDITOR)
    troupe.departments()
    troupe.towns(firms)
    troupe.instructors(firms)
    for number, town in enumerate(TOWNS[:6], start=1):
        name = "observer" if number == 1 else f"observer{number}"
        person = troupe.join(name, Role.OBSERVER, region=troupe.regions[town.code])
        troupe.cast.observers.append((person, town.code))
    for number, town in enumerate(TOWNS[:4], start=1):
        name = "station" if number == 1 else f"station{number}"
        person = troupe.join(name, Role.STATION_STAFF, region=troupe.regions[town.code])
        troupe.cast.stations.append((person, town.code))
    assignments.begin(troupe.drafts, by=by, at=at)
    return troupe.cast


class _Troupe:
    """People being entered; their assignments are begun together at the end."""

    def __init__(self, dice: Dice, hashed: str, by: Actor, at: datetime, since: date) -> None:
        self.dice, self.names, self.hashed, self.by, self.at = dice, Names(dice), hashed, by, at
        self.cast = Cast(since)
        self.drafts: list[assignments.Draft] = []
        self.regions = reference.region_ids([town.code for town in TOWNS])

    def join(self, username: str, role: Role, *, home: UUID | None = None, **place: UUID) -> UUID:
        """A new person with one role over one place (none: the whole city)."""
        values = {
            "username": username,
            "name": self.names.person(),
            "phone": f"1{self.dice.randint(3, 9)}{self.dice.randint(0, 999_999_999):09d}",
            "department_id": home or place.get("department"),
        }
        person = people.create(values, hashed=self.hashed, by=self.by, at=self.at, key=self.dice.key(self.at))
        self.assign(person.id, role, **place)
        if role == Role.OFFICE:
            self.cast.office.append(person.id)
        return person.id

    def assign(self, person: UUID, role: Role, **place: UUID) -> None:
        places = {name: place.get(name) for name in ("enterprise", "region", "department")}
        key = self.dice.key(self.at)
        self.drafts.append(assignments.Draft(person, role, self.cast.since, None, **places, key=key))

    def departments(self) -> None:
        """One handler for every department; what reaches the office itself its own staff handle."""
        for code, key in Department.objects.order_by("code").values_list("code", "id"):
            if code in NO_DEPARTMENT:
                continue
            username = {"HRSS": "hrss", "EMB": "embureau"}.get(code, f"handler.{code.lower()}")
            self.cast.handlers[code] = self.join(username, Role.HANDLER, department=key)

    def towns(self, firms: Sequence[Firm]) -> None:
        """An officer for each town, and as many liaisons as its enterprises need."""
        inside = defaultdict(list)
        for firm in firms:
            inside[firm.town.code].append(firm)
        for town in TOWNS:
            region = self.regions[town.code]
            officer = "town" if town is HOME else f"town.{town.slug}"
            self.cast.handlers[town.code] = self.join(officer, Role.TOWN_OFFICER, region=region)
            first = {HOME.code: "liaison", NEXT_TOWN.code: "liaison2"}.get(town.code, f"liaison.{town.slug}")
            here = inside[town.code]
            if len(here) <= FIRMS_A_LIAISON:
                person = self.join(first, Role.LIAISON, region=region)
                self.cast.liaisons |= {firm.id: person for firm in here}
                continue
            for start in range(0, len(here), FIRMS_A_LIAISON):
                username = first if not start else f"liaison.{town.slug}.{start // FIRMS_A_LIAISON + 1}"
                self.share(username, Role.LIAISON, here[start : start + FIRMS_A_LIAISON], self.cast.liaisons)

    def share(self, username: str, role: Role, firms: Sequence[Firm], book: dict[UUID, UUID]) -> None:
        """A person who looks after some enterprises one by one."""
        person = self.join(username, role, enterprise=firms[0].id)
        for firm in firms[1:]:
            self.assign(person, role, enterprise=firm.id)
        book.update({firm.id: person for firm in firms})

    def instructors(self, firms: Sequence[Firm]) -> None:
        """Three pilot enterprises each, beginning with those of the liaison's town."""
        pilots = [firm for firm in firms if firm.tier]
        pilots.sort(key=lambda firm: TOWNS.index(firm.town))
        for number, start in enumerate(range(0, len(pilots), FIRMS_AN_INSTRUCTOR), start=1):
            username = "instructor" if number == 1 else f"instructor{number}"
            group = pilots[start : start + FIRMS_AN_INSTRUCTOR]
            self.share(username, Role.INSTRUCTOR, group, self.cast.instructors)
