"""The same rules in both engines: what is asked, what must be answered, what breaks its constraint, which choices are offered.

Forms are generated: questions with given answers, in groups and in a repeat, with random conditions over each other. What either
engine says of each question is compared word for word; differences are explained or listed.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import date
from random import Random
from typing import Any

from surveys.answers import Settled, examine
from surveys.definition import Definition
from surveys.values import Hidden, truth
from surveys.xlsform import Compiled, read_xlsform
from tests.surveys.engine.engine import theirs
from tests.surveys.sheets import form

TODAY = date(2026, 11, 22)
CHOICES = """
    |list_name|name|label|kind|size
    |things|t1|One|a|1
    |things|t2|Two|b|2
    |things|t3|Three|a|3
    |things|t4|Four||4
    |kinds|a|A||
    |kinds|b|B||
"""
HEAD = "|type|name|label|default|relevant|constraint|required|choice_filter|repeat_count|calculation\n"
ROWS = 3
_OPERATORS = ("<", "<=", ">", ">=", "=", "!=")


class _Form:
    """A random form with its answers."""

    def __init__(self, random: Random, questions: int) -> None:
        self.random = random
        self.lines: list[str] = []
        self.answers: dict[str, Any] = {}
        self.numbers: list[str] = []
        self.texts: list[str] = []
        self.manys: list[str] = []
        self.row: dict[str, Any] = {}
        for at in range(questions):
            self.group(at) if at % 7 == 3 else self.question(f"q{at}", self.answers)
        self.repeat()

    def compiled(self) -> Compiled:
        """The form, without answers that its choice filters do not offer: the engine empties these, a phone never sends them."""
        while True:
            sheets = form(HEAD + "\n".join(self.lines), CHOICES, "|form_id\n|engine")
            compiled = read_xlsform(sheets)
            findings = examine(Definition(compiled.form), self.answers, today=TODAY)[0]
            filtered = {each.pointer.rsplit("/", 1)[-1] for each in findings if each.code == "choice-filtered"}
            if not filtered:
                return compiled
            for answers in (self.answers, *self.answers["rows"]):
                for name in filtered & answers.keys():
                    del answers[name]
            self.lines = [_emptied(line) if line.split("|")[2] in filtered else line for line in self.lines]

    def group(self, at: int) -> None:
        self.line("begin group", f"g{at}", relevant=self.truth())
        for inner in range(3):
            self.question(f"q{at}_{inner}", self.answers)
        self.line("end group", "")

    def repeat(self) -> None:
        self.line("begin repeat", "rows", relevant=self.maybe(0.3), count=str(ROWS))
        known = (list(self.numbers), list(self.texts), list(self.manys))
        for at in range(6):
            self.question(f"r{at}", self.row)
        self.line("calculate", "place", calculation="position(..)")
        self.line("end repeat", "")
        self.answers["rows"] = [dict(self.row) for _ in range(ROWS)]
        self.numbers, self.texts, self.manys = known
        self.line("integer", "after", relevant="sum(${place}) > 3", required="count(${rows}) > 2")

    def line(self, kind: str, name: str, **cells: str) -> None:
        order = ("default", "relevant", "constraint", "required", "filter", "count", "calculation")
        label = "" if kind in ("end group", "end repeat", "calculate") else name.upper()
        self.lines.append("|".join(["", kind, name, label, *(cells.get(column, "") for column in order)]))

    def question(self, name: str, answers: dict[str, Any]) -> None:
        kind = self.random.choice(["integer", "decimal", "text", "select_one things", "select_multiple things", "date"])
        value = self.random.choice(_VALUES[kind]) if self.random.random() < 0.75 else None
        cells = {"relevant": self.maybe(0.4), "required": self.maybe(0.5)}
        if self.random.random() < 0.6:
            cells["constraint"] = self.about(kind)
        if kind.startswith("select"):
            cells["filter"] = self.random.choice(
                ["", "kind = 'a'", "size > 2", f"kind != '' and {self.truth()}", "size <= ${q0}"]
            )
        if value is not None:
            answers[name] = value
        shown = "" if value is None else " ".join(value) if isinstance(value, list) else str(value)
        self.line(kind, name, default=shown, **{column: said for column, said in cells.items() if said})
        {"integer": self.numbers, "decimal": self.numbers, "select_multiple things": self.manys}.get(
            kind, self.texts
        ).append(name)

    def maybe(self, share: float) -> str:
        return self.truth() if self.random.random() < share else ""

    def about(self, kind: str) -> str:
        if kind in ("integer", "decimal"):
            return f". {self.random.choice(_OPERATORS)} {self.number()}"
        if kind == "date":
            return self.random.choice([". <= today()", ". > date('2026-01-01')", ". != '2026-03-04'"])
        if kind == "select_multiple things":
            return self.random.choice(
                ["count-selected(.) <= 1", "not(selected(., 't2'))", "selected(., 't1') or selected(., 't3')"]
            )
        return self.random.choice(
            ["string-length(.) < 4", ". != 't2'", "regex(., '^[a-z0-9]+$')", f". = '{self.random.choice('ab')}'"]
        )

    def truth(self, depth: int = 2) -> str:
        if depth and self.random.random() < 0.5:
            joint = self.random.choice(["and", "or"])
            return f"({self.truth(depth - 1)} {joint} {self.truth(depth - 1)})"
        if depth and self.random.random() < 0.2:
            return f"not({self.truth(0)})"
        kinds = [
            kind for kind, names in (("number", self.numbers), ("text", self.texts), ("many", self.manys)) if names
        ]
        kind = self.random.choice([*kinds, "number"])
        if kind == "number":
            return f"{self.number()} {self.random.choice(_OPERATORS)} {self.number()}"
        if kind == "many":
            return f"selected(${{{self.random.choice(self.manys)}}}, '{self.random.choice(['t1', 't2'])}')"
        return f"${{{self.random.choice(self.texts)}}} {self.random.choice(['=', '!='])} '{self.random.choice(['', 't1', 'abc'])}'"

    def number(self) -> str:
        if self.numbers and self.random.random() < 0.7:
            return f"${{{self.random.choice(self.numbers)}}}"
        return self.random.choice(["0", "1", "2.5", "10"])


def _emptied(line: str) -> str:
    cells = line.split("|")
    return "|".join([*cells[:4], "", *cells[5:]])


_VALUES: dict[str, list[Any]] = {
    "integer": [0, 1, 2, 10, -3], "decimal": [0.5, 2.5, 10.25], "text": ["abc", "a", "X y"],
    "date": ["2026-03-04", "2026-11-22", "2027-01-01"],
    "select_one things": ["t1", "t2", "t3", "t4"], "select_multiple things": [["t1"], ["t1", "t2"], ["t3", "t4"]],
}  # fmt: skip


def ours(definition: Definition, answers: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """What we say of every question, shaped as the engine says it."""
    findings, settled = examine(definition, answers, today=TODAY)
    broken = {(finding.pointer, finding.code) for finding in findings}
    said: dict[str, list[dict[str, Any]]] = {}
    for name, question in definition.questions.items():
        if question.type in ("group", "repeat", "calculate"):
            continue
        for row, standing in settled.levels.get(question.level, ()):
            pointer = f"{standing.pointer}/{name}"
            said.setdefault(name, []).append({
                "relevant": not isinstance(row[name], Hidden),
                "required": (pointer, "required") not in broken,
                "constraint": (pointer, "constraint") not in broken,
                "options": _offered(definition, name, settled, row, standing),
            })  # fmt: skip
    return said


def _offered(definition: Definition, name: str, settled: Settled, row: Any, standing: Any) -> list[str] | None:
    question, scope = definition.questions[name], settled.scope
    if question.choices is None:
        return None
    scope.row, scope.rows, scope.places = row, standing.rows, standing.places
    offered = []
    for code, item in question.choices.items():
        scope.item = item
        if question.filter is None or truth(question.filter(scope)):
            offered.append(code)
    return offered


def compare(modules: str, seed: int, forms: int) -> int:
    """Print what differs over so many generated forms, and how much of it there is: nothing has an excuse here."""
    count, differing = Counter[str](), Counter[str]()
    for at in range(forms):
        made = _Form(Random(seed * 1_000 + at), 24)
        compiled = made.compiled()
        definition = Definition(compiled.form)
        mine, other = ours(definition, made.answers), theirs(compiled.xform, modules)
        for name, states in mine.items():
            for place, (one, two) in enumerate(zip(states, other.get(name, []), strict=False)):
                for aspect in ("relevant", "required", "constraint", "options"):
                    count[aspect] += 1
                    if one[aspect] == two[aspect] or (two[aspect] is None and one[aspect]):
                        continue
                    differing[aspect] += 1
                    sheet = next(line for line in made.lines if line.split("|")[2] == name)
                    said = f"ours {one[aspect]}, theirs {two[aspect]}"
                    sys.stdout.write(f"form {at}, {name}[{place}] {aspect}: {said}\n  {sheet}\n")
    sys.stdout.write(f"{sum(count.values())} judgements ({dict(count)}), {dict(differing) or 'none'} differ\n")
    return sum(differing.values())
