"""Where people would rather look than read: a heat table, rankings and the way indicators have gone, as tables with charts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from core.texts import Text
from reports import supervision
from reports.drawings import Drawing
from reports.figures import TOTAL, Figure, Report
from reports.groups import WHOLE_CITY, Sight
from reports.indicators import GROUPS, INDICATORS, Indicator
from reports.periods import Period
from reports.tables import Cell, Chart, Column, Table

RANKED = ("on_time_rate", "visit_coverage")
FOLLOWED = ("on_time_rate", "satisfaction_rate", "visit_coverage")
STEPS = {"year": 3, "quarter": 4, "month": 6, "week": 8, "dates": 4}
"""How many periods a trend goes over, the one reported included."""
MOST_BARS = 20
NOT_FOLLOWED = {"year": ("visit_coverage",)}
"""What would take longer than anybody waits."""


def tables(report: Report, *, sight: Sight, at: datetime) -> list[Table]:
    """The tables that go with a supervision report in a workbook; those with nothing to show are left out."""
    made = [
        *([comparison(report)] if report.compared else []),
        heat(report),
        *(ranking(report, key) for key in RANKED if key in report.total),
    ]
    return [*(table for table in made if list(table.rows)), trend(report.period, sight=sight, at=at)]


def drawings(reports: Sequence[Report], *, at: datetime) -> list[Drawing]:
    """The charts of a bulletin: the ways of the main rates, and for each report the places in its first ranking."""
    line = trend(reports[0].period, sight=WHOLE_CITY, at=at)
    keys = [column.key for column in line.columns[1:]]
    rows = [*line.rows]
    drawn = [
        Drawing(
            Text("主要指标趋势（%）", "Main rates (%)"),
            [_text(row[0]) for row in rows],
            {INDICATORS[key].name: [row[n] for row in rows] for n, key in enumerate(keys, start=1)},
            lines=True,
        )
    ]
    for report in reports:
        key = "visit_coverage" if "visit_coverage" in report.total else "on_time_rate"
        name, placed = INDICATORS[key].name, report.ranked(key)[:MOST_BARS]
        if placed:
            title = Text("{group}{it}排名（%）", "{group}: {it} (%)").fill(group=GROUPS[report.group_by], it=name)
            names = [Text(row.name, row.name) for _, row in placed]
            drawn.append(Drawing(title, names, {name: [row.figures[key].value for _, row in placed]}))
    return drawn


def _text(cell: Cell) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell), str(cell))


def heat(report: Report) -> Table:
    """All rates side by side, coloured from the best to the worst of each."""
    rates = [one for one in report.indicators if one.unit == "percent"]
    columns = [Column("name", GROUPS[report.group_by], width=24)]
    columns += [Column(one.key, one.name, kind="decimal", width=11, heat=_heat(one)) for one in rates]
    return Table(
        key=f"heat-{report.period.code}-{report.group_by}",
        title=Text("指标热力表", "Heat table of the rates"),
        tab=Text("热力表", "Heat table"),
        columns=columns,
        rows=[
            (row.name, *(row.figures[one.key].value for one in rates))
            for row in report.rows
            if any(row.figures[one.key].denominator for one in rates)
        ],
        unit=Text("%", "%"),
        period=report.period.name,
        measure=Text("颜色按列比较：绿色较好，红色较差", "colours compare within a column: green is better, red worse"),
    )


COMPARED: dict[str, Text] = {
    "previous": Text("较上期", "against previous"),
    "year_earlier": Text("较上年同期", "against last year"),
}


def comparison(report: Report) -> Table:
    """The rates of every group and how many points they moved against the periods it is compared with."""
    rates = [one for one in report.indicators if one.unit == "percent"]
    columns = [Column("name", GROUPS[report.group_by], width=24)]
    for one in rates:
        columns.append(Column(one.key, Text("本期", "now"), kind="decimal", group=one.name, width=9))
        columns += [
            Column(f"{one.key}.{name}", COMPARED[name], kind="decimal", group=one.name, width=9, heat=_heat(one))
            for name in report.compared
        ]

    def cells(figures: Mapping[str, Figure], others: Sequence[Mapping[str, Figure]]) -> Iterator[Decimal | None]:
        for one in rates:
            now = figures[one.key].value
            yield now
            for other in others:
                before = other[one.key].value if one.key in other else None
                yield None if now is None or before is None else now - before

    before = list(report.compared.values())
    found = [(row, [other.row(row.code) for other in before]) for row in report.rows]
    return Table(
        key=f"comparison-{report.period.code}-{report.group_by}",
        title=Text("环比同比表", "Compared with earlier periods"),
        tab=Text("环比同比", "Compared"),
        columns=columns,
        rows=[(row.name, *cells(row.figures, [one.figures if one else {} for one in others])) for row, others in found],
        total=(TOTAL, *cells(report.total, [other.total for other in before])),
        unit=Text("%、百分点", "%, points"),
        period=report.period.name,
        notes=tuple(
            Text(f"{COMPARED[name]}：{other.period.name}。", f"{COMPARED[name].en}: {other.period.name.en}.")
            for name, other in report.compared.items()
        ),
    )


def _heat(indicator: Indicator) -> str | None:
    return {"higher": "good", "lower": "bad"}.get(indicator.direction)


def ranking(report: Report, key: str) -> Table:
    """The places in one indicator, best first, with bars."""
    name = INDICATORS[key].name
    return Table(
        key=f"ranking-{report.period.code}-{key}",
        title=Text("{it}排名", "Ranking: {it}").fill(it=name),
        tab=Text("{it}排名", "Rank {it}").fill(it=name),
        columns=(
            Column("place", Text("名次", "Place"), kind="count", width=8),
            Column("name", GROUPS[report.group_by], width=28),
            Column("numerator", Text("分子", "num."), kind="count", width=8),
            Column("denominator", Text("分母", "den."), kind="count", width=8),
            Column("value", Text("{it}（%）", "{it} (%)").fill(it=name), kind="decimal", width=14, heat="good"),
        ),
        rows=[
            (place, row.name, row.figures[key].numerator, row.figures[key].denominator, row.figures[key].value)
            for place, row in report.ranked(key)
        ],
        unit=Text("%", "%"),
        period=report.period.name,
        notes=(Text("分母小于5的单位不参加排名。", "Units with a denominator under 5 are not ranked."),),
        charts=(Chart("name", "value", Text("{it}（%）", "{it} (%)").fill(it=name), most=100),),
    )


def trend(period: Period, *, sight: Sight, at: datetime) -> Table:
    """How the main rates have gone over the last periods of the same kind, with lines."""
    keys = [key for key in FOLLOWED if key not in NOT_FOLLOWED.get(period.kind, ())]
    rows = []
    for one in _steps(period):
        told = supervision.totals(one, keys, sight=sight, at=at)
        rows.append((one.name, *(told[key].value for key in keys)))
    return Table(
        key=f"trend-{period.code}",
        title=Text("主要指标趋势", "How the main rates have gone"),
        tab=Text("趋势", "Trend"),
        columns=(
            Column("period", Text("期间", "Period"), width=18),
            *(Column(key, INDICATORS[key].name, kind="decimal", width=14) for key in keys),
        ),
        rows=rows,
        unit=Text("%", "%"),
        period=period.name,
        measure=Text("各期均统计至报告时点", "each as of the report"),
        charts=(Chart("period", tuple(keys), Text("主要指标趋势（%）", "Main rates (%)"), "line", 100),),
    )


def _steps(period: Period) -> Sequence[Period]:
    """The period and those before it, the earliest first."""
    found = [period]
    while len(found) < STEPS[period.kind]:
        found.append(found[-1].previous())
    return found[::-1]
