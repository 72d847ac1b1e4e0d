"""The heads of records as a unit of work knows them, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import orjson
from django.db import connection

from journal.models import Head, Scope
from journal.prepared import Statement, table

Key = tuple[str, UUID]
"""A record's collection and its id."""


_COLUMNS = "collection, record, name, revision, deleted, hash, document"
_HEADS_LOCKED = Statement(
    "heads_locked",
    f"SELECT {_COLUMNS} FROM unnest(%s::uuid[]) AS wanted(id) CROSS JOIN LATERAL "
    f"(SELECT * FROM {table(Head)} WHERE record = wanted.id FOR UPDATE) AS head JOIN {table(Scope)} AS scope ON scope.id = scope_id",
)
"""One record after the other by its key, in the order given: so nobody waits for somebody who waits for them, and a young table of
which PostgreSQL has no statistics yet is not read whole at every push."""
_HEADS = Statement(
    "heads",
    f"SELECT {_COLUMNS} FROM json_each(%s) AS wanted JOIN {table(Head)} AS head ON record = wanted.value "
    f"JOIN {table(Scope)} AS scope ON scope.id = scope_id",
)
"""The same for SQLite, where a unit that writes is alone anyway."""


@dataclass(slots=True)
class HeadState:
    """A record's head as the unit knows it; ``stored`` says whether the database has any row of it, if only an exit row."""

    revision: int = 0
    scope: str | None = None  # where it lives now; None when deleted or never written
    hash: str = ""
    document: bytes = b"null"
    stored_scope: str | None = None  # where the database says that it lives
    stored_hash: str = ""
    deleted: bool = False
    stored: bool = False

    @property
    def live(self) -> bool:
        return self.scope is not None

    def copy(self) -> HeadState:
        return HeadState(
            self.revision,
            self.scope,
            self.hash,
            self.document,
            self.stored_scope,
            self.stored_hash,
            self.deleted,
            self.stored,
        )


def read(states: dict[Key, HeadState]) -> None:
    """Note of each record what the database has, and lock it until the unit ends."""
    wanted = sorted({record.hex for _, record in states})
    if connection.features.has_native_uuid_field:
        found = _HEADS_LOCKED.all(f"{{{','.join(wanted)}}}")
    else:
        rows = _HEADS.all(orjson.dumps(wanted).decode())
        found = [(collection, UUID(record), *others) for collection, record, *others in rows]
    for collection, record, *others in found:
        state = states.get((collection, record))
        if state is not None:
            _note(state, *others)


def _note(state: HeadState, scope: str, revision: int, deleted: bool, digest: str, document: str) -> None:
    state.stored = True
    if not deleted:
        state.scope = state.stored_scope = scope
        state.hash = state.stored_hash = digest
        state.document = document.encode()
        state.deleted = False
    elif not state.live:
        state.deleted = True
    state.revision = max(state.revision, revision)
