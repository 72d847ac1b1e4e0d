"""What questionnaires say by dimension: mean scores of groups, with groups too small to stay anonymous suppressed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.problems import Invalid
from core.texts import ZH, Text
from reports import groups, questionnaires
from reports.arithmetic import quotient
from reports.figures import TOTAL, span
from reports.groups import DIMENSIONS, Sight
from reports.indicators import GROUPS
from reports.measures import Window
from reports.periods import Period
from reports.tables import Cell, Column, Table
from surveys.groups import SMALLEST_GROUP, shown
from surveys.models import Questionnaire, Response

GROUPED = ("region", "park", "pilot_tier", "designation_level")


WHOLE = object()
"""The group of all groups."""


@dataclass(slots=True)
class Sum:
    """What the answers of an enterprise come to in a dimension."""

    points: Decimal = Decimal(0)
    answers: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """The mean score of a group in a dimension over so many answers."""

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
            notes=(
                Text(
                    "少于5份答卷的分组不显示；不足5份答卷的企业，与同组其他企业合计满5份方计入。",
                    "Groups of fewer than 5 answers are not shown; enterprises with fewer are counted together with others.",
                ),
            ),
        )


def scores(
    questionnaire: str, period: Period, group_by: str, *, sight: Sight, at: datetime, language: str = ZH
) -> Scores:
    """Mean scores of submitted answers begun in the period. Raises Invalid for no questionnaire, and for a grouping that says who answered.

    Each mean counts the enterprises that :func:`surveys.groups.shown` lets into it, judged dimension by dimension, so that
    no group under five is told, nor what is left when one sum is taken from another.
    """
    if group_by not in GROUPED:
        detail = Text("此处可按 {them} 分组", "Grouped here by {them}").fill(them=", ".join(GROUPED))
        raise Invalid.at("/group_by", "invalid-choice", detail)
    if not Questionnaire.objects.filter(pk=questionnaire).exists():
        detail = Text("没有问卷 {code}", "There is no questionnaire {code}").fill(code=questionnaire)
        raise Invalid.at("/questionnaire", "unknown", detail)
    place: dict[UUID, Any] = {}
    counted: dict[str, dict[UUID, Sum]] = {dimension: {} for dimension in DIMENSIONS}
    rows = Response.objects.filter(
        Window(period, at).within("started_at"), questionnaires.seen(sight, "author"), questionnaire=questionnaire,
        status__in=questionnaires.DONE,
    )  # fmt: skip
    wanted = rows.order_by().values_list("enterprise", questionnaires.OF_PLACE[group_by], "scores")
    for enterprise, group, told in wanted.iterator(chunk_size=2000):
        place[enterprise] = group
        for dimension, score in told.items():
            one = counted.setdefault(dimension, {}).setdefault(enterprise, Sum())
            one.points += Decimal(str(score))
            one.answers += 1
    means: dict[Any, dict[str, Score]] = defaultdict(dict)
    for dimension, by_place in counted.items():
        allowed = shown({one: tally.answers for one, tally in by_place.items()}, place)
        for group, enterprises in (*allowed.regions.items(), (WHOLE, allowed.everywhere)):
            if score := _mean([by_place[one] for one in enterprises]):
                means[group][dimension] = score
    found = set(place.values())
    names = groups.named(group_by, found, language)
    return Scores(
        period,
        questionnaire,
        group_by,
        tuple(
            (*names[group], means.get(group))
            for group in sorted(found, key=lambda group: (names[group][0] is None, names[group][0] or ""))
        ),
        means.get(WHOLE),
    )


def _mean(some: Sequence[Sum]) -> Score | None:
    """The mean of some enterprises' answers; None of too few."""
    answers = sum(one.answers for one in some)
    if answers < SMALLEST_GROUP:
        return None
    return Score(quotient(sum(one.points for one in some), answers), answers)


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
