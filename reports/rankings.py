"""An assessment as document and sheet: scores, places, grades, and the sum behind every one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.texts import ZH, Text
from reports.arithmetic import GRADE_NAMES, HUNDRED, shown
from reports.assessment import Assessed, Item, Scheme, Scored, full
from reports.figures import span
from reports.indicators import GROUPS
from reports.periods import Period
from reports.tables import Cell, Chart, Column, Table

FLAGS: dict[str, Text] = {
    "too_small": Text("基数过小，不参加排名", "too small to rank"),
    "left_out": Text("无数据，不参加考核", "left out for want of data"),
    "veto": Text("一票否决", "vetoed"),
}


def document(period: Period, scheme: dict[str, Any], assessed: Sequence[Assessed], language: str) -> dict[str, Any]:
    """The assessment as JSON. ``scheme`` is what identifies it: code, version, title."""
    return {
        "period": span(period),
        "scheme": scheme,
        "rows": [
            {
                "group": {"code": one.unit.code, "name": one.unit.name},
                "score": None if one.total is None else float(one.total),
                "rank": one.rank,
                "grade": one.grade,
                "arithmetic": one.sentence.of(language),
                "flags": list(one.flags),
                "items": [_item(scored, language) for scored in one.items],
            }
            for one in assessed
        ],
    }


def _item(scored: Scored, language: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "code": scored.item.code,
        "title": scored.item.title.of(language),
        "indicator": scored.item.indicator,
        "full_mark": float(scored.item.full),
        "weight": float(scored.item.weight),
        "method": scored.item.method.kind,
        "points": None if scored.mark.points is None else float(scored.mark.points),
        "status": scored.status,
        "arithmetic": scored.mark.sentence.of(language),
    }
    if scored.figure is not None:
        told["figure"] = scored.figure.document()
    if scored.entries:
        told["entries"] = [
            {"value": float(entry.value), "reason": entry.reason, "evidence": list(entry.evidence)}
            for entry in scored.entries
        ]
    return told


def ranking(period: Period, scheme: Scheme, title: Text, assessed: Sequence[Assessed]) -> Table:
    """The sheet of places: one row a unit, one column an item, score, place, grade."""
    columns = [
        Column("rank", Text("名次", "Rank"), kind="count", width=7),
        Column("name", GROUPS[scheme.group_by], width=24),
        *(
            Column(
                item.code,
                _heading(item),
                kind="decimal",
                group=Text("分项得分", "Marks"),
                width=15,
            )
            for item in scheme.items
        ),
        Column("score", Text("总分", "Score"), kind="decimal", width=10, heat="good"),
        Column("grade", Text("等次", "Grade"), width=10),
        Column("note", Text("备注", "Note"), width=28),
    ]
    rows: list[tuple[Cell, ...]] = [
        (
            one.rank,
            one.unit.name,
            *(scored.mark.points for scored in one.items),
            one.total,
            GRADE_NAMES[one.grade] if one.grade else None,
            _joined([FLAGS[flag] for flag in one.flags]),
        )
        for one in assessed
    ]
    return Table(
        key=f"assessment-{period.code}",
        title=title,
        tab=Text("考核排名", "Ranking"),
        columns=columns,
        rows=rows,
        unit=Text("分", "points"),
        period=period.name,
        measure=Text("比率先取两位小数再计分，四舍五入", "rates are rounded to two decimals and then scored, half up"),
        notes=(
            Text("同分并列，名次顺延（1、1、3）。", "Equal scores share a place: 1, 1, 3."),
            Text("等次：90分优秀，80分良好，60分合格。", "Grades: excellent from 90, good from 80, pass from 60."),
            *_odd_full(scheme),
        ),
        charts=(Chart("name", "score", Text("总分", "Score")),),
    )


def _odd_full(scheme: Scheme) -> tuple[Text, ...]:
    """Says when grades, which are out of a hundred, are given for marks that are not."""
    worth = full(scheme)
    said = Text("各项满分（乘以权重）合计{worth}分，不是100分。", "Full marks times weights make {worth}, not 100.")
    return () if worth == HUNDRED else (said.fill(worth=shown(worth)),)


def workings(period: Period, scheme: Scheme, assessed: Sequence[Assessed]) -> Table:
    """The sheet of sums: one row for each unit and item, with the sentence that explains the mark."""
    columns = (
        Column("name", GROUPS[scheme.group_by], width=22),
        Column("item", Text("考核项", "Item"), width=18),
        Column("numerator", Text("分子", "Numerator"), kind="count"),
        Column("denominator", Text("分母", "Denominator"), kind="count"),
        Column("value", Text("指标值", "Value"), kind="decimal"),
        Column("points", Text("得分", "Points"), kind="decimal"),
        Column("arithmetic", Text("计算过程", "Arithmetic"), width=60),
    )
    rows: list[tuple[Cell, ...]] = []
    for one in assessed:
        rows += [
            (
                one.unit.name,
                scored.item.title,
                scored.figure.numerator if scored.figure else None,
                scored.figure.denominator if scored.figure else None,
                scored.figure.value if scored.figure else None,
                scored.mark.points,
                scored.mark.sentence,
            )
            for scored in one.items
        ]
        rows.append((one.unit.name, Text("总分", "Score"), None, None, None, one.total, one.sentence))
    return Table(
        key=f"assessment-{period.code}-workings",
        title=Text("考核计算过程", "How each score was made"),
        columns=columns,
        rows=rows,
        unit=Text("分", "points"),
        period=period.name,
    )


def _heading(item: Item) -> Text:
    """The item's name, with its full mark when it has one."""
    if not item.full:
        return item.title
    return Text(f"{item.title.of(ZH)}（{shown(item.full)}分）", f"{item.title.en} ({shown(item.full)})")


def _joined(texts: Sequence[Text]) -> Text | None:
    if not texts:
        return None
    return Text(";".join(text.of(ZH) for text in texts), "; ".join(text.en for text in texts))
