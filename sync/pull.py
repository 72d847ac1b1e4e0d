"""Pulling: what a person's device has not seen yet, page by page, as joined bytes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from core.actors import Actor
from journal import counter, upkeep
from journal.models import Feed
from journal.reading import snapshot
from sync import cursors, scopes
from sync.cursors import Cursor
from sync.scopes import Holding, ScopeNotHeld
from sync.walk import Page, Walk

MOST_ROWS = 1000


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
        page = Page(room=max(1, min(limit, MOST_ROWS)))
        walk = Walk(state, feed.version, holdings, page)
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
    ops: Sequence[bytes],
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
    return b"".join((orjson.dumps(head)[:-1], b',"ops":[', b",".join(ops), b'],"check":', check.encode(), b"}"))


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
