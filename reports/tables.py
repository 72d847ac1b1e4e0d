"""One table, four dresses: what JSON, CSV, XLSX and DOCX are all written from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.texts import Text
from reports.periods import SHANGHAI

Cell = str | int | float | Decimal | date | datetime | UUID | bool | None
Cells = Sequence[Cell]

KINDS = ("text", "count", "decimal", "date", "instant")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one ``kind``; neighbours with the same ``group`` share a heading above their own.

    ``heat`` colours the column (``good``: high is green, ``bad``: high is red); ``width`` counts characters.
    """

    key: str
    heading: Text
    kind: str = "text"
    group: Text | None = None
    width: int = 10
    heat: str | None = None

    def full_heading(self, language: str) -> str:
        """Both levels in one line, for forms that have a single header row."""
        own = self.heading.of(language)
        return own if self.group is None else f"{self.group.of(language)} {own}"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of number columns over the names in another: bars of one, or a ``line`` for each of several."""

    names: str
    values: str | tuple[str, ...]
    title: Text
    kind: str = "bar"
    most: int | None = None
    """The end of the axis, where there is a natural one."""

    @property
    def series(self) -> tuple[str, ...]:
        return (self.values,) if isinstance(self.values, str) else self.values


@dataclass(frozen=True, slots=True)
class Table:
    """Title, columns, rows and what explains them. ``rows`` may be a generator: it is walked once.

    ``tab`` is what a sheet of it is called: Excel takes 31 characters with the sheet's number, and no more.
    """

    key: str
    title: Text
    columns: Sequence[Column]
    rows: Iterable[Cells]
    total: Cells | None = None
    unit: Text | None = None
    period: Text | None = None
    measure: Text | None = None
    notes: Sequence[Text] = ()
    charts: Sequence[Chart] = field(default=())
    tab: Text | None = None

    def position(self, key: str) -> int:
        """The place of a column by its key."""
        return next(index for index, column in enumerate(self.columns) if column.key == key)

    def document(self, language: str) -> dict[str, Any]:
        """The table as JSON: columns in order, rows as objects by column key."""
        keys = [column.key for column in self.columns]
        told: dict[str, Any] = {
            "title": self.title.of(language),
            "columns": [
                {"key": column.key, "heading": column.full_heading(language), "kind": column.kind}
                for column in self.columns
            ],
            "rows": [dict(zip(keys, _plain(row, language), strict=True)) for row in self.rows],
        }
        if self.total is not None:
            told["total"] = dict(zip(keys, _plain(self.total, language), strict=True))
        return told


def spoken(cell: Cell, language: str) -> Cell:
    """The cell in a language, when it is a sentence in both."""
    return cell.of(language) if isinstance(cell, Text) else cell


def written(cell: Cell, language: str) -> str:
    """The cell as text: instants in local time, decimals as they are, nothing for None."""
    cell = spoken(cell, language)
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return {True: "是", False: "否"}[cell] if language != "en" else {True: "yes", False: "no"}[cell]
    if isinstance(cell, datetime):
        return cell.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return str(cell)


def _plain(row: Cells, language: str) -> list[Any]:
    told: list[Any] = []
    for cell in row:
        cell = spoken(cell, language)
        if isinstance(cell, Decimal):
            told.append(float(cell))
        elif isinstance(cell, datetime):
            told.append(cell.astimezone(SHANGHAI).isoformat())
        elif isinstance(cell, date | UUID):
            told.append(str(cell))
        else:
            told.append(cell)
    return told
