"""The expression language, function by function, with our side where engines differ."""

from __future__ import annotations

import contextlib
import math
import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveys.answers import check
from surveys.definition import Definition
from surveys.expressions import ARITIES, Names, Place, Scope, compile_expression
from surveys.functions import FUNCTIONS, NotEvaluable
from surveys.grammar import BadExpression
from surveys.patterns import matches
from surveys.values import Day, number, read_date, read_moment, text

TODAY = Day(date(2026, 11, 22).toordinal() - date(1970, 1, 1).toordinal())
PLACES = {
    each.name: each
    for each in (
        Place("a", "question"), Place("b", "question"), Place("blank", "question"), Place("several", "question"),
        Place("born", "question"), Place("place", "question"), Place("other", "question"),
        Place("rows", "repeat"), Place("x", "question", ("rows",), ("rows",)),
        Place("inner", "repeat", ("rows",), ("rows",)), Place("y", "question", ("rows", "inner"), ("rows", "inner")),
        Place("kind", "question", list="kinds"),
    )
}  # fmt: skip
KINDS = [{"name": "k1", "label": "甲", "price": "7"}, {"name": "k2", "label": "乙", "price": "9"}]


def value(source: str, here: str | None = "a"):
    inner = [{"y": 10}, {"y": 20}]
    rows = [{"x": 1, "inner": inner}, {"x": 2, "inner": []}, {"x": "", "inner": [{"y": 5}]}]
    root = {
        "a": 3, "b": 7, "blank": "", "several": ("p", "q"), "born": read_date("1990-02-28"), "place": "31.9 120.3 0 12",
        "other": "31.9 120.4 0 12", "rows": rows, "kind": "k2",
    }  # fmt: skip
    scope = Scope(root, TODAY, Day(TODAY + 0.5))
    if here in ("x", "y"):
        scope.row = rows[0] if here == "x" else inner[1]
        scope.rows = (root, rows[0]) if here == "x" else (root, rows[0], inner[1])
        scope.places = (0, 1) if here == "x" else (0, 1, 2)
    names = Names(
        PLACES,
        PLACES[here] if here else None,
        lists={"kinds": KINDS},
        external={"regions": frozenset({"name", "label"})},
    )
    return compile_expression(source, names).run(scope)


@pytest.mark.parametrize(("source", "wanted"), [
    ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("7 div 2", 3.5), ("-7 mod 3", -1), ("7 mod -3", 1), ("2 - -1", 3), ("- 3 + 5", 2),
    ("1 < 2 and 2 < 3 or false()", True), ("not(1 = 1)", False), ("${a} + ${b}", 10), (". * 2", 6), ("/form/a + 1", 4),
    ("../b", 7), ("current()/../b", 7), ("${a} = 3", True), ("${a} != 3", False), ("'a' = \"a\"", True),
    ("1 div 0", math.inf), ("-1 div 0", -math.inf), ("if(${a} > 2, 'yes', 'no')", "yes"),
    # empty: not a number in arithmetic, '' in text
    ("${blank} = ''", True), ("${blank} = 0", False), ("${blank} < 5", False), ("${blank} >= 5", False),
    ("concat('[', ${blank}, ']')", "[]"), ("coalesce(${blank}, 'x')", "x"), ("string-length(${blank})", 0),
    ("boolean(${blank})", False), ("count-non-empty(${x})", 2),
    # dates are day numbers
    ("${born} < today()", True), ("today() - 1 < today()", True), ("int((today() - ${born}) div 365.25)", 36),
    ("${born} = '1990-02-28'", True), ("date('2026-11-22') = today()", True), ("concat(${born})", "1990-02-28"),
    ("format-date(${born}, '%d.%n.%Y')", "28.2.1990"), ("format-date('nonsense', '%Y')", ""), ("date('2026-13-01')", ""),
    ("decimal-date-time('1970-01-02')", 1),
    ("string(decimal-date-time('1970-01-02'))", "1"), ("decimal-time('06:00')", 0.25), ("number('12:00') = 0.5", True),
    ("string(date(today() + 1))", "2026-11-23"), ("format-date-time('2026-11-22T08:05:09.000+08:00', '%H:%M:%S')", "08:05:09"),
    # choices
    ("selected(${several}, 'q')", True), ("selected(${several}, ${blank})", False), ("count-selected(${several})", 2),
    ("selected-at(${several}, 1)", "q"), ("selected-at(${several}, 9)", ""), ("jr:choice-name(${kind}, '${kind}')", "乙"),
    ("instance('kinds')/root/item[name = ${kind}]/price", "9"), ("instance('kinds')/root/item[name = 'zz']/price", ""),
    # text
    ("substr('abcdef', 1, 3)", "bc"), ("substr('abcdef', -2)", "ef"), ("substring-before('a-b', '-')", "a"),
    ("substring-after('a-b', '-')", "b"), ("translate('bar', 'abc', 'AB')", "BAr"), ("normalize-space('  a  b ')", "a b"),
    ("contains('abc', 'b')", True), ("starts-with('abc', 'b')", False), ("ends-with('abc', 'c')", True),
    ("join('-', ${x})", "1-2-"), ("string(2.50)", "2.5"), ("string(3.0)", "3"), ("concat(true(), 1)", "true1"),
    # regex is anchored, as in JavaRosa
    ("regex('13800000000', '1[3-9][0-9]{9}')", True), ("regex('x13800000000', '1[3-9][0-9]{9}')", False),
    # numbers
    ("round(2.5)", 3), ("round(-2.5)", -2), ("round(2.345, 2)", 2.35), ("round(1234, -2)", 1200), ("int(-2.7)", -2),
    ("abs(-2)", 2), ("pow(2, 10)", 1024), ("sqrt(9)", 3), ("max(1, ${b}, 3)", 7), ("min(${x})", 1), ("log10(1000)", 3),
    ("checklist(1, 2, ${a} = 3, ${b} = 0)", True), ("weighted-checklist(3, 5, true(), 2, true(), 4)", False),
    # repeats
    ("count(${rows})", 3), ("sum(${x})", 3), ("sum(${y})", 35), ("count(${y})", 3), ("${x} = 2", True),
    ("indexed-repeat(${x}, ${rows}, 2)", 2), ("indexed-repeat(${y}, ${rows}, 1, ${inner}, 2)", 20),
    ("indexed-repeat(${x}, ${rows}, 9)", ""),
    # places
    ("round(distance(concat(${place}, ';', ${other})), 0)", 9451), ("geofence('1 1', '0 0;0 2;2 2;2 0;0 0')", True),
    ("digest('abc', 'MD5', 'hex')", "900150983cd24fb0d6963f7d28e17f72"), ("base64-decode('YQ==')", "a"),
])  # fmt: skip
def test_expressions_mean_what_the_specification_says(source, wanted):
    found = value(source)
    assert found == wanted if not isinstance(wanted, float) else math.isclose(found, wanted)
    assert isinstance(found, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize("source", ["${blank} + 1", "number('abc')", "0 div 0", "sqrt(-1)", "log(-1)", "min(${blank})", "pow(10, 400)",
                                    "distance('')", "distance('31 120')"])  # fmt: skip
def test_what_has_no_value_is_not_a_number(source):
    assert math.isnan(value(source))


def test_inside_a_repeat_names_mean_the_present_row():
    assert value("${x} + position(..)", here="x") == 2
    assert value("sum(${y})", here="x") == 30
    assert value("${y} + ${x} + ${a}", here="y") == 24
    assert value("position(..) * 100 + position(../..)", here="y") == 201
    assert value("../x", here="x") == 1


@pytest.mark.parametrize(("source", "code", "position"), [
    ("nosuch(1)", "unknown-function", 0), ("1 + nosuch(1)", "unknown-function", 4), ("selected(${a}, 'x'", "expression-syntax", 18),
    ("${nobody} = 1", "unknown-question", 0), ("1 +", "expression-syntax", 3), ("", "expression-syntax", 0),
    ("'open", "expression-character", 0), ("1 1", "expression-syntax", 2), ("if(1, 2)", "wrong-arguments", 0),
    ("regex(., '[')", "bad-pattern", 9), ("regex(., '(?=a)b')", "bad-pattern", 9), ("regex(., '(a)\\1')", "bad-pattern", 9),
    ("regex(., '[a-z&&[^b]]')", "bad-pattern", 9), ("regex(., '(x{1000}){1000}')", "bad-pattern", 9),
    ("/form/nobody", "unknown-question", 0), ("../../..", "unsupported-path", 0),
    ("position()", "outside-repeat", 0), ("1 | 2", "unsupported-operator", 2), ("#", "expression-character", 0),
    ("(" * 500 + "1" + ")" * 500, "expression-syntax", 121), ("1" + " + 1" * 500, "expression-too-deep", None),
    ("1" * 20_000, "expression-too-long", 10_000), ("current()", "unsupported-path", 0), ("${a}[1]", "unsupported-path", 4),
    ("instance('nothing')/root/item[1]/x", "unknown-list", 0), ("bare", "unsupported-path", None),
])  # fmt: skip
def test_a_malformed_expression_is_refused_with_its_place(source, code, position):
    with pytest.raises(BadExpression) as refused:
        value(source)
    if code != "unsupported-path" or position is not None:
        assert refused.value.code == code
    if position is not None:
        assert refused.value.position == position


def test_a_choice_filter_speaks_of_the_columns_of_its_choices():
    names = Names(PLACES, PLACES["a"], columns=frozenset({"name", "town"}))
    holds = compile_expression("town = ${kind} and name != 'x'", names).run
    scope = Scope({"kind": "k2"}, TODAY, TODAY)
    scope.item = {"name": "y", "town": "k2"}
    assert holds(scope) is True
    scope.item = {"name": "y"}
    assert holds(scope) is False
    with pytest.raises(BadExpression):
        compile_expression("village = 1", names)


@pytest.mark.parametrize("source", ["pulldata('f', 'a', 'b', 'c')", "instance('regions')/root/item[1]/label", "${last-saved#a}",
                                    "property('deviceid')", "uuid()", "random()", "regex('" + "x" * 5000 + "', 'x*')"])  # fmt: skip
def test_what_the_server_cannot_know_it_does_not_judge(source):
    with pytest.raises(NotEvaluable):
        value(source)


@pytest.mark.parametrize(("pattern", "subject", "wanted"), [
    (r"[\u4e00-\u9fa5]{2,4}", "江阴", True), (r"\p{IsHan}+", "江阴", True), (r"\d+", "٣", False), (r"^1[3-9]\d{9}$", "13800138000", True),
    (r"a$", "a\n", False), (r"\\u4e00", r"\u4e00", True), (r"[^]]+", "a", True), ("", "", True),
])  # fmt: skip
def test_a_pattern_means_what_it_means_on_the_phone(pattern, subject, wanted):
    assert matches(subject, pattern) is wanted


@pytest.mark.parametrize(("pattern", "subject"), [
    ("(((a+)+)+)+b", "a" * 4000), ("(a|aa)+", "a" * 3999 + "b"), ("(.*.*.*.*)*x", "a" * 4000), ("((.{0,300}a){0,3})*x", "ab" * 2000),
])  # fmt: skip
def test_no_pattern_of_the_office_holds_the_server_up(pattern, subject):
    before = time.process_time()
    assert matches(subject, pattern) is False
    assert time.process_time() - before < 1


def test_a_text_that_doubles_and_doubles_is_not_calculated():
    questions = [{"name": "t0", "type": "calculate", "calculation": "'xxxxxxxx'"}]
    questions += [
        {"name": f"t{at}", "type": "calculate", "calculation": f"concat(${{t{at - 1}}}, ${{t{at - 1}}})"}
        for at in range(1, 60)
    ]
    findings = check(Definition({"questions": questions}), {}, today=date(2026, 11, 22))
    assert {finding.code for finding in findings} == {"not-evaluated"}


def test_a_long_chain_of_conditions_is_no_deep_tree():
    assert value(" or ".join(["${a} = 99"] * 400 + ["${a} = 3"])) is True


ANYTHING = st.one_of(
    st.text(max_size=20), st.integers(-(2**53), 2**53), st.floats(), st.booleans(), st.builds(Day, st.floats(-1e9, 1e9)),
    st.lists(st.text(max_size=5) | st.integers(), max_size=3), st.lists(st.text(min_size=1, max_size=5)).map(tuple),
)  # fmt: skip


@given(name=st.sampled_from(sorted(FUNCTIONS)), data=st.data())
def test_no_function_fails_whatever_it_is_given(name, data):
    least, most = ARITIES[name]
    given_to = data.draw(st.lists(ANYTHING, min_size=least, max_size=min(most, least + 2)))
    try:
        found = FUNCTIONS[name].run(*given_to)
    except NotEvaluable:
        return
    text(found), number(found)


@given(st.text(alphabet="${}ab()[]'\"+-*/<>=!.,|@ 019divmodandor:\n", max_size=60))
def test_any_text_is_an_expression_or_a_refusal(source):
    with contextlib.suppress(BadExpression, NotEvaluable):
        value(source)


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_days_survive_being_written_and_read(day):
    assert str(read_date(day.isoformat())) == day.isoformat()
    moment = read_moment(f"{day.isoformat()}T23:59:59.999+08:00")
    assert str(moment).startswith(day.isoformat())
