"""A second opinion on the expression language, in development: ``python -m tests.surveys.engine.compare <node_modules>``.

Forms of many calculations are given to us and to ODK's ``@getodk/xforms-engine`` (``npm install @getodk/xforms-engine jsdom``
somewhere); what differs is listed. Expected differences are named in ``EXPLAINED``, each with its reason; any other ends with 1.
"""

from __future__ import annotations

import sys
from datetime import date
from random import Random

from surveys.answers import settle
from surveys.definition import Definition
from surveys.values import text
from surveys.xlsform import read_xlsform
from tests.surveys.engine import rules
from tests.surveys.engine.engine import theirs
from tests.surveys.sheets import form

SURVEY = """
    |type|name|label|calculation|default|repeat_count
    |integer|a|A||3
    |integer|b|B||7
    |decimal|d|D||2.5
    |text|blank|Blank
    |text|word|Word||hello
    |select_multiple kinds|several|Several||k1 k2
    |select_one kinds|kind|Kind||k2
    |date|born|Born||1990-02-28
    |begin repeat|rows|Rows|||3
    |calculate|x||position(..) * 10
    |end repeat
"""
CHOICES = """
    |list_name|name|label|price
    |kinds|k1|One|7
    |kinds|k2|Two|9
    |kinds|k3|Three|11
"""
ANSWERS = {
    "a": 3, "b": 7, "d": 2.5, "word": "hello", "several": ["k1", "k2"], "kind": "k2", "born": "1990-02-28",
    "rows": [{"x": 10}, {"x": 20}, {"x": 30}],
}  # fmt: skip
NUMBERS = [
    "${a}",
    "${b}",
    "${d}",
    "0",
    "1",
    "-2",
    "2.5",
    "${blank}",
    "sum(${x})",
    "count(${rows})",
    "string-length(${word})",
    "max(${x})",
]
TEXTS = [
    "${word}",
    "${blank}",
    "'x y'",
    "concat(${a}, '-', ${word})",
    "substr(${word}, 1, 3)",
    "string(${d})",
    "${kind}",
]
TRUTHS = [
    "${a} = 3",
    "${blank} = ''",
    "${word} != 'x'",
    "selected(${several}, 'k1')",
    "true()",
    "${a} > ${b}",
    "${blank} > 1",
]
FIXED = [
    "${a} + ${b} * 2",
    "7 div 2",
    "-7 mod 3",
    "7 mod -3",
    "1 div 0",
    "-1 div 0",
    "0 div 0",
    "${blank} + 1",
    "string(1 div 3)",
    "string(2.0)",
    "round(2.5)",
    "round(-2.5)",
    "round(2.345, 2)",
    "round(1234.5, -2)",
    "int(-2.7)",
    "int(${blank})",
    "abs(-2)",
    "pow(2, 10)",
    "sqrt(9)",
    "log(1)",
    "log10(1000)",
    "exp(0)",
    "sin(0)",
    "atan2(1, 1)",
    "pi()",
    "floor(-1.5)",
    "ceiling(-1.5)",
    "number('12')",
    "number('abc')",
    "number(true())",
    "boolean('')",
    "boolean(0)",
    "boolean('0')",
    "boolean-from-string('1')",
    "boolean-from-string('yes')",
    "not(${blank})",
    "if(${blank}, 'yes', 'no')",
    "coalesce(${blank}, ${word})",
    "selected-at(${several}, 1)",
    "selected-at(${several}, 5)",
    "count-selected(${several})",
    "count-selected(${blank})",
    "jr:choice-name(${kind}, '${kind}')",
    "instance('kinds')/root/item[name = ${kind}]/price",
    "substr('abcdef', 2)",
    "substr('abcdef', -2)",
    "substring-before('a-b', '-')",
    "substring-after('a-b', '-')",
    "translate('bar', 'abc', 'AB')",
    "normalize-space('  a  b ')",
    "contains('abc', 'b')",
    "starts-with('abc', 'b')",
    "ends-with('abc', 'c')",
    "join('-', ${x})",
    "concat(${x})",
    "regex('abc', '[a-z]+')",
    "regex('abc1', '[a-z]+')",
    "sum(${x})",
    "min(${x})",
    "max(${x})",
    "count(${x})",
    "count-non-empty(${x})",
    "indexed-repeat(${x}, ${rows}, 2)",
    "format-date(${born}, '%Y/%m/%d')",
    "format-date(${born}, '%e.%n.%y')",
    "decimal-date-time(${born})",
    "date('1970-01-03')",
    "date(2)",
    "number(date('1970-01-03'))",
    "${born} + 1",
    "date(${born} + 1)",
    "${born} < date('1990-03-01')",
    "${born} = '1990-02-28'",
    "${born} > ${blank}",
    "format-date('nonsense', '%Y')",
    "concat(${born}, '')",
    "string(true())",
    "checklist(1, 2, true(), false())",
    "weighted-checklist(3, 5, true(), 2, true(), 4)",
    "digest('abc', 'MD5', 'hex')",
    "base64-decode('YQ==')",
    "1 = '1'",
    "'1' = 1.0",
    "${blank} = 0",
    "${blank} < 1",
    "${x} = 20",
    "true() = 'x'",
    "area('0 0;0 1;1 1;1 0;0 0') > 0",
    "round(distance('31.9 120.3 0 0;31.9 120.4 0 0'), 0)",
    "geofence('1 1', '0 0;0 2;2 2;2 0;0 0')",
]
EXPLAINED = {
    "infinite": "division by zero: we leave a calculation empty, the engine writes Infinity",
    "halves": "round of a negative half: ours upwards as in XPath 1.0 and Java, the engine away from zero",
    "presence": "a question as a truth: ours is whether it is answered, as in JavaRosa; the engine's whether it exists",
    "anchored": "regex: ours must match the whole text, as in JavaRosa",
}


def generated(random: Random, count: int) -> list[str]:
    """Random well-formed expressions over numbers, texts and truths."""

    def number(depth: int) -> str:
        if depth == 0 or random.random() < 0.3:
            return random.choice(NUMBERS)
        kind = random.randrange(4)
        if kind == 0:
            return f"({number(depth - 1)} {random.choice(['+', '-', '*', 'div', 'mod'])} {number(depth - 1)})"
        if kind == 1:
            return f"if({truth(depth - 1)}, {number(depth - 1)}, {number(depth - 1)})"
        if kind == 2:
            return f"{random.choice(['abs', 'floor', 'round', 'int'])}({number(depth - 1)})"
        return f"string-length({words(depth - 1)})"

    def words(depth: int) -> str:
        if depth == 0 or random.random() < 0.4:
            return random.choice(TEXTS)
        if random.random() < 0.5:
            return f"concat({words(depth - 1)}, {words(depth - 1)})"
        return f"if({truth(depth - 1)}, {words(depth - 1)}, {words(depth - 1)})"

    def truth(depth: int) -> str:
        if depth == 0 or random.random() < 0.3:
            return random.choice(TRUTHS)
        kind = random.randrange(3)
        if kind == 0:
            return f"({truth(depth - 1)} {random.choice(['and', 'or'])} {truth(depth - 1)})"
        if kind == 1:
            return f"({number(depth - 1)} {random.choice(['<', '<=', '>', '>=', '=', '!='])} {number(depth - 1)})"
        return f"not({truth(depth - 1)})"

    return [random.choice([number, words, truth])(3) for _ in range(count)]


def compare(expressions: list[str], modules: str) -> list[tuple[str, str, str, str]]:
    """(expression, ours, theirs, explanation) for each that differs."""
    rows = "".join(f"    |calculate|c{at}||{source}\n" for at, source in enumerate(expressions))
    compiled = read_xlsform(form(SURVEY + rows, CHOICES, "|form_id\n|engine"))
    settled = settle(Definition(compiled.form), ANSWERS, today=date(2026, 11, 22)).scope.root
    found = theirs(compiled.xform, modules)
    differing = []
    for at, source in enumerate(expressions):
        mine, other = text(settled[f"c{at}"]), str(found[f"c{at}"][0]["value"] or "")
        if not same(mine, other):
            differing.append((source, mine, other, explanation(source, mine, other)))
    return differing


def same(mine: str, other: str) -> bool:
    try:
        return mine == other or abs(float(mine) - float(other)) <= 1e-9 * max(1.0, abs(float(other)))
    except ValueError:
        return False


def explanation(source: str, mine: str, other: str) -> str:
    if mine == "" and other in ("Infinity", "-Infinity"):
        return "infinite"
    if "round(" in source and mine.removeprefix("-").isdigit() and other == str(int(mine) - 1):
        return "halves"
    if source in ("not(${blank})", "if(${blank}, 'yes', 'no')"):
        return "presence"
    return "anchored" if source.startswith("regex(") and (mine, other) == ("false", "true") else ""


def main(modules: str, seed: int = 1, count: int = 600) -> int:
    expressions = FIXED + generated(Random(seed), count)
    found = compare(expressions, modules)
    for source, mine, other, why in found:
        if not why or source in FIXED:
            sys.stdout.write(f"{why or 'DIFFERS':14} {source}\n{'':14} ours {mine!r}, theirs {other!r}\n")
    unexplained = [each for each in found if not each[3]]
    sys.stdout.write(f"{len(expressions)} expressions, {len(found)} differ, {len(unexplained)} of them unexplained\n")
    unlike = rules.compare(modules, seed, max(1, count // 20))
    return 1 if unexplained or unlike else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *map(int, sys.argv[2:])))
