"""Pushing: a batch of mutations becomes records, each exactly once, each answered, none able to hurt its neighbours.

One push is one unit of the journal: answers, records, quarantine and conflicts stand or fall together. The device's row is locked
first, so the same batch sent twice at once has one effect and both get the stored answers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.db import IntegrityError, OperationalError

from core.actors import Actor
from core.ids import written
from core.problems import Unavailable
from journal import counter, journal, rows, upkeep
from organizations.models import Device
from sync import intake, quarantine
from sync.envelope import Asked, Batch
from sync.items import Item, Verdict
from sync.models import Mutation
from sync.operations import Operations
from sync.problems import MutationReused

ATTEMPTS = 5


def push(batch: Batch, *, by: Actor, at: datetime, operations: Operations) -> bytes:
    """Apply a batch and give the answer as JSON bytes.

    ``received_at`` is never told earlier than the last backup, nor than a repeated mutation came first, whatever the
    clocks: a phone may forget what is older than the last backup.

    Races between devices (a deadlock, two creations of one record) are tried again a few times; what then still fails is
    quarantined item by item. Raises Unavailable when the database stays out of reach.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _push_once(batch, by=by, at=at, operations=operations, attempt=attempt)
        except (IntegrityError, OperationalError) as error:
            if attempt == ATTEMPTS:
                raise Unavailable from error
            time.sleep(0.01 * 3**attempt)
        except Exception:  # some mutation is poison: the batch is taken again with care, and it alone is set aside
            if attempt > 1:
                raise
    raise Unavailable


def _push_once(batch: Batch, *, by: Actor, at: datetime, operations: Operations, attempt: int) -> bytes:
    assert by.device is not None
    with journal.unit(by=by, at=at) as work:
        Device.objects.filter(pk=by.device).update(last_push_at=at)  # locks the device until the commit
        feed = counter.feed()
        work.stamp = feed.epoch, feed.stamp
        stored, latest = _stored(by.device, batch.mutations)
        session = intake.Session(
            by=by,
            at=at,
            operations=operations,
            epoch=feed.epoch,
            floor=feed.floor,
            last_try=attempt == ATTEMPTS,
            careful=attempt > 1,
        )
        known_base = batch.epoch in (None, feed.epoch)
        desk = _Desk(stored, by, known_base)
        answers = [desk.place(asked) for asked in batch.mutations]
        session.apply([item for item in desk.items if item.verdict is None])
        session.show([item for item in desk.items if item.reused])
        quarantine.finish(session, desk.items, epoch=batch.epoch or feed.epoch)
        _remember(by.device, desk.items, at)
    told = [answer if isinstance(answer, bytes) else _told(answer) for answer in answers]
    head = {
        "received_at": max(at, latest or at, feed.durable_until or at, work.durable_until or at),
        "clock_offset_ms": round((batch.sent_at - at).total_seconds() * 1000) if batch.sent_at else None,
        "epoch": feed.epoch,
        "durable_until": upkeep.safe(feed, epoch=batch.epoch),
    }
    return orjson.dumps(head)[:-1] + b',"results":[' + b",".join(told) + b"]}"


def _stored(device: UUID, mutations: Sequence[Asked]) -> tuple[dict[UUID, tuple[str, bytes]], datetime | None]:
    """The answers given before, by mutation: the content's digest and the result as bytes; and when the latest was given."""
    stored, latest = _answers(device, [asked.id for asked in mutations])
    reused = [_of_reuse(asked) for asked in mutations if asked.id in stored and stored[asked.id][0] != asked.content]
    if reused:
        others, later = _answers(device, reused)
        return stored | others, max(filter(None, (latest, later)))
    return stored, latest


def _answers(device: UUID, keys: Sequence[UUID]) -> tuple[dict[UUID, tuple[str, bytes]], datetime | None]:
    found = Mutation.objects.filter(device=device, mutation__among=keys)
    columns = ("mutation", "content", "revision", "answer", "received_at")
    stored: dict[UUID, tuple[str, bytes]] = {}
    latest: datetime | None = None
    for mutation, content, revision, answer, received_at in found.values_list(*columns):
        stored[mutation] = content, answer.encode() if answer else _plain(mutation, revision)
        latest = max(latest or received_at, received_at)
    return stored, latest


def _of_reuse(asked: Asked) -> UUID:
    """Under what the answer to other content of a known mutation is stored."""
    return uuid5(asked.id, asked.content)


def _plain(mutation: UUID, revision: int | None) -> bytes:
    return f'{{"id":"{mutation}","status":"applied","revision":{revision}}}'.encode()


class _Desk:
    """Sorts a batch into what was answered before, what is new, and what uses an id twice."""

    def __init__(self, stored: dict[UUID, tuple[str, bytes]], by: Actor, known_base: bool) -> None:
        self.stored, self.by, self.known_base = stored, by, known_base
        self.items: list[Item] = []
        self.placed: dict[UUID, Item] = {}

    def place(self, asked: Asked) -> bytes | Item:
        """The stored answer, the item of the same mutation earlier in this batch, or a new item."""
        key = asked.id
        while True:
            before, twin = self.stored.get(key), self.placed.get(key)
            if before is not None:
                if before[0] == asked.content:
                    return before[1]
            elif twin is not None:
                if twin.asked.content == asked.content:
                    return twin
            else:
                return self._take(asked, key)
            key = _of_reuse(asked)

    def _take(self, asked: Asked, key: UUID) -> Item:
        item = Item(asked, by=self.by, known_base=self.known_base, answered_as=key)
        if key != asked.id:
            item.reused, item.verdict = True, Verdict("quarantined", problem=MutationReused())
        self.items.append(item)
        self.placed[key] = item
        return item


def _told(item: Item) -> bytes:
    """A fresh result in the caller's language."""
    verdict = item.verdict
    assert verdict is not None
    told: dict[str, Any] = {"id": item.asked.told, "status": verdict.status}
    if verdict.status == "quarantined":
        told |= {
            "problem": quarantine.problem_document(item),
            "blocked_by": [str(record) for record in verdict.blocked_by],
        }
    else:
        told["revision"] = verdict.revision
    if verdict.status == "merged":
        told["conflicts"] = [
            {"field": clash.field, "yours": clash.yours, "kept": clash.kept, "kept_revision": clash.kept_revision}
            for clash in verdict.clashes
        ]
    if verdict.status != "applied":
        told["current"] = verdict.current
    return orjson.dumps(told)


def _remember(device: UUID, items: Sequence[Item], at: datetime) -> None:
    """Store the answers; a reused id keeps the answer of its first use, each other content has one of its own.

    The unit takes a position for them. An edit that changes nothing makes no entry, and a backup taken before it would be
    thought to hold its answer when the clock has gone back: the phone would forget what a restore then loses.
    """
    columns = ("device", "mutation", "content", "revision", "received_at", "answer")
    found = []
    for item in items:
        verdict = item.verdict
        if verdict is None:
            continue
        simple = verdict.status == "applied" and item.asked.told == written(item.asked.id)
        answer = "" if simple else _told(item).decode()
        found.append((device, item.answered_as, item.asked.content, verdict.revision, at, answer))
    rows.insert(Mutation, columns, found)
    if found:
        journal.take_position()
