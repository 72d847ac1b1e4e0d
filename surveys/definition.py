"""A compiled form made ready to judge answers: expressions compiled, questions ordered by what they depend on.

The compiled form itself is plain JSON, described in ``docs/forms.md``; it is what phones hold. A :class:`Definition` is
built from it once and kept by :func:`load`.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import orjson

from core.problems import Fault, Invalid
from core.texts import Text
from surveys.expressions import Expression, Names, Place, Run, compile_expression
from surveys.grammar import BadExpression
from surveys.readers import READERS, Reader

ROOT = ""
DIMENSIONS = ("political", "institutional", "quality", "rights")
SCORINGS = ("points", "mean")

EXTERNAL = {
    "regions": frozenset({"name", "label", "code", "kind"}),
    "enterprises": frozenset({"name", "label", "code", "region", "pilot_tier", "industrial_park"}),
}
"""The lists a form may choose from without holding them, and the columns their choices have for filters.

``name`` is what an answer holds: a region's code, an enterprise's id. An enterprise's ``code`` is its credit code."""

WHOLE = frozenset({"regions"})
"""The external lists that are the same for everybody; of the enterprises a phone holds its own."""

_EXPRESSIONS = ("relevant", "required", "constraint", "warning", "calculation", "filter", "count", "score", "default")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong with a form: at which question (or list), in which column of the sheet, and why."""

    name: str
    column: str
    code: str
    detail: Text


class BadDefinition(Invalid):
    """A form whose expressions or references do not hold together."""

    kind = "bad-form"
    title = Text("问卷表单有误", "The form has faults")

    def __init__(self, flaws: list[Flaw]) -> None:
        super().__init__(errors=[Fault(f"/{flaw.name}/{flaw.column}", flaw.code, flaw.detail) for flaw in flaws])
        self.flaws = flaws


@dataclass(slots=True)
class Question:
    """One question, group or repeat, ready to be asked about an answer. Expressions are None where the form has none."""

    name: str
    type: str
    place: Place
    label: Text
    read: Reader
    gate: str | None = None  # the nearest group around it, within its own repeat, that may be hidden
    relevant: Run | None = None
    required: Run | None = None
    constraint: Run | None = None
    warning: Run | None = None
    calculation: Run | None = None
    filter: Run | None = None
    count: Run | None = None
    score: Run | None = None
    volatile: bool = False
    messages: Mapping[str, Text] = field(default_factory=dict)  # by column: required, constraint, warning
    list: str | None = None
    choices: Mapping[str, Mapping[str, Any]] | None = None
    external: str | None = None
    bounds: tuple[float | None, float | None] | None = None  # of a range, or of a repeat's number of rows
    dimension: str | None = None
    max_score: float = 5.0

    @property
    def level(self) -> str:
        """The innermost repeat it stands in; :data:`ROOT` outside of all."""
        return self.place.repeats[-1] if self.place.repeats else ROOT


Step = tuple[str, str, str | None, Run | None, Run | None, Reader, Question]
Scoring = tuple[str, str, str, float, Run | None, Mapping[str, float] | None]
"""A scored question: name, level, dimension, most points, how to calculate them, or what each choice gives."""
Rule = tuple[str, Run | None, Run | None, Run | None, Question]


class Definition:
    """A form ready to judge answers.

    ``runs`` settle values: levels (a repeat's name, or :data:`ROOT`) with the steps to take for each of their rows, in an
    order in which everything is known before it is used. ``rules`` judge the settled values, level by level in form order.
    """

    def __init__(self, form: Mapping[str, Any]) -> None:
        """Raises :class:`BadDefinition`."""
        self.form = form
        self.scoring: str = form.get("scoring") or "points"
        self.questions: dict[str, Question] = {}
        self.children: dict[str, list[str]] = defaultdict(list)
        self._flaws: list[Flaw] = []
        self._references: dict[str, frozenset[str]] = {}
        entries = list(walk(form.get("questions", ())))
        places = {entry["name"]: place for entry, place in entries}
        names = Names(places, lists=self._item_labels(), external=EXTERNAL, whole=WHOLE)
        for entry, place in entries:
            self.questions[place.name] = self._question(entry, replace(names, here=place))
            self.children[self.questions[place.name].level].append(place.name)
        self.score_when = self._settings_expression("score_when", names)
        self._settings_expression("instance_name", names)  # the phone's; here it is only to be well formed
        order = self._order() if not self._flaws else []
        if self._flaws:
            raise BadDefinition(self._flaws)
        self.runs = self._runs(order)
        self.rules = self._rules()
        self.blanks = {level: self._blank(level) for level in self._levels()}
        self.known = {level: frozenset(self._answerable(level)) for level in self._levels()}
        self.externals = frozenset(each.external for each in self.questions.values() if each.external)
        self.scored = [_scoring(question) for question in self.questions.values() if question.dimension]

    # what the form says

    def _item_labels(self) -> dict[str, list[dict[str, Any]]]:
        """The choices with their labels in the form's first language, as expressions see them."""
        language = (self.form.get("languages") or ["zh"])[0]
        return {
            name: [item | {"label": _spoken(item.get("label"), language)} for item in items]
            for name, items in self.form.get("lists", {}).items()
        }

    def _question(self, entry: Mapping[str, Any], names: Names) -> Question:
        place = names.here
        assert place is not None
        kind = entry["type"]
        question = Question(
            place.name, kind, place, told(entry.get("label")) or Text(place.name, place.name), READERS[kind]
        )
        question.gate = self._gate(place)
        question.dimension = entry.get("dimension")
        question.messages = {
            column: message
            for column in ("required", "constraint", "warning")
            if (message := told(entry.get(f"{column}_message")))
        }
        question.list, question.external = entry.get("list"), entry.get("external")
        self._choices(question)
        compiled = {column: self._compile(entry, column, names) for column in _EXPRESSIONS if column in entry}
        for column in _EXPRESSIONS[:-1]:
            if expression := compiled.get(column):
                setattr(question, column, expression.run)
        calculation = compiled.get("calculation")
        question.volatile = calculation is not None and calculation.volatile
        settled = (compiled.get(column) for column in ("relevant", "calculation"))
        self._references[place.name] = frozenset().union(*(each.references for each in settled if each))
        question.bounds = self._bounds(entry)
        question.max_score = self._max_score(entry, question)
        return question

    def _choices(self, question: Question) -> None:
        if question.list is None:
            return
        items = self.form.get("lists", {}).get(question.list)
        if items is None:
            self._flaw(
                question.name, "type", "missing-list",
                Text("没有名为“{name}”的选项表", "There is no choice list “{name}”").fill(name=question.list),
            )  # fmt: skip
            return
        question.choices = {item["name"]: item for item in items}

    def _compile(self, entry: Mapping[str, Any], column: str, names: Names) -> Expression | None:
        source = entry[column]
        if column == "default" and not entry.get("dynamic_default"):
            return None
        if source is True:
            source = "true()"
        if column == "filter":
            names = replace(names, columns=self._columns(entry))
        try:
            return compile_expression(str(source), names)
        except BadExpression as error:
            detail = Text("第 {position} 个字符处:{why}", "At character {position}: {why}")
            self._flaw(entry["name"], column, error.code, detail.fill(position=error.position + 1, why=error.detail))
            return None

    def _columns(self, entry: Mapping[str, Any]) -> frozenset[str]:
        if external := entry.get("external"):
            return EXTERNAL.get(external, frozenset())
        items = self.form.get("lists", {}).get(entry.get("list"), ())
        return frozenset(key for item in items for key in item)

    def _bounds(self, entry: Mapping[str, Any]) -> tuple[float | None, float | None] | None:
        if entry["type"] == "range":
            parameters = entry.get("parameters", {})
            return float(parameters.get("start", 1)), float(parameters.get("end", 10))
        if "min_rows" in entry or "max_rows" in entry:
            return entry.get("min_rows"), entry.get("max_rows")
        return None

    def _max_score(self, entry: Mapping[str, Any], question: Question) -> float:
        if "score" not in entry and question.type == "select_one" and question.choices:
            scores = [item["score"] for item in question.choices.values() if "score" in item]
            return max(scores, default=5.0)
        return 5.0

    def _settings_expression(self, column: str, names: Names) -> Run | None:
        source = self.form.get(column)
        if not source:
            return None
        expression = self._compile({"name": "settings", column: source}, column, names)
        return expression.run if expression else None

    def _gate(self, place: Place) -> str | None:
        for name in reversed(place.path):
            around = self.questions[name]
            if around.type == "repeat":
                return None
            if around.relevant is not None or around.gate is not None:
                return name
        return None

    def _flaw(self, name: str, column: str, code: str, detail: Text) -> None:
        self._flaws.append(Flaw(name, column, code, detail))

    # what follows from it

    def _order(self) -> list[str]:
        """Names so that each comes after what it depends on, staying within one level as long as possible."""
        positions = {name: position for position, name in enumerate(self.questions)}
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for name, question in self.questions.items():
            needs = set(question.place.path)
            for reference in self._references[name]:
                needs.add(reference)
                needs.update(self.questions[reference].place.repeats)
            sorter.add(name, *needs)
        try:
            sorter.prepare()
        except CycleError as error:
            circle = error.args[1]
            first = min(circle, key=positions.__getitem__)
            column = "calculation" if self.questions[first].calculation else "relevant"
            detail = Text("循环引用:{circle}", "These depend on each other in a circle: {circle}")
            self._flaw(first, column, "circular", detail.fill(circle=" → ".join(circle)))
            return []
        ready: dict[str, list[int]] = defaultdict(list)
        ordered, names, level = [], list(self.questions), ROOT
        while sorter.is_active():
            for name in sorter.get_ready():
                heapq.heappush(ready[self.questions[name].level], positions[name])
            if not ready.get(level):
                level = min((heap[0], each) for each, heap in ready.items() if heap)[1]
            name = names[heapq.heappop(ready[level])]
            ordered.append(name)
            sorter.done(name)
        return ordered

    def _runs(self, order: list[str]) -> list[tuple[str, list[Step]]]:
        runs: list[tuple[str, list[Step]]] = []
        for name in order:
            question = self.questions[name]
            if question.type == "group" and question.relevant is None and question.gate is None:
                continue
            if not runs or runs[-1][0] != question.level:
                runs.append((question.level, []))
            step = (
                name,
                question.type,
                question.gate,
                question.relevant,
                question.calculation,
                question.read,
                question,
            )
            runs[-1][1].append(step)
        return runs

    def _rules(self) -> dict[str, list[Rule]]:
        rules: dict[str, list[Rule]] = defaultdict(list)
        for question in self.questions.values():
            judged = (question.required, question.constraint, question.warning)
            more = (question.choices, question.external, question.bounds, question.count)
            if any(run is not None for run in (*judged, *more)):
                rules[question.level].append((question.name, *judged, question))
        return dict(rules)

    def _levels(self) -> list[str]:
        return [ROOT, *(name for name, question in self.questions.items() if question.type == "repeat")]

    def _blank(self, level: str) -> dict[str, Any]:
        blank: dict[str, Any] = {}
        for name in self.children[level]:
            kind = self.questions[name].type
            if kind == "repeat":
                blank[name] = []
            elif kind != "group":
                blank[name] = ""
            elif self.questions[name].relevant is not None or self.questions[name].gate is not None:
                blank[name] = True
        return blank

    def _answerable(self, level: str) -> Iterator[str]:
        return (name for name in self.children[level] if self.questions[name].type != "group")


def _scoring(question: Question) -> Scoring:
    table = None
    if question.choices is not None:
        table = {code: float(item["score"]) for code, item in question.choices.items() if "score" in item}
    return question.name, question.level, question.dimension or "", question.max_score, question.score, table


def walk(
    entries: Any, path: tuple[str, ...] = (), repeats: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, Any], Place]]:
    """Every question, group and repeat of a compiled form in its order, with its place."""
    for entry in entries:
        name, kind = entry["name"], entry["type"]
        shape = kind if kind in ("group", "repeat") else "question"
        yield entry, Place(name, shape, repeats, path, kind, entry.get("list"), entry.get("external"))
        if shape != "question":
            inner = (*repeats, name) if shape == "repeat" else repeats
            yield from walk(entry.get("children", ()), (*path, name), inner)


def _spoken(label: Any, language: str) -> str:
    if isinstance(label, Mapping):
        return str(label.get(language) or next(iter(label.values()), ""))
    return str(label or "")


def told(label: Any) -> Text | None:
    """A label of the compiled form ({language: text}) for our two reading languages; each falls back on any other."""
    if not isinstance(label, Mapping) or not label:
        return None
    other = next(iter(label.values()))
    return Text(label.get("zh") or other, label.get("en") or other)


def canonical(form: Mapping[str, Any]) -> bytes:
    """The bytes of a compiled form that its hash is taken over: JSON with sorted keys."""
    return orjson.dumps(form, option=orjson.OPT_SORT_KEYS)


_loaded: dict[str, Definition] = {}
_KEPT = 256


def load(key: str, form: Callable[[], Mapping[str, Any]]) -> Definition:
    """The definition known by ``key`` (a version's hash); ``form`` is asked for the compiled form only the first time."""
    definition = _loaded.get(key)
    if definition is None:
        definition = Definition(form())
        if len(_loaded) >= _KEPT:
            _loaded.pop(next(iter(_loaded)), None)
        _loaded[key] = definition
    return definition
