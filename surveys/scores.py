"""Scores an answer by dimension and shows the arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from surveys.answers import Settled, settle
from surveys.definition import DIMENSIONS, Definition, Question
from surveys.expressions import Row
from surveys.functions import NotEvaluable
from surveys.values import number, truth

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Point:
    """What one answered question gave: ``points`` out of ``most``."""

    question: str
    points: Decimal
    most: Decimal


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a dimension, 0 to 100 at two decimals, with what it was made of and how, in figures."""

    dimension: str
    score: Decimal
    method: str
    points: tuple[Point, ...]
    working: str

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
                most = Decimal(str(question.max_score))
                gathered.setdefault(question.dimension or "", []).append(Point(question.name, points, most))
    return {name: _work_out(name, gathered[name], definition.scoring) for name in DIMENSIONS if name in gathered}


def _points(question: Question, row: Row, settled: Settled) -> Decimal | None:
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
    return Decimal(str(max(0.0, min(question.max_score, figure))))


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"


def _work_out(dimension: str, points: list[Point], method: str) -> Score:
    summed = sum((each.points for each in points), Decimal())
    terms = " + ".join(_plain(each.points) for each in points)
    if method == "mean":
        exact = (summed / len(points) - 1) / 4 * 100
        working = f"(({terms}) ÷ {len(points)} − 1) ÷ 4 × 100"
    else:
        most = sum((each.most for each in points), Decimal())
        exact = summed / most * 100 if most else Decimal()
        working = f"({terms}) ÷ {_plain(most)} × 100"
    rounded = max(Decimal(), exact).quantize(_HUNDREDTH, ROUND_HALF_UP)
    return Score(dimension, rounded, method, tuple(points), f"{working} = {rounded}")
