"""The simulated phone: a client of the protocol written from its description alone, with a memory that survives crashes.

It persists each mutation before sending and repeats it verbatim; pushes first, then pulls; keeps acknowledged mutations until a
backup holds them; and told of a new epoch, sends all it kept again before it starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

Key = tuple[str, str]


@dataclass(slots=True)
class Sealed:
    """A mutation as it will be sent, for ever the same, and the epoch that its base comes from.

    ``marks`` are for the judge: texts that must be found in a merged field.
    """

    body: dict[str, Any]
    epoch: str | None
    marks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.body["id"])


@dataclass(slots=True)
class Kept:
    """An acknowledged mutation that no backup is known to hold yet."""

    sealed: Sealed
    received_at: datetime


@dataclass
class Handset:
    """One device. ``ask_push`` and ``ask_pull`` are its network: they give None when no answer came."""

    name: str
    person: UUID
    device: UUID
    ask_push: Callable[[Handset, bytes], dict[str, Any] | None]
    ask_pull: Callable[[Handset, str | None, str | None], dict[str, Any] | None]
    crashes: Callable[[str], bool]
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    told: dict[Key, int] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    outbox: list[Sealed] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    acknowledged: dict[str, Sealed] = field(default_factory=dict)
    again: list[Sealed] | None = None
    cursor: str | None = None
    epoch: str | None = None
    next_epoch: str | None = None
    clean: bool = True
    """Whether the mirror is whole: not damaged, and no reset half taken in."""
    complete: bool = False

    # --- writing --------------------------------------------------------------------------------------------------

    def seal(
        self, identity: str, collection: str, record: str, op: str, data: Any, at: Any, marks: tuple[str, ...] = ()
    ) -> Sealed:
        """Put a mutation into the outbox."""
        base = self.told.get((collection, record))
        body = {
            "id": identity, "collection": collection, "record": record, "op": op, "base": base, "data": data, "at": at,
        }  # fmt: skip
        sealed = Sealed(body, self.epoch, marks)
        self.outbox.append(sealed)
        return sealed

    # --- pushing --------------------------------------------------------------------------------------------------

    def push(self, size: int, sent_at: str) -> bool:
        """One batch; True when there was an answer."""
        queue = self.again or self.outbox
        batch = [one for one in queue[:size] if one.epoch == queue[0].epoch] if queue else []
        if not batch:
            return True
        epoch = batch[0].epoch if batch[0].epoch is not None or self.epoch is None else self.epoch
        body = {"sent_at": sent_at, "schema": 1, "epoch": epoch, "mutations": [one.body for one in batch]}
        answer = self.ask_push(self, orjson.dumps(body))
        if answer is None or self.crashes("phone crash before the answer was stored"):
            return False
        self._take_answers(batch, answer)
        return True

    def _take_answers(self, batch: list[Sealed], answer: dict[str, Any]) -> None:
        received = datetime.fromisoformat(answer["received_at"])
        first = {one.id: one for one in reversed(batch)}
        for sealed, result in zip(batch, answer["results"], strict=True):
            assert result["id"] == sealed.id, "results out of order"
            if first[sealed.id] is sealed:
                self.acknowledged.setdefault(sealed.id, sealed)
                self._keep(sealed, received)
            if answer["epoch"] == self.epoch or self.epoch is None:
                self._hear(sealed, result)
        answered = {id(one) for one in batch}
        self.outbox = [one for one in self.outbox if id(one) not in answered]
        if self.again is not None:
            self.again = [one for one in self.again if id(one) not in answered]
        if self.epoch is None:
            self.epoch = answer["epoch"]
        self._learn(answer, just_sent={id(one) for one in batch})

    def _keep(self, sealed: Sealed, received: datetime) -> None:
        for kept in self.kept:
            if kept.sealed is sealed:
                kept.received_at = received
                return
        self.kept.append(Kept(sealed, received))

    def _hear(self, sealed: Sealed, result: dict[str, Any]) -> None:
        key = (sealed.body["collection"], sealed.body["record"])
        if result["status"] in ("applied", "merged") and sealed.body["op"] == "put":
            self.told[key] = max(self.told.get(key, 0), result["revision"])
        elif result.get("current"):
            self.told[key] = max(self.told.get(key, 0), result["current"]["revision"])

    def _learn(self, answer: dict[str, Any], just_sent: Collection[int] = ()) -> None:
        """What every answer tells: the epoch, and what is safe."""
        safe = datetime.fromisoformat(answer["durable_until"])
        self.kept = [kept for kept in self.kept if not kept.received_at < safe]
        if self.epoch is not None and answer["epoch"] not in (self.epoch, self.next_epoch):
            self.next_epoch = answer["epoch"]
            self.again = [kept.sealed for kept in self.kept if id(kept.sealed) not in just_sent]
        if self.again is not None and not self.again:
            self.again, self.epoch, self.next_epoch, self.cursor = None, self.next_epoch, None, None
            self.told.clear()

    # --- pulling --------------------------------------------------------------------------------------------------

    def pull(self) -> bool:
        """One page; True when the pull is complete."""
        if self.again is not None:
            return False
        page = self.ask_pull(self, self.cursor, None)
        if page is None:
            return False
        if self.epoch is not None and page["epoch"] != self.epoch:
            self._learn(page)
            return False
        if page["reset"]:
            self.rows.clear()
            self.told.clear()
            self.clean = True
        self.take_in(page["ops"])
        if self.crashes("phone crash between page and cursor"):
            return False
        self.cursor, self.epoch = page["cursor"], page["epoch"]
        self.complete = page["complete"]
        self._learn(page)
        return bool(page["complete"])

    def take_in(self, ops: list[dict[str, Any]]) -> None:
        for op in ops:
            if op["op"] == "put":
                key = (op["collection"], op["id"])
                self.rows[key] = op
                self.told[key] = op["revision"]
            elif op["op"] == "delete":
                self._remove([(op["collection"], op["id"])], op["scope"])
            else:
                self._remove(list(self.rows), op["scope"])

    def _remove(self, keys: list[Key], scope: str) -> None:
        for key in keys:
            if self.rows.get(key, {}).get("scope") == scope:
                del self.rows[key]
                self.told.pop(key, None)

    def heal(self, scope: str) -> bool:
        """Ask for one scope again, whole; True when it came."""
        cursor = None
        for _ in range(1000):
            page = self.ask_pull(self, cursor, scope)
            if page is None or page["epoch"] != self.epoch:
                return False
            self.take_in(page["ops"])
            cursor = page["cursor"]
            if page["complete"]:
                return True
        raise AssertionError("the healing of a scope does not end")

    # --- looking --------------------------------------------------------------------------------------------------

    def sums(self) -> dict[str, dict[str, Any]]:
        found: dict[str, list[int]] = {}
        for row in self.rows.values():
            total = found.setdefault(row["scope"], [0, 0])
            total[0] += 1
            total[1] = (total[1] + int(row["hash"], 16)) % 2**64
        return {scope: {"count": count, "digest": f"{digest:016x}"} for scope, (count, digest) in found.items()}

    def mirror(self) -> dict[Key, Any]:
        return {key: (row["scope"], row["revision"], row["hash"], row["data"]) for key, row in self.rows.items()}
