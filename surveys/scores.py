"""Scores an answer by dimension and shows the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from surveys.answers import Settled, settle
from surveys.definition import DIMENSIONS, Definition
from surveys.expressions import Run, Scope
from surveys.functions import NotEvaluable
from surveys.operators import Lists
from surveys.values import number, truth

_HUNDREDTH = Decimal("0.01")


class Point(NamedTuple):
    """What one answered question gave: ``points`` out of ``most``."""

    question: str
    points: float
    most: float


class Score(NamedTuple):
    """The score of a dimension, 0 to 100 at two decimals, with what it was made of."""

    dimension: str
    score: Decimal
    method: str
    points: tuple[Point, ...]

    @property
    def working(self) -> str:
        """How the score was worked out, in figures."""
        terms = " + ".join(_plain(each.points) for each in self.points)
        if self.method == "mean":
            return f"(({terms}) ÷ {len(self.points)} − 1) ÷ 4 × 100 = {self.score}"
        most = sum(each.most for each in self.points)
        return f"({terms}) ÷ {_plain(most)} × 100 = {self.score}"

    def told(self) -> dict[str, Any]:
        points = [
            {"question": each.question, "points": float(each.points), "max": float(each.most)} for each in self.points
        ]
        return {"score": float(self.score), "method": self.method, "points": points, "working": self.working}


def score(definition: Definition, answers: Any, *, today: date, lists: Lists | None = None) -> dict[str, Score]:
    """Each dimension's score, leaving out dimensions of which nothing was answered.

    Method ``points``: points over the most that could be had, × 100. Method ``mean``: (mean − 1) ÷ 4 × 100, for answers from 1
    to 5. Questions not asked or not answered, and choices without a score (“do not know”), count nowhere.
    """
    return score_settled(settle(definition, answers, today=today, lists=lists))


def score_settled(settled: Settled) -> dict[str, Score]:
    """As :func:`score`, for an answer already read."""
    definition = settled.definition
    if not definition.scored:
        return {}
    scope = settled.scope
    scope.row, scope.rows, scope.places = scope.root, (scope.root,), (0,)
    try:
        if definition.score_when is not None and not truth(definition.score_when(scope)):
            return {}
    except NotEvaluable:
        return {}
    gathered: dict[str, list[Point]] = {}
    for name, level, dimension, most, run, table in definition.scored:
        for row, standing in settled.levels.get(level, ()):
            value = row[name]
            if value == "":
                continue
            if run is not None:
                scope.row, scope.rows, scope.places = row, standing.rows, standing.places
                points = _calculated(run, scope)
            elif table is not None:
                points = table.get(value) if value.__class__ is str else _summed(table, value)
            else:
                points = number(value)
            if points is not None and points == points:
                gathered.setdefault(dimension, []).append(Point(name, max(0, min(most, points)), most))
    return {name: _work_out(name, gathered[name], definition.scoring) for name in DIMENSIONS if name in gathered}


def _calculated(run: Run, scope: Scope) -> float | None:
    try:
        return number(run(scope))
    except NotEvaluable:
        return None


def _summed(table: Mapping[str, float], codes: tuple[str, ...]) -> float | None:
    scores = [table[code] for code in codes if code in table]
    return sum(scores) if scores else None


def _plain(figure: float) -> str:
    return f"{figure:g}"


def _work_out(dimension: str, points: list[Point], method: str) -> Score:
    summed, most = sum([each.points for each in points]), sum([each.most for each in points])
    return Score(dimension, _figure(summed, most, len(points), method), method, tuple(points))


@lru_cache(maxsize=4096)
def _figure(summed: float, most: float, count: int, method: str) -> Decimal:
    """Remembered: a form has few sums, and thousands of answers to it come in a push."""
    exact = Decimal()
    if method == "mean":
        exact = (Decimal(summed) / count - 1) * 25
    elif most:
        exact = Decimal(summed) * 100 / Decimal(most)
    return max(Decimal(), exact).quantize(_HUNDREDTH, ROUND_HALF_UP)
