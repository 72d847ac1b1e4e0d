"""What a value is while an expression runs, and how it reads as a number, a text or a truth.

A value is a ``str``, an ``int`` or ``float``, a ``bool``, a :class:`Day`, a ``tuple`` of codes (an answer to a
select-multiple question) or a ``list`` (the values of one question in all rows of a repeat). An unanswered question
is ``''``: not a number in arithmetic, empty in text. Where XForms engines differ our side is said beside the function.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

NAN = math.nan
_EPOCH = date(1970, 1, 1).toordinal()
_LOCAL = timezone(timedelta(hours=8))  # Asia/Shanghai: no summer time since 1991

_NUMBER = re.compile(r"\s*-?(?:\d+(?:\.\d*)?|\.\d+)\s*", re.ASCII)
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_CLOCK = re.compile(r"(\d{2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?(?:Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII)


class Day(float):
    """A date as the number of days since 1970-01-01; arithmetic on it gives plain numbers."""

    __slots__ = ()

    def __str__(self) -> str:
        try:
            return date.fromordinal(_EPOCH + math.floor(self)).isoformat()
        except (ValueError, OverflowError):
            return ""


class Moment(Day):
    """A date and time of day, in days and their fraction, by the wall clock of Asia/Shanghai."""

    __slots__ = ()

    def __str__(self) -> str:
        moment = calendar_time(self)
        return moment.isoformat(timespec="milliseconds") + "+08:00" if moment else ""


class Hidden(str):
    """The value of a question that is not asked: empty like any unanswered one, yet told apart by identity."""

    __slots__ = ()


HIDDEN = Hidden()


def calendar_time(days: float) -> datetime | None:
    """The wall-clock time of a day number, None when no calendar reaches it."""
    try:
        return datetime.combine(date(1970, 1, 1), time()) + timedelta(milliseconds=round(days * 86_400_000))
    except (ValueError, OverflowError):
        return None


def read_date(raw: str) -> Day | None:
    """``2026-11-22`` as a day number; None when it is no date."""
    match = _DATE.fullmatch(raw)
    if match is None:
        return None
    try:
        return Day(date(int(match[1]), int(match[2]), int(match[3])).toordinal() - _EPOCH)
    except ValueError:
        return None


def read_moment(raw: str) -> Moment | None:
    """An ISO 8601 date and time as a day number with its fraction; without an offset it is local time."""
    if _MOMENT.fullmatch(raw) is None:
        return None
    try:
        moment = datetime.fromisoformat(raw)
        if moment.tzinfo is not None:
            moment = moment.astimezone(_LOCAL)
    except (ValueError, OverflowError):
        return None
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6
    return Moment(moment.toordinal() - _EPOCH + seconds / 86400)


def read_clock(raw: str) -> float | None:
    """``08:30`` or ``08:30:00.000+08:00`` as the fraction of a day; the offset is taken to be the phone's own."""
    match = _CLOCK.fullmatch(raw)
    if match is None:
        return None
    hours, minutes, seconds = int(match[1]), int(match[2]), float(match[3] or 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        return None
    return (hours * 3600 + minutes * 60 + seconds) / 86400


def number(value: Any) -> float:
    """The value as a number; dates count days, text that is no number, date or time is NaN, so is nothing."""
    if isinstance(value, float):
        return value
    if isinstance(value, int):
        return value + 0.0 if isinstance(value, bool) else value
    if not value:
        return NAN
    if isinstance(value, list):
        return number(value[0])
    if isinstance(value, tuple):
        value = " ".join(value)
    if _NUMBER.fullmatch(value):
        return float(value)
    for read in (read_date, read_moment, read_clock):
        days = read(value)
        if days is not None:
            return days
    return NAN


def text(value: Any) -> str:
    """The value as text: whole numbers without a point, dates as ISO 8601, codes of a select-multiple by spaces."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(value)
    if isinstance(value, list):
        return text(value[0]) if value else ""
    if isinstance(value, float) and not isinstance(value, Day):
        if value != value:
            return "NaN"
        if value in (math.inf, -math.inf):
            return "Infinity" if value > 0 else "-Infinity"
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return str(value)


def truth(value: Any) -> bool:
    """The value as true or false: numbers but zero and NaN, and anything that is not empty, are true."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value == value and value != 0
    return bool(value)


def equal(left: Any, right: Any) -> bool:
    """``=``: by truth if either side is a truth, by number if either is a number, else by text.

    Our side: no rows at all equal the empty text; several rows are equal if any is.
    """
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, list):
        if left:
            return any(equal(one, right) for one in left)
        return not isinstance(right, bool) and text(right) == ""
    if isinstance(right, list):
        return equal(right, left)
    if isinstance(left, bool) or isinstance(right, bool):
        return truth(left) == truth(right)
    if isinstance(left, int | float) or isinstance(right, int | float):
        return number(left) == number(right)
    return text(left) == text(right)


def values(arguments: tuple[Any, ...]) -> list[Any]:
    """All values of a function's arguments with the rows of repeats spread out."""
    spread: list[Any] = []
    for argument in arguments:
        if isinstance(argument, list):
            spread.extend(argument)
        else:
            spread.append(argument)
    return spread
