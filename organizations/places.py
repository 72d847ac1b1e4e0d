"""The enterprises that a set of records belongs to, read once a unit of work however many rooms ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

import orjson

from core.actors import Actor
from core.ids import written
from journal import journal
from journal.heads import Key
from journal.journal import enterprise_scope, user_scope
from organizations.models import Enterprise

KIND = "enterprises"


def enterprises(ids: Iterable[UUID]) -> Mapping[UUID, Enterprise]:
    """The enterprises of these ids, as far as there are any; rows to look at, never to write."""
    known: dict[UUID, Enterprise | None] = journal.looked_up(KIND)
    wanted = set(ids)
    missing = wanted - known.keys()
    if missing:
        found = Enterprise.objects.in_bulk(missing)
        known.update({one: found.get(one) for one in missing})
    return {one: row for one in wanted if (row := known[one]) is not None}


def forget() -> None:
    """Whoever writes enterprises says so, for what is read afterwards in the same unit."""
    journal.looked_up(KIND).clear()


def has_record(enterprise: UUID, key: Key, *, by: Actor) -> bool:
    """Whether a record is one of this enterprise that everybody there may know of, or an unannounced one of the caller's own."""
    state = journal.head(key)
    if state.scope == enterprise_scope(enterprise):
        return True
    if by.person is None or state.scope != user_scope(by.person):
        return False
    return bool(orjson.loads(state.document).get("enterprise") == written(enterprise))
