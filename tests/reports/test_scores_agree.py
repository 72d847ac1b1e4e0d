"""Random schemes over random worlds: scores, places and grades agree with a simple computation in fractions."""

from __future__ import annotations

import os
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any

import pytest

from core.actors import SYSTEM
from reports import assessing, assessment, figures, groups, schemes
from reports.assessment import Assessed, Entry, Unit
from reports.indicators import INDICATORS, for_group
from reports.periods import Period, read
from tests.reports import plainly, plainscores, worlds
from tests.reports.plainscores import Score

WORLDS = int(os.environ.get("WORLDS", "12"))
PERIODS = ("2026-06", "2026-Q2", "2026-W30", "2026", "2026-05-10..2026-07-03", "2026-08")
GROUPED = ("department", "region", "field_member", "park", "category")
NO_DATA = ("renormalise", "full_marks", "leave_out")


def number(chance: Random, most: int) -> str:
    """An amount as a scheme writes it: whole, halves, or at two decimals."""
    return str(Decimal(chance.randrange(most * 100 + 1)) / chance.choice([1, 50, 100]) % most)


def a_scheme(chance: Random, group_by: str) -> dict[str, Any]:
    """A scheme of some items of every kind; the first carries a full mark, for one must."""
    items = [an_item(chance, group_by, n) for n in range(chance.randrange(1, 9))]
    if all(item["method"]["kind"] in ("bonus_each", "veto") or Decimal(item["full_mark"]) == 0 for item in items):
        items[0] |= {"full_mark": "25", "method": {"kind": "manual"}}
    title = {"zh": "方案", "en": "Scheme"}
    return {
        "code": "random", "title": title, "group_by": group_by, "items": items, "rank_small": chance.random() < 0.4,
    }  # fmt: skip


def an_item(chance: Random, group_by: str, place: int) -> dict[str, Any]:
    keys = [one.key for one in for_group(group_by)]
    full = number(chance, 40) if chance.random() < 0.8 else "0"
    kind = chance.choice(["linear_threshold"] * 4 + ["tier"] * 2 + ["deduct_each", "bonus_each", "manual", "veto"])
    method: dict[str, Any] = {"kind": kind}
    if kind == "linear_threshold":
        method |= {"target": number(chance, 100), "per_point": number(chance, 3)}
        method |= {"floor": number(chance, 10)} if chance.random() < 0.4 else {}
    elif kind == "tier":
        limits = chance.sample(range(101), chance.randrange(1, 5))
        marks = [str(min(Decimal(full), Decimal(number(chance, 40)))) for _ in limits]
        method["steps"] = [{"at_least": limit, "points": mark} for limit, mark in zip(limits, marks, strict=True)]
    elif kind in ("deduct_each", "bonus_each"):
        method["points"] = number(chance, 5)
        if kind == "bonus_each" or chance.random() < 0.5:
            method["cap"] = number(chance, 10)
    elif kind == "veto":
        capped = chance.random() < 0.5
        method |= {"effect": "cap_grade", "grade": chance.choice(plainscores.GRADES)} if capped else {"effect": "zero"}
    needed = kind in ("linear_threshold", "tier") or (
        kind in ("deduct_each", "bonus_each", "veto") and chance.random() < 0.5
    )
    return {
        "code": f"item{place}", "title": {"zh": f"第{place}项", "en": f"Item {place}"}, "full_mark": full, "method": method,
        "weight": chance.choice(["1", "1", "2", "0.35"]), "no_data": chance.choice(NO_DATA),
    } | ({"indicator": chance.choice(keys)} if needed else {})  # fmt: skip


def entries(chance: Random, document: dict[str, Any]) -> dict[str, list[str]]:
    """What the office entered for one unit, by item."""
    found: dict[str, list[str]] = {}
    for item in document["items"]:
        if item["method"]["kind"] not in assessment.ENTERED:
            continue
        for _ in range(chance.choice([0, 0, 1, 2])):
            value = Decimal(number(chance, 4))
            if item["method"]["kind"] == "manual":
                value = min(value * 10, Decimal(item["full_mark"]))
            found.setdefault(item["code"], []).append(str(value))
    return found


def agree(got: Assessed, wanted: Score, where: str) -> None:
    for scored in got.items:
        points = wanted.points[scored.item.code]
        assert (scored.mark.points is None) == (points is None), f"{where}: {scored.item}"
        assert points is None or Fraction(scored.mark.points or 0) == points, f"{where}: {scored.item}"
    assert (None if got.total is None else Fraction(got.total)) == wanted.total, f"{where}: {got.sentence}"
    assert (got.rank, got.grade) == (wanted.rank, wanted.grade), where
    flags = {"too_small": wanted.small, "veto": wanted.vetoed, "left_out": wanted.left_out}
    assert set(got.flags) == {name for name, raised in flags.items() if raised}, where


def test_scores_of_random_numbers_agree_with_fractions() -> None:
    chance, ranked = Random(20260831), 0
    for turn in range(400):
        document = a_scheme(chance, "region")
        counted = {code: some_figures(chance) for code in "ABCDE"}
        entered = {code: entries(chance, document) for code in "ABCDE"}
        units = [
            Unit(
                code, code,
                {key: figures.figure(key, *pair) for key, pair in told.items()},
                {item: [Entry(Decimal(one), "…", ("x",)) for one in some] for item, some in entered[code].items()},
            )
            for code, told in counted.items()
        ]  # fmt: skip
        wanted = plainscores.assess(document, {code: (counted[code], fractions(entered[code])) for code in counted})
        for got in assessment.assess(assessment.read_scheme(document), units):
            agree(got, wanted[got.unit.code], f"turn {turn}, {got.unit.code}")
            ranked += got.rank is not None
    assert ranked > 300


def some_figures(chance: Random) -> dict[str, tuple[int, int | None]]:
    told: dict[str, tuple[int, int | None]] = {}
    for key, one in INDICATORS.items():
        denominator = chance.choice([0, 3, 4, 5, 6, 8, 400, 29186])
        told[key] = (
            (chance.randrange(4), None) if one.denominator is None else (chance.randrange(denominator + 1), denominator)
        )
    return told


def fractions(entered: dict[str, list[str]]) -> dict[str, list[Fraction]]:
    return {item: [Fraction(one) for one in some] for item, some in entered.items()}


@pytest.mark.parametrize("seed", range(WORLDS))
def test_scores_of_random_worlds_agree_with_a_simple_count(db: None, seed: int) -> None:
    worlds.settle()
    period, group_by = read(PERIODS[seed % len(PERIODS)]), GROUPED[seed % len(GROUPED)]
    world = worlds.World(seed + 9000, period, issues=40)
    document = a_scheme(world.random, group_by)
    scheme = schemes.draft(document, by=SYSTEM, at=worlds.NOW)
    units = counted(period, group_by)
    entered = {code: entries(world.random, document) for code in sorted([*units, *silent(group_by)])}
    for unit, told in entered.items():
        for item, some in told.items():
            for second, value in enumerate(some):
                schemes.enter(
                    scheme, item=item, unit=unit, period=period, value=value, reason="…", evidence=["x"],
                    by=SYSTEM, at=worlds.NOW + timedelta(seconds=second),
                )  # fmt: skip
    wanted = plainscores.assess(
        document,
        {code: (units.get(code, {}), fractions(told)) for code, told in entered.items() if code in units or told},
    )

    got = assessing.run(scheme, period, at=worlds.NOW).assessed

    assert {one.unit.code for one in got} == set(wanted)
    for one in got:
        agree(one, wanted[one.unit.code], f"seed {seed}, {one.unit.code}")


def silent(group_by: str) -> list[str]:
    """Units that no record of a world is about, but the office may have something to enter for."""
    return {"department": ["TAX"], "region": ["320281110"]}.get(group_by, [])


def counted(period: Period, group_by: str) -> dict[str, plainscores.Counted]:
    """The plain count by code of unit, of units that any record is about."""
    found = plainly.of_issues(period, worlds.NOW, group_by)
    if group_by in INDICATORS["visit_coverage"].groups:
        for key, told in plainly.Field(period, worlds.NOW).measured(group_by).items():
            found.setdefault(key, {}).update(told)
    names = groups.named(group_by, set(found) - {"*"}, "zh-Hans")
    return {
        str(names[key][0]): told
        for key, told in found.items()
        if key != "*" and names[key][0] is not None and any(n or d for n, d in told.values())
    }
