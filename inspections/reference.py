"""The reference data that ships with the project, as the pure modules like it. Pure."""

from __future__ import annotations

import csv
from collections import defaultdict
from datetime import date
from functools import lru_cache
from pathlib import Path

from inspections.deadlines import Calendar, Year
from inspections.routing import Rule

FOLDER = Path(__file__).resolve().parent.parent / "data" / "reference"


def table(name: str) -> list[dict[str, str]]:
    """The rows of ``data/reference/<name>.csv``."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@lru_cache(maxsize=1)
def calendar() -> Calendar:
    """The calendar that ships: published years, and the guess for the next one."""
    days: dict[int, dict[str, set[date]]] = defaultdict(lambda: {"off": set(), "makeup": set()})
    official = {}
    for row in table("calendar"):
        year = int(row["year"])
        official[year] = row["status"] == "official"
        days[year][row["kind"]].add(date.fromisoformat(row["date"]))
    return Calendar(
        tuple(
            Year(year, official[year], frozenset(of["off"]), frozenset(of["makeup"]))
            for year, of in sorted(days.items())
        )
    )


def rules() -> list[Rule]:
    """The routing rules that ship."""
    return [
        Rule(
            priority=int(row["priority"]),
            category=row["category"],
            when=row["when"],
            lead=row["lead"],
            add_assists=tuple(row["add_assists"].split()),
            deadline_class=row["deadline_class"],
            why=row["why_zh"],
        )
        for row in table("routing_rules")
    ]
