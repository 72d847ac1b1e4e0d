"""Verifying: does a device hold exactly the live records of its scopes?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.problems import Invalid
from core.texts import Text
from journal import counter
from journal.reading import snapshot
from sync import cursors, scopes
from sync.scopes import Holding

EMPTY = "0" * 16


@dataclass(frozen=True, slots=True)
class Sum:
    """What a device says it holds of a scope."""

    count: int
    digest: str


def verify(*, by: Actor, owner: UUID, cursor: str, claimed: Mapping[str, Sum], key: bytes) -> dict[str, Any]:
    """``match``, ``behind`` (pull first) or ``mismatch`` with the scopes that differ. Raises BadCursor."""
    assert by.person is not None
    state = cursors.unseal(cursor, owner=owner, key=key)
    with snapshot():
        feed = counter.feed()
        holdings = scopes.holdings(by.person)
    behind = state.bulk or any(_news(one, state.position, state.baseline) for one in holdings)
    if behind or state.epoch != feed.epoch or state.position < feed.floor:
        return {"status": "behind"}
    held = {one.name: Sum(one.count, one.digest) for one in holdings if one.live}
    nothing = Sum(0, EMPTY)
    differing = sorted(
        name for name in held.keys() | claimed.keys() if held.get(name, nothing) != claimed.get(name, nothing)
    )
    return {"status": "mismatch", "scopes": differing} if differing else {"status": "match"}


def _news(one: Holding, position: int, baseline: int) -> bool:
    granted = max(one.granted, baseline) > position
    return granted or (one.live and one.version > position)


def claims(document: object) -> dict[str, Sum]:
    """The sums of a request's ``scopes`` object. Raises Invalid naming the scope."""
    if not isinstance(document, dict):
        raise Invalid.at("/scopes", "type", Text("应为对象", "Must be an object"))
    found = {}
    for name, value in document.items():
        count, digest = (value.get("count"), value.get("digest")) if isinstance(value, dict) else (None, None)
        if not isinstance(count, int) or isinstance(count, bool) or not _is_digest(digest):
            text = Text(
                "应含 count(整数)和 digest(16 位十六进制)", "Needs count (a whole number) and digest (16 hex digits)"
            )
            raise Invalid.at(f"/scopes/{name}", "sum", text)
        found[name] = Sum(count, str(digest).lower())
    return found


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and len(value) == 16 and all(digit in "0123456789abcdefABCDEF" for digit in value)
