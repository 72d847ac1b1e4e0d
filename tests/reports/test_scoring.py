"""Rates, marks, places and grades."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problems import Invalid
from core.texts import EN
from reports import arithmetic, scoring

VECTORS = list(
    csv.DictReader(
        (Path(__file__).parent.parent / "vectors" / "vectors_scoring.csv").read_text(encoding="utf-8").splitlines()
    )
)
METHODS = {
    "score_on_time": {"kind": "linear_threshold", "target": 100, "per_point": 1},
    "score_satisfaction_T98": {"kind": "linear_threshold", "target": "98", "per_point": "0.5", "floor": "12.5"},
}


def method(document: dict[str, object], full: str = "25", *, lower: bool = False) -> scoring.Method:
    return scoring.read_method(document, pointer="", full=Decimal(full), lower_is_better=lower)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['kind']}-{vector['input'].replace('/', '-')}")
def test_the_reference_vectors_hold(vector: dict[str, str]) -> None:
    if vector["kind"] == "rate":
        numerator, denominator = vector["input"].split("/")
        got = arithmetic.rate(int(numerator), int(denominator))
    else:
        rule = method(METHODS[vector["kind"]])
        got = scoring.mark(rule, full=Decimal(25), value=Decimal(vector["input"])).points

    assert got == Decimal(vector["expected"])


def test_nothing_to_divide_by_is_no_rate() -> None:
    assert arithmetic.rate(0, 0) is None
    assert arithmetic.median({}) is None


@given(st.lists(st.integers(0, 60), min_size=1))
def test_the_median_from_counts_is_the_median_of_the_list(days: list[int]) -> None:
    counts = {day: days.count(day) for day in days}
    ordered = sorted(days)
    middle = (ordered[(len(days) - 1) // 2] + ordered[len(days) // 2]) / 2

    assert arithmetic.median(counts) == Decimal(str(middle))


def test_equals_share_a_place_and_the_next_is_skipped() -> None:
    scores = {"EMB": Decimal(90), "HRSS": Decimal(90), "EDU": Decimal(80), "TAX": None}

    assert arithmetic.ranks(scores) == {"EMB": 1, "HRSS": 1, "EDU": 3, "TAX": None}
    assert arithmetic.ranks(scores, best="lower") == {"EDU": 1, "EMB": 2, "HRSS": 2, "TAX": None}


@pytest.mark.parametrize(
    ("score", "grade"),
    [("90", "excellent"), ("89.99", "good"), ("80", "good"), ("79.99", "pass"), ("60", "pass"), ("59.99", "fail")],
)
def test_grades_begin_at_90_80_and_60(score: str, grade: str) -> None:
    assert arithmetic.grade(Decimal(score)) == grade


def test_a_veto_may_cap_the_grade_and_never_lifts_it() -> None:
    assert arithmetic.grade(Decimal(95), at_most="pass") == "pass"
    assert arithmetic.grade(Decimal(20), at_most="pass") == "fail"


@pytest.mark.parametrize(
    ("document", "full", "value", "points", "sentence"),
    [
        ({"kind": "linear_threshold", "target": 98, "per_point": "0.5"}, "25", "83.33", "17.67",
         "max(0; 25 − 0.5 × (98 − 83.33)) = 17.67"),
        ({"kind": "linear_threshold", "target": 98, "per_point": 1}, "25", "99", "25",
         "99 meets the target 98: full mark 25"),
        ({"kind": "tier", "steps": [{"at_least": 80, "points": 6}, {"at_least": 95, "points": 10}]}, "10", "94.99", "6",
         "94.99 ≥ 80: 6"),
        ({"kind": "tier", "steps": [{"at_least": 80, "points": 6}]}, "10", "79", "0", "79 reaches no step: 0"),
        ({"kind": "deduct_each", "points": 2, "cap": 5}, "0", "4", "-5", "0 − 2 × 4 times, at most 5 = -5"),
        ({"kind": "deduct_each", "points": 2}, "5", "4", "0", "5 − 2 × 4 times = 0"),
        ({"kind": "bonus_each", "points": "1.5", "cap": 5}, "0", "4", "5", "1.5 × 4 times, at most 5 = 5"),
        ({"kind": "manual"}, "5", "4.5", "4.5", "marked by the office: 4.5 of 5"),
        ({"kind": "veto", "effect": "cap_grade", "grade": "pass"}, "0", "1", "0", "vetoed: the grade is at most Pass"),
    ],
)  # fmt: skip
def test_each_method_tells_its_sum(
    document: dict[str, object], full: str, value: str, points: str, sentence: str
) -> None:
    got = scoring.mark(method(document, full), full=Decimal(full), value=Decimal(value))

    assert got.points == Decimal(points)
    assert got.sentence.of(EN) == sentence


def test_where_less_is_better_the_threshold_is_read_the_other_way() -> None:
    rule = method({"kind": "linear_threshold", "target": 5, "per_point": 1}, "10", lower=True)

    assert scoring.mark(rule, full=Decimal(10), value=Decimal("4")).points == 10
    assert scoring.mark(rule, full=Decimal(10), value=Decimal("8.25")).points == Decimal("6.75")


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"kind": "guess"}, ["/kind"]),
        (None, ["/kind"]),
        ({"kind": "linear_threshold", "target": "many"}, ["/target", "/per_point"]),
        ({"kind": "linear_threshold", "target": "NaN", "per_point": -1}, ["/target", "/per_point"]),
        ({"kind": "bonus_each", "points": 1, "cap": 5, "floor": 1}, ["/floor"]),
        ({"kind": "tier", "steps": [{"at_least": 90, "points": 30}]}, ["/steps/0"]),
        ({"kind": "veto", "effect": "cap_grade", "grade": "superb"}, ["/grade"]),
    ],
)
def test_a_method_that_cannot_work_is_refused_by_name(document: object, pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        scoring.read_method(document, pointer="", full=Decimal(25))

    assert [fault.pointer for fault in refusal.value.errors] == pointers
