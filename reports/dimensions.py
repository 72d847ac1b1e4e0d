"""What questionnaires say by dimension: mean scores of groups, with groups too small to stay anonymous suppressed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.problems import Invalid
from core.texts import ZH, Text
from reports import groups, questionnaires
from reports.arithmetic import SMALLEST_DENOMINATOR, quotient
from reports.figures import TOTAL, span
from reports.groups import DIMENSIONS, Sight
from reports.indicators import GROUPS
from reports.measures import Window
from reports.periods import Period
from reports.tables import Cell, Column, Table
from surveys.models import Response

GROUPED = ("region", "park", "pilot_tier", "designation_level")


@dataclass(frozen=True, slots=True)
class Score:
    """The mean score of a group in a dimension over so many answers; ``mean`` None where it is suppressed."""

    mean: Decimal | None
    answers: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores by dimension of every group and of the whole. A suppressed group tells neither score nor number."""

    period: Period
    questionnaire: str
    group_by: str
    rows: tuple[tuple[str | None, str, Mapping[str, Score] | None], ...]
    total: Mapping[str, Score] | None

    def document(self) -> dict[str, Any]:
        return {
            "period": span(self.period),
            "questionnaire": self.questionnaire,
            "group_by": self.group_by,
            "rows": [
                {"group": {"code": code, "name": name}, "suppressed": told is None, "dimensions": _told(told)}
                for code, name, told in self.rows
            ],
            "total": _told(self.total),
        }

    def table(self) -> Table:
        columns = [Column("name", GROUPS[self.group_by], width=24)]
        for dimension, name in DIMENSIONS.items():
            columns += [
                Column(f"{dimension}.answers", Text("答卷", "answers"), kind="count", group=name, width=9),
                Column(f"{dimension}.mean", Text("均分", "mean"), kind="decimal", group=name, width=9, heat="good"),
            ]
        return Table(
            key=f"dimensions-{self.period.code}-{self.questionnaire}",
            title=Text("问卷维度得分", "Scores by dimension"),
            columns=columns,
            rows=[(name, *_cells(told)) for _, name, told in self.rows],
            total=(TOTAL, *_cells(self.total)),
            unit=Text("分", "points"),
            period=self.period.name,
            notes=(Text("少于5份答卷的分组不显示。", "Groups of fewer than 5 answers are not shown."),),
        )


def scores(
    questionnaire: str, period: Period, group_by: str, *, sight: Sight, at: datetime, language: str = ZH
) -> Scores:
    """Mean scores of submitted answers begun in the period. Raises Invalid for a grouping that says who answered.

    Of groups under five nothing is told; when only one is hidden the next smallest is too, or the total would tell.
    """
    if group_by not in GROUPED:
        detail = Text("此处可按 {them} 分组", "Grouped here by {them}").fill(them=", ".join(GROUPED))
        raise Invalid.at("/group_by", "invalid-choice", detail)
    summed: dict[Any, dict[str, list[Decimal | int]]] = defaultdict(lambda: defaultdict(lambda: [Decimal(0), 0]))
    people: dict[Any, int] = defaultdict(int)
    rows = Response.objects.filter(
        Window(period, at).within("started_at"), questionnaires.seen(sight, "author"), questionnaire=questionnaire,
        status__in=questionnaires.DONE,
    )  # fmt: skip
    for group, told in (
        rows.order_by().values_list(questionnaires.OF_PLACE[group_by], "scores").iterator(chunk_size=2000)
    ):
        people[group] += 1
        for dimension, score in told.items():
            for one in (summed[group][dimension], summed["*"][dimension]):
                one[0] += Decimal(str(score))
                one[1] += 1
    names = groups.named(group_by, people, language)
    hidden = _hidden(people)
    return Scores(
        period,
        questionnaire,
        group_by,
        tuple(
            (*names[group], None if group in hidden else _means(summed[group]))
            for group in sorted(people, key=lambda group: (names[group][0] is None, names[group][0] or ""))
        ),
        None if sum(people.values()) < SMALLEST_DENOMINATOR else _means(summed["*"]),
    )


def _hidden(people: Mapping[Any, int]) -> set[Any]:
    """The groups under five, and one more when a single one could be worked out from the total."""
    hidden = {group for group, count in people.items() if count < SMALLEST_DENOMINATOR}
    others = sorted((count, str(group), group) for group, count in people.items() if group not in hidden)
    if hidden and sum(people[group] for group in hidden) < SMALLEST_DENOMINATOR and others:
        hidden.add(others[0][2])
    return hidden


def _means(summed: Mapping[str, list[Decimal | int]]) -> dict[str, Score]:
    """A dimension answered by fewer than five is left out on its own."""
    return {
        dimension: Score(quotient(total, count), int(count))
        for dimension, (total, count) in summed.items()
        if count >= SMALLEST_DENOMINATOR
    }


def _told(scored: Mapping[str, Score] | None) -> dict[str, Any] | None:
    if scored is None:
        return None
    return {
        name: {"mean": None if one.mean is None else float(one.mean), "answers": one.answers}
        for name, one in scored.items()
    }


def _cells(scored: Mapping[str, Score] | None) -> list[Cell]:
    cells: list[Cell] = []
    for dimension in DIMENSIONS:
        one = (scored or {}).get(dimension)
        cells += [None, None] if one is None else [one.answers, one.mean]
    return cells
