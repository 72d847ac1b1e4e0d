"""What has changed about a frozen period since: lines in the periods after it, for the frozen report itself never does.

A line says what was published and what it would be now. Once it is in a frozen report of its own it is published too, so
that each correction is told once. Shares that go on moving by ordinary work (an issue due in October is closed in
November) are no corrections and are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from core.texts import ZH, Text
from reports import groups, supervision
from reports.cadences import Cadence
from reports.figures import TOTAL, Figure, Report
from reports.groups import Sight
from reports.indicators import GROUPS, INDICATORS
from reports.models import Snapshot, SnapshotState
from reports.periods import Period
from reports.tables import Cell, Column, Table

BACK = 3
"""How many periods are looked back over."""
MOVING = frozenset({"closure_rate", "rework_rate"})
WHOLE = "*"
Key = tuple[str, str]
"""(group code, "" for no group, WHOLE for the total; indicator)."""
Told = Mapping[str, Any]


def since(period: Period, group_by: str, *, sight: Sight, at: datetime, language: str = ZH) -> list[dict[str, Any]]:
    """The corrections to the periods before this one, the latest period first."""
    lines: list[dict[str, Any]] = []
    before = period
    for _ in range(BACK):
        before = before.previous()
        frozen = Snapshot.objects.filter(
            kind="supervision", period=before.code, group_by=group_by, state=SnapshotState.FROZEN
        ).first()
        if frozen is not None:
            lines += _of(frozen, before, period, sight, at, language)
    return lines


def _of(
    frozen: Snapshot, before: Period, period: Period, sight: Sight, at: datetime, language: str
) -> list[dict[str, Any]]:
    published = _published(frozen, period)
    now = supervision.report(before, frozen.group_by, sight=sight, at=at, language=language, cadences=_cadences(frozen))
    names = {code: row["group"]["name"] for code, row in _rows(frozen).items()}
    names |= {row.code or "": row.name for row in now.rows} | {WHOLE: TOTAL.of(language)}
    found = _figures(now)
    lines: list[dict[str, Any]] = []
    for key in sorted({*published, *found}):
        group, indicator = key
        if indicator in MOVING or indicator not in INDICATORS or not _may_see(sight, frozen.group_by, group):
            continue
        was, became = published.get(key, _NOTHING), _brief(found.get(key))
        if (was["numerator"] or 0, was["denominator"] or 0) != (became["numerator"] or 0, became["denominator"] or 0):
            lines.append(
                {
                    "corrects": str(frozen.id),
                    "period": before.code,
                    "group": {"code": group or None, "name": names.get(group, group)},
                    "indicator": indicator,
                    "published": was,
                    "now": became,
                }
            )
    return lines


def _cadences(frozen: Snapshot) -> tuple[Cadence, ...] | None:
    """What visits were owed by when it was taken; None of a snapshot that does not say yet."""
    kept = frozen.document.get("versions", {}).get("cadences")
    return None if kept is None else tuple(Cadence(*one) for one in kept)


_NOTHING: Told = {"numerator": 0, "denominator": None, "value": None}


def _may_see(sight: Sight, group_by: str, group: str) -> bool:
    return sight.everything or (group not in ("", WHOLE) and groups.speaks_for(sight, group_by, group))


def _rows(frozen: Snapshot) -> dict[str, Any]:
    return {row["group"]["code"] or "": row for row in frozen.document["report"]["rows"]}


def _published(frozen: Snapshot, period: Period) -> dict[Key, Told]:
    """What has been published about the period: the frozen figures, and over them the lines of frozen reports since."""
    told: dict[Key, Told] = {}
    rows = _rows(frozen) | {WHOLE: {"indicators": frozen.document["report"]["total"]}}
    for group, row in rows.items():
        told |= {(group, key): _told(one) for key, one in row["indicators"].items()}
    later = Snapshot.objects.filter(
        kind="supervision",
        group_by=frozen.group_by,
        state=SnapshotState.FROZEN,
        first_day__gt=frozen.last_day,
        last_day__lt=period.first,
    )
    for document in later.order_by("frozen_at").values_list("document", flat=True):
        for line in document.get("adjustments", ()):
            if line["corrects"] == str(frozen.id):
                told[line["group"]["code"] or "", line["indicator"]] = _told(line["now"])
    return told


def _told(figure: Told) -> Told:
    return {name: figure[name] for name in ("numerator", "denominator", "value")}


def _figures(report: Report) -> dict[Key, Figure]:
    found = {(row.code or "", key): one for row in report.rows for key, one in row.figures.items()}
    return found | {(WHOLE, key): one for key, one in report.total.items()}


def _brief(figure: Figure | None) -> Told:
    return _NOTHING if figure is None else _told(figure.document())


def table(lines: Iterable[Told], period: Period, group_by: str) -> Table:
    """The corrections as a sheet."""
    rows: list[Sequence[Cell]] = []
    for line in lines:
        was, became = line["published"], line["now"]
        rows.append(
            (
                line["period"],
                line["group"]["name"],
                INDICATORS[line["indicator"]].name,
                *(was[name] for name in ("numerator", "denominator", "value")),
                *(became[name] for name in ("numerator", "denominator", "value")),
                (became["numerator"] or 0) - (was["numerator"] or 0),
                (became["denominator"] or 0) - (was["denominator"] or 0),
            )
        )
    return Table(
        key=f"adjustments-{period.code}-{group_by}",
        title=Text("前期更正表", "Adjustments to earlier periods"),
        tab=Text("前期更正", "Adjustments"),
        columns=(
            Column("period", Text("更正的期间", "Period"), width=14),
            Column("name", GROUPS[group_by], width=24),
            Column("indicator", Text("指标", "Indicator"), width=20),
            *_figure_columns("published", Text("已发布", "Published")),
            *_figure_columns("now", Text("更正后", "Now")),
            Column("delta.numerator", Text("分子", "num."), kind="count", group=Text("增减", "Change"), width=8),
            Column("delta.denominator", Text("分母", "den."), kind="count", group=Text("增减", "Change"), width=8),
        ),
        rows=rows,
        period=period.name,
        measure=Text("已冻结的报告不变，更正记入本期", "frozen reports stay; what has changed is entered here"),
    )


def brief(lines: Iterable[Told], period: Period) -> Table:
    """The corrections on a portrait page."""
    return Table(
        key=f"adjustments-{period.code}",
        title=Text("前期更正表", "Adjustments to earlier periods"),
        columns=(
            Column("period", Text("期间", "Period")),
            Column("name", Text("单位", "Unit")),
            Column("indicator", Text("指标", "Indicator")),
            Column("published", Text("已发布", "Published")),
            Column("now", Text("更正后", "Now")),
        ),
        rows=[
            (
                line["period"],
                line["group"]["name"],
                INDICATORS[line["indicator"]].name,
                *(_said(line[side]) for side in ("published", "now")),
            )
            for line in lines
        ],
        period=period.name,
    )


def _said(told: Told) -> str:
    number, of = told["numerator"], told["denominator"]
    return str(number) if of is None else f"{number}/{of}"


def _figure_columns(key: str, group: Text) -> tuple[Column, ...]:
    return (
        Column(f"{key}.numerator", Text("分子", "num."), kind="count", group=group, width=8),
        Column(f"{key}.denominator", Text("分母", "den."), kind="count", group=group, width=8),
        Column(f"{key}.value", Text("值", "value"), kind="decimal", group=group, width=10),
    )
