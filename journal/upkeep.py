"""Looking after the feed: what a backup makes durable, what a restore changes, which tombstones may go, and whether all adds up.

``check`` compares what the feed says with what it is made of; ``repair`` puts right what can be derived. Comparing
heads with the rooms' own tables needs their renderers: a room registers one a collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction
from django.db.models import Min

from core.actors import SYSTEM
from journal import chain, counter, digests, journal
from journal.heads import Key
from journal.journal import MODULUS, Change
from journal.models import Entry, Feed, Head, Scope, Unit

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
TOMBSTONES_KEPT = timedelta(days=180)
STEP = 1000

Rendered = tuple[str, dict[str, Any] | bytes]
Renderer = Callable[[list[UUID]], Mapping[UUID, Rendered]]
"""From record ids to the scope and document that phones should hold of each; an absent id is a deleted record."""
Census = Callable[[], Iterable[UUID]]
"""The ids of all records of a collection that phones may hold."""


# --- backups ----------------------------------------------------------------------------------------------------


def mark_durable(*, epoch: str, version: int, at: datetime) -> datetime | None:
    """A backup holds everything up to ``version``, its snapshot was taken at ``at``; gives the time phones are told from now on.

    A unit behind the snapshot may have been received before it (its transaction was open, a clock went back). What phones are told
    is never later than the earliest of those, and never earlier than what they were told before. None, and nothing is told, if the
    server was restored meanwhile: then the snapshot is of another ``epoch``.
    """
    with transaction.atomic():
        feed = _locked()
        if feed.epoch != epoch:
            return None
        missed = Unit.objects.filter(version__gt=version).aggregate(earliest=Min("at"))["earliest"]
        until = min(at, missed) if missed else at
        until = max(until, feed.durable_until) if feed.durable_until else until
        Feed.objects.filter(pk=1).update(durable_until=until)
    return until


def begin_epoch(*, durable_until: datetime | None) -> str:
    """After a restore: a new epoch, so that every phone starts over and sends again what the backup may lack.

    ``durable_until`` is what :func:`mark_durable` gave for the restored backup; None leaves what the backup says itself.
    """
    with transaction.atomic():
        feed = _locked()
        feed.epoch = counter.new_epoch()
        feed.durable_until = durable_until or feed.durable_until
        feed.told_until = min(feed.durable_until or NEVER, feed.told_until or feed.durable_until or NEVER)
        feed.save(update_fields=["epoch", "durable_until", "told_until"])
    return feed.epoch


def _locked() -> Feed:
    counter.feed()
    return Feed.objects.select_for_update().get(pk=1)


def safe(feed: Feed, *, epoch: str | None) -> datetime:
    """Up to when a device that names ``epoch`` (None: no epoch yet) may forget what it was told to be received."""
    if epoch in (None, feed.epoch):
        return feed.durable_until or NEVER
    return feed.told_until or NEVER


# --- tombstones -------------------------------------------------------------------------------------------------


def purge(*, before: datetime) -> int:
    """Remove the tombstones of units received before ``before``; gives how many. Cursors from then on start over.

    A cursor at the floor has seen everything up to it and itself, so that much may go; one below may have missed some of it.
    """
    with transaction.atomic():
        feed = _locked()
        kept = Unit.objects.filter(at__gte=before, version__gt=feed.floor).aggregate(first=Min("version"))["first"]
        floor = feed.version if kept is None else kept - 1
        Feed.objects.filter(pk=1).update(floor=floor)
        removed, _ = Head.objects.filter(deleted=True, version__lte=floor).delete()
    return removed


# --- does all add up? -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not add up: which ``kind`` of thing, where, and what was expected and found."""

    kind: str
    place: str
    expected: str = ""
    found: str = ""


@dataclass(frozen=True, slots=True)
class Room:
    """How one collection's documents are made anew from its own tables."""

    collection: str
    census: Census
    render: Renderer


def check(rooms: Iterable[Room] = ()) -> Iterator[Finding]:
    """Everything that does not add up: the chain, the heads' hashes, the scopes' sums, and heads against the tables."""
    for broken in chain.verify():
        yield Finding("chain", str(broken.version), found=broken.why)
    yield from check_heads()
    yield from check_scopes()
    for room in rooms:
        yield from check_room(room)


def check_heads() -> Iterator[Finding]:
    """Heads whose hash is not their content's, and records that are live in two scopes."""
    homes: dict[Key, str] = {}
    for head in Head.objects.select_related("scope").filter(deleted=False).order_by("record").iterator():
        key = (head.collection, head.record)
        right = digests.content_hash(head.collection, head.record, head.revision, head.document.encode())
        if right != head.hash:
            yield Finding("hash", f"{head.collection}/{head.record}", right, head.hash)
        if key in homes:
            yield Finding("two-homes", f"{head.collection}/{head.record}", homes[key], head.scope.name)
        homes[key] = head.scope.name


def sums() -> dict[int, tuple[int, str]]:
    """What each scope's live heads add up to: count and digest, by the scope's number."""
    totals: dict[int, list[int]] = {}
    for scope, digest in Head.objects.filter(deleted=False).values_list("scope_id", "hash").iterator():
        total = totals.setdefault(scope, [0, 0])
        total[0] += 1
        total[1] = (total[1] + int(digest, 16)) % MODULUS
    return {scope: (count, f"{digest:016x}") for scope, (count, digest) in totals.items()}


def check_scopes() -> Iterator[Finding]:
    """Scopes whose stored sum is not that of their live heads, or whose version is behind one of them."""
    right = sums()
    for scope in Scope.objects.order_by("id"):
        told, expected = (scope.count, scope.digest), right.get(scope.pk, (0, "0" * 16))
        if told != expected:
            yield Finding("sum", scope.name, str(expected), str(told))
        newest = Head.objects.filter(scope=scope).order_by("-version").values_list("version", flat=True).first()
        if newest is not None and newest > scope.version:
            yield Finding("version", scope.name, str(newest), str(scope.version))


def check_room(room: Room) -> Iterator[Finding]:
    """Records of a room that the feed lacks, has too many, or tells otherwise than the room's tables do."""
    for key, wanted, head in _compare(room):
        place = f"{room.collection}/{key}"
        if wanted is None:
            yield Finding("surplus", place)
        elif head is None:
            yield Finding("missing", place)
        else:
            yield Finding("document", place, str(wanted), f"{head.scope.name} {head.document}")


def _compare(room: Room) -> Iterator[tuple[UUID, Rendered | None, Head | None]]:
    live = Head.objects.filter(collection=room.collection, deleted=False)
    ids = sorted(set(room.census()) | set(live.values_list("record", flat=True)))
    for start in range(0, len(ids), STEP):
        some = ids[start : start + STEP]
        wanted = room.render(some)
        heads = {head.record: head for head in live.filter(record__in=some).select_related("scope")}
        for key in some:
            expected, head = wanted.get(key), heads.get(key)
            if not _alike(expected, head):
                yield key, expected, head


def _alike(expected: Rendered | None, head: Head | None) -> bool:
    if expected is None or head is None:
        return expected is None and head is None
    scope, document = expected
    text = document if isinstance(document, bytes) else orjson.dumps(document, default=str)
    return scope == head.scope.name and orjson.loads(text) == orjson.loads(head.document)


def repair(rooms: Iterable[Room] = (), *, at: datetime) -> int:
    """Put right what can be derived: scope sums from heads, heads from the tables. Gives the number of repairs.

    A head's repair is a change like any other: it gets a revision and a position, so phones that hold the wrong one learn of it.
    """
    repaired = 0
    for room in rooms:
        found = list(_compare(room))
        for start in range(0, len(found), STEP):
            with journal.unit(by=SYSTEM, at=at):
                journal.record([_mend(room, *one) for one in found[start : start + STEP]])
        repaired += len(found)
    return repaired + _repair_hashes(at) + _repair_scopes(at)


def _mend(room: Room, record: UUID, wanted: Rendered | None, head: Head | None) -> Change:
    if wanted is None:
        assert head is not None
        return Change("feed.repaired", room.collection, record, {}, head.scope.name, None)
    return Change("feed.repaired", room.collection, record, {}, wanted[0], wanted[1])


def _repair_hashes(at: datetime) -> int:
    wrong = []
    for head in Head.objects.select_related("scope").filter(deleted=False).iterator():
        right = digests.content_hash(head.collection, head.record, head.revision, head.document.encode())
        if right != head.hash:
            document = head.document.encode()
            wrong.append(Change("feed.repaired", head.collection, head.record, {}, head.scope.name, document))
    if wrong:
        with journal.unit(by=SYSTEM, at=at):
            journal.record(wrong)
    return len(wrong)


def _repair_scopes(at: datetime) -> int:
    """Sums are derived, so mending them changes no record; the entry gives them a position, so that nobody trusts an older sum."""
    with transaction.atomic():
        _locked()
        places = {finding.place for finding in check_scopes()}
        if not places:
            return 0
        right = sums()
        with journal.unit(by=SYSTEM, at=at):
            for scope in Scope.objects.filter(name__in=places):
                old = [scope.count, scope.digest]
                scope.count, scope.digest = right.get(scope.pk, (0, "0" * 16))
                newest = Head.objects.filter(scope=scope).order_by("-version").values_list("version", flat=True).first()
                scope.version = max(scope.version, newest or 0)
                scope.save(update_fields=["count", "digest", "version"])
                changes = {"sum": [old, [scope.count, scope.digest]]}
                journal.record([Change("feed.repaired", "scopes", UUID(int=scope.pk), changes)])
    return len(places)


def purged(records: Iterable[UUID]) -> set[Key]:
    """Those of these records that the history knows: asked of records without a head, they were deleted long ago."""
    known = Entry.objects.filter(record__in=list(records), revision__isnull=False)
    return set(known.values_list("collection", "record"))
