"""Write data/reference/calendar.csv: the statutory days off and make-up working days, a year at a time.

Run it again when the State Council has published a year: ``python data/make_calendar.py 2024 2027``.
A year for which the source knows no make-up working day is a guess and is marked provisional.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import holidays

TARGET = Path(__file__).parent / "reference" / "calendar.csv"
SATURDAY = 5


def rows_of(year: int) -> list[tuple[int, str, str, str, str]]:
    """The days of one year that differ from plain Monday to Friday: (year, status, date, kind, name)."""
    known = holidays.country_holidays("CN", years=year, language="zh_CN")
    makeup = sorted(day for day in known.weekend_workdays if day.year == year)
    status = "official" if makeup else "provisional"
    off = sorted((day, name) for day, name in known.items() if day.weekday() < SATURDAY and day.year == year)
    rows = [(year, status, day.isoformat(), "off", name.partition("（")[0]) for day, name in off]
    rows += [(year, status, day.isoformat(), "makeup", "调休上班") for day in makeup]
    return sorted(rows, key=lambda row: row[2])


def write(first: int, last: int) -> None:
    with TARGET.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["year", "status", "date", "kind", "name_zh"])
        for year in range(first, last + 1):
            out.writerows(rows_of(year))


if __name__ == "__main__":
    write(int(sys.argv[1]), int(sys.argv[2]))
