"""Mutations on their way: sealed once, sent verbatim until answered, kept until a backup holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

ORDER = ("visits", "responses", "issues", "issue_actions", "photos", "quarantine", "conflicts")
MOST = 1000


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is sent, for ever the same, and the epoch its base was told in."""

    body: dict[str, Any]
    epoch: str | None

    @property
    def key(self) -> tuple[str, str]:
        return self.body["collection"], self.body["record"]


@dataclass
class Outbox:
    """``waiting`` are still to be answered; ``kept`` were, at the time beside them, and may be asked for again."""

    waiting: list[Mutation] = field(default_factory=list)
    kept: list[tuple[Mutation, datetime]] = field(default_factory=list)

    def seal(
        self, collection: str, record: str, data: dict[str, Any] | None, *, op: str, base: int | None, epoch: str | None, at: datetime
    ) -> Mutation:  # fmt: skip
        body = {
            "id": str(uuid4()), "collection": collection, "record": record, "op": op, "base": base, "data": data,
            "at": at.isoformat(),
        }  # fmt: skip
        mutation = Mutation(body, epoch)
        self.waiting.append(mutation)
        return mutation

    def batch(self) -> list[Mutation]:
        """The next ones to send: visits before what belongs to them; all of one epoch."""
        inside = [one for one in self.waiting if one.epoch == self.waiting[0].epoch]
        return sorted(inside, key=lambda one: ORDER.index(one.body["collection"]))[:MOST]

    def answered(self, batch: list[Mutation], received_at: datetime) -> None:
        sent = {one.body["id"] for one in batch}
        self.waiting = [one for one in self.waiting if one.body["id"] not in sent]
        self.kept += [(one, received_at) for one in batch]

    def durable(self, until: datetime) -> None:
        """Forget what a backup holds."""
        self.kept = [(one, received) for one, received in self.kept if received >= until]

    def again(self) -> None:
        """The server was restored: everything it may have lost is sent once more, before anything new."""
        self.waiting = [one for one, _ in self.kept] + self.waiting
        self.kept = []
