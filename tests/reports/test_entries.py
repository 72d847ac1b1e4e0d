"""What the office enters by hand: in which periods and versions it counts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from reports import assessing, schemes, snapshots
from reports.assessment import Assessed
from reports.models import Scheme
from reports.periods import read
from tests.inspections.cast import World


@pytest.fixture
def department(world: World) -> Scheme:
    world.on("2026-11-02T09:00").replied()
    world.on("2027-01-04T09:00")
    return schemes.load_defaults(by=world.caller("office"), at=world.now)[0]


def enter(world: World, scheme: Scheme, item: str, value: Any = 1, period: str = "2026-11", **more: Any) -> None:
    schemes.enter(
        scheme, item=item, unit="HRSS", period=read(period), value=value, reason="现场会", evidence=["文件1号"],
        by=world.caller("office"), at=world.now, **more,
    )  # fmt: skip


def assessed(world: World, scheme: Scheme, period: str) -> Assessed:
    made = assessing.run(scheme, read(period), at=world.now)
    return next(one for one in made.assessed if one.unit.code == "HRSS")


def points(world: World, scheme: Scheme, item: str, period: str) -> Decimal | None:
    return next(one for one in assessed(world, scheme, period).items if one.item.code == item).mark.points


def test_a_veto_of_a_month_reaches_its_quarter_and_year(world: World, department: Scheme) -> None:
    enter(world, department, "falsification")

    for period in ("2026-11", "2026-Q4", "2026", "2026-10-15..2026-12-15"):
        assert "veto" in assessed(world, department, period).flags, period
    for period in ("2026-10", "2026-12", "2026-11-10..2026-12-15"):
        made = assessing.run(department, read(period), at=world.now).assessed
        assert not any("veto" in one.flags for one in made), period


def test_the_bonuses_of_three_months_count_once_each_and_within_the_cap(world: World, department: Scheme) -> None:
    for month in ("2026-10", "2026-11"):
        enter(world, department, "bonus", 2, month)
    assert points(world, department, "bonus", "2026-Q4") == 4

    enter(world, department, "bonus", 3, "2026-12")

    assert points(world, department, "bonus", "2026-11") == 2
    assert points(world, department, "bonus", "2026-Q4") == points(world, department, "bonus", "2026") == 5


def test_a_mark_is_of_its_own_period(world: World, department: Scheme) -> None:
    enter(world, department, "reply_quality", 2)

    assert points(world, department, "reply_quality", "2026-11") == 2
    assert points(world, department, "reply_quality", "2026-Q4") == 5, "full marks where none was given"


def test_what_makes_good_a_frozen_month_does_not_count_again_in_the_quarter(world: World, department: Scheme) -> None:
    office = world.caller("office")
    october = snapshots.take(read("2026-10"), "department", scheme=department, by=office, at=world.now)
    frozen = snapshots.freeze(october, early="市委要求", by=office, at=world.now)
    enter(world, department, "bonus", 1, corrects=frozen)

    assert points(world, department, "bonus", "2026-11") == 1
    assert not points(world, department, "bonus", "2026-Q4")


def test_an_entry_is_a_fact_that_every_version_counts(world: World, department: Scheme) -> None:
    document = {"code": "department", "title": {"zh": "新方案", "en": "New"}, "group_by": "department"}
    second = schemes.draft(document | {"items": department.items}, by=world.caller("office"), at=world.now)
    enter(world, second, "falsification")

    assert "veto" in assessed(world, second, "2026-11").flags
    assert "veto" in assessed(world, department, "2026-11").flags
