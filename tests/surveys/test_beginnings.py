"""What a new response begins with: what lasts from the last one, and the issues that are still open."""

from __future__ import annotations

from surveys.beginnings import begin
from surveys.xlsform import read_xlsform
from tests.surveys.sheets import form

SHEETS = ("""
    | type | name | label | prefill | calculation
    | begin group | g | 组
    | integer | employees | 人数
    | select_multiple kinds | kinds | 类
    | text | mood | 今日情况 | no
    | end group
    | date | day | 日
    | calculate | twice | | | ${employees} * 2
    | begin repeat | earlier | 未办结问题 | open_issues
    | hidden | issue | | id
    | text | what | 描述 | description
    | integer | affected | 人数 | workers_affected
    | select_one kinds | kind | 类别 | category
    | text | found | 核实
    | end repeat
""", """
    | list_name | name | label
    | kinds | k1 | 甲
    | kinds | k2 | 乙
""")  # fmt: skip
LAST = {
    "employees": 120,
    "kinds": ["k1"],
    "mood": "好",
    "day": "2026-08-01",
    "twice": 240,
    "earlier": [{"found": "已解决"}],
}
ISSUES = [
    {"id": "i1", "description": "车间通道被堵", "workers_affected": 12, "category": "k2", "state": "in_progress"},
    {"id": "i2", "description": "夜班无班车", "workers_affected": None, "category": "k9", "state": "submitted"},
]


def compiled(*sheets: str):
    return read_xlsform(form(*sheets)).form


def test_a_visit_begins_with_what_lasts_and_with_the_open_issues():
    form_ = compiled(*SHEETS)
    assert begin(form_, LAST, ISSUES) == {
        "employees": 120, "kinds": ["k1"],
        "earlier": [
            {"issue": "i1", "what": "车间通道被堵", "affected": 12, "kind": "k2"},
            {"issue": "i2", "what": "夜班无班车"},
        ],
    }  # fmt: skip
    assert begin(form_, {}, []) == {}


def test_a_choice_that_is_no_longer_offered_is_asked_again():
    assert begin(compiled(*SHEETS), LAST | {"kinds": ["k1", "gone"]}, []) == {"employees": 120}


def test_a_form_may_begin_empty_but_for_what_it_names():
    settings = "| form_id | prefill\n| demo | no"
    survey = "| type | name | label | prefill\n| text | a | 甲 |\n| text | b | 乙 | last"
    form_ = read_xlsform(form(survey, settings=settings)).form
    assert begin(form_, {"a": "x", "b": "y"}, []) == {"b": "y"}


def test_an_anonymous_form_begins_with_nothing_of_anybody():
    form_ = read_xlsform(
        form("| type | name | label\n| text | a | 甲", settings="| form_id | anonymous\n| demo | yes")
    ).form
    assert begin(form_, {"a": "x"}, ISSUES) == {}


def test_collect_which_holds_no_issues_is_never_asked_about_them():
    xform = read_xlsform(form(*SHEETS)).xform
    assert '<bind nodeset="/data/earlier" relevant="false()"/>' in xform
    assert "prefill" not in xform
