"""The stretch of days a report speaks about, as the office names it.

A period is whole days in Asia/Shanghai. Its instants are half-open: a reply at 23:59:59 on the last day
belongs to it, one at midnight belongs to the next.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.problems import Fault, Invalid
from core.texts import Text

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST_YEAR, LAST_YEAR = 2000, 2099
LONGEST = 3660

_SHAPE = re.compile(r"(?P<year>\d{4})(?:-(?:Q(?P<quarter>\d)|W(?P<week>\d{2})|(?P<month>\d{2})))?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days from ``first`` to ``last``, both included; ``code`` is how it is asked for."""

    code: str
    kind: str
    first: date
    last: date

    @property
    def start(self) -> datetime:
        """The first instant that belongs to the period."""
        return midnight(self.first)

    @property
    def end(self) -> datetime:
        """The first instant that no longer belongs to the period."""
        return midnight(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def name(self) -> Text:
        """The period as people write it: 2026年第三季度, Q3 2026."""
        return _NAMES[self.kind](self)

    def previous(self) -> Period:
        """The period of the same kind just before; for free dates as many days just before."""
        day = self.first - timedelta(days=1)
        if self.kind == "dates":
            return between(self.first - timedelta(days=self.days), day)
        return _containing(self.kind, day)

    def holds(self, other: Period) -> bool:
        """Whether all days of the other are days of this one."""
        return self.first <= other.first and other.last <= self.last

    def year_earlier(self) -> Period:
        """The same period of last year. Week 53 meets week 52 in a year without one, 29 February the 28th."""
        if self.kind == "dates":
            return between(_year_before(self.first), _year_before(self.last))
        if self.kind == "week":
            year, week, _ = self.first.isocalendar()
            last = date(year - 1, 12, 28).isocalendar().week
            return _week(year - 1, min(week, last))
        return _containing(self.kind, _year_before(self.first))


def midnight(day: date) -> datetime:
    """The instant a day begins in Jiangyin."""
    return datetime.combine(day, time.min, tzinfo=SHANGHAI)


def day_of(at: datetime) -> date:
    """The day an instant falls on in Jiangyin."""
    return at.astimezone(SHANGHAI).date()


def between(first: date, last: date) -> Period:
    """Free dates, both included."""
    return Period(f"{first}..{last}", "dates", first, last)


def containing(kind: str, day: date) -> Period:
    """The ``year``, ``quarter``, ``month`` or ``week`` that a day lies in."""
    return _containing(kind, day)


def read(period: str | None = None, *, since: str | None = None, until: str | None = None) -> Period:
    """The period a request names: ``2026``, ``2026-Q3``, ``2026-07``, ``2026-W30``, or ``from`` and ``to``.

    A snapshot's own code (``2026-07-01..2026-07-15``) is read too. Raises Invalid with a fault for each
    parameter that cannot be understood.
    """
    if period and (since or until):
        raise _refuse(
            "/period", "ambiguous", Text("period 与 from/to 只能给一种", "Give either period or from and to, not both")
        )
    if period:
        first, dots, last = period.partition("..")
        return _dates(first, last, "/period", "/period") if dots else _named(period)
    if since or until:
        return _dates(since, until, "/from", "/to")
    raise _refuse(
        "/period",
        "required",
        Text("请给出 period（如 2026-Q3）或 from 与 to", "Say a period such as 2026-Q3, or from and to"),
    )


def _named(text: str) -> Period:
    match = _SHAPE.fullmatch(text)
    if not match:
        raise _refuse(
            "/period",
            "format",
            Text(
                "期间写法应为 2026、2026-Q3、2026-07 或 2026-W30",
                "A period is written 2026, 2026-Q3, 2026-07 or 2026-W30",
            ),
        )
    year = int(match["year"])
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _out_of_range("/period")
    try:
        if match["quarter"]:
            return _quarter(year, int(match["quarter"]))
        if match["week"]:
            return _week(year, int(match["week"]))
        return _month(year, int(match["month"])) if match["month"] else _year(year)
    except ValueError:
        raise _refuse(
            "/period",
            "impossible",
            Text("没有这样的期间：{period}", "There is no such period: {period}").fill(period=text),
        ) from None


def _dates(since: str | None, until: str | None, since_at: str, until_at: str) -> Period:
    first, last, faults = None, None, []
    for value, pointer in ((since, since_at), (until, until_at)):
        day = _day(value)
        if day is None:
            faults.append(
                Fault(pointer, "date", Text("请写成日期，如 2026-07-01", "A date such as 2026-07-01 is wanted here"))
            )
        first, last = (day, last) if pointer == since_at and first is None else (first, day)
    if faults:
        raise Invalid(errors=faults)
    assert first is not None
    assert last is not None
    if last < first:
        raise _refuse(until_at, "order", Text("结束日期早于开始日期", "The last day is before the first"))
    if (last - first).days >= LONGEST:
        raise _refuse(until_at, "too-long", Text("期间不能超过十年", "A period is at most ten years"))
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise _out_of_range(since_at)
    return between(first, last)


def _day(text: str | None) -> date | None:
    if not text or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _year(year: int) -> Period:
    return Period(f"{year}", "year", date(year, 1, 1), date(year, 12, 31))


def _quarter(year: int, quarter: int) -> Period:
    if not 1 <= quarter <= 4:
        raise ValueError(quarter)
    month = quarter * 3
    return Period(
        f"{year}-Q{quarter}", "quarter", date(year, month - 2, 1), date(year, month, monthrange(year, month)[1])
    )


def _month(year: int, month: int) -> Period:
    first = date(year, month, 1)
    return Period(f"{year}-{month:02}", "month", first, first.replace(day=monthrange(year, month)[1]))


def _week(year: int, week: int) -> Period:
    monday = date.fromisocalendar(year, week, 1)
    return Period(f"{year}-W{week:02}", "week", monday, monday + timedelta(days=6))


def _containing(kind: str, day: date) -> Period:
    if kind == "year":
        return _year(day.year)
    if kind == "quarter":
        return _quarter(day.year, (day.month + 2) // 3)
    if kind == "month":
        return _month(day.year, day.month)
    iso = day.isocalendar()
    return _week(iso.year, iso.week)


def _year_before(day: date) -> date:
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


def _refuse(pointer: str, code: str, detail: Text) -> Invalid:
    return Invalid.at(pointer, code, detail)


def _out_of_range(pointer: str) -> Invalid:
    return _refuse(
        pointer,
        "range",
        Text("年份应在 {first} 至 {last} 之间", "The year lies between {first} and {last}").fill(
            first=FIRST_YEAR, last=LAST_YEAR
        ),
    )


def _week_name(period: Period) -> Text:
    iso = period.first.isocalendar()
    return Text(
        f"{iso.year}年第{iso.week}周（{period.first.month}月{period.first.day}日至{period.last.month}月{period.last.day}日）",
        f"week {iso.week} of {iso.year} ({period.first} to {period.last})",
    )


def _quarter_name(period: Period) -> Text:
    quarter = (period.first.month + 2) // 3
    return Text(f"{period.first.year}年第{'一二三四'[quarter - 1]}季度", f"Q{quarter} {period.first.year}")


def _dates_name(period: Period) -> Text:
    first, last = period.first, period.last
    return Text(
        f"{first.year}年{first.month}月{first.day}日至{last.year}年{last.month}月{last.day}日", f"{first} to {last}"
    )


_NAMES: dict[str, Callable[[Period], Text]] = {
    "year": lambda period: Text(f"{period.first.year}年", f"{period.first.year}"),
    "quarter": _quarter_name,
    "month": lambda period: Text(
        f"{period.first.year}年{period.first.month}月", f"{period.first:%B} {period.first.year}"
    ),
    "week": _week_name,
    "dates": _dates_name,
}
