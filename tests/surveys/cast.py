"""The people and places of these tests: two towns, a bakery and a mill, those who look after them, and the office."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import stable, uuid7
from organizations.models import Assignment, Enterprise, Person, Region
from organizations.permissions import Caller, caller
from surveys import questionnaires
from surveys.models import Version

AT = datetime(2026, 11, 22, 10, 0, tzinfo=timezone(timedelta(hours=8)))
TODAY = AT.date()
FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"


@dataclass
class Cast:
    bakery: Enterprise
    mill: Enterprise
    liaison: Caller
    stranger: Caller
    observer: Caller
    office: Caller


def cast() -> Cast:
    regions = [_region("320281106", "周庄镇"), _region("320281105", "华士镇")]
    bakery = Enterprise.objects.create(name="周庄面包厂", region=regions[0])
    mill = Enterprise.objects.create(name="华士纺织厂", region=regions[1])
    return Cast(
        bakery, mill,
        liaison=_person("liaison", enterprise=bakery), stranger=_person("liaison", enterprise=mill),
        observer=_person("observer", enterprise=bakery), office=_person("office"),
    )  # fmt: skip


def _region(code: str, name: str) -> Region:
    return Region.objects.create(id=stable("regions", code), code=code, name=name, kind="town")


def _person(role: str, **place: Any) -> Caller:
    person = Person.objects.create(username=f"{role}-{uuid7().hex}", name=role)
    Assignment.objects.create(person=person, role=role, starts_on=date(2026, 1, 1), **place)
    return caller(person.id, on=TODAY, device=uuid7())


def published(code: str) -> Version:
    version = questionnaires.upload((FORMS / f"{code}.xlsx").read_bytes(), by=SYSTEM, at=AT)
    return questionnaires.publish(code, version.number, by=SYSTEM, at=AT)


def draft(
    enterprise: UUID, code: str, answers: Any, *, status: str = "submitted", version: int = 1, **more: Any
) -> Draft:
    changes = {
        "enterprise": str(enterprise), "questionnaire": code, "version": version, "answers": answers, "status": status,
        "started_at": "2026-11-22T08:40:00+08:00", **more,
    }  # fmt: skip
    return Draft(uuid7(), changes)
