from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Conflict, Forbidden, Invalid, NotFound
from inspections import visits
from inspections.models import Visit, VisitPlan
from journal.models import Head
from tests.inspections.cast import World

GATE = {"lat": 31.8354, "lon": 120.4716, "crs": "wgs84", "accuracy_m": 12.5, "provider": "gps", "mock": False}


def draft(world: World, **changes: Any) -> Draft:
    told: dict[str, Any] = {
        "enterprise": str(world.bakery.id),
        "mode": "on_site",
        "started_at": "2026-11-16T08:40:00+08:00",
        "status": "draft",
    }
    return Draft(uuid7(), {k: v for k, v in (told | changes).items() if v is not ...})


def put(world: World, who: str, *drafts: Draft) -> list[Any]:
    return list(visits.put(drafts, by=world.caller(who), at=world.now))


def test_a_visit_is_begun_edited_submitted_and_then_fixed(world: World) -> None:
    begun = draft(
        world, check_in=GATE | {"at": "2026-11-16T08:41:00+08:00"}, participants=[str(world.people["colleague"].id)]
    )
    (visit,) = put(world, "liaison", begun)
    assert (visit.status, visit.author_id) == ("draft", world.people["liaison"].id)
    done = Draft(begun.id, {"summary": "与工会主席座谈", "status": "submitted"}, new=False)
    (submitted,) = put(world, "colleague", done)
    assert submitted.submitted_at == world.now
    (late,) = put(world, "liaison", done)

    assert isinstance(late, Conflict)
    head = Head.objects.get(record=begun.id)
    assert head.scope.name == f"enterprise:{world.bakery.id}"
    assert '"mode":"on_site"' in head.document


def test_how_far_the_phone_was_is_measured_whatever_the_datum(world: World) -> None:
    world.bakery.location = {"lat": 31.8354, "lon": 120.4716, "crs": "wgs84"}
    world.bakery.save()
    shifted = {"lat": 31.8332, "lon": 120.4761, "crs": "gcj02"}
    here, there = put(world, "liaison", draft(world, check_in=GATE), draft(world, check_in=shifted))

    assert here.distance_m < 1
    assert there.distance_m < 60


def test_a_planned_visit_is_done_when_it_is_submitted(world: World) -> None:
    (plan,) = visits.plan(
        [VisitPlan(enterprise=world.bakery, questionnaire="pilot_visit", due_from=date(2026, 11, 1), due_to=date(2026, 11, 30))],
        by=world.caller("office"), at=world.now,
    )  # fmt: skip
    put(world, "liaison", draft(world, visit_plan=str(plan.id), status="submitted"))

    assert VisitPlan.objects.get().state == "done"
    assert '"state":"done"' in Head.objects.get(record=plan.id).document


def test_what_an_observer_saw_is_the_observers_until_the_office_reads_it(world: World) -> None:
    seen = draft(world)
    put(world, "observer", seen)

    assert Head.objects.get(record=seen.id).scope.name == f"user:{world.people['observer'].id}"
    assert not visits.visible(world.caller("liaison")).exists()
    assert visits.visible(world.caller("observer")).exists()
    assert visits.visible(world.caller("office")).exists()
    (tried,) = put(world, "liaison", Draft(seen.id, {"summary": "?"}, new=False))
    assert isinstance(tried, NotFound)


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"mode": "by_boat"}, {"/mode": "not-a-choice"}),
        ({"mode": ...}, {"/mode": "required"}),
        ({"started_at": 7}, {"/started_at": "type"}),
        ({"started_at": "1026-11-16T08:40:00+08:00"}, {"/started_at": "out-of-range"}),
        ({"ended_at": "2026-11-16T08:00:00+08:00"}, {"/ended_at": "before-start"}),
        ({"participants": ["x"]}, {"/participants/0": "type"}),
        ({"participants": ["0197f0c1-0000-7000-8000-000000000000"]}, {"/participants/0": "unknown"}),
        ({"visit_plan": "0197f0c1-0000-7000-8000-000000000000"}, {"/visit_plan": "unknown"}),
        ({"check_in": GATE | {"lat": 91}}, {"/check_in/lat": "out-of-range"}),
        ({"check_in": GATE | {"crs": "mars"}}, {"/check_in/crs": "not-a-choice"}),
        ({"check_in": GATE | {"speed": 3}}, {"/check_in/speed": "unknown-field"}),
        ({"check_in": {"lat": 31}}, {"/check_in/lon": "required"}),
        ({"summary": "坏\0字"}, {"/summary": "bad-character"}),
        ({"author": "me"}, {"/author": "unknown-field"}),
        ({"status": "accepted"}, {"/status": "not-a-choice"}),
    ],
)
def test_what_is_wrong_with_a_visit_is_named(world: World, changes: dict[str, Any], faults: dict[str, str]) -> None:
    (outcome,) = put(world, "liaison", draft(world, **changes))

    assert isinstance(outcome, Invalid)
    assert {fault.pointer: fault.code for fault in outcome.errors} == faults


@pytest.mark.parametrize("who", ["liaison2", "hrss", "town", "office", "auditor"])
def test_nobody_visits_where_they_are_not_assigned(world: World, who: str) -> None:
    (outcome,) = put(world, who, draft(world))

    assert isinstance(outcome, Forbidden)


def test_own_drafts_are_deleted_and_nothing_else(world: World) -> None:
    mine, submitted = draft(world), draft(world, status="submitted")
    put(world, "liaison", mine, submitted)
    strange = visits.delete([Draft(mine.id)], by=world.caller("colleague"), at=world.now)
    outcomes = visits.delete(
        [Draft(mine.id), Draft(submitted.id), Draft(uuid7())], by=world.caller("liaison"), at=world.now
    )

    assert isinstance(strange[0], Forbidden)
    assert [type(outcome) for outcome in outcomes] == [Visit, Forbidden, NotFound]
    assert Visit.objects.get().id == submitted.id
    assert Head.objects.get(record=mine.id).deleted


def test_a_draft_that_an_issue_was_reported_from_stays(world: World) -> None:
    mine, other = draft(world), draft(world)
    put(world, "liaison", mine, other)
    world.reports(visit=str(mine.id))

    outcomes = visits.delete([Draft(mine.id), Draft(other.id)], by=world.caller("liaison"), at=world.now)

    assert [type(outcome) for outcome in outcomes] == [Forbidden, Visit]
    assert Visit.objects.get().id == mine.id


def test_a_visit_that_does_not_say_so_is_a_draft(world: World) -> None:
    begun = draft(world, status=...)
    (visit,) = put(world, "liaison", begun)
    (emptied,) = put(world, "liaison", Draft(begun.id, {"status": None}, new=False))
    put(world, "liaison", Draft(begun.id, {"status": "submitted"}, new=False))
    (kept,) = Visit.objects.all()

    assert visit.status == "draft"
    assert [(fault.pointer, fault.code) for fault in emptied.errors] == [("/status", "required")]
    assert kept.status == "submitted"


def test_a_review_sends_a_visit_back_to_be_mended(world: World) -> None:
    sent = draft(world, status="submitted")
    put(world, "liaison", sent)
    with pytest.raises(Invalid):
        visits.review(sent.id, accept=False, by=world.caller("office"), at=world.now)
    visits.review(sent.id, accept=False, comment="缺签到", by=world.caller("office"), at=world.now)
    (mended,) = put(world, "liaison", Draft(sent.id, {"check_in": GATE, "status": "submitted"}, new=False))

    assert mended.status == "submitted"
    assert visits.review(sent.id, accept=True, by=world.caller("office"), at=world.now).status == "accepted"
    with pytest.raises(Forbidden):
        visits.review(sent.id, accept=True, by=world.caller("liaison"), at=world.now)


def test_the_number_of_queries_does_not_grow_with_the_set(world: World) -> None:
    def queries(size: int) -> int:
        drafts = [draft(world, check_in=GATE, participants=[str(world.people["liaison"].id)]) for _ in range(size)]
        with CaptureQueriesContext(connection) as found:
            assert all(isinstance(outcome, Visit) for outcome in put(world, "liaison", *drafts))
        return len(found)

    queries(1)
    assert queries(2) == queries(80)


def test_the_demo_may_lay_down_a_plan_by_itself(world: World) -> None:
    plan = VisitPlan(enterprise=world.bakery, due_from=date(2026, 11, 2), due_to=date(2026, 11, 1))
    with pytest.raises(Invalid):
        visits.plan([plan], by=SYSTEM, at=world.now)
