"""A report as numbers: figures of indicators in rows of groups, and the documents and tables made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.texts import ZH, Text
from reports.arithmetic import quotient, ranks, rate, too_small
from reports.indicators import GROUPS, INDICATORS, UNITS, Indicator
from reports.periods import Period
from reports.tables import Cell, Cells, Column, Table

NOBODY = Text("（未归属）", "(none)")
TOTAL = Text("合计", "Total")
PARTS: dict[str, Text] = {
    "new": Text("新增", "new"),
    "carried": Text("结转", "carried over"),
    "approved": Text("同意", "approved"),
    "refused": Text("驳回", "refused"),
    "adjudicated": Text("裁定", "adjudicated"),
    "median": Text("中位数", "median"),
}
"""What is shown beside an indicator, by the name of its part."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What an indicator came to: a value at two decimals, and the two numbers it was made of.

    ``value`` is None when there was nothing to divide by. ``parts`` holds what is shown apart (median,
    approved and refused returns, new and carried over).
    """

    indicator: Indicator
    value: Decimal | None
    numerator: int
    denominator: int | None
    parts: Mapping[str, Decimal | int | None] = field(default_factory=dict)

    @property
    def too_small(self) -> bool:
        return self.indicator.unit == "percent" and too_small(self.denominator)

    def document(self) -> dict[str, Any]:
        """The figure as JSON shows it: rates in percent at two decimals."""
        told: dict[str, Any] = {
            "value": _number(self.value),
            "numerator": self.numerator,
            "denominator": self.denominator,
        }
        if self.parts:
            told["parts"] = {name: _number(value) for name, value in self.parts.items()}
        if self.too_small:
            told["too_small"] = True
        return told


def figure(
    key: str, numerator: int, denominator: int | None = None, parts: Mapping[str, Decimal | int | None] | None = None
) -> Figure:
    """The figure of an indicator from its two numbers, by the arithmetic of its unit."""
    indicator = INDICATORS[key]
    if indicator.unit == "percent":
        value = rate(numerator, denominator or 0)
    elif indicator.denominator is None:
        value = Decimal(numerator)
    else:
        value = quotient(numerator, denominator or 0)
    return Figure(indicator, value, numerator, denominator, parts or {})


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one group; ``code`` None gathers what belongs to no group."""

    code: str | None
    name: str
    figures: Mapping[str, Figure]

    def document(self) -> dict[str, Any]:
        return {"group": {"code": self.code, "name": self.name}, "indicators": _told(self.figures)}


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of groups and their total over a period; ``compared`` holds the same report of other periods by name.

    ``findings`` say what was left out and why; ``adjustments`` what has changed about frozen periods before this one
    (see ``reports.adjustments``).
    """

    period: Period
    group_by: str
    rows: Sequence[Row]
    total: Mapping[str, Figure]
    compared: Mapping[str, Report] = field(default_factory=dict)
    findings: Sequence[Text] = ()
    adjustments: Sequence[Mapping[str, Any]] = ()

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        return tuple(INDICATORS[key] for key in self.total)

    def row(self, code: str | None) -> Row | None:
        return next((row for row in self.rows if row.code == code), None)

    def document(self, language: str = ZH) -> dict[str, Any]:
        """The report as JSON, with its total and, when compared, the changes against the other periods."""
        told: dict[str, Any] = {
            "period": span(self.period),
            "group_by": self.group_by,
            "rows": [row.document() for row in self.rows],
            "total": _told(self.total),
        }
        if self.compared:
            told["compared"] = {name: other.document() for name, other in self.compared.items()}
        if self.findings:
            told["findings"] = [one.of(language) for one in self.findings]
        if self.adjustments:
            told["adjustments"] = list(self.adjustments)
        return told

    def ranked(self, key: str) -> list[tuple[int, Row]]:
        """Rows by their place in one indicator, best first; groups too small to rank and no group are left out."""
        best = "lower" if INDICATORS[key].lower_is_better else "higher"
        worthy = [row for row in self.rows if row.code is not None and not row.figures[key].too_small]
        places = ranks({row.code: row.figures[key].value for row in worthy}, best=best)
        placed = [(place, row) for row in worthy if (place := places[row.code]) is not None]
        return sorted(placed, key=lambda pair: (pair[0], pair[1].code or ""))

    def table(self) -> Table:
        """The report as the sheet the office sends: a numerator, denominator and rate for each indicator."""
        member = self.group_by == "field_member"
        name = Column("name", GROUPS[self.group_by], width=22)
        code = Column("code", Text("代码", "Code"), width=40 if member else 12)
        figures = [column for indicator in self.indicators for column in _columns(indicator)]

        def line(code: str, name: Cell, cells: list[Decimal | int | None]) -> Cells:
            """A member's code is an id that nobody reads, so it comes last."""
            return (name, *cells, code) if member else (code, name, *cells)

        return Table(
            key=f"supervision-{self.period.code}-{self.group_by}",
            title=Text("产改走访与问题办理督查情况表", "Supervision of field visits and issue handling"),
            columns=[name, *figures, code] if member else [code, name, *figures],
            rows=[line(row.code or "", row.name, _cells(self.indicators, row.figures)) for row in self.rows],
            total=line("", TOTAL, _cells(self.indicators, self.total)),
            unit=Text("件、次、%、工作日", "items, visits, %, working days"),
            period=self.period.name,
            measure=Text("按到期口径，统计至报告时点", "by what fell due, as of the report"),
            notes=(*self.findings, *definitions(self.indicators)),
            tab=Text("督查情况表", "Supervision"),
        )


def span(period: Period) -> dict[str, str]:
    """A period as documents show it."""
    return {"from": period.first.isoformat(), "to": period.last.isoformat(), "code": period.code}


def definitions(indicators: Sequence[Indicator]) -> tuple[Text, ...]:
    """A footnote for each indicator, and the rule about small denominators."""
    notes = [
        Text(
            f"{number}. {one.name.of(ZH)}：{one.meaning.of(ZH)}。",
            f"{number}. {one.name.en}: {one.meaning.en}.",
        )
        for number, one in enumerate(indicators, start=1)
    ]
    small = Text("分母小于5的比率仅供参考，不参加排名。", "A rate over fewer than 5 is shown and not ranked.")
    return (*notes, small)


def _columns(indicator: Indicator) -> list[Column]:
    key, name = indicator.key, indicator.name
    apart = [
        Column(f"{key}.{part}", PARTS[part], kind="decimal" if part == "median" else "count", group=name, width=7)
        for part in indicator.parts
    ]
    if indicator.denominator is None:
        if not apart:
            return [Column(f"{key}.value", name, kind="count", width=8)]
        return [Column(f"{key}.value", TOTAL, kind="count", group=name, width=7), *apart]
    unit = UNITS[indicator.unit]
    value = (
        Text("率（{unit}）", "rate ({unit})")
        if indicator.unit == "percent"
        else Text("均值（{unit}）", "mean ({unit})")
    )
    return [
        Column(f"{key}.numerator", Text("分子", "num."), kind="count", group=name, width=6),
        Column(f"{key}.denominator", Text("分母", "den."), kind="count", group=name, width=6),
        Column(
            f"{key}.value",
            value.fill(unit=unit),
            kind="decimal",
            group=name,
            width=9,
            heat={"higher": "good", "lower": "bad"}.get(indicator.direction) if indicator.unit == "percent" else None,
        ),
        *apart,
    ]


def _cells(indicators: Sequence[Indicator], figures: Mapping[str, Figure]) -> list[Decimal | int | None]:
    cells: list[Decimal | int | None] = []
    for indicator in indicators:
        one = figures[indicator.key]
        cells += [one.numerator] if indicator.denominator is None else [one.numerator, one.denominator, one.value]
        cells += [one.parts.get(part) for part in indicator.parts]
    return cells


def _told(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {key: one.document() for key, one in figures.items()}


def _number(value: Decimal | int | None) -> float | int | None:
    return float(value) if isinstance(value, Decimal) else value
