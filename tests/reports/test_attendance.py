"""A visit counts when it and a form of it are there, in whichever order they came and whatever becomes of them."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Problem
from inspections import copies, visits
from inspections.models import Segment, Visit
from organizations.models import Person
from reports import supervision
from reports.groups import WHOLE_CITY
from reports.periods import read
from surveys import questionnaires, responses
from surveys.models import Attendance, Response
from surveys.samples import sample
from tests.inspections.cast import World
from tests.surveys.cast import FORMS

ANSWERS = sample("visit", Random(1), date(2026, 11, 16))
GATE = {"lat": 31.9, "lon": 120.3, "crs": "wgs84"}


def publish(world: World) -> None:
    version = questionnaires.upload((FORMS / "visit.xlsx").read_bytes(), by=SYSTEM, at=world.now)
    questionnaires.publish("visit", version.number, by=SYSTEM, at=world.now)


@pytest.fixture
def world(world: World) -> World:
    publish(world)
    return world


def visit(world: World, who: str = "liaison", **changes: Any) -> UUID:
    told = {
        "enterprise": str(world.bakery.id), "mode": "on_site", "started_at": world.now.isoformat(), "check_in": GATE,
        "status": "submitted", **changes,
    }  # fmt: skip
    return put(world, who, Draft(uuid7(), told))


def put(world: World, who: str, draft: Draft) -> UUID:
    (outcome,) = visits.put([draft], by=world.caller(who), at=world.now)
    assert isinstance(outcome, Visit), outcome
    return draft.id


def edit(world: World, who: str, one: UUID, **changes: Any) -> None:
    put(world, who, Draft(one, changes, new=False))


def form(world: World, of: UUID | None, who: str = "liaison", *, status: str = "submitted") -> UUID:
    told = {
        "enterprise": str(world.bakery.id), "visit": str(of) if of else None, "questionnaire": "visit", "version": 1,
        "answers": ANSWERS, "status": status, "started_at": world.now.isoformat(),
    }  # fmt: skip
    draft = Draft(uuid7(), told)
    (outcome,) = responses.put([draft], by=world.caller(who), at=world.now)
    assert isinstance(outcome, Response), outcome
    return draft.id


def finish(world: World, one: UUID, who: str = "liaison") -> None:
    (outcome,) = responses.put([Draft(one, {"status": "submitted"}, new=False)], by=world.caller(who), at=world.now)
    assert isinstance(outcome, Response), outcome


def send_back(world: World, *, visit: UUID | None = None, form: UUID | None = None) -> None:
    office = world.caller("office")
    if visit is not None:
        visits.review(visit, accept=False, comment="?", by=office, at=world.now)
    if form is not None:
        responses.review(form, accept=False, comment="?", by=office, at=world.now)


def counted(world: World) -> set[str]:
    """Who is counted for a visit this month; what is written down holds against visits and forms."""
    assert list(copies.check()) == []
    report = supervision.report(read("2026-11"), "field_member", sight=WHOLE_CITY, at=world.now + timedelta(minutes=1))
    names = {str(one.pk): one.name for one in Person.objects.all()}
    return {names[row.code or ""] for row in report.rows if row.figures["visits_per_member"].numerator}


def test_a_visit_counts_from_its_first_form_on(world: World) -> None:
    went = visit(world)
    assert counted(world) == set()
    begun = form(world, went, status="draft")
    assert counted(world) == set()
    finish(world, begun)
    assert counted(world) == {"liaison"}
    form(world, went)
    assert counted(world) == {"liaison"}
    assert Attendance.objects.count() == 1


def test_a_form_may_come_before_its_visit_is_submitted(world: World) -> None:
    went = visit(world, status="draft", participants=[str(world.people["colleague"].id)])
    form(world, went)
    assert counted(world) == set()
    edit(world, "liaison", went, status="submitted")
    assert counted(world) == {"liaison", "colleague"}


def test_a_visit_that_is_sent_back_counts_again_as_it_comes_back(world: World) -> None:
    went = visit(world, participants=[str(world.people["colleague"].id)])
    form(world, went)
    send_back(world, visit=went)
    assert counted(world) == set()
    edit(world, "liaison", went, status="submitted", participants=[str(world.people["observer"].id)])
    assert counted(world) == {"liaison", "observer"}
    visits.review(went, accept=True, by=world.caller("office"), at=world.now)
    assert counted(world) == {"liaison", "observer"}


def test_a_form_that_is_sent_back_takes_its_visit_along_unless_there_is_another(world: World) -> None:
    went = visit(world)
    first, second = form(world, went), form(world, went)
    send_back(world, form=first)
    assert counted(world) == {"liaison"}
    send_back(world, form=second)
    assert counted(world) == set()
    finish(world, first)
    assert counted(world) == {"liaison"}


@pytest.mark.parametrize(
    "changes", [{"mode": "phone"}, {"check_in": None}, {"started_at": "2026-11-18T09:00:00+08:00"}]
)
def test_what_is_no_valid_visit_does_not_become_one_by_a_form(world: World, changes: dict[str, Any]) -> None:
    went = visit(world, **changes)
    form(world, went)
    assert counted(world.later(days=3)) == set()
    send_back(world, visit=went)
    edit(
        world,
        "liaison",
        went,
        mode="on_site",
        check_in=GATE,
        started_at="2026-11-16T08:00:00+08:00",
        status="submitted",
    )
    assert counted(world) == {"liaison"}


def test_a_form_outlives_the_draft_of_its_visit(world: World) -> None:
    went = visit(world, status="draft")
    begun = form(world, went, status="draft")
    visits.delete([Draft(went, {}, new=False)], by=world.caller("liaison"), at=world.now)
    finish(world, begun)
    assert counted(world) == set()


def test_nobody_makes_a_visit_count_by_a_form_of_another_place(world: World) -> None:
    went = visit(world)
    told = {"enterprise": str(world.shipyard.id), "visit": str(went), "questionnaire": "visit", "version": 1,
            "answers": ANSWERS, "status": "submitted", "started_at": world.now.isoformat()}  # fmt: skip
    (outcome,) = responses.put([Draft(uuid7(), told)], by=world.caller("liaison2"), at=world.now)
    assert isinstance(outcome, Problem)
    assert counted(world) == set()


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_done_in_whatever_order_what_is_written_down_holds(world: World, seed: int) -> None:
    chance = Random(seed)
    went: list[UUID] = []
    forms: list[UUID] = []

    def attempt(deed: Any, *args: Any, **more: Any) -> Any:
        try:
            return deed(*args, **more)
        except (Problem, AssertionError):  # refused, as it may be of a record in the wrong state
            return None

    for _ in range(60):
        world.later(minutes=chance.choice([1, 30, 2000]))
        who = chance.choice(["liaison", "colleague"])
        others = chance.sample([str(one.id) for one in world.people.values()], chance.randrange(3))
        match chance.choice(
            ["visit", "form", "form", "edit", "finish", "back", "form back"] if went and forms else ["visit", "form"]
        ):
            case "visit":
                begun = world.now + timedelta(hours=chance.choice([0, 0, 0, -40, 30]))
                told = {
                    "status": chance.choice(["draft", "submitted"]),
                    "participants": others,
                    "started_at": begun.isoformat(),
                }
                went.append(visit(world, who, mode=chance.choice(["on_site", "on_site", "phone"]), **told))
            case "form":
                forms.append(
                    form(world, chance.choice([*went, None]), who, status=chance.choice(["draft", "submitted"]))
                )
            case "edit":
                attempt(edit, world, who, chance.choice(went), participants=others, status="submitted")
            case "finish":
                attempt(finish, world, chance.choice(forms), who)
            case "back":
                attempt(send_back, world, visit=chance.choice(went))
            case "form back":
                attempt(send_back, world, form=chance.choice(forms))
        assert list(copies.check()) == []
    assert Attendance.objects.exists()


def test_what_does_not_hold_is_found_and_mended(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    form(world, visit(world))
    spoiled = visit(world, "colleague")
    form(world, spoiled, "colleague")
    Attendance.objects.filter(visit=spoiled).delete()
    Attendance.objects.create(visit=uuid7(), person=uuid7(), enterprise=world.bakery.id, began=world.now)
    world.reports()
    Segment.objects.update(region=None, reporter=None)

    assert sorted(one.kind for one in copies.check()) == ["attendance", "attendance", "segment"]
    with pytest.raises(CommandError, match="findings"):
        call_command("feed", "check")
    assert f"attendance visits/{spoiled}: expected 1 0" in capsys.readouterr().out
    assert copies.mend(since=world.now - timedelta(days=1)) == 2, "the worker's round leaves what is long past"
    assert [one.found for one in copies.check()] == ["of no visit"]
    assert copies.mend() == 1
    assert counted(world) == {"liaison", "colleague"}
    assert copies.mend(since=world.now - timedelta(days=1)) == 0
