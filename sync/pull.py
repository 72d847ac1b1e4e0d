"""Pulling: what a person's device has not seen yet, page by page, as joined bytes.

A record's position for a person is ``max(record.version, grant.version, cursor.baseline)``. Read along positions that
means two kinds of pages: the *tail* (heads that changed in scopes already held, in version order) and a *bulk* (a whole scope
that counts from one position: at a first sync, after a grant, when one scope is asked for again).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from core.actors import Actor
from journal import counter, upkeep
from journal.models import Feed, Head
from journal.reading import snapshot
from sync import cursors, scopes
from sync.cursors import Cursor, Tie
from sync.scopes import Holding, ScopeNotHeld

MOST_ROWS = 1000
MOST_BYTES = 1_000_000


@dataclass(slots=True)
class _Page:
    """The page being filled, and the rows and bytes it may still take."""

    room: int
    bytes_left: int = MOST_BYTES
    ops: list[str] = field(default_factory=list)

    def full(self) -> bool:
        return self.room <= 0 or self.bytes_left <= 0

    def add(self, op: str) -> None:
        self.ops.append(op)
        self.room -= 1
        self.bytes_left -= len(op.encode())


def pull(
    *,
    by: Actor,
    owner: UUID,
    cursor: str | None,
    limit: int,
    scope: str | None,
    key: bytes,
    at: datetime,
    seen: Feed | None = None,
) -> bytes:
    """One page of the feed as the bytes of its JSON; ``seen`` is the feed row as this request has read it already.

    ``owner`` is the device binding the cursor belongs to, ``limit`` the most operations wanted (cut at 1,000).
    Raises BadCursor for a forged or borrowed cursor, ScopeNotHeld for a foreign ``scope``.
    """
    assert by.person is not None
    if cursor and not scope:
        nothing = _nothing_new(by.person, owner, cursor, key, at, seen or counter.feed())
        if nothing is not None:
            return nothing
    with snapshot():
        feed = counter.feed()
        holdings = scopes.holdings(by.person)
        if scope:
            holdings = _only(scope, holdings, by.person)
        known = cursors.unseal(cursor, owner=owner, key=key).epoch if cursor else None
        state, reason = _start(cursor, feed.version, feed.epoch, feed.floor, scope or "", owner, key)
        page = _Page(room=max(1, min(limit, MOST_ROWS)))
        walk = _Walk(state, feed.version, holdings, page)
        complete = walk.run()
    check = _check(holdings) if complete else "null"
    told = None if scope else reason
    safe = upkeep.safe(feed, epoch=known)
    return _answer(told, complete, walk.cursor, feed, safe, check, page.ops, owner=owner, key=key, at=at)


def _nothing_new(person: UUID, owner: UUID, text: str, key: bytes, at: datetime, feed: Feed) -> bytes | None:
    """The empty page of a device that has seen everything, from one more read at most; None when there may be news.

    The feed is read before the scopes: whatever was committed up to its version shows in their versions.
    """
    cursor = cursors.unseal(text, owner=owner, key=key)
    standing = not cursor.bulk and not cursor.only and cursor.tie is None
    if not standing or cursor.epoch != feed.epoch or not feed.floor <= cursor.position <= feed.version:
        return None
    check = _sums.get(person, feed) if cursor.position == feed.version else None
    if check is None:
        holdings = scopes.holdings(person)
        if any(max(one.granted, one.version if one.live else 0) > cursor.position for one in holdings):
            return None
        check = _check(holdings)
        _sums.keep(person, feed, check)
    seen = Cursor(cursor.epoch, cursor.baseline, feed.version)
    safe = upkeep.safe(feed, epoch=cursor.epoch)
    return _answer(None, True, seen, feed, safe, check, [], owner=owner, key=key, at=at)


class _Sums:
    """The sums of the people who asked last: they change with the feed's version and with nothing else."""

    MOST = 500

    def __init__(self) -> None:
        self._kept: dict[UUID, tuple[str, int, str]] = {}

    def get(self, person: UUID, feed: Feed) -> str | None:
        epoch, version, check = self._kept.get(person, ("", -1, ""))
        return check if (epoch, version) == (feed.epoch, feed.version) else None

    def keep(self, person: UUID, feed: Feed, check: str) -> None:
        if len(self._kept) >= self.MOST:
            self._kept.clear()
        self._kept[person] = (feed.epoch, feed.version, check)


_sums = _Sums()


def _answer(
    reason: str | None,
    complete: bool,
    cursor: Cursor,
    feed: Feed,
    safe: datetime,
    check: str,
    ops: Sequence[str],
    *,
    owner: UUID,
    key: bytes,
    at: datetime,
) -> bytes:
    head = {
        "reset": reason is not None,
        "reason": reason,
        "complete": complete,
        "cursor": cursors.seal(cursor, owner=owner, key=key),
        "epoch": feed.epoch,
        "durable_until": safe,
        "server_time": at,
    }
    return orjson.dumps(head)[:-1] + f',"ops":[{",".join(ops)}],"check":{check}}}'.encode()


def _only(scope: str, holdings: list[Holding], person: UUID) -> list[Holding]:
    found = [holding for holding in holdings if holding.name == scope and holding.live]
    if found:
        return found
    if scope not in scopes.held_names(person):
        raise ScopeNotHeld
    return [Holding(0, scope, 0, 0, "0" * 16, 0, live=True)]


def _start(
    cursor: str | None, head: int, epoch: str, floor: int, only: str, owner: UUID, key: bytes
) -> tuple[Cursor, str | None]:
    """Where to go on, and the reason if that is from the start."""
    fresh = Cursor(epoch, head, head, bulk=True, only=only)
    if not cursor:
        return fresh, "first"
    state = cursors.unseal(cursor, owner=owner, key=key)
    if state.only != only:
        raise cursors.BadCursor
    if state.epoch != epoch or state.position > head:
        return fresh, "epoch"
    if state.position < floor:
        return fresh, "expired"
    return state, None


def _check(holdings: Sequence[Holding]) -> str:
    live = ",".join(
        f'"{one.name}":{{"count":{one.count},"digest":"{one.digest}"}}' for one in holdings if one.live and one.count
    )
    return f'{{"scopes":{{{live}}}}}'


class _Walk:
    """One step through the positions: from a cursor as far as a page reaches."""

    def __init__(self, cursor: Cursor, head: int, holdings: Sequence[Holding], page: _Page) -> None:
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
        if names:
            tie = self.cursor.tie or Tie(2**31 - 1, position, "\U0010ffff", _LAST)
            found = _tail_rows(sorted(names), tie, stop, self.page.room + 1)
            for scope, version, collection, record, revision, deleted, digest, document in found:
                if self.page.full():
                    return False
                identity = str(UUID(str(record)))
                self.page.add(_op(names[scope], collection, identity, revision, deleted, digest, document))
                self._move(position=position, tie=Tie(scope, version, collection, identity))
        return True

    def _bulk(self) -> bool:
        """The whole scopes that count from the cursor's position, and the farewells; False when the page is full."""
        position, tie = self.cursor.position, self.cursor.tie
        after = tie.scope if tie else 0
        for one in self.holdings:
            if self._since(one) != position or one.id < after:
                continue
            if tie is None or one.id > tie.scope:
                if not self._open(one, position):
                    return False
                tie = self.cursor.tie
            if one.live and not self._whole(one, position):
                return False
        self._move(position=position)
        return True

    def _open(self, one: Holding, position: int) -> bool:
        """Begin a scope: empty it on the device if it is new or again granted, drop it if it was taken away."""
        if self.page.full():
            return False
        late = position > self.cursor.baseline or self.cursor.only
        if not one.live and position > self.cursor.baseline:
            self.page.add(f'{{"op":"drop_scope","scope":"{one.name}"}}')
        elif one.live and late:
            self.page.add(f'{{"op":"scope_reset","scope":"{one.name}"}}')
        self._move(position=position, bulk=True, tie=Tie(one.id, 0))
        return True

    def _whole(self, one: Holding, position: int) -> bool:
        if self.page.full():
            return False
        tie = self.cursor.tie
        assert tie is not None
        found = _bulk_rows(one.id, tie, position, self.page.room + 1)
        for scope, version, collection, record, revision, deleted, digest, document in found:
            if self.page.full():
                return False
            identity = str(UUID(str(record)))
            self.page.add(_op(one.name, collection, identity, revision, deleted, digest, document))
            self._move(position=position, bulk=True, tie=Tie(scope, version, collection, identity))
        return True


_LAST = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_COLUMNS = "scope_id, version, collection, record, revision, deleted, hash, document"


def _op(scope: str, collection: str, record: str, revision: int, deleted: bool, digest: str, document: str) -> str:
    if deleted:
        return f'{{"op":"delete","scope":"{scope}","collection":"{collection}","id":"{record}","revision":{revision}}}'
    return (
        f'{{"op":"put","scope":"{scope}","collection":"{collection}","id":"{record}",'
        f'"revision":{revision},"hash":"{digest}","data":{document}}}'
    )


def _key(record: str) -> Any:
    return UUID(record) if connection.features.has_native_uuid_field else UUID(record).hex


def _tail_rows(among: list[int], tie: Tie, stop: int, limit: int) -> list[tuple[Any, ...]]:
    table = connection.ops.quote_name(Head._meta.db_table)
    marks = ", ".join(["%s"] * len(among))
    sql = (
        f"SELECT {_COLUMNS} FROM {table} WHERE scope_id IN ({marks}) AND version >= %s AND version <= %s "
        "AND (version, scope_id, collection, record) > (%s, %s, %s, %s) "
        "ORDER BY version, scope_id, collection, record LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            sql, [*among, tie.version, stop, tie.version, tie.scope, tie.collection, _key(tie.record), limit]
        )
        return list(cursor.fetchall())


def _bulk_rows(scope: int, tie: Tie, stop: int, limit: int) -> list[tuple[Any, ...]]:
    table = connection.ops.quote_name(Head._meta.db_table)
    sql = (
        f"SELECT {_COLUMNS} FROM {table} WHERE scope_id = %s AND version <= %s AND NOT deleted "
        "AND (version, collection, record) > (%s, %s, %s) ORDER BY version, collection, record LIMIT %s"
    )
    start = _key(tie.record) if tie.record else _key(str(UUID(int=0)))
    with connection.cursor() as cursor:
        cursor.execute(sql, [scope, stop, tie.version, tie.collection, start, limit])
        return list(cursor.fetchall())
