"""The one feed row: read by every pull, and by its lock the place where writers queue for their positions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from django.db import connection

from journal import rows
from journal.models import Feed
from journal.prepared import Statement, table

COLUMNS = ("id", "version", "digest", "stamp", "epoch", "floor", "durable_until", "told_until")
"""Of the feed row, as ``feed_of`` takes them."""
_FEED = Statement("feed", f"SELECT {', '.join(COLUMNS)} FROM {table(Feed)}")


def begin() -> None:
    """Make the feed row of an empty database, with an epoch that no other server has had."""
    row = (1, 0, "", "", new_epoch(), 0)
    rows.insert(Feed, ("id", "version", "digest", "stamp", "epoch", "floor"), [row], ignore=True)


def new_epoch() -> str:
    return f"e{token_hex(6)}"


def feed() -> Feed:
    """The feed row as it stands; a plain query, for every pull asks for it."""
    for _ in range(2):
        if found := _FEED.first():
            return feed_of(found)
        begin()
    raise RuntimeError("journal: the feed row cannot be made")


def feed_of(columns: Sequence[Any]) -> Feed:
    """The feed row from its columns as a plain query gives them, in the order of ``COLUMNS``."""
    *others, durable_until, told_until = columns
    values = dict(zip(COLUMNS, (*others, _time(durable_until), _time(told_until)), strict=True))
    return rows.made(Feed, **values)


def next_position() -> tuple[int, str, datetime | None]:
    """Lock the counter row and take the next position; everyone who writes after us waits here until we commit."""
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(
                f"UPDATE {table(Feed)} SET version = version + 1 WHERE id = 1 RETURNING version, digest, durable_until"
            )
            found = cursor.fetchone()
            if found:
                return found[0], found[1], _time(found[2])
            begin()
    raise RuntimeError("journal: the feed row cannot be made")


def keep_digest(digest: str, *, ruling: bool) -> None:
    assigned, values = ("digest = %s, stamp = %s", [digest, digest]) if ruling else ("digest = %s", [digest])
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table(Feed)} SET {assigned} WHERE id = 1", values)


def _time(value: Any) -> datetime | None:
    """A time as a plain query gives it: SQLite's are in UTC and do not say so."""
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) and found.tzinfo is None else found
