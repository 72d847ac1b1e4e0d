"""When people are not to be disturbed. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from inspections.deadlines import SHANGHAI

FROM, UNTIL = time(21, 0), time(7, 30)


def next_loud_moment(at: datetime) -> datetime:
    """The instant itself by day; the next morning's end of the quiet hours by night."""
    local = at.astimezone(SHANGHAI)
    if UNTIL <= local.time() < FROM:
        return at
    day = local.date() + timedelta(days=1) if local.time() >= FROM else local.date()
    return datetime.combine(day, UNTIL, SHANGHAI)
