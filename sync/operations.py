"""What a phone may push: one operation a collection, filled in by the floor above (``api/operations.py``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from core.actors import Actor
from core.drafts import Draft
from core.problems import Problem


class Put(Protocol):
    """Creates or edits a set of records; one outcome a draft, a Problem where it was refused."""

    def __call__(self, drafts: Sequence[Draft], *, by: Any, at: datetime) -> Sequence[Any]: ...


class Delete(Protocol):
    """Deletes a set of records; one outcome a draft, a Problem where it was refused."""

    def __call__(self, drafts: Sequence[Draft], *, by: Any, at: datetime) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class Operation:
    """How one collection is pushed: its verbs, and the fields that refer to records of other collections.

    ``delete`` is None where a phone may delete nothing, ``creates`` false where the server alone makes records and a phone
    answers them: one that is not there will never come.
    """

    collection: str
    put: Put
    delete: Delete | None = None
    references: tuple[str, ...] = ()
    creates: bool = True


@dataclass(frozen=True, slots=True)
class Operations:
    """Every operation in the order in which clients send them, who the caller behind a person is, and what is done once a
    whole batch is applied (routing), with the ids of the records it created by collection."""

    table: Mapping[str, Operation]
    caller: Callable[[UUID, UUID], Actor]
    settle: Callable[[Mapping[str, list[UUID]], Any, datetime], None]

    def rank(self, collection: str) -> int:
        return list(self.table).index(collection) if collection in self.table else len(self.table)


Outcome = Problem | None
