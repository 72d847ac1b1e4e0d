"""The walk of a pull through the positions of a feed: which operations a page holds, and where the next one goes on.

A record's position for a person is ``max(record.version, grant.version, cursor.baseline)``. Read along positions that
means two kinds of pages: the *tail* (heads that changed in scopes already held, in version order) and a *bulk* (whole scopes
that count from one position: at a first sync, after a grant, when one scope is asked for again).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection

from journal.models import Head
from journal.prepared import table
from sync.cursors import Cursor, Tie
from sync.scopes import Holding

MOST_BYTES = 1_000_000


@dataclass(slots=True)
class Page:
    """The page being filled, and the rows and bytes it may still take."""

    room: int
    bytes_left: int = MOST_BYTES
    ops: list[bytes] = field(default_factory=list)

    def full(self) -> bool:
        return self.room <= 0 or self.bytes_left <= 0

    def takes(self, op: bytes) -> bool:
        """Whether a row still fits; what no page could hold has one to itself."""
        return not self.full() and (not self.ops or len(op) < self.bytes_left)

    def add(self, op: bytes) -> None:
        self.ops.append(op)
        self.room -= 1
        self.bytes_left -= len(op) + 1


class Walk:
    """One step through the positions: from a cursor as far as a page reaches."""

    def __init__(self, cursor: Cursor, head: int, holdings: Sequence[Holding], page: Page) -> None:
        self.cursor = cursor
        self.head = head
        self.holdings = holdings
        self.page = page

    def run(self) -> bool:
        """Fill the page; True when the feed's head was reached."""
        while not self.page.full():
            if self.cursor.bulk:
                if not self._bulk():
                    return False
                continue
            stop = min(self._thresholds(), default=self.head)
            if not self._tail(stop):
                return False
            if stop == self.head and not self._at(stop):
                self._move(position=self.head)
                return True
            self._move(position=stop, bulk=True)
        return False

    def _since(self, holding: Holding) -> int:
        return max(holding.granted, self.cursor.baseline)

    def _thresholds(self) -> list[int]:
        """Positions beyond the cursor at which a scope is granted or taken away."""
        return [self._since(one) for one in self.holdings if self.cursor.position < self._since(one) <= self.head]

    def _at(self, position: int) -> list[Holding]:
        return [one for one in self.holdings if position > self.cursor.position and self._since(one) == position]

    def _move(self, *, position: int, bulk: bool = False, tie: Tie | None = None) -> None:
        old = self.cursor
        self.cursor = Cursor(old.epoch, old.baseline, position, bulk, tie, old.only)

    def _tail(self, stop: int) -> bool:
        """Changes in the scopes held so far, up to ``stop``; False when the page is full before its end."""
        position = self.cursor.position
        names = {
            one.id: one.name
            for one in self.holdings
            if one.live and self._since(one) <= position and one.version > position
        }
        if not names:
            return True
        tie = self.cursor.tie or Tie(2**31 - 1, position, "\U0010ffff", _LAST)
        return self._add(_tail_rows(sorted(names), tie, stop, self.page.room + 1), names)

    def _bulk(self) -> bool:
        """The whole scopes that count from the cursor's position, and the farewells; False when the page is full."""
        position, tie = self.cursor.position, self.cursor.tie
        begun = tie.scope if tie else -1
        for one in self.holdings:
            if one.id == begun and one.live and self._since(one) == position:
                assert tie is not None
                if not self._add(_rest(tie, position, self.page.room + 1), {one.id: one.name}):
                    return False
        coming = [one for one in self.holdings if one.id > begun and self._since(one) == position]
        while coming:
            together = _that_fit(coming, self.page.room)
            if not self._whole(coming[:together], position):
                return False
            del coming[:together]
        self._move(position=position)
        return True

    def _whole(self, some: Sequence[Holding], position: int) -> bool:
        """Some scopes from their beginning, one after the other; False when the page is full."""
        rows: dict[int, list[Row]] = {one.id: [] for one in some if one.live}
        if rows:
            for row in _bulk_rows(list(rows), position, self.page.room + 1):
                rows[row[0]].append(row)
        return all(self._open(one, position) and self._add(rows.get(one.id, ()), {one.id: one.name}) for one in some)

    def _open(self, one: Holding, position: int) -> bool:
        """Begin a scope: empty it on the device if it is new or again granted, drop it if it was taken away."""
        if self.page.full():
            return False
        late = position > self.cursor.baseline or self.cursor.only
        if not one.live and position > self.cursor.baseline:
            self.page.add(f'{{"op":"drop_scope","scope":"{one.name}"}}'.encode())
        elif one.live and late:
            self.page.add(f'{{"op":"scope_reset","scope":"{one.name}"}}'.encode())
        self._move(position=position, bulk=True, tie=Tie(one.id, 0))
        return True

    def _add(self, rows: Iterable[Row], names: Mapping[int, str]) -> bool:
        """Put rows on the page and the cursor behind the last of them; False when the page is full before their end."""
        page, last = self.page, None
        try:
            for row in rows:
                op = _op(names[row[0]], *row[2:]).encode()
                if not page.takes(op):
                    return False
                page.add(op)
                last = row
            return True
        finally:
            if last:
                tie = Tie(*last[:4])
                self._move(position=self.cursor.position, bulk=self.cursor.bulk, tie=tie)


Row = tuple[int, int, str, str, int, bool, str, str]
"""Scope, version, collection, record, revision, whether deleted, hash, document."""
_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def _that_fit(coming: Sequence[Holding], room: int) -> int:
    """How many of the next scopes a page of some rows can take whole, at least one: they are read by one query."""
    taken = 0
    for number, one in enumerate(coming):
        taken += one.count
        if taken > room and number:
            return number
    return len(coming)


def _op(scope: str, collection: str, record: str, revision: int, deleted: bool, digest: str, document: str) -> str:
    if deleted:
        return f'{{"op":"delete","scope":"{scope}","collection":"{collection}","id":"{record}","revision":{revision}}}'
    return (
        f'{{"op":"put","scope":"{scope}","collection":"{collection}","id":"{record}",'
        f'"revision":{revision},"hash":"{digest}","data":{document}}}'
    )


def _tail_rows(among: list[int], tie: Tie, stop: int, limit: int) -> list[Row]:
    """Of some scopes what stands behind ``tie`` up to a position, in the order of versions."""
    condition = (
        f"scope_id IN ({', '.join(['%s'] * len(among))}) AND version >= %s AND version <= %s "
        "AND (version, scope_id, collection, record) > (%s, %s, %s, %s)"
    )
    behind = [tie.version, tie.scope, tie.collection, _key(tie.record)]
    return _rows(condition, "version, scope_id", limit, [*among, tie.version, stop, *behind])


def _bulk_rows(among: list[int], stop: int, limit: int) -> list[Row]:
    """The live records of some scopes up to a position, scope by scope."""
    condition = f"scope_id IN ({', '.join(['%s'] * len(among))}) AND version <= %s AND NOT deleted"
    return _rows(condition, "scope_id, version", limit, [*among, stop])


def _rest(tie: Tie, stop: int, limit: int) -> list[Row]:
    """The live records of the scope of ``tie`` that stand behind it, up to a position."""
    condition = "scope_id = %s AND version <= %s AND NOT deleted AND (version, collection, record) > (%s, %s, %s)"
    start = _key(tie.record or str(UUID(int=0)))
    return _rows(condition, "version", limit, [tie.scope, stop, tie.version, tie.collection, start])


def _rows(condition: str, order: str, limit: int, values: list[Any]) -> list[Row]:
    """Rows with their ids as text: making thousands of them into objects first is half of a first sync."""
    native = connection.features.has_native_uuid_field
    sql = (
        f"SELECT scope_id, version, collection, {'record::text' if native else _HYPHENATED} AS told, revision, deleted, hash, "
        f"document FROM {table(Head)} WHERE {condition} ORDER BY {order}, collection, record LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, limit])
        return list(cursor.fetchall())


_HYPHENATED = "||'-'||".join(
    f"substr(record, {start}, {length})" for start, length in ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
)


def _key(record: str) -> Any:
    return UUID(record) if connection.features.has_native_uuid_field else UUID(record).hex
