"""From figures to places."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from core.problems import Invalid
from core.texts import EN, Text
from reports import assessment, figures, rankings
from reports.assessment import Assessed, Entry, Unit
from reports.periods import read

ON_TIME = {
    "code": "on_time",
    "title": {"zh": "按期办结", "en": "On time"},
    "indicator": "on_time_rate",
    "full_mark": 60,
    "method": {"kind": "linear_threshold", "target": 100, "per_point": 1},
}
SATISFIED = {
    "code": "satisfied",
    "title": {"zh": "满意", "en": "Satisfied"},
    "indicator": "satisfaction_rate",
    "full_mark": 40,
    "method": {"kind": "linear_threshold", "target": 100, "per_point": 1},
}
YELLOW = {
    "code": "yellow",
    "title": {"zh": "黄牌", "en": "Yellow cards"},
    "indicator": "yellow_cards",
    "method": {"kind": "deduct_each", "points": 1},
}
BONUS = {
    "code": "bonus",
    "title": {"zh": "加分", "en": "Bonus"},
    "method": {"kind": "bonus_each", "points": 2, "cap": 5},
}
VETO = {
    "code": "falsified",
    "title": {"zh": "弄虚作假", "en": "Falsification"},
    "method": {"kind": "veto", "effect": "zero"},
}


def scheme(*items: dict[str, Any], **more: Any) -> assessment.Scheme:
    return assessment.read_scheme({"group_by": "department", "items": list(items), **more})


def unit(code: str, *, on_time: tuple[int, int], satisfied: tuple[int, int] = (0, 0), **more: Any) -> Unit:
    made = {
        "on_time_rate": figures.figure("on_time_rate", *on_time),
        "satisfaction_rate": figures.figure("satisfaction_rate", *satisfied),
        "yellow_cards": figures.figure("yellow_cards", more.pop("yellow", 0)),
    }
    return Unit(code, code, made, **more)


def by_code(assessed: list[Assessed]) -> dict[str, Assessed]:
    return {one.unit.code: one for one in assessed}


def test_a_score_is_the_sum_that_its_sentence_says() -> None:
    hrss = unit(
        "HRSS",
        on_time=(90, 100),
        satisfied=(19, 20),
        yellow=2,
        entries={"bonus": [Entry(Decimal(1), "试点经验", ("i1",))]},
    )

    (got,) = assessment.assess(scheme(ON_TIME, SATISFIED, YELLOW, BONUS), [hrss])

    assert got.total == Decimal("85.00")
    assert got.sentence.of(EN) == "50 + 35 − 2 + 2 = 85"
    assert (got.grade, got.rank, got.flags) == ("good", 1, ())


def test_a_score_below_nothing_is_nothing_and_its_sentence_says_why() -> None:
    (got,) = assessment.assess(scheme(ON_TIME, YELLOW), [unit("HRSS", on_time=(0, 100), yellow=3)])

    assert got.total == Decimal("0.00")
    assert got.sentence.of(EN) == "max(0; 0 − 3) = 0"


def test_equal_scores_share_a_place() -> None:
    units = [
        unit("TAX", on_time=(8, 10), satisfied=(10, 10)),
        unit("EDU", on_time=(9, 10), satisfied=(10, 10)),
        unit("EMB", on_time=(18, 20), satisfied=(20, 20)),
    ]

    placed = [(one.unit.code, one.rank) for one in assessment.assess(scheme(ON_TIME, SATISFIED), units)]

    assert placed == [("EDU", 1), ("EMB", 1), ("TAX", 3)]


def test_nobody_is_ranked_by_a_handful_of_cases() -> None:
    units = [unit("EDU", on_time=(4, 4), satisfied=(5, 5)), unit("EMB", on_time=(5, 10), satisfied=(5, 5))]

    plain = by_code(assessment.assess(scheme(ON_TIME, SATISFIED), units))
    lenient = by_code(assessment.assess(scheme(ON_TIME, SATISFIED, rank_small=True), units))

    assert (plain["EDU"].rank, plain["EDU"].flags) == (None, ("too_small",))
    assert (plain["EMB"].rank, lenient["EDU"].rank) == (1, 1)


@pytest.mark.parametrize(
    ("policy", "total", "rank"), [("renormalise", "83.33", 1), ("full_marks", "90.00", 1), ("leave_out", None, None)]
)
def test_want_of_data_is_met_as_the_scheme_says(policy: str, total: str | None, rank: int | None) -> None:
    silent = unit("EDU", on_time=(9, 10))

    (got,) = assessment.assess(scheme(ON_TIME, SATISFIED | {"no_data": policy}), [silent])

    assert got.total == (Decimal(total) if total else None)
    assert got.rank == rank


def test_a_unit_without_any_data_has_no_score() -> None:
    (got,) = assessment.assess(scheme(ON_TIME, SATISFIED), [unit("EDU", on_time=(0, 0))])

    assert (got.total, got.grade, got.rank, got.flags) == (None, None, None, ("left_out",))


def test_a_veto_takes_everything() -> None:
    liar = unit(
        "EDU", on_time=(10, 10), satisfied=(10, 10), entries={"falsified": [Entry(Decimal(1), "假签到", ("v9",))]}
    )

    (got,) = assessment.assess(scheme(ON_TIME, SATISFIED, VETO), [liar])

    assert (got.total, got.grade, got.flags) == (Decimal("0.00"), "fail", ("veto",))


def test_weights_multiply_marks_in_the_open() -> None:
    doubled = scheme(ON_TIME | {"weight": 2}, SATISFIED)

    (got,) = assessment.assess(doubled, [unit("EDU", on_time=(9, 10), satisfied=(10, 10))])

    assert got.sentence.of(EN) == "50 × 2 + 40 = 140"


def test_the_sheet_says_when_marks_do_not_make_a_hundred() -> None:
    def said(items: assessment.Scheme) -> list[str]:
        sheet = rankings.ranking(read("2026-10"), items, Text("考核", "Assessment"), [])
        return [note.en for note in sheet.notes if "not 100" in note.en]

    assert said(scheme(ON_TIME, SATISFIED, YELLOW, BONUS, VETO)) == []
    assert said(scheme(ON_TIME | {"weight": 2}, BONUS)) == ["Full marks times weights make 120, not 100."]


def test_a_faulty_scheme_hears_of_every_fault_at_once() -> None:
    with pytest.raises(Invalid) as refusal:
        scheme(
            ON_TIME, ON_TIME, SATISFIED | {"indicator": "charm"}, BONUS | {"method": {"kind": "tier"}}, group_by="star"
        )

    assert sorted(fault.pointer for fault in refusal.value.errors) == [
        "/group_by",
        "/items/1/code",
        "/items/2/indicator",
        "/items/3/method/steps",
    ]
