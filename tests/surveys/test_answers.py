"""What is found wrong with answers, question by question; and that nothing fails whatever they are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveys.answers import check, settle
from surveys.definition import Definition
from surveys.samples import credit_code, sample
from surveys.scores import score
from surveys.xlsform import read_xlsform
from tests.surveys.sheets import form

TODAY = date(2026, 11, 22)
FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"


def definition(survey: str, choices: str | None = None, settings_: str | None = None) -> Definition:
    content = form(survey, choices, settings_) if settings_ else form(survey, choices)
    return Definition(read_xlsform(content).form)


def shipped(code: str) -> Definition:
    return Definition(read_xlsform((FORMS / f"{code}.xlsx").read_bytes()).form)


def found(form_: Definition, answers, **more) -> set[tuple[str, str, str]]:
    return {(each.severity, each.pointer, each.code) for each in check(form_, answers, today=TODAY, **more)}


EVERY = definition("""
    |type|name|label|required|relevant|constraint|constraint_message|calculation|warning|repeat_count|choice_filter|max_rows
    |integer|n|数|yes||. >= 0 and . <= 100|应为 0–100||. < 50
    |decimal|dec|小数
    |range|r|程
    |date|d|日|||. <= today()
    |time|t|时
    |datetime|dt|日时
    |select_one town|town|镇
    |select_one street|street|街||||||||town = ${town}
    |select_multiple street|many|多
    |rank street|rank|排
    |geopoint|place|位置||||||number(selected-at(., 3)) <= 100
    |geotrace|trace|线
    |image|photo|照片
    |acknowledge|ok|好
    |text|why|原因|yes|${n} > 10
    |begin group|g|组||${n} > 20
    |text|deep|深|yes
    |end group
    |calculate|twice||||||${n} * 2
    |begin repeat|rows|行|||||||${n}
    |integer|x|数|yes||. < 10
    |calculate|sofar||||||${x} + position(..)
    |end repeat
    |begin repeat|few|少|||||||||2
    |text|word|词
    |end repeat
    |calculate|total||||||sum(${x})
""", """
    | list_name | name | label | town
    | town | t1 | 镇一
    | town | t2 | 镇二
    | street | s1 | 街一 | t1
    | street | s2 | 街二 | t2
""")  # fmt: skip


@pytest.mark.parametrize(("answers", "finding"), [
    ({}, ("error", "/answers/n", "required")),
    ({"n": None}, ("error", "/answers/n", "required")),
    ({"n": "5"}, ("error", "/answers/n", "type")), ({"n": True}, ("error", "/answers/n", "type")),
    ({"n": 2.5}, ("error", "/answers/n", "type")), ({"n": 10**30}, ("error", "/answers/n", "type")),
    ({"n": -1}, ("error", "/answers/n", "constraint")), ({"n": 60}, ("warning", "/answers/n", "warning")),
    ({"dec": "x"}, ("error", "/answers/dec", "type")), ({"r": 11}, ("error", "/answers/r", "range")),
    ({"d": "2026-11-23"}, ("error", "/answers/d", "constraint")), ({"d": "22.11.2026"}, ("error", "/answers/d", "type")),
    ({"t": "25:00"}, ("error", "/answers/t", "type")), ({"dt": "2026-11-22"}, ("error", "/answers/dt", "type")),
    ({"town": "t9"}, ("error", "/answers/town", "unknown-choice")), ({"town": ["t1"]}, ("error", "/answers/town", "type")),
    ({"town": "t1", "street": "s2"}, ("error", "/answers/street", "choice-filtered")),
    ({"many": ["s1", "s9"]}, ("error", "/answers/many", "unknown-choice")), ({"many": ["s1", "s1"]}, ("error", "/answers/many", "type")),
    ({"many": [1]}, ("error", "/answers/many", "type")), ({"rank": ["s1"]}, ("error", "/answers/rank", "rank")),
    ({"place": {"lat": 31.9, "lon": 120.3, "accuracy_m": 150}}, ("warning", "/answers/place", "warning")),
    ({"place": {"lat": 95, "lon": 0}}, ("error", "/answers/place", "type")), ({"place": "here"}, ("error", "/answers/place", "type")),
    ({"trace": "31 120 0 0"}, ("error", "/answers/trace", "type")), ({"photo": "../x"}, ("error", "/answers/photo", "type")),
    ({"ok": "no"}, ("error", "/answers/ok", "type")), ({"n": 11, "rows": []}, ("error", "/answers/why", "required")),
    ({"n": 5, "why": "x"}, ("error", "/answers/why", "irrelevant")), ({"n": 30}, ("error", "/answers/deep", "required")),
    ({"n": 5, "deep": "x"}, ("error", "/answers/deep", "irrelevant")),
    ({"n": 5, "twice": 11}, ("warning", "/answers/twice", "calculation-differs")),
    ({"n": 2, "rows": [{"x": 1}]}, ("error", "/answers/rows", "repeat-count")),
    ({"n": 1, "rows": [{"x": 12}]}, ("error", "/answers/rows/0/x", "constraint")),
    ({"n": 2, "rows": [{"x": 1}, {}]}, ("error", "/answers/rows/1/x", "required")),
    ({"n": 1, "rows": [{"x": 1, "sofar": 9}]}, ("warning", "/answers/rows/0/sofar", "calculation-differs")),
    ({"n": 1, "rows": [{"x": 1, "y": 1}]}, ("error", "/answers/rows/0/y", "unknown-question")),
    ({"n": 1, "rows": [7]}, ("error", "/answers/rows/0", "type")), ({"rows": {}}, ("error", "/answers/rows", "type")),
    ({"few": [{}, {}, {}]}, ("error", "/answers/few", "too-many-rows")),
    ({"nobody": 1}, ("error", "/answers/nobody", "unknown-question")), ({"a/b~c": 1}, ("error", "/answers/a~1b~0c", "unknown-question")),
    ({"x": 1}, ("error", "/answers/x", "unknown-question")), ([], ("error", "/answers", "not-an-object")),
])  # fmt: skip
def test_each_fault_is_found_where_it_is(answers, finding):
    assert finding in found(EVERY, answers)


def test_good_answers_give_no_findings():
    answers = {
        "n": 2, "dec": 1.5, "r": 5, "d": "2026-11-22", "t": "08:30", "dt": "2026-11-22T08:30:00+08:00", "town": "t1", "street": "s1",
        "many": ["s1", "s2"], "rank": ["s2", "s1"], "place": "31.9 120.3 0 10", "trace": "31 120;31.1 120", "photo": "p.jpg", "ok": "OK",
        "twice": 4, "rows": [{"x": 1, "sofar": 2}, {"x": 3, "sofar": 5}], "few": [], "total": 4, "why": "",
    }  # fmt: skip
    assert found(EVERY, answers) == set()
    assert found(EVERY, answers | {"many": "s1 s2", "twice": "4"}) == set()


def test_the_forms_own_message_is_told_in_its_languages():
    [finding] = [each for each in check(EVERY, {"n": 200, "twice": 400}, today=TODAY) if each.code == "constraint"]
    assert finding.told("zh-Hans")["detail"] == finding.told("en")["detail"] == "应为 0–100"


def test_a_date_is_judged_against_the_day_the_phone_recorded():
    answers = {"n": 1, "rows": [{"x": 1}], "d": "2026-11-23"}
    assert not check(EVERY, answers, today=date(2026, 11, 23))
    assert check(EVERY, answers, today=date(2026, 11, 22))


def test_a_rule_that_depends_on_a_hidden_answer_sees_nothing():
    form_ = definition("""
        | type | name | label | relevant | calculation
        | text | a | A
        | text | b | B | ${a} = 'x'
        | calculate | c | | | if(${b} = '', 'empty', 'full')
    """)
    assert settle(form_, {"a": "y", "b": "stale"}, today=TODAY).scope.root["c"] == "empty"
    assert settle(form_, {"a": "x", "b": "there"}, today=TODAY).scope.root["c"] == "full"


def test_what_stands_later_in_the_sheet_may_be_used_earlier():
    form_ = definition("""
        | type | name | label | relevant | calculation
        | text | a | A | ${z} > 5
        | begin repeat | rows | R
        | integer | x | X
        | end repeat
        | calculate | z | | | sum(${x}) + count(${rows})
    """)
    assert found(form_, {"a": "here", "rows": [{"x": 4}, {"x": 5}]}) == set()
    assert found(form_, {"a": "here", "rows": [{"x": 1}]}) == {("error", "/answers/a", "irrelevant")}


def test_external_choices_are_judged_only_where_they_are_held():
    form_ = definition("| type | name | label\n| select_one_from_file regions.csv | town | 镇")
    assert found(form_, {"town": "320281106"}) == {("not-evaluated", "/answers/town", "not-evaluated")}
    held = {"regions": {"320281106": {"name": "320281106"}}}
    assert found(form_, {"town": "320281106"}, lists=held) == set()
    assert found(form_, {"town": "1"}, lists=held) == {("error", "/answers/town", "unknown-choice")}


def test_a_look_up_in_a_list_finds_the_first_that_fits():
    form_ = definition("""
        | type | name | label | calculation
        | select_one kinds | kind | 类
        | select_one_from_file regions.csv | town | 镇
        | calculate | price | | instance('kinds')/root/item[name = ${kind}]/price
        | calculate | dear | | instance('kinds')/root/item[price > 7]/label
        | calculate | place | | instance('regions')/root/item[name = ${town}]/label
    """, "| list_name | name | label | price\n| kinds | k1 | 甲 | 7\n| kinds | k2 | 乙 | 9")  # fmt: skip
    held = {"regions": {"320281106": {"name": "320281106", "label": "周庄镇"}}}

    def calculated(**answers):
        return settle(form_, answers, today=TODAY, lists=held).scope.root

    row = calculated(kind="k2", town="320281106")
    assert (row["price"], row["dear"], row["place"]) == ("9", "乙", "周庄镇")
    row = calculated(kind="k3", town="1")
    assert (row["price"], row["place"]) == ("", "")


def test_what_the_phone_alone_can_know_is_taken_from_the_phone():
    form_ = definition("""
        | type | name | label | calculation | constraint
        | calculate | id | | once(uuid())
        | calculate | price | | pulldata('prices', 'p', 'k', 'x')
        | text | a | A | | pulldata('prices', 'p', 'k', .) = 1
    """)
    assert found(form_, {"id": "abc", "price": "7", "a": "x"}) == {
        ("not-evaluated", "/answers/price", "not-evaluated"), ("not-evaluated", "/answers/a", "not-evaluated"),
    }  # fmt: skip


def test_scores_show_their_arithmetic():
    form_ = definition("""
        | type | name | label | dimension | score
        | select_one yn | a | A | rights
        | integer | b | B | rights | if(. > 10, 5, 1)
        | select_one yn | c | C | quality
    """, """
        | list_name | name | label | score
        | yn | yes | 是 | 5
        | yn | some | 部分 | 3
        | yn | unsure | 不清楚
    """)  # fmt: skip
    rights = score(form_, {"a": "some", "b": 20}, today=TODAY)["rights"]
    assert rights.told() == {
        "score": 80.0, "method": "points", "working": "(3 + 5) ÷ 10 × 100 = 80.00",
        "points": [{"question": "a", "points": 3.0, "max": 5.0}, {"question": "b", "points": 5, "max": 5.0}],
    }  # fmt: skip
    assert "quality" not in score(form_, {"a": "some", "c": "unsure"}, today=TODAY)


def test_the_workers_form_scores_the_mean_and_nobody_who_declined():
    worker = shipped("worker_satisfaction")
    answers = sample("worker_satisfaction", Random(3), TODAY) | {
        "opinions_valued": "4",
        "union_member": "yes",
        "union_helps": "3",
    }
    answers.pop("why_not", None)
    assert score(worker, answers, today=TODAY)["political"].working == "((4 + 5 + 3) ÷ 3 − 1) ÷ 4 × 100 = 75.00"
    assert score(worker, {"consent": "no"}, today=TODAY) == {}


def test_open_wage_arrears_must_become_an_issue():
    visit = shipped("visit")
    answers = sample("visit", Random(1), TODAY) | {"arrears": "open", "issues": []}
    assert ("error", "/answers/issues_done", "constraint") in found(visit, answers)
    answers["issues"] = [{"issue_category": "wage_arrears", "issue_description": "十月份工资尚未发放给装配车间"}]
    assert found(visit, answers) == set()


def test_none_excludes_the_other_institutions_and_a_large_training_budget_is_asked_about():
    visit = shipped("visit")
    answers = sample("visit", Random(1), TODAY)
    answers.pop("contract_expiry", None)
    both = found(visit, answers | {"institutions": ["none", "apprenticeship"], "training_spend": 9})
    assert both == {("error", "/answers/institutions", "constraint"), ("warning", "/answers/training_spend", "warning")}


def test_an_observers_extreme_score_needs_words_or_a_photo():
    observer = shipped("observer")
    answers = sample("observer", Random(2), TODAY) | {"safety": "5"}
    for name in ("safety_reason", "safety_photo"):
        answers.pop(name, None)
    assert found(observer, answers) == {("error", "/answers/safety_reason", "required")}
    assert found(observer, answers | {"safety_photo": "wall.jpg"}) == set()
    assert score(observer, answers | {"conflict": "yes"}, today=TODAY) == {}


@pytest.mark.parametrize(("code", "valid"), [("91350100M000100Y43", True), ("91110000101623741K", True), ("91320281MA0JMTE960", True),
                                             ("91350100M000100Y44", False), ("91350100M000100O43", False), ("short", False)])  # fmt: skip
def test_the_credit_codes_check_digit_is_checked_by_the_form(code, valid):
    answers = sample("sme_problems", Random(1), TODAY) | {"credit_code": code}
    findings = found(shipped("sme_problems"), answers, lists={"regions": {"320281106": {}}})
    assert (("error", "/answers/credit_code", "constraint") not in findings) is valid


def test_made_up_credit_codes_are_valid():
    sme = shipped("sme_problems")
    for seed in range(30):
        answers = sample("sme_problems", Random(1), TODAY) | {"credit_code": credit_code(Random(seed))}
        assert found(sme, answers, lists={"regions": {"320281106": {}}}) == set()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from([*EVERY.questions, "nobody"])


@settings(max_examples=300, deadline=None)
@given(
    JSON | st.dictionaries(NAMES, JSON | st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3), max_size=12)
)
def test_answers_of_any_shape_give_findings_and_never_an_exception(answers):
    for finding in check(EVERY, answers, today=TODAY):
        assert finding.pointer.startswith("/answers")
        assert finding.told("en")["detail"]
    score(EVERY, answers, today=TODAY)
