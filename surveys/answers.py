"""Judges the answers to a form: what is wrong with them, question by question, and never raises whatever they are.

``findings = check(definition, answers, today=…)``. An answer is judged against the version it names and the day its phone
recorded. Nothing is changed or thrown away here: a finding says where, which rule, and in words why.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.texts import Text
from surveys.definition import ROOT, Definition, Question, Rule, Step
from surveys.expressions import Row, Run, Scope
from surveys.functions import NotEvaluable
from surveys.operators import Lists
from surveys.readers import BAD, read_decimal
from surveys.values import HIDDEN, Day, Hidden, number, text, truth

ERROR = "error"
WARNING = "warning"
NOT_EVALUATED = "not-evaluated"
MAX_ROWS = 2_000
MAX_FINDINGS = 500

_EPOCH = date(1970, 1, 1).toordinal()
_END_OF_DAY = 1 - 1e-8
_BARE = frozenset({"calculate", "note", "hidden"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: ``severity`` error, warning or not-evaluated; ``pointer`` into ``{"answers": …}``; ``code`` the rule."""

    severity: str
    pointer: str
    code: str
    detail: Text

    def told(self, language: str) -> dict[str, str]:
        detail = self.detail.of(language)
        return {"severity": self.severity, "pointer": self.pointer, "code": self.code, "detail": detail}


@dataclass(slots=True)
class Standing:
    """Where a row of values stands: its raw answers, its pointer, the rows around it and their positions."""

    raw: dict[str, Any]
    pointer: str
    rows: tuple[Row, ...] = ()
    places: tuple[int, ...] = (0,)


@dataclass(slots=True)
class Settled:
    """The values of an answer after types, relevance and calculations; ``levels`` holds each repeat's rows as they stand."""

    definition: Definition
    scope: Scope
    levels: dict[str, list[tuple[Row, Standing]]]
    findings: list[Finding] = field(default_factory=list)


WORDS = {
    "not-an-object": Text("答卷应为对象", "The answers must be an object"),
    "unknown-question": Text("表中没有这个问题", "The form has no such question"),
    "type": Text("“{label}”的答案类型不对", "The answer to “{label}” has the wrong type"),
    "irrelevant": Text("“{label}”不应作答", "“{label}” is not asked in this case"),
    "required": Text("“{label}”必须作答", "“{label}” must be answered"),
    "constraint": Text("“{label}”的答案不符合要求", "The answer to “{label}” breaks its rule"),
    "warning": Text("请核对“{label}”的答案", "Please check the answer to “{label}”"),
    "range": Text("“{label}”的答案超出范围", "The answer to “{label}” is out of range"),
    "unknown-choice": Text("“{label}”没有选项“{value}”", "“{label}” has no choice “{value}”"),
    "choice-filtered": Text(
        "“{label}”的选项“{value}”在此不可选", "The choice “{value}” of “{label}” is not offered here"
    ),
    "rank": Text("“{label}”应将全部选项排序", "“{label}” must rank all its choices"),
    "calculation-differs": Text(
        "“{label}”重新计算的结果为“{value}”,与所报不同", "“{label}” was calculated again as “{value}”, which differs"
    ),
    "repeat-count": Text("“{label}”应有 {value} 组", "“{label}” must have {value} rows"),
    "too-few-rows": Text("“{label}”至少应有 {value} 组", "“{label}” needs at least {value} rows"),
    "too-many-rows": Text("“{label}”至多可有 {value} 组", "“{label}” may have at most {value} rows"),
    "not-evaluated": Text("服务器无法核对“{label}”的一条规则", "The server cannot check one rule of “{label}”"),
}


def check(
    definition: Definition, answers: Any, *, today: date, now: float | None = None, lists: Lists | None = None
) -> list[Finding]:
    """All findings on an answer of any JSON shape.

    ``today`` is the day the phone recorded; ``now`` its moment as a day number, the end of that day when unknown; ``lists``
    the external lists the caller holds: a choice from a list not held is a not-evaluated finding.
    """
    return examine(definition, answers, today=today, now=now, lists=lists)[0]


def examine(
    definition: Definition, answers: Any, *, today: date, now: float | None = None, lists: Lists | None = None
) -> tuple[list[Finding], Settled]:
    """As :func:`check`, with the values the answer was settled to, so that it need not be read again to be scored."""
    settled = settle(definition, answers, today=today, now=now, lists=lists)
    for level, rules in definition.rules.items():
        for row, standing in settled.levels.get(level, ()):
            scope = settled.scope
            scope.row, scope.rows, scope.places = row, standing.rows, standing.places
            _judge(rules, row, standing, settled, lists or {})
    del settled.findings[MAX_FINDINGS:]
    return settled.findings, settled


def settle(
    definition: Definition, answers: Any, *, today: date, now: float | None = None, lists: Lists | None = None
) -> Settled:
    """Read an answer: types, relevance, calculations; with the findings these give."""
    day = Day(today.toordinal() - _EPOCH)
    root: Row = dict(definition.blanks[ROOT])
    scope = Scope(root, day, Day(day + _END_OF_DAY if now is None else now), lists)
    levels: dict[str, list[tuple[Row, Standing]]] = defaultdict(list)
    settled = Settled(definition, scope, levels)
    if not isinstance(answers, dict):
        settled.findings.append(Finding(ERROR, "/answers", "not-an-object", WORDS["not-an-object"]))
        answers = {}
    _enter(settled, ROOT, root, Standing(answers, "/answers", (root,)))
    for level, steps in definition.runs:
        for row, standing in levels.get(level, ()):
            scope.row, scope.rows, scope.places = row, standing.rows, standing.places
            _settle_row(steps, row, standing, settled)
    return settled


def _enter(settled: Settled, level: str, row: Row, standing: Standing) -> None:
    """Take up a row, and report what it holds that its form does not ask."""
    settled.levels[level].append((row, standing))
    unknown = standing.raw.keys() - settled.definition.known[level]
    for name in sorted(unknown):
        pointer = f"{standing.pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        settled.findings.append(Finding(ERROR, pointer, "unknown-question", WORDS["unknown-question"]))


def _find(
    settled: Settled, standing: Standing, question: Question, code: str, *, severity: str = ERROR, value: Any = ""
) -> None:
    detail = question.messages.get(code) or WORDS[code].fill(label=question.label, value=value)
    settled.findings.append(Finding(severity, f"{standing.pointer}/{question.name}", code, detail))


def _settle_row(steps: list[Step], row: Row, standing: Standing, settled: Settled) -> None:
    scope, answer_to = settled.scope, standing.raw.get
    for name, kind, gate, relevant, calculation, read, question in steps:
        raw = answer_to(name)
        asked = gate is None or row[gate]
        if asked and relevant is not None:
            asked = _holds(relevant, scope, settled, standing, question)
        if not asked:
            if kind == "group":
                row[name] = False
                continue
            if raw is not None and raw != "" and raw != [] and kind not in _BARE:
                _find(settled, standing, question, "irrelevant")
            if kind != "repeat":
                row[name] = HIDDEN
        elif calculation is not None:
            row[name] = _calculate(calculation, raw, settled, standing, question)
        elif raw is None or raw == "" or raw == [] or kind == "group":
            continue
        elif kind == "repeat":
            row[name] = _rows(raw, settled, row, standing, question)
        else:
            value = read(raw)
            if value is BAD:
                _find(settled, standing, question, "type")
            row[name] = value


def _holds(run: Run, scope: Scope, settled: Settled, standing: Standing, question: Question) -> bool:
    """Whether a condition holds; one the server cannot evaluate is reported and taken to hold."""
    try:
        held = run(scope)
    except NotEvaluable:
        _find(settled, standing, question, "not-evaluated", severity=NOT_EVALUATED)
        return True
    return held is True or (held is not False and truth(held))


def _rows(raw: Any, settled: Settled, row: Row, standing: Standing, question: Question) -> list[Row]:
    name = question.name
    if not isinstance(raw, list) or len(raw) > MAX_ROWS:
        _find(settled, standing, question, "type")
        return []
    blank, rows = settled.definition.blanks[name], []
    for position, answers in enumerate(raw):
        pointer = f"{standing.pointer}/{name}/{position}"
        if not isinstance(answers, dict):
            detail = WORDS["type"].fill(label=question.label)
            settled.findings.append(Finding(ERROR, pointer, "type", detail))
            answers = {}
        inner: Row = dict(blank)
        rows.append(inner)
        stands = Standing(answers, pointer, (*standing.rows, inner), (*standing.places, position + 1))
        _enter(settled, name, inner, stands)
    return rows


def _calculate(run: Run, raw: Any, settled: Settled, standing: Standing, question: Question) -> Any:
    """The value calculated again; the phone's own where the server cannot repeat it."""
    try:
        value = run(settled.scope)
    except NotEvaluable:
        if not question.volatile:
            _find(settled, standing, question, "not-evaluated", severity=NOT_EVALUATED)
        return _kept(raw)
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, float) and not math.isfinite(value):
        value = ""
    if raw is None or raw == "" or _same(value, raw):
        return value
    if question.volatile:
        return _kept(raw)
    _find(settled, standing, question, "calculation-differs", severity=WARNING, value=text(value))
    return value


def _kept(raw: Any) -> Any:
    """What the phone calculated, if it can be a value at all."""
    return raw if isinstance(raw, str) or read_decimal(raw) is not BAD else ""


def _same(value: Any, raw: Any) -> bool:
    if isinstance(raw, list):
        return isinstance(value, tuple) and list(value) == raw
    if not isinstance(raw, str | bool) and read_decimal(raw) is BAD:
        return False
    return text(value) == text(raw) or math.isclose(number(value), number(raw), rel_tol=1e-9, abs_tol=1e-9)


def _judge(rules: list[Rule], row: Row, standing: Standing, settled: Settled, lists: Lists) -> None:
    scope = settled.scope
    for name, required, constraint, warning, question in rules:
        value = row.get(name, "")
        if question.type == "repeat":
            _judge_rows(value, scope, settled, standing, question)
            continue
        if value == "":
            if (
                required is not None
                and value.__class__ is not Hidden
                and _holds(required, scope, settled, standing, question)
            ):
                _find(settled, standing, question, "required")
            continue
        if question.choices is not None or question.external is not None:
            _judge_choices(value, scope, settled, standing, question, lists)
        if question.bounds is not None:
            least, most = question.bounds
            if not (least is None or least <= value) or not (most is None or value <= most):
                _find(settled, standing, question, "range")
        if constraint is not None and not _holds(constraint, scope, settled, standing, question):
            _find(settled, standing, question, "constraint")
        if warning is not None and not _holds(warning, scope, settled, standing, question):
            _find(settled, standing, question, "warning", severity=WARNING)


def _judge_choices(
    value: Any, scope: Scope, settled: Settled, standing: Standing, question: Question, lists: Lists
) -> None:
    items = question.choices if question.external is None else lists.get(question.external)
    if items is None:
        _find(settled, standing, question, "not-evaluated", severity=NOT_EVALUATED)
        return
    codes = value if isinstance(value, tuple) else (value,)
    for code in codes:
        item = items.get(code)
        if item is None:
            _find(settled, standing, question, "unknown-choice", value=code)
        elif question.filter is not None:
            scope.item = item
            if not _holds(question.filter, scope, settled, standing, question):
                _find(settled, standing, question, "choice-filtered", value=code)
    if question.type == "rank" and question.filter is None and len(codes) != len(items):
        _find(settled, standing, question, "rank")


def _judge_rows(rows: list[Row], scope: Scope, settled: Settled, standing: Standing, question: Question) -> None:
    if _hidden(question, standing, settled):
        return
    if question.count is not None:
        try:
            wanted = number(question.count(scope))
        except NotEvaluable:
            _find(settled, standing, question, "not-evaluated", severity=NOT_EVALUATED)
            return
        if len(rows) != max(0, int(wanted) if math.isfinite(wanted) else 0):
            _find(settled, standing, question, "repeat-count", value=text(wanted) if wanted == wanted else "0")
    least, most = question.bounds or (None, None)
    if least is not None and len(rows) < least:
        _find(settled, standing, question, "too-few-rows", value=int(least))
    if most is not None and len(rows) > most:
        _find(settled, standing, question, "too-many-rows", value=int(most))


def _hidden(question: Question, standing: Standing, settled: Settled) -> bool:
    row = standing.rows[-1]
    if question.gate is not None and not row[question.gate]:
        return True
    if question.relevant is None:
        return False
    try:
        return not truth(question.relevant(settled.scope))
    except NotEvaluable:
        return False
