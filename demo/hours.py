"""When things happen: working days and office hours in Shanghai, and a list of what is still to come."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from typing import Any
from uuid import UUID

from inspections.deadlines import SHANGHAI, Calendar, local_day

HALF_A_YEAR = 6


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


def first_of_month(day: date, months_before: int = 0) -> date:
    """The first day of the month so many months before a day's."""
    number = day.year * 12 + day.month - 1 - months_before
    return date(number // 12, number % 12 + 1, 1)


@dataclass(frozen=True)
class Span:
    """The time the demo world covers: whole months before the day it is made on, and that month so far."""

    today: date
    calendar: Calendar
    whole_months: int = HALF_A_YEAR

    @property
    def first(self) -> date:
        return first_of_month(self.today, self.whole_months)

    @property
    def end(self) -> datetime:
        """Nothing happens from here on: the day it is made on begins."""
        return moment(self.today, 0)

    def months(self, *, ahead: int = 0) -> list[date]:
        return [first_of_month(self.today, back) for back in range(self.whole_months, -1 - ahead, -1)]

    def month_of(self, at: datetime) -> int:
        """How many months after the beginning."""
        day = local_day(at)
        return (day.year - self.first.year) * 12 + day.month - self.first.month

    def workdays(self, first: date, last: date) -> list[date]:
        """The working days from the one day to the other, both included."""
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        return [day for day in days if self.calendar.is_workday(day)]

    def later(self, at: datetime, workdays: int, hour: int, minute: int = 0) -> datetime:
        """That hour, so many working days on; the next working day when it has passed already."""
        day = self.calendar.after(local_day(at), workdays)
        if not self.calendar.is_workday(day):
            day = self.calendar.after(day, 1)
        found = moment(day, hour, minute)
        return found if found >= at else moment(self.calendar.after(day, 1), hour, minute)

    def left(self, at: datetime, due: datetime) -> int:
        """Working days after today until a due day."""
        return self.calendar.between(local_day(at), local_day(due))


class Agenda:
    """What is still to happen, in order of time; what one person does at one time comes together."""

    def __init__(self) -> None:
        self._entries: list[tuple[datetime, int, str, int, Any]] = []
        self._count = 0

    def put(self, at: datetime, who: UUID | None, item: Any) -> None:
        """Something for a person to do; for nobody, what the server does by itself, which comes first."""
        self._count += 1
        heappush(self._entries, (at, who is not None, str(who or ""), self._count, item))

    def until(self, end: datetime) -> Iterator[tuple[datetime, UUID | None, list[Any]]]:
        """Each person's doings at each time before ``end``, however much is added on the way."""
        while self._entries and self._entries[0][0] < end:
            at, someone, who, _, item = heappop(self._entries)
            items = [item]
            while self._entries and self._entries[0][:3] == (at, someone, who):
                items.append(heappop(self._entries)[-1])
            yield at, UUID(who) if someone else None, items
