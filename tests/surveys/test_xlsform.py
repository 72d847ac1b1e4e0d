"""From Excel to the compiled form: what is taken, what is refused and how the refusal reads."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.problems import Problem
from surveys.answers import check
from surveys.definition import Definition, canonical
from surveys.samples import sample
from surveys.scores import score
from surveys.xlsform import BadForm, Compiled, read_xlsform
from tests.surveys.sheets import form, workbook

FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"
CODES = ("visit", "worker_satisfaction", "observer", "sme_problems")
TODAY = date(2026, 11, 22)
REGIONS = {"regions": {"320281106": {"name": "320281106"}}}


def test_a_rule_that_stops_some_phones_is_pointed_out():
    compiled = read_xlsform(form("|type|name|label|constraint\n|geopoint|p|P\n|geotrace|t|T|distance(.) < 100"))
    assert [each.en for each in compiled.warnings] == [
        "“t” takes the distance or area of a place that may be empty, which stops some phones: guard it with if()"
    ]


def refused(content: bytes) -> list[tuple[str, str]]:
    with pytest.raises(Problem) as problem:
        read_xlsform(content)
    return [(fault.pointer, fault.code) for fault in problem.value.errors]


@pytest.mark.parametrize("code", CODES)
def test_the_four_questionnaires_compile_and_their_samples_are_valid(code):
    compiled = read_xlsform((FORMS / f"{code}.xlsx").read_bytes())
    assert compiled.code == code
    assert not compiled.warnings
    assert set(compiled.form["title"]) == {"zh", "en"}
    definition = Definition(compiled.form)
    for seed in range(100):
        answers = sample(code, Random(seed), TODAY)
        assert check(definition, answers, today=TODAY, lists=REGIONS) == []
        assert all(0 <= each.score <= 100 for each in score(definition, answers, today=TODAY).values())


@pytest.mark.parametrize("code", CODES)
def test_the_xform_and_the_hash_are_the_same_each_time(code):
    content = (FORMS / f"{code}.xlsx").read_bytes()
    first, second = read_xlsform(content), read_xlsform(content)
    assert (first.xform, first.hash) == (second.xform, second.hash)
    assert orjson.loads(canonical(first.form)) == first.form


def test_every_type_group_repeat_and_language_is_compiled():
    compiled = read_xlsform(form("""
        |type|name|label::Chinese (zh)|label::English (en)|required|relevant|calculation|repeat_count|parameters|default|choice_filter
        | start | start
        | text | a | 甲 | A | yes
        | integer | n | 数 | N | ${a} != ''
        | range | r | 程 | R | | | | | start=0 end=5 step=1
        | select_one town | t | 镇 | Town
        | select_multiple street | s | 街 | Street | | | | | | | town = ${t}
        | select_one_from_file regions.csv | reg | 区 | Region
        | begin group | g | 组 | Group | | ${n} > 1
        | date | d | 日 | D | | | | | | today()
        | begin repeat | rep | 重 | Rep | | | | ${n}
        | image | p | 照 | P | | | | | max-pixels=1024
        | end repeat
        | end group
        | calculate | c | | | | | sum(${n}) + 1
        | rank street | k | 排 | Rank
    """, """
        | list_name | name | label::Chinese (zh) | label::English (en) | town
        | town | t1 | 镇一 | Town 1
        | street | s1 | 街一 | Street 1 | t1
        | street | s2 | 街二 | Street 2 | t2
    """))  # fmt: skip

    form_ = compiled.form
    assert form_["languages"] == ["zh", "en"]
    by_name = {each["name"]: each for each in form_["questions"]}
    assert by_name["a"]["label"] == {"zh": "甲", "en": "A"} and by_name["a"]["required"] is True
    assert by_name["s"]["filter"] == "town = ${t}"
    assert by_name["reg"]["external"] == "regions"
    assert by_name["g"]["children"][0]["dynamic_default"] is True
    assert by_name["g"]["children"][1]["count"] == "${n}"
    assert by_name["g"]["children"][1]["children"][0]["parameters"] == {"max-pixels": "1024"}
    assert form_["lists"]["street"][0] == {"name": "s1", "label": {"zh": "街一", "en": "Street 1"}, "town": "t1"}
    assert "select1" in compiled.xform and "regions.csv" in compiled.xform


@pytest.mark.parametrize(("survey", "choices", "wanted"), [
    ("| type | name | label\n| text | a | A\n| text | a | A", None, ("/survey/3/name", "duplicate-name")),
    ("| type | name | label\n| select_one zz | a | A", None, ("/survey/2/type", "missing-list")),
    ("| type | name | label\n| poem | a | A", None, ("/survey/2/type", "unknown-type")),
    ("| type | name | label\n| text | 1a | A", None, ("/survey/2/name", "bad-name")),
    ("| type | name | label\n| begin group | g | G\n| text | a | A", None, ("/survey/2/type", "unbalanced")),
    ("| type | name | label\n| text | a | A\n| end group", None, ("/survey/3/type", "unbalanced")),
    ("| type | name | label | relevant\n| text | a | A | ${b} = 1\n| text | b | B | ${a} = 1", None, ("/survey/2/relevant", "circular")),
    ("| type | name | calculation\n| calculate | a | ${b}\n| calculate | b | ${c}\n| calculate | c | ${a}", None,
     ("/survey/2/calculation", "circular")),
    ("| type | name | label | constraint\n| text | a | A | nosuch(.)", None, ("/survey/2/constraint", "unknown-function")),
    ("| type | name | label | constraint\n| text | a | A | regex(., '(?!x).*')", None, ("/survey/2/constraint", "bad-pattern")),
    ("| type | name | label | prefill\n| text | a | A | yesterday", None, ("/survey/2/prefill", "unknown-prefill")),
    ("| type | name | label | prefill\n| geopoint | a | A | last", None, ("/survey/2/prefill", "cannot-prefill")),
    ("| type | name | label | prefill\n| begin repeat | r | R | open_issues\n| text | a | A | description\n| end repeat", None,
     ("/survey/2/prefill", "prefill-id")),
    ("| type | name | label | prefill\n| begin repeat | r | R |\n| text | a | A | description\n| end repeat", None,
     ("/survey/3/prefill", "unknown-prefill")),
    ("| type | name | label | warning\n| text | a | A | . >", None, ("/survey/2/warning", "expression-syntax")),
    ("| type | name | label | dimension\n| integer | a | A | beauty", None, ("/survey/2/dimension", "unknown-dimension")),
    ("| type | name | label\n| select_one_from_file secrets.csv | a | A", None, ("/survey/2/type", "unknown-file")),
    ("| type | name | label | choice_filter\n| select_one l | a | A | nowhere = 1", "| list_name | name | label\n| l | x | X",
     ("/survey/2/choice_filter", "unknown-column")),
    ("| type | name | label\n| select_one l | a | A", "| list_name | name | label\n| l | x | X\n| l | x | Y",
     ("/choices/3/name", "duplicate-choice")),
    ("| type | name | label\n| select_one l | a | A", "| list_name | name | label | score\n| l | x | X | much",
     ("/choices/2/score", "bad-score")),
    ("| type | name | label\n| text | a | Hello ${nobody}", None, ("/survey/2/label", "unknown-question")),
    ("| type | name | label\n| text | a | A\n| text | b |", None, ("/survey/3/label", "pyxform")),
    ("| type | name | label | constraint_message\n| text | a | A | not ${nobody}", None,
     ("/survey/2/constraint_message", "unknown-question")),
    ("| type | name | label | default\n| integer | a | A | many", None, ("/survey/2/default", "bad-default")),
    ("| type | name | label | default\n| date | a | A | 22.11.2026", None, ("/survey/2/default", "bad-default")),
    ("| type | name | label | default\n| select_multiple l | a | A | x y", "| list_name | name | label\n| l | x | X",
     ("/survey/2/default", "bad-default")),
    ("| type | name | label\n| text | a | A\n| text | a b | B", None, ("/survey/3/name", "bad-name")),
    ("| type | name\n| calculate | a", None, ("/survey/2/calculation", "missing-calculation")),
    ("| type | name | label", None, ("/survey/1/type", "question-count")),
])  # fmt: skip
def test_faults_are_named_by_sheet_row_and_column(survey, choices, wanted):
    assert wanted in refused(form(survey, choices))


def test_several_faults_are_told_at_once_in_both_languages():
    with pytest.raises(Problem) as problem:
        read_xlsform(form("| type | name | label\n| poem | a | A\n| text | a b | B\n| select_one l | c | C"))
    told = problem.value.told("en")
    assert [each["pointer"] for each in told["errors"]] == ["/survey/2/type", "/survey/3/name", "/survey/4/type"]
    assert (
        told["errors"][0]["detail"] == "Sheet survey, row 2, column A (type): The question type “poem” is not supported"
    )
    assert problem.value.told("zh-Hans")["errors"][0]["detail"] == "survey 表第 2 行 A 列(type):不支持的题型“poem”"


def test_the_checkers_remarks_name_our_rows_and_only_what_we_do_not_say_ourselves():
    compiled = read_xlsform(form("""
        | type | name | label
        | image | a | 照片
        | begin repeat | r |
        | text | b | 乙
        | end repeat
    """))  # fmt: skip
    said = [each.en for each in compiled.warnings]
    assert said[0] == "The picture “a” has no max-pixels parameter and will be sent in its full size"
    assert not any("max-pixels" in each for each in said[1:])
    assert any("row : 3" in each for each in said) and not any("row : 4" in each for each in said)


@pytest.mark.parametrize("kind", ["deviceid", "geopoint", "image", "phonenumber", "start-geopoint", "begin repeat", "start",
                                  "select_one_from_file enterprises.csv"])  # fmt: skip
def test_an_anonymous_form_asks_nothing_that_tells_who_answers(kind):
    ended = "| end repeat" if kind == "begin repeat" else ""
    survey = f"| type | name | label\n| text | a | 甲\n| {kind} | b | 乙\n| text | c | 丙\n{ended}"
    with pytest.raises(BadForm) as refused:
        read_xlsform(form(survey, settings="| form_id | anonymous\n| demo | yes"))
    assert refused.value.errors[0].pointer == "/survey/3/type"


def test_what_is_personal_is_said_by_the_form_and_by_an_anonymous_one_never():
    survey = "| type | name | label | personal\n| text | a | 甲 | 是\n| text | b | 乙 | No\n| text | c | 丙"
    found = {entry["name"]: entry.get("personal") for entry in read_xlsform(form(survey)).form["questions"]}
    assert found == {"a": True, "b": False, "c": None}
    for sheet, said, code in (
        ("| form_id | anonymous\n| demo | yes", "yes", "personal-anonymous"),
        ("| form_id\n| demo", "maybe", "unknown-personal"),
    ):
        with pytest.raises(BadForm) as refused:
            read_xlsform(form(f"| type | name | label | personal\n| text | a | 甲 | {said}", settings=sheet))
        assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/survey/2/personal", code)]


def test_a_name_of_an_instance_that_refers_to_nobody_is_named_in_the_settings():
    with pytest.raises(BadForm) as refused:
        read_xlsform(
            form(
                "| type | name | label\n| text | a | A",
                settings="| form_id | instance_name\n| demo | concat(${nobody})",
            )
        )
    assert [(each.pointer, each.code) for each in refused.value.errors] == [
        ("/settings/2/instance_name", "unknown-question")
    ]


def test_what_is_said_twice_in_settings_or_missing_there_is_refused():
    survey = "| type | name | label\n| text | a | A"
    assert refused(form(survey, settings="| form_title |\n| x |")) == [("/settings/2/form_id", "form-id")]
    secret = "| form_id | public_key |\n| x | abc |"
    assert refused(form(survey, settings=secret)) == [("/settings/2/public_key", "unsupported-setting")]
    assert refused(workbook(choices="| list_name | name |", settings="| form_id |\n| x |"))[0][1] == "missing-sheet"
    assert refused(workbook(survey="| type | type |", settings="| form_id |\n| x |"))[0][1] == "duplicate-column"


def repacked(change) -> bytes:
    """A good workbook with its parts changed by a function of (name, bytes)."""
    source = zipfile.ZipFile(io.BytesIO(form("| type | name | label\n| text | a | A")))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return stream.getvalue()


def added(name: str, content: bytes) -> bytes:
    stream = io.BytesIO(repacked(lambda _, part: part))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as target:
        target.writestr(name, content)
    return stream.getvalue()


def test_bombs_macros_entities_and_rubbish_are_refused_by_name():
    doctype = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
    evil = repacked(lambda name, part: doctype + part.split(b"?>", 1)[-1] if name == "xl/workbook.xml" else part)
    assert refused(evil) == [("", "document-type")]
    assert refused(added("xl/vbaProject.bin", b"x")) == [("", "macros")]
    enabled = repacked(
        lambda name, part: part.replace(b"sheet.main", b"sheet.macroEnabled.main") if "Content" in name else part
    )
    assert refused(enabled) == [("", "macros")]
    assert refused(added("xl/media/zeros", bytes(50_000_000))) == [("", "unpacks-too-large")]
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as target:
        for at in range(600):
            target.writestr(f"part{at}", b"")
    assert refused(many.getvalue()) == [("", "unpacks-too-large")]
    assert refused(bytes(11 * 1024 * 1024)) == [("", "too-large")]
    for rubbish in (b"", b"hello", b"PK\x03\x04" + bytes(100), repacked(lambda name, part: part[: len(part) // 2])):
        assert refused(rubbish) == [("", "not-a-workbook")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), min_size=1, max_size=30))
def test_a_damaged_workbook_is_read_or_refused_and_nothing_else(changes):
    content = bytearray(
        form("| type | name | label\n| select_one l | a | A", "| list_name | name | label\n| l | x | X")
    )
    for at, byte in changes:
        content[at % len(content)] = byte
    try:
        assert isinstance(read_xlsform(bytes(content)), Compiled)
    except Problem as problem:
        assert problem.errors


CELLS = st.sampled_from(["", "text", "select_one l", "begin group", "end group", "begin repeat", "end repeat", "calculate", "a", "b", "g",
                         "${a}", "${b} + 1", "nosuch(1)", "today()", "yes", "''", ". > 1", "标签", "note", "image", "range"])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=6))
def test_any_sheet_is_a_form_or_a_refusal(rows):
    head = "| type | name | label | relevant | calculation | default"
    table = "\n".join([head, *("| " + " | ".join(row) for row in rows)])
    try:
        compiled = read_xlsform(form(table, "| list_name | name | label\n| l | x | X"))
    except Problem as problem:
        assert problem.errors
        return
    check(Definition(compiled.form), {}, today=TODAY)
