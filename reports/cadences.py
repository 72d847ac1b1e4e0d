"""How often each role owes a visit, and what of it falls due in a period. Pure."""

from __future__ import annotations

import csv
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from reports.periods import Period


@dataclass(frozen=True, slots=True)
class Cadence:
    """``visits`` owed in every block of ``months`` calendar months, for each ``enterprise`` or once a ``member``."""

    role: str
    visits: int
    months: int
    each: str = "enterprise"


@lru_cache(maxsize=1)
def shipped() -> tuple[Cadence, ...]:
    """The cadences that come with the project; they count as long as the office has set none."""
    path = Path(__file__).resolve().parent.parent / "data" / "reference" / "cadences.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Cadence(row["role"], int(row["visits"]), int(row["months"]), row["each"]) for row in csv.DictReader(file)
        )


@dataclass(frozen=True, slots=True)
class Block:
    """One stretch of months for which visits are owed; they fall due on its last day."""

    first: date
    last: date


def blocks(cadence: Cadence, period: Period, today: date) -> list[Block]:
    """The blocks that end in the period by ``today``: like everything else, visits are judged when they have fallen due."""
    until = min(period.last, today)
    return [block for block in _from(cadence.months, period.first) if block.last <= until]


def _from(months: int, day: date) -> Iterator[Block]:
    """The block that ``day`` lies in and all after it, to ten years on. Blocks are counted from January."""
    start = (day.year * 12 + day.month - 1) // months * months
    for index in range(start, start + 12 * 11, months):
        end = index + months - 1
        year, month = divmod(end, 12)
        yield Block(date(index // 12, index % 12 + 1, 1), date(year, month + 1, monthrange(year, month + 1)[1]))
