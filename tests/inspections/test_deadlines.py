from __future__ import annotations

import csv
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspections import deadlines, reference
from inspections.deadlines import SHANGHAI, Calendar, Colour, Year

ROOT = Path(__file__).parents[2]
CALENDAR = reference.calendar()
VECTORS = list(csv.DictReader((ROOT / "tests/vectors/vectors_deadline.csv").read_text(encoding="utf-8").splitlines()))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['dispatched_on']}+{vector['workdays']}")
def test_the_published_examples(vector: dict[str, str]) -> None:
    due = deadlines.due(CALENDAR, at(f"{vector['dispatched_on']}T09:12"), int(vector["workdays"]))

    assert due.at == at(f"{vector['due_on']}T17:30")
    assert not due.provisional


@pytest.mark.parametrize("hour", ["00:00", "17:29", "17:31", "23:59"])
def test_the_hour_of_dispatch_does_not_matter(hour: str) -> None:
    assert deadlines.due(CALENDAR, at(f"2026-11-18T{hour}"), 1).at == at("2026-11-19T17:30")


def test_the_day_is_the_day_in_shanghai() -> None:
    late_in_london = datetime(2026, 11, 18, 16, 30, tzinfo=UTC)

    assert deadlines.due(CALENDAR, late_in_london, 1).at == at("2026-11-20T17:30")


def test_dispatch_on_a_day_off_starts_on_the_next_working_day() -> None:
    assert deadlines.due(CALENDAR, at("2026-10-04T10:00"), 1).at == at("2026-10-08T17:30")


def test_a_due_time_in_a_year_not_yet_published_is_provisional_and_moves_when_it_is() -> None:
    dispatched = at("2026-12-29T10:00")
    before = deadlines.due(CALENDAR, dispatched, 15)
    published = Calendar(
        (
            *(year for year in CALENDAR.years if year.year != 2027),
            Year(2027, True, off=frozenset({date(2027, 1, 1), date(2027, 1, 4)})),
        )
    )
    after = deadlines.due(published, dispatched, 15)

    assert before.provisional
    assert not after.provisional
    assert before.at < after.at


@pytest.mark.parametrize("day", ["1949-10-01", "2031-02-03", "9999-12-30"])
def test_no_year_is_too_far(day: str) -> None:
    assert deadlines.due(CALENDAR, at(f"{day}T10:00"), 30).provisional


def naive(calendar: Calendar, start: date, workdays: int) -> date:
    """Counts on the fingers, from the rows of the file rather than from the calendar's own table."""
    off = {day for year in calendar.years for day in year.off}
    worked = {day for year in calendar.years for day in year.makeup}
    day = start
    while workdays:
        day += timedelta(days=1)
        if day in worked or (day.isoweekday() <= 5 and day not in off):
            workdays -= 1
    return day


DAYS = st.dates(date(2019, 1, 1), date(2033, 12, 31))


@given(start=DAYS, workdays=st.integers(1, 130))
def test_it_agrees_with_counting_on_the_fingers(start: date, workdays: int) -> None:
    last = CALENDAR.after(start, workdays)

    assert last == naive(CALENDAR, start, workdays)
    assert CALENDAR.between(start, last) == workdays


@given(start=DAYS, workdays=st.integers(1, 130))
def test_counting_back_undoes_counting_on(start: date, workdays: int) -> None:
    end = CALENDAR.after(start, -workdays)

    assert CALENDAR.is_workday(end)
    assert CALENDAR.between(end, start) == workdays - (not CALENDAR.is_workday(start))


@given(start=DAYS, first=st.integers(1, 60), second=st.integers(1, 60))
def test_a_pause_moves_a_due_time_as_far_as_a_longer_limit_would(start: date, first: int, second: int) -> None:
    given_at = datetime.combine(start, deadlines.CLOSE)
    short = deadlines.due(CALENDAR, given_at, first)

    assert deadlines.moved(CALENDAR, given_at, short.at, second) == deadlines.due(CALENDAR, given_at, first + second)


@pytest.mark.parametrize(
    ("since", "until", "lost"),
    [
        ("2026-11-18T10:00", "2026-11-18T16:00", 0),
        ("2026-11-18T10:00", "2026-11-20T09:00", 2),
        ("2026-11-21T10:00", "2026-11-23T09:00", 0),
        ("2026-09-30T10:00", "2026-10-08T09:00", 1),
        ("2026-11-20T10:00", "2026-11-18T10:00", 0),
    ],
)
def test_a_pause_costs_the_working_days_on_which_nothing_was_done(since: str, until: str, lost: int) -> None:
    assert deadlines.paused_workdays(CALENDAR, at(since), at(until)) == lost


@pytest.mark.parametrize(("limit", "second"), [(1, 3), (3, 3), (5, 3), (8, 4), (15, 8)])
def test_a_second_round_has_half_the_time_and_at_least_three_days(limit: int, second: int) -> None:
    assert deadlines.rework_limit(limit) == second


@pytest.mark.parametrize(
    ("now", "colour"),
    [
        ("2026-11-16T09:00", Colour.NONE),
        ("2026-11-17T09:00", Colour.BLUE),
        ("2026-11-18T17:30", Colour.BLUE),
        ("2026-11-18T17:31", Colour.YELLOW),
        ("2026-11-25T17:30", Colour.YELLOW),
        ("2026-11-25T17:31", Colour.RED),
    ],
)
def test_colours_turn_blue_then_yellow_then_red(now: str, colour: Colour) -> None:
    assert deadlines.colour(CALENDAR, at("2026-11-18T17:30"), at(now)) == colour


def test_a_hundred_thousand_due_times_take_less_than_a_second() -> None:
    dispatched = at("2026-09-20T10:00")
    started = time.process_time()
    for n in range(100_000):
        deadlines.due(CALENDAR, dispatched, n % 40 + 1)

    assert time.process_time() - started < 1


def test_a_day_cannot_be_off_and_worked_or_of_another_year() -> None:
    day = date(2026, 5, 9)
    with pytest.raises(ValueError, match="both"):
        Year(2026, True, off=frozenset({day}), makeup=frozenset({day}))
    with pytest.raises(ValueError, match="not in 2027"):
        Year(2027, True, off=frozenset({day}))
