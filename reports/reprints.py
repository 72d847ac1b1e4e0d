"""A snapshot as the sheets it would have been: made from what it holds and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from core.texts import EN, ZH, Text
from organizations.roles import Role
from reports import adjustments, periods
from reports.arithmetic import GRADE_NAMES
from reports.figures import Figure, Report, Row
from reports.indicators import GROUPS, INDICATORS
from reports.models import Snapshot, SnapshotState
from reports.periods import SHANGHAI, Period
from reports.rankings import FLAGS
from reports.tables import Cell, Column, Table

POINTS = Text("分", "points")


def tables(row: Snapshot) -> list[Table]:
    """The sheets of a snapshot: its figures, the scores of an assessment with their sums, adjustments, what proves it."""
    period = periods.read(row.period)
    made = [report(row.document["report"], period).table()]
    if "assessment" in row.document:
        told = row.document["assessment"]
        made = [_places(told, period, row.group_by), _workings(told, period, row.group_by), *made]
    if lines := row.document.get("adjustments"):
        made.append(adjustments.table(lines, period, row.group_by))
    return [*made, _proof(row, period)]


def report(document: Mapping[str, Any], period: Period) -> Report:
    """The report that a document tells."""
    rows = [Row(one["group"]["code"], one["group"]["name"], _figures(one["indicators"])) for one in document["rows"]]
    return Report(period, document["group_by"], rows, _figures(document["total"]))


def _figures(told: Mapping[str, Any]) -> dict[str, Figure]:
    """In the order in which indicators are declared; one that has been given up since is left out."""
    return {key: _figure(key, told[key]) for key in INDICATORS if key in told}


def _figure(key: str, told: Mapping[str, Any]) -> Figure:
    parts = {name: _exact(value) for name, value in told.get("parts", {}).items()}
    value = _exact(told["value"])
    exact = Decimal(value) if isinstance(value, int) else value
    return Figure(INDICATORS[key], exact, told["numerator"], told["denominator"], parts)


def _exact(value: float | int | None) -> Decimal | int | None:
    return Decimal(str(value)).quantize(Decimal("0.01")) if isinstance(value, float) else value


def _places(told: Mapping[str, Any], period: Period, group_by: str) -> Table:
    """The sheet of places, as it was."""
    items = told["rows"][0]["items"] if told["rows"] else []
    marks = Text("分项得分", "Marks")
    rows: list[Sequence[Cell]] = [
        (
            one["rank"],
            one["group"]["name"],
            *(item["points"] for item in one["items"]),
            one["score"],
            GRADE_NAMES[one["grade"]] if one["grade"] else None,
            "；".join(FLAGS[flag].of(ZH) for flag in one["flags"] if flag in FLAGS) or None,
        )
        for one in told["rows"]
    ]
    title = str(told["scheme"]["title"])
    return Table(
        key=f"assessment-{period.code}",
        title=Text(title, title),
        tab=Text("考核排名", "Ranking"),
        columns=(
            Column("rank", Text("名次", "Rank"), kind="count", width=7),
            Column("name", GROUPS[group_by], width=24),
            *(
                Column(item["code"], Text(item["title"], item["title"]), kind="decimal", group=marks, width=13)
                for item in items
            ),
            Column("score", Text("总分", "Score"), kind="decimal", width=10, heat="good"),
            Column("grade", Text("等次", "Grade"), width=10),
            Column("note", Text("备注", "Note"), width=28),
        ),
        rows=rows,
        unit=POINTS,
        period=period.name,
    )


def _workings(told: Mapping[str, Any], period: Period, group_by: str) -> Table:
    """The sheet of sums, as it was."""
    sums: list[Sequence[Cell]] = []
    for one in told["rows"]:
        sums += [(one["group"]["name"], item["title"], item["points"], item["arithmetic"]) for item in one["items"]]
        sums.append((one["group"]["name"], Text("总分", "Score"), one["score"], one["arithmetic"]))
    return Table(
        key=f"assessment-{period.code}-workings",
        title=Text("考核计算过程", "How each score was made"),
        columns=(
            Column("name", GROUPS[group_by], width=22),
            Column("item", Text("考核项", "Item"), width=18),
            Column("points", Text("得分", "Points"), kind="decimal"),
            Column("arithmetic", Text("计算过程", "Arithmetic"), width=60),
        ),
        rows=sums,
        unit=POINTS,
        period=period.name,
    )


def _owed(cadences: Sequence[Sequence[Any]]) -> Text:
    """The cadences in words."""
    said = [
        Text("{role}：{months}个月{visits}次", "{role}: {visits} in {months} months").fill(
            role=Role(role).label, visits=visits, months=months
        )
        for role, visits, months, _ in cadences
    ]
    return Text("；".join(one.of(ZH) for one in said), "; ".join(one.of(EN) for one in said))


def _proof(row: Snapshot, period: Period) -> Table:
    versions = row.document["versions"]
    state = SnapshotState(row.state).label
    said: list[Sequence[Cell]] = [
        (Text("编号", "Id"), row.id),
        (Text("状态", "State"), state if isinstance(state, Text) else str(state)),
        (Text("版本", "Version"), row.version),
        (Text("统计时点", "As of"), row.taken_at.astimezone(SHANGHAI)),
        (Text("冻结时间", "Frozen"), row.frozen_at.astimezone(SHANGHAI) if row.frozen_at else None),
        (Text("摘要（SHA-256）", "Digest (SHA-256)"), row.digest),
        (
            Text("日历", "Calendar"),
            ", ".join(f"{year}{'' if official else '*'}" for year, official in versions["calendar"]),
        ),
        (Text("派单规则数", "Routing rules"), len(versions["rules"])),
        (Text("走访频次", "Visits owed"), _owed(versions["cadences"]) if "cadences" in versions else None),
    ]
    return Table(
        key=f"proof-{period.code}",
        title=Text("快照凭证", "What proves it"),
        columns=(Column("name", Text("项目", "What"), width=22), Column("value", Text("内容", "Value"), width=72)),
        rows=said,
        period=period.name,
        notes=(
            Text(
                "本表由快照内容生成；日历年份带*者为暂定。",
                "Made from the snapshot's content alone; years of the calendar with * are provisional.",
            ),
        ),
    )
