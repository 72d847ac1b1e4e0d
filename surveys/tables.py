"""Answers as flat tables: which columns a questionnaire gives, and how an answer fills them. Pure.

The main table has a row for each response; each repeat has a table of its own, linked by ``response`` and ``row``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from core.texts import Text
from surveys.definition import told, walk

Cell = str | int | float | None
Convert = Callable[[Any], Cell]
UNASKED = frozenset({"note", "group", "repeat"})
_FORMULA = frozenset("=+-@\t\r")
_FORMULA_IN_JSON = ('"=', '"+', '"-', '"@', '"\\t', '"\\r')
"""How a text that begins like a formula looks in JSON."""


@dataclass(slots=True)
class Column:
    """One column of a table: the question it holds, its heading, how a JSON answer becomes a cell."""

    name: str
    label: Text
    type: str
    convert: Convert
    question: str


@dataclass
class Table:
    """The main table (``repeats`` empty) or that of a repeat, reached through the repeats around it."""

    name: str
    repeats: tuple[str, ...] = ()
    columns: list[Column] = field(default_factory=list)

    def rows(self, response: Cell, answers: Mapping[str, Any]) -> Iterator[list[Cell]]:
        """The rows one response gives: in a repeat's table first the response and the row's position, as ``1`` or ``2.1``."""
        for place, row in _rows(answers, self.repeats):
            link: list[Cell] = [response, place] if self.repeats else []
            yield [*link, *self.cells(row)]

    def cells(self, row: Mapping[str, Any]) -> list[Cell]:
        return [
            None if (value := row.get(column.question)) is None else column.convert(value) for column in self.columns
        ]

    def read(self, answers: str) -> list[Cell]:
        """The cells of answers given as JSON text; most hold nothing like a formula, which one look at the text tells."""
        row = orjson.loads(answers)
        if any(sign in answers for sign in _FORMULA_IN_JSON):
            return self.cells(row)
        cells = list(map(row.get, self._questions))
        for at, convert in self._converted:
            if (value := cells[at]) is not None:
                cells[at] = convert(value)
        return cells

    @cached_property
    def _questions(self) -> list[str]:
        return [column.question for column in self.columns]

    @cached_property
    def _converted(self) -> list[tuple[int, Convert]]:
        return [(at, column.convert) for at, column in enumerate(self.columns) if column.convert is not plain]


def _rows(
    answers: Mapping[str, Any], repeats: Sequence[str], place: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not repeats:
        yield place, answers
        return
    inner = answers.get(repeats[0])
    for position, row in enumerate(inner if isinstance(inner, list) else (), start=1):
        if isinstance(row, dict):
            yield from _rows(row, repeats[1:], f"{place}.{position}" if place else str(position))


Labels = Mapping[str, Mapping[str, str]]
"""What the codes of external lists are called: list -> code -> label; asked code by code."""


def tables(
    forms: Sequence[Mapping[str, Any]], *, language: str | None = None, external: Labels | None = None
) -> list[Table]:
    """The tables of a questionnaire over all given versions, the newest first; labels of choices in ``language``, or codes."""
    found: dict[str, Table] = {"": Table("responses")}
    seen: set[str] = set()
    for form in forms:
        for entry, place in walk(form["questions"]):
            if place.kind == "repeat":
                found.setdefault(place.name, Table(place.name, (*place.repeats, place.name)))
            if entry["type"] in UNASKED or place.name in seen:
                continue
            seen.add(place.name)
            table = found[place.repeats[-1] if place.repeats else ""]
            table.columns += _columns(entry, form, language, external or {})
    return list(found.values())


def _columns(entry: Mapping[str, Any], form: Mapping[str, Any], language: str | None, external: Labels) -> list[Column]:
    name, kind = entry["name"], entry["type"]
    label = told(entry.get("label")) or Text(name, name)
    if kind in ("geopoint", "start-geopoint"):
        parts = (("lat", 0), ("lon", 1), ("altitude", 2), ("accuracy", 3))
        return [
            Column(f"{name}-{part}", Text(f"{label} {part}", f"{label.en} {part}"), kind, _part(at), name)
            for part, at in parts
        ]
    labels: Mapping[str, str] | None = external.get(entry.get("external", "")) if language else None
    if language and entry.get("list"):
        items = form["lists"].get(entry["list"], ())
        labels = {item["name"]: spoken.of(language) for item in items if (spoken := told(item.get("label")))}
    convert = _select(labels or None) if labels or kind in ("select_multiple", "rank") else plain
    return [Column(name, label, kind, convert, name)]


def plain(value: Any) -> Cell:
    """A value as a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return "'" + value if value and value[0] in _FORMULA else value
    if value is None or isinstance(value, int | float):
        return value
    return str(value)


def _select(labels: Mapping[str, str] | None) -> Convert:
    if labels is None:
        return lambda value: " ".join(map(str, value)) if value.__class__ is list else plain(value)

    def convert(value: Any) -> Cell:
        if isinstance(value, list):
            return "; ".join([labels.get(str(each), str(each)) for each in value])
        return plain(labels.get(value) or value) if isinstance(value, str) else plain(value)

    return convert


def position(value: Any) -> list[float]:
    """Latitude, longitude, altitude, accuracy of a geopoint in either spelling; empty when it is none."""
    try:
        if isinstance(value, dict):
            parts = [value["lat"], value["lon"], value.get("altitude") or 0, value.get("accuracy_m") or 0]
        else:
            parts = value.split() if isinstance(value, str) else []
        return [float(part) for part in parts] if len(parts) >= 2 else []
    except (KeyError, TypeError, ValueError):
        return []


_PARTS = ("lat", "lon", "altitude", "accuracy_m")


def _part(at: int) -> Convert:
    key = _PARTS[at]

    def convert(value: Any) -> Cell:
        if isinstance(value, dict):
            part = value.get(key)
            return part if part.__class__ is float else plain(part)
        parts = position(value)
        return parts[at] if at < len(parts) else None

    return convert


CODEBOOK = (
    "table",
    "name",
    "type",
    "label_zh",
    "label_en",
    "choice",
    "choice_zh",
    "choice_en",
    "score",
    "dimension",
    "condition",
)


def codebook(form: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """What every column and every code means: a row for each question and one for each of its choices."""
    for entry, place in walk(form["questions"]):
        if entry["type"] in UNASKED:
            continue
        label = told(entry.get("label")) or Text("", "")
        table = place.repeats[-1] if place.repeats else "responses"
        head: list[Cell] = [table, place.name, entry["type"], label, label.en]
        tail: list[Cell] = [entry.get("score"), entry.get("dimension"), entry.get("relevant")]
        yield [*head, None, None, None, *map(plain, tail)]
        for item in form.get("lists", {}).get(entry.get("list"), ()):
            said = told(item.get("label")) or Text("", "")
            yield [*head, item["name"], said, said.en, item.get("score"), entry.get("dimension"), None]
