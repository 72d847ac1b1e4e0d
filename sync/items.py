"""Mutations on their way through a batch, and the order in which they may be taken.

They keep the order sent. A *run* is a stretch that may be applied collection by collection with the same result as one by one; within
it a *wave* is the first mutation of each record, then the second …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.ids import parsed
from core.problems import Problem
from journal.heads import Key
from sync.envelope import Asked
from sync.merge import Clash
from sync.operations import Operations

NOBODY = UUID(int=0)
"""Stands in the key of a mutation that names no record; nothing is looked up by it."""


@dataclass(slots=True)
class Verdict:
    """What became of a mutation: ``applied``, ``merged`` or ``quarantined``, and what the phone is told with it."""

    status: str
    revision: int | None = None
    problem: Problem | None = None
    blocked_by: tuple[UUID, ...] = ()
    clashes: tuple[Clash, ...] = ()
    current: dict[str, Any] | None = None
    trace: str = ""


@dataclass(slots=True)
class Item:
    """A mutation on its way: by whom, and its verdict once there is one. ``waiting`` is its quarantine row, if it comes from
    there; ``edits`` says that its record was there when it was refused; ``references`` are the records that it refers to;
    ``answered_as`` is the key of its stored answer, which is not its id where that was ``reused``."""

    asked: Asked
    by: Actor
    verdict: Verdict | None = None
    known_base: bool = True
    reused: bool = False
    answered_as: UUID = NOBODY
    waiting: Any = None
    edits: bool = False
    references: tuple[Key, ...] = ()
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.asked.collection, self.asked.record or NOBODY

    @property
    def author(self) -> Actor:
        """By whom, as the journal remembers it: with the mutation that it came in."""
        return Actor(self.by.person, self.by.device, self.asked.id, self.by.language)


def references(asked: Asked, operations: Operations) -> Iterator[Key]:
    """The records a mutation refers to: field ``visit`` names one of ``visits``."""
    operation = operations.table.get(asked.collection)
    for name in operation.references if operation else ():
        value = asked.data.get(name)
        if isinstance(value, str):
            try:
                yield f"{name}s", parsed(value)
            except ValueError:
                continue


def runs(items: Sequence[Item], operations: Operations) -> Iterator[list[Item]]:
    """Stretches within which the order by collection and the order sent have the same result.

    Going back to an earlier collection is harmless for a record that is new and that nothing before it refers to.
    """
    run: list[Item] = []
    highest = -1
    seen: set[Key] = set()
    referred: set[Key] = set()
    for item in items:
        asked = item.asked
        rank = operations.rank(asked.collection)
        if rank < highest and asked.record is not None:
            plain = asked.op == "put" and asked.base is None and item.key not in seen | referred
            if not plain:
                yield run
                run, highest, seen, referred = [], -1, set(), set()
        run.append(item)
        highest = max(highest, rank)
        if asked.record is not None:
            seen.add(item.key)
            referred.update(item.references)
    if run:
        yield run


def waves(items: Iterable[Item]) -> Iterator[list[Item]]:
    """The first item of each record, then the second of each, and so on."""
    waves: list[list[Item]] = []
    depth: dict[UUID | None, int] = {}
    for item in items:
        level = depth.get(item.asked.record, 0)
        depth[item.asked.record] = level + 1
        if level == len(waves):
            waves.append([])
        waves[level].append(item)
    yield from waves
