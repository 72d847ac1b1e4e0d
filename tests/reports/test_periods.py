"""Which days a report speaks about."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from core.problems import Invalid
from reports import periods


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-Q3", date(2026, 7, 1), date(2026, 9, 30)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-W30", date(2026, 7, 20), date(2026, 7, 26)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2026-07-05..2026-07-09", date(2026, 7, 5), date(2026, 7, 9)),
    ],
)
def test_the_office_names_a_period(asked: str, first: date, last: date) -> None:
    period = periods.read(asked)

    assert (period.first, period.last) == (first, last)
    assert periods.read(period.code) == period


def test_the_last_evening_belongs_to_the_period_and_midnight_to_the_next() -> None:
    july, august = periods.read("2026-07"), periods.read("2026-08")
    last_evening = datetime(2026, 7, 31, 15, 59, 59, tzinfo=UTC)
    midnight = datetime(2026, 7, 31, 16, 0, tzinfo=UTC)

    assert july.start <= last_evening < july.end == august.start == midnight


@pytest.mark.parametrize(
    ("asked", "previous", "year_earlier"),
    [
        ("2026", "2025", "2025"),
        ("2026-Q1", "2025-Q4", "2025-Q1"),
        ("2026-01", "2025-12", "2025-01"),
        ("2026-W01", "2025-W52", "2025-W01"),
        ("2026-W53", "2026-W52", "2025-W52"),
        ("2028-02-10..2028-02-29", "2028-01-21..2028-02-09", "2027-02-10..2027-02-28"),
    ],
)
def test_a_period_knows_the_one_before_and_last_years(asked: str, previous: str, year_earlier: str) -> None:
    period = periods.read(asked)

    assert period.previous().code == previous
    assert period.year_earlier().code == year_earlier


@pytest.mark.parametrize(
    ("asked", "pointers"),
    [
        ({"period": "2026-Q5"}, ["/period"]),
        ({"period": "2026-13"}, ["/period"]),
        ({"period": "2025-W53"}, ["/period"]),
        ({"period": "1999"}, ["/period"]),
        ({"period": "２０２６"}, ["/period"]),
        ({"period": "last month"}, ["/period"]),
        ({"period": "2026", "since": "2026-01-01"}, ["/period"]),
        ({"since": "2026-02-30", "until": "soon"}, ["/from", "/to"]),
        ({"since": "2026-01-01"}, ["/to"]),
        ({"since": "2026-02-01", "until": "2026-01-01"}, ["/to"]),
        ({"since": "2006-01-01", "until": "2026-01-01"}, ["/to"]),
        ({}, ["/period"]),
    ],
)
def test_a_period_that_cannot_be_is_refused_at_its_place(asked: dict[str, str], pointers: list[str]) -> None:
    with pytest.raises(Invalid) as refusal:
        periods.read(**asked)

    assert [fault.pointer for fault in refusal.value.errors] == pointers
