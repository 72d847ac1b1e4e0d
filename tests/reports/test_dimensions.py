"""Scores by dimension: means that nobody can be told from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.ids import uuid7
from core.problems import Invalid
from organizations.models import Enterprise
from reports import dimensions
from reports.groups import WHOLE_CITY
from reports.periods import read
from surveys.models import Questionnaire, Response
from tests.inspections.cast import World

OCTOBER = read("2026-10")


@pytest.fixture
def form(world: World) -> Questionnaire:
    return Questionnaire.objects.create(code="worker_satisfaction", title="满意度", created_at=world.now)


def answer(world: World, form: Questionnaire, place: Enterprise, score: float, *, times: int = 1, **more: Any) -> None:
    at = OCTOBER.start
    for _ in range(times):
        Response.objects.create(
            id=uuid7(), enterprise=place, questionnaire=form, version=1, answers={}, started_at=at, received_at=at,
            **({"status": "submitted", "scores": {"rights": score}} | more),
        )  # fmt: skip


def asked(world: World, group_by: str = "region") -> dimensions.Scores:
    return dimensions.scores("worker_satisfaction", OCTOBER, group_by, sight=WHOLE_CITY, at=world.now)


def test_a_town_has_the_mean_of_its_answers(world: World, form: Questionnaire) -> None:
    answer(world, form, world.bakery, 70, times=3)
    answer(world, form, world.bakery, 75.5, times=3)
    answer(world, form, world.bakery, 1, times=9, status="draft")

    ((_, name, told),) = asked(world).rows

    assert name == "华士镇"
    assert told is not None
    assert (told["rights"].mean, told["rights"].answers) == (Decimal("72.75"), 6)


def test_a_group_under_five_is_hidden_and_cannot_be_worked_out(world: World, form: Questionnaire) -> None:
    """The shipyard's seven are told by themselves elsewhere, so the total must not be seven and the bakery's four."""
    answer(world, form, world.bakery, 70, times=4)
    answer(world, form, world.shipyard, 90, times=7)

    scores = asked(world)

    assert [told and told["rights"].answers for _, _, told in scores.rows] == [None, 7]
    assert scores.total is not None
    assert scores.total["rights"].answers == 7
    assert [row["suppressed"] for row in scores.document()["rows"]] == [True, False]
    assert scores.table().document("en")["rows"][0]["rights.mean"] is None


def test_small_enterprises_are_counted_together_when_they_hide_each_other(world: World, form: Questionnaire) -> None:
    beside = Enterprise.objects.create(id=uuid7(), name="隔壁", region=world.bakery.region, industrial_park="园")
    answer(world, form, world.bakery, 70, times=4)
    answer(world, form, beside, 90, times=1)

    ((_, _, told),) = asked(world).rows

    assert told is not None
    assert (told["rights"].mean, told["rights"].answers) == (Decimal("74.00"), 5)
    assert [told for _, _, told in asked(world, "park").rows] == [None, None]


def test_a_dimension_that_few_answered_is_hidden_on_its_own(world: World, form: Questionnaire) -> None:
    answer(world, form, world.bakery, 70, times=6)
    answer(world, form, world.bakery, 70, times=3, scores={"quality": 50})

    ((_, _, told),) = asked(world).rows

    assert told is not None
    assert set(told) == {"rights"}


def test_nobody_is_shown_alone(world: World, form: Questionnaire) -> None:
    answer(world, form, world.bakery, 70, times=4)

    assert asked(world).total is None
    with pytest.raises(Invalid):
        asked(world, "field_member")


def test_a_questionnaire_that_is_not_there_is_told(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        asked(world)
    assert [fault.pointer for fault in refusal.value.errors] == ["/questionnaire"]
