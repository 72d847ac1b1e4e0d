"""Scores an answer by dimension and shows the arithmetic."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from surveys.answers import Settled, settle
from surveys.definition import DIMENSIONS, Definition, Question
from surveys.expressions import Row
from surveys.functions import NotEvaluable
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


def score(definition: Definition, answers: Any, *, today: date) -> dict[str, Score]:
    """Each dimension's score, leaving out dimensions of which nothing was answered.

    Method ``points``: points over the most that could be had, × 100. Method ``mean``: (mean − 1) ÷ 4 × 100, for answers from 1
    to 5. Questions not asked or not answered, and choices without a score (“do not know”), count nowhere.
    """
    return score_settled(settle(definition, answers, today=today))


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
    for question in definition.scored:
        for row, standing in settled.levels.get(question.level, ()):
            scope.row, scope.rows, scope.places = row, standing.rows, standing.places
            points = _points(question, row, settled)
            if points is not None:
                point = Point(question.name, points, question.max_score)
                gathered.setdefault(question.dimension or "", []).append(point)
    return {name: _work_out(name, gathered[name], definition.scoring) for name in DIMENSIONS if name in gathered}


def _points(question: Question, row: Row, settled: Settled) -> float | None:
    value = row.get(question.name, "")
    if value == "":
        return None
    figure: float
    if question.score is not None:
        try:
            figure = number(question.score(settled.scope))
        except NotEvaluable:
            return None
    elif question.choices is not None:
        codes = value if isinstance(value, tuple) else (value,)
        scores = [item["score"] for code in codes if (item := question.choices.get(code)) and "score" in item]
        if not scores:
            return None
        figure = sum(scores)
    else:
        figure = number(value)
    if figure != figure:
        return None
    return max(0, min(question.max_score, figure))


def _plain(figure: float) -> str:
    return f"{figure:g}"


def _work_out(dimension: str, points: list[Point], method: str) -> Score:
    summed = Decimal(sum([each.points for each in points]))
    if method == "mean":
        exact = (summed / len(points) - 1) * 25
    else:
        most = Decimal(sum([each.most for each in points]))
        exact = summed * 100 / most if most else Decimal()
    return Score(dimension, max(Decimal(), exact).quantize(_HUNDREDTH, ROUND_HALF_UP), method, tuple(points))
