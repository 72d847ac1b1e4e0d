"""Working days and due times, in Shanghai. Pure.

Day 1 is the first working day after the day of dispatch, whatever the hour; a deadline of n working days ends on
day n at 17:30. The weekday rule is bent by the statutory calendar: days off in the week, make-up days at the weekend.
A year whose calendar is not published counts as plain Monday to Friday and makes a due time provisional.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import MAXYEAR, date, datetime, time, timedelta, timezone
from enum import StrEnum

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
CLOSE = time(17, 30, tzinfo=SHANGHAI)
REWORK_FLOOR = 3
PAUSE_LIMIT = 30
PAUSES_LIMIT = 90
RED_AFTER = 5
JOINT_CONFERENCE_AFTER = 15
_SATURDAY = 5
_MARGIN = 3
_LAST = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Year:
    """One calendar year: which weekdays are off, which weekend days are worked, whether it is published."""

    year: int
    official: bool
    off: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        for day in self.off | self.makeup:
            if day.year != self.year:
                raise ValueError(f"{day} is not in {self.year}")
        if both := self.off & self.makeup:
            raise ValueError(f"{min(both)} is both a day off and a working day")


@dataclass(frozen=True, slots=True)
class Due:
    """A due time; provisional when a year on the way to it is not published."""

    at: datetime
    provisional: bool


class Colour(StrEnum):
    """How urgent a deadline is: none, one working day left, past due, past due by more than five working days."""

    NONE = "none"
    BLUE = "blue"
    YELLOW = "yellow"
    RED = "red"


@dataclass(frozen=True)
class Calendar:
    """Working days of all years; years not given are plain Monday to Friday and provisional."""

    years: tuple[Year, ...] = ()
    _known: dict[int, Year] = field(init=False, repr=False, compare=False)
    _days: list[int] = field(init=False, repr=False, compare=False)
    _span: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = {year.year: year for year in self.years}
        object.__setattr__(self, "_known", known)
        first, last = min(known, default=2024), max(known, default=2027)
        first, last = max(1, first - _MARGIN), min(MAXYEAR, last + _MARGIN)
        span = date(first, 1, 1).toordinal(), date(last, 12, 31).toordinal()
        object.__setattr__(self, "_span", span)
        object.__setattr__(self, "_days", [n for n in range(span[0], span[1] + 1) if self._works(n)])

    def is_workday(self, day: date) -> bool:
        return self._works(day.toordinal())

    def is_official(self, first: date, last: date) -> bool:
        """Whether every year from the one day to the other is published."""
        return all((year := self._known.get(n)) is not None and year.official for n in range(first.year, last.year + 1))

    def after(self, day: date, workdays: int) -> date:
        """The n-th working day after ``day`` (0: ``day`` itself; negative: counted backwards)."""
        if workdays == 0:
            return day
        ordinal, (first, last) = day.toordinal(), self._span
        if first <= ordinal <= last:
            at = (
                bisect_right(self._days, ordinal) - 1 if workdays > 0 else bisect_left(self._days, ordinal)
            ) + workdays
            if 0 <= at < len(self._days):
                return date.fromordinal(self._days[at])
        return self._walk(ordinal, workdays)

    def between(self, start: date, end: date) -> int:
        """How many working days lie after ``start`` up to and including ``end``; negative when ``end`` is earlier."""
        if end < start:
            return -self.between(end, start)
        low, high = start.toordinal(), end.toordinal()
        if self._span[0] <= low and high <= self._span[1]:
            return bisect_right(self._days, high) - bisect_right(self._days, low)
        return sum(self._works(n) for n in range(low + 1, high + 1))

    def _works(self, ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        if (year := self._known.get(day.year)) is not None:
            if day in year.makeup:
                return True
            if day in year.off:
                return False
        return day.weekday() < _SATURDAY

    def _walk(self, ordinal: int, workdays: int) -> date:
        step = 1 if workdays > 0 else -1
        left = abs(workdays)
        while left and 1 < ordinal + step <= _LAST:
            ordinal += step
            left -= self._works(ordinal)
        return date.fromordinal(ordinal)


def local_day(at: datetime) -> date:
    """The day in Shanghai on which an instant falls."""
    return at.astimezone(SHANGHAI).date()


def close_of(day: date) -> datetime:
    """17:30 of a day."""
    return datetime.combine(day, CLOSE)


def due(calendar: Calendar, start: datetime, workdays: int) -> Due:
    """When something given at ``start`` with ``workdays`` (at least 1) is due."""
    first = local_day(start)
    last = calendar.after(first, max(1, workdays))
    return Due(close_of(last), not calendar.is_official(first, last))


def moved(calendar: Calendar, start: datetime, now_due: datetime, workdays: int) -> Due:
    """A due time moved by working days: an extension granted, or the length of a pause."""
    last = calendar.after(local_day(now_due), workdays)
    return Due(close_of(last), not calendar.is_official(local_day(start), last))


def paused_workdays(calendar: Calendar, since: datetime, until: datetime) -> int:
    """Working days lost to a pause: from the day it began up to the day before work went on."""
    first, last = local_day(since), local_day(until)
    if last <= first:
        return 0
    return calendar.between(first - timedelta(days=1), last - timedelta(days=1))


def rework_limit(workdays: int) -> int:
    """The limit of a second round: half the first, rounded up, at least three working days."""
    return max(REWORK_FLOOR, (workdays + 1) // 2)


def workdays_left(calendar: Calendar, due_at: datetime, at: datetime) -> int:
    """Working days after today until the due day; 0 on the day itself, negative once it has passed."""
    return calendar.between(local_day(at), local_day(due_at))


def is_late_by(calendar: Calendar, due_at: datetime, at: datetime, more_than: int) -> bool:
    """Whether an instant lies more than so many working days after a due time."""
    return at > close_of(calendar.after(local_day(due_at), more_than)) if more_than else at > due_at


def colour(calendar: Calendar, due_at: datetime, at: datetime) -> Colour:
    """The warning colour of an unanswered deadline at an instant."""
    if is_late_by(calendar, due_at, at, RED_AFTER):
        return Colour.RED
    if at > due_at:
        return Colour.YELLOW
    return Colour.BLUE if workdays_left(calendar, due_at, at) <= 1 else Colour.NONE


def changed_days(old: Calendar, new: Calendar, years: Iterable[int]) -> list[date]:
    """The days that count differently in two calendars, for the people who must be told."""
    days = [
        date.fromordinal(n)
        for year in years
        for n in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1)
    ]
    return [day for day in days if old.is_workday(day) != new.is_workday(day)]
