"""Random worlds: the set-wise figures agree with a simple count, the ids with the numbers, the total with its parts."""

from __future__ import annotations

import os
from typing import Any

import pytest

from reports import evidence, groups, supervision
from reports.groups import WHOLE_CITY
from reports.indicators import GROUPS, INDICATORS, for_group
from reports.measures import Window
from reports.periods import Period, read
from surveys.models import Response
from tests.reports import plainly, worlds

WORLDS = int(os.environ.get("WORLDS", "12"))
PERIODS = ("2026-06", "2026-Q2", "2026-W30", "2026", "2026-05-10..2026-07-03", "2026-08")
COUNTED_OTHERWISE = {"handling_days", "visit_completion", "visits_per_member", "policy_awareness"}
"""Numerators that are sums over records and not their number."""


@pytest.fixture
def ground(db: None) -> None:
    worlds.settle()


def code_of(group_by: str, keys: set[Any]) -> dict[Any, str | None]:
    return {key: code for key, (code, _) in groups.named(group_by, keys, "zh-Hans").items()}


def plain(period: Period, group_by: str) -> dict[Any, plainly.Counted]:
    found = plainly.of_issues(period, worlds.NOW, group_by)
    if group_by in INDICATORS["visit_coverage"].groups:
        for key, told in plainly.Field(period, worlds.NOW).measured(group_by).items():
            found.setdefault(key, {}).update(told)
    return found


@pytest.mark.parametrize("seed", range(WORLDS))
def test_every_indicator_agrees_with_a_simple_count(ground: None, seed: int) -> None:
    period = read(PERIODS[seed % len(PERIODS)])
    worlds.World(seed, period)
    for group_by in GROUPS:
        report = supervision.report(period, group_by, sight=WHOLE_CITY, at=worlds.NOW)
        expected = plain(period, group_by)
        codes = code_of(group_by, set(expected) - {"*"})
        for key, told in expected.items():
            figures = report.total if key == "*" else getattr(report.row(codes[key]), "figures", None)
            for indicator, (numerator, denominator) in told.items():
                if figures is None:
                    assert (numerator, denominator) == (0, 0)
                    continue
                one = figures[indicator]
                said = (one.numerator, one.denominator)
                wanted = (numerator, denominator if one.indicator.denominator is not None else None)
                assert said == wanted, f"seed {seed}: {indicator} of {group_by} {key}"
        counted = {codes[key] for key in expected if key != "*"}
        for row in report.rows:
            told = next((expected[key] for key in expected if key != "*" and codes[key] == row.code), {})
            for key, one in row.figures.items():
                if key not in told:
                    assert not one.numerator and not one.denominator, f"seed {seed}: {key} of {group_by} {row.code}"
        assert {row.code for row in report.rows} <= counted


@pytest.mark.parametrize("seed", range(3))
def test_behind_every_number_are_as_many_ids(ground: None, seed: int) -> None:
    period = read(PERIODS[seed])
    worlds.World(seed + 500, period)
    for group_by in GROUPS:
        report = supervision.report(period, group_by, sight=WHOLE_CITY, at=worlds.NOW)
        for indicator in for_group(group_by):
            for row in [*report.rows, None]:
                figures = report.total if row is None else row.figures
                group = None if row is None else row.code or ""
                one = figures[indicator.key]
                for side, number in (("numerator", one.numerator), ("denominator", one.denominator)):
                    if indicator.key == "policy_awareness":
                        assert heard(period, group_by, side, group) == number, f"{side} of {group_by} {group}"
                        continue
                    if number is None or (side == "numerator" and indicator.key in COUNTED_OTHERWISE):
                        continue
                    if indicator.key == "visit_completion":
                        continue
                    ids = pages(period, group_by, indicator.key, side, group)
                    assert len(ids) == len(set(ids)) == number, f"{indicator.key} {side} of {group_by} {group}"


def heard(period: Period, group_by: str, side: str, group: str | None) -> int:
    """The workers that the forms behind a number tell of; each of the forms has asked some."""
    ids = pages(period, group_by, "policy_awareness", side, group)
    told = [one.answers for one in Response.objects.filter(pk__in=ids)]
    assert len(ids) == len(set(ids)) == len([one for one in told if one["interviewed"] and one["conflict"] == "no"])
    window = Window(period, worlds.NOW)
    whole = evidence.by_group(window, group_by, "policy_awareness", side, WHOLE_CITY)
    assert set(ids) == set(whole.get("*" if group is None else group, ()))
    return sum(one["aware" if side == "numerator" else "interviewed"] for one in told)


def pages(period: Period, group_by: str, key: str, side: str, group: str | None) -> list[Any]:
    found: list[Any] = []
    after = None
    while True:
        page = evidence.page(
            period, group_by, key, side, group=group, sight=WHOLE_CITY, at=worlds.NOW, after=after, size=3
        )
        found += page.ids
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("group_by", GROUPS)
def test_the_total_is_the_union_of_the_parts(ground: None, group_by: str) -> None:
    period = read("2026-Q2")
    worlds.World(77, period)
    window = Window(period, worlds.NOW)
    for indicator in for_group(group_by):
        for side, kind in zip(evidence.SIDES, indicator.evidence, strict=True):
            if kind is None or indicator.key in ("visit_coverage", "visit_completion", "visits_per_member"):
                continue
            told = evidence.by_group(window, group_by, indicator.key, side, WHOLE_CITY)
            parts = [one for group, ids in told.items() if group != "*" for one in ids]
            assert sorted(parts) == told["*"], f"{indicator.key} {side}"


def test_a_number_is_the_same_however_it_is_grouped(ground: None) -> None:
    period = read("2026-Q2")
    worlds.World(78, period)
    totals = [supervision.report(period, group_by, sight=WHOLE_CITY, at=worlds.NOW).total for group_by in GROUPS]

    for key in INDICATORS:
        assert len({(total[key].numerator, total[key].denominator) for total in totals if key in total}) == 1, key


def test_a_period_not_over_counts_only_what_has_fallen_due(ground: None) -> None:
    period = read("2026-08")
    worlds.World(79, period, issues=120)
    report = supervision.report(period, "department", sight=WHOLE_CITY, at=worlds.NOW)
    on_time, overdue = report.total["on_time_rate"], report.total["overdue_rate"]

    assert on_time.denominator
    assert on_time.numerator + overdue.numerator == on_time.denominator
