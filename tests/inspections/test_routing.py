from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problems import Invalid
from inspections import reference, routing
from inspections.routing import Case, Rule

RULES = reference.rules()
CATEGORIES = {row["code"]: row for row in reference.table("issue_categories")}
HUASHI = "320281105"


def case(category: str, **facts: object) -> Case:
    row = CATEGORIES[category]
    return Case(
        category,
        row["lead"],
        tuple(row["assists"].split()),
        row["deadline_class"],
        places=(HUASHI,),
        town=HUASHI,
        facts=facts,
    )


@pytest.mark.parametrize("code", CATEGORIES)
def test_every_category_goes_to_its_own_department_when_nothing_special_is_known(code: str) -> None:
    row = CATEGORIES[code]
    decision = routing.decide(RULES, case(code))

    assert decision.lead == (HUASHI if row["lead"] == "TOWN" else row["lead"])
    assert list(decision.assists) == row["assists"].split()
    assert decision.deadline_class == row["deadline_class"]
    assert decision.rule is not None
    assert decision.rule.priority == 90


@pytest.mark.parametrize(
    ("category", "facts", "lead", "assists", "deadline_class"),
    [
        ("wage_arrears", {"workers_affected": 12}, "HRSS", "FTU PSB JUS", "E"),
        ("wage_arrears", {"workers_affected": 9}, "HRSS", "FTU PSB JUS", "S"),
        ("wage_arrears", {"industry": "construction"}, "HRSS", "FTU PSB JUS HUD", "S"),
        ("wage_arrears", {"ownership": "state_owned"}, "HRSS", "FTU PSB JUS SASAC", "S"),
        ("wage_arrears", {"workers_affected": 12, "industry": "construction"}, "HRSS", "FTU PSB JUS HUD", "E"),
        ("work_safety", {"immediate_danger": True}, "EMB", "HUD SAMR FTU", "E"),
        ("work_safety", {"industry": "construction"}, "HUD", "SAMR FTU EMB", "C"),
        ("work_safety", {"special_equipment": True}, "SAMR", "HUD FTU EMB", "C"),
        ("work_safety", {"special_equipment": False}, "EMB", "HUD SAMR FTU", "C"),
        ("democratic_management", {"ownership": "state_owned"}, "FTU", "SASAC FIC", "C"),
    ],
)
def test_special_rules(category: str, facts: dict[str, object], lead: str, assists: str, deadline_class: str) -> None:
    decision = routing.decide(RULES, case(category, **facts))

    assert (decision.lead, " ".join(decision.assists), decision.deadline_class) == (lead, assists, deadline_class)


def test_a_rule_that_asks_more_wins_over_one_that_comes_first() -> None:
    here = Rule(50, "wage_arrears", place=HUASHI, when="workers_affected >= 10", lead="TOWN")
    decision = routing.decide([*RULES, here], case("wage_arrears", workers_affected=30))

    assert decision.rule is here
    assert decision.lead == HUASHI


def test_a_town_that_is_not_known_is_looked_after_by_the_office() -> None:
    nowhere = Case("park_facilities", "TOWN", (), "B")

    assert routing.decide(RULES, nowhere).lead == "OFFICE"


def test_without_any_rule_an_issue_waits_for_the_office_and_says_so() -> None:
    decision = routing.decide([], case("other"))

    assert decision.rule is None
    assert decision.lead is None
    assert "office" in decision.reason.en


def test_a_preview_says_of_every_rule_why_it_won_or_lost() -> None:
    verdicts = {
        verdict.rule.priority: verdict for verdict in routing.explain(RULES, case("wage_arrears", workers_affected=3))
    }

    assert len(verdicts) == len(RULES)
    assert [verdict.rule.priority for verdict in verdicts.values() if verdict.wins] == [90]
    assert "workers_affected >= 10" in verdicts[10].why.en
    assert "work_safety" in verdicts[11].why.en
    assert verdicts[99].applies


@pytest.mark.parametrize(
    ("when", "code"),
    [
        ("workers_affected", "not-understood"),
        ("workers_affected > many", "wrong-value"),
        ("colour = red", "unknown-field"),
        ("industry > construction", "not-ordered"),
        ("immediate_danger = yes", "wrong-value"),
        ("industry in construction", "not-a-list"),
        ("industry = a or industry = b", "wrong-value"),
        ("workers_affected >= 10 and", "wrong-value"),
        ("workers_affected >= 99999999999999", "wrong-value"),
    ],
)
def test_a_condition_that_is_not_understood_is_named(when: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        routing.parse(when)

    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/when", code)]


def test_conditions_may_be_joined_and_list_values() -> None:
    rule = Rule(1, when="industry in (construction, shipping) and workers_affected != 0")

    assert routing.decide([rule], case("other", industry="shipping", workers_affected=1)).rule is rule
    assert routing.decide([rule], case("other", industry="shipping", workers_affected=0)).rule is None


def test_a_rule_that_names_what_does_not_exist_is_refused_field_by_field() -> None:
    rule = Rule(1, "wages", when="x = 1", lead="NSA", add_assists=("FTU", "KGB"), deadline_class="Z")
    faults = routing.check(rule, departments=["FTU"], categories=CATEGORIES, classes="ABCSE")

    assert {fault.pointer for fault in faults} == {"/when", "/category", "/lead", "/add_assists/1", "/deadline_class"}


def test_every_part_of_a_condition_that_is_not_understood_is_named() -> None:
    rule = Rule(1, place="月球", when="colour = red and industry > a and severity = high and workers_affected = x")
    faults = routing.check(rule, departments=["FTU"], categories=CATEGORIES, classes="ABCSE", places=["320281105"])

    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/when", "unknown-field"), ("/when", "not-ordered"), ("/when", "wrong-value"), ("/place", "unknown"),
    ]  # fmt: skip


@given(st.text(max_size=60))
def test_no_condition_crashes_the_parser(when: str) -> None:
    try:
        routing.parse(when)
    except Invalid as refused:
        assert refused.errors[0].pointer == "/when"


@given(
    st.sampled_from(sorted(CATEGORIES)),
    st.integers(0, 50),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["construction", "textile"]),
)
def test_every_case_has_exactly_one_lead_who_does_not_assist_himself(
    category: str, workers: int, danger: bool, equipment: bool, industry: str
) -> None:
    facts = {
        "workers_affected": workers,
        "immediate_danger": danger,
        "special_equipment": equipment,
        "industry": industry,
    }
    decision = routing.decide(RULES, case(category, **facts))

    assert decision.lead
    assert decision.lead not in decision.assists
    assert len(set(decision.assists)) == len(decision.assists)
