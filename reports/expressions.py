"""What reports ask of a database that the ORM has no word for, in the words of both engines."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from django.db.models import Aggregate, Func, IntegerField

from inspections.deadlines import Calendar

EPOCH = date(2000, 1, 1)
"""The first day of all periods; days are numbered from it."""
BUCKET = 32
AHEAD = 8 * 3600
"""Seconds by which Jiangyin is ahead of UTC."""


def day_number(column: str) -> Func:
    """How many days after EPOCH an instant falls, in Jiangyin: eight hours ahead of UTC all the year since 1992."""
    return _DaysSince(column)


class _DaysSince(Func):
    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """Whole seconds are cut off beforehand: SQLite would round a day's last millisecond up into the next."""
        seconds = "CAST(strftime('%%%%s', substr(%(expressions)s, 1, 19)) AS INTEGER)"
        template = f"(({seconds} + {AHEAD}) / 86400 - {(EPOCH - date(1970, 1, 1)).days})"
        return super().as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        """By the distance and not by the zone's name, which costs half a report to look up for every row."""
        template = f"((%(expressions)s AT TIME ZONE INTERVAL '{AHEAD} seconds')::date - DATE '{EPOCH}')"
        return super().as_sql(compiler, connection, template=template, **context)


class Element(Func):
    """The n-th of a list of whole numbers, from 0: ``Element(n, of="3,4,4")``; NULL beyond its end.

    The list is text, for the ORM looks at every argument whenever it compares two expressions, and lists are long.
    """

    output_field = IntegerField()

    def __init__(self, position: Any, *, of: str) -> None:
        super().__init__(position)
        self.listed = of

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        position, parameters = compiler.compile(self.source_expressions[0])
        return f"json_extract(%s, '$[' || {position} || ']')", [f"[{self.listed}]", *parameters]

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        position, parameters = compiler.compile(self.source_expressions[0])
        return f"(%s::int[])[1 + {position}]", [f"{{{self.listed}}}", *parameters]


@lru_cache(maxsize=64)
def workdays_until(calendar: Calendar, last: date) -> str:
    """For each day from EPOCH to ``last``: how many working days have been by then; a list for :class:`Element`."""
    found, count = [], 0
    for ordinal in range(EPOCH.toordinal(), last.toordinal() + 1):
        count += calendar.is_workday(date.fromordinal(ordinal))
        found.append(str(count))
    return ",".join(found)


class DaySet(Aggregate):
    """Days of one bucket of 32 as the bits of a number, each once however many rows it has: ``DaySet(Bit(n))``."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template="SUM(DISTINCT %(expressions)s)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template="BIT_OR(%(expressions)s)", **context)


class Bit(Func):
    """The number whose only bit is that of a day in its bucket."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template=f"(1 << (%(expressions)s %%%% {BUCKET}))", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return super().as_sql(
            compiler, connection, template=f"(1::bigint << (%(expressions)s %%%% {BUCKET}))", **context
        )


class Bucket(Func):
    """Which bucket of 32 days a day lies in."""

    output_field = IntegerField()
    template = f"(%(expressions)s / {BUCKET})"


def days_of(bucket: int, bits: int) -> list[date]:
    """The days that a :class:`DaySet` holds."""
    first = EPOCH + timedelta(days=bucket * BUCKET)
    return [first + timedelta(days=n) for n in range(BUCKET) if bits >> n & 1]


def mask(bucket: int, first: date, last: date) -> int:
    """The bits of the days from ``first`` to ``last`` that lie in a bucket."""
    start = EPOCH.toordinal() + bucket * BUCKET
    low, high = max(0, first.toordinal() - start), min(BUCKET - 1, last.toordinal() - start)
    return ((1 << (high + 1)) - (1 << low)) if low <= high else 0
