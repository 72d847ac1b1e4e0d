"""The one way to write: a unit of work that records every change and takes its feed position last.

    with journal.unit(by=caller, at=now):
        …save rows…
        journal.record([Change(…)])

A unit is one transaction. What it records is collected while it runs; when its outermost block ends, the counter
row is locked, the unit gets the next position, and entries, heads, scope sums and grants are written under it.
Holding the counter only for those few statements keeps writers apart for milliseconds, and because nobody can
commit between two positions, a reader who sees position n has seen everything before it
(docs/decisions/0002-feed-position.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection, transaction

from core.actors import Actor
from core.ids import written
from core.tracing import request_id
from journal import counter, digests, heads, rows
from journal.heads import HeadState, Key
from journal.later import Later
from journal.models import Entry, Grant, Head, Scope, Unit

SHARED = "shared"
MODULUS = 1 << 64


def user_scope(person: UUID) -> str:
    return f"user:{written(person)}"


def enterprise_scope(enterprise: UUID) -> str:
    return f"enterprise:{written(enterprise)}"


@dataclass(slots=True)
class Change:
    """One record's change: what was done, the fields ``{name: [old, new]}``, and what phones now hold of it.

    ``scope`` None means that no phone holds the record (an entry in the audit trail and nothing else);
    a scope with ``document`` None is a deletion. ``by`` and ``claimed_at`` differ from the unit's own where a
    batch carries them one by one. A ``ruling`` change is of something that other records are judged by, such as a rule or a
    calendar; whatever everybody holds is that anyway.
    """

    verb: str
    collection: str
    record: UUID
    changes: dict[str, Any]
    scope: str | None = None
    document: dict[str, Any] | bytes | None = None
    by: Actor | None = None
    claimed_at: datetime | None = None
    ruling: bool = False


@dataclass(slots=True)
class _Entry:
    change: Change
    revision: int | None


@dataclass(slots=True)
class Work:
    """The open unit: who and when, the heads it has read, and what it will write at its end."""

    by: Actor
    at: datetime
    heads: dict[Key, HeadState] = field(default_factory=dict)
    touched: dict[Key, None] = field(default_factory=dict)
    entries: list[_Entry] = field(default_factory=list)
    grants: dict[tuple[UUID, str], bool] = field(default_factory=dict)
    undo: list[dict[Key, HeadState | None]] = field(default_factory=list)
    """For each open savepoint, the heads that it changed or read as they were before; None was not read yet."""
    stamp: tuple[str, str] | None = None
    """What ``stamp`` has found once; a unit keeps to it."""
    ruling: bool = False
    """Whether this unit itself changes what records are judged by."""
    looked_up: dict[str, dict[Any, Any]] = field(default_factory=dict)
    """Rows that several rooms look at, by kind and key: read once, as ``organizations.places`` does."""
    placed: bool = False
    """Whether the unit takes a position even if it has nothing to tell."""
    later: Later = field(default_factory=Later)
    """New rows that are not yet written."""
    durable_until: datetime | None = None
    """Known once the unit is written: up to when what was received lies in a backup."""


_current: ContextVar[Work | None] = ContextVar("journal_unit", default=None)


@contextmanager
def unit(*, by: Actor, at: datetime) -> Iterator[Work]:
    """Open a unit of work, or join the one that is open."""
    open_unit = _current.get()
    if open_unit is not None:
        yield open_unit
        return
    work = Work(by=by, at=at)
    token = _current.set(work)
    try:
        with transaction.atomic():
            yield work
            work.later.write()
            _write(work)
    finally:
        work.later.forget()
        _current.reset(token)


@contextmanager
def savepoint() -> Iterator[None]:
    """Inside a unit: what fails in this block is undone, rows and journal alike, and the unit goes on."""
    work = current()
    work.later.write()
    touched, entries, grants = dict(work.touched), len(work.entries), dict(work.grants)
    before: dict[Key, HeadState | None] = {}
    work.undo.append(before)
    try:
        with transaction.atomic():
            yield
            work.later.write()
    except BaseException:
        work.later.forget()
        work.undo.pop()
        for key, state in before.items():
            if state is None:
                work.heads.pop(key, None)
            else:
                work.heads[key] = state
        work.touched, work.grants = touched, grants
        del work.entries[entries:]
        raise
    work.undo.pop()
    if work.undo:
        for key, state in before.items():
            work.undo[-1].setdefault(key, state)


def current() -> Work:
    """The open unit. Writing outside of one is a mistake in our code."""
    work = _current.get()
    if work is None:
        raise RuntimeError("journal: nothing may be written outside of a unit")
    return work


def looked_up(kind: str) -> dict[Any, Any]:
    """What has been read of a kind in this unit, to be added to; outside of a unit nothing is kept."""
    work = _current.get()
    return {} if work is None else work.looked_up.setdefault(kind, {})


def load(keys: Iterable[Key]) -> dict[Key, HeadState]:
    """The heads of these records, locked until the unit ends; a record never seen has revision 0."""
    wanted = list(keys)
    fetch(wanted)
    known = current().heads
    return {key: known[key] for key in wanted}


def fetch(keys: Iterable[Key]) -> None:
    """Read and lock the heads of these records, of which ``head`` will be asked one by one."""
    work = current()
    found = {key: HeadState() for key in keys if key not in work.heads}
    if not found:
        return
    work.heads.update(found)
    if work.undo:
        before = work.undo[-1]
        for key in found:
            before.setdefault(key, None)
    heads.read(found)
    # A record that moved while we waited for its lock shows its exit row only: its new home is read once more.
    gone = {key: state for key, state in found.items() if state.deleted}
    if gone and connection.features.has_select_for_update:
        heads.read(gone)


def expect_new(keys: Iterable[Key]) -> None:
    """These records are made in this unit, under ids of our own making: nobody need look for their heads."""
    work = current()
    for key in keys:
        if work.undo:
            work.undo[-1].setdefault(key, None)
        work.heads[key] = HeadState()


def head(key: Key) -> HeadState:
    """One record's head, as ``load`` gives it."""
    state = current().heads.get(key)
    return state if state is not None else load([key])[key]


def record(changes: Sequence[Change]) -> list[int | None]:
    """Note what happened; gives the revision of each record that phones hold, in order."""
    work = current()
    keys = [(change.collection, change.record) for change in changes]
    fetch(key for key, change in zip(keys, changes, strict=True) if change.scope is not None)
    revisions: list[int | None] = []
    for key, change in zip(keys, changes, strict=True):
        revision = None
        if change.scope is not None:
            state = work.heads[key]
            if work.undo and key not in work.undo[-1]:
                work.undo[-1][key] = state.copy()
            state.revision = revision = state.revision + 1
            work.touched[key] = None
            _settle(state, change)
        work.ruling = work.ruling or change.ruling or change.scope == SHARED
        work.entries.append(_Entry(change, revision))
        revisions.append(revision)
    return revisions


def _settle(state: HeadState, change: Change) -> None:
    if change.document is None:
        state.scope, state.hash, state.document, state.deleted = None, "", b"null", True
        state.stored_scope = state.stored_scope or change.scope
        return
    document = change.document
    state.document = document if isinstance(document, bytes) else orjson.dumps(document, default=str)
    state.scope, state.deleted = change.scope, False
    state.hash = digests.content_hash(change.collection, change.record, state.revision, state.document)


def take_position() -> None:
    """Give this unit a position even if it changes no record: what it stores must show up as being behind a backup."""
    current().placed = True


def grant(person: UUID, scopes: Iterable[str]) -> None:
    """From this unit's position on the person holds these scopes, whole."""
    current().grants.update({(person, scope): True for scope in scopes})


def revoke(person: UUID, scopes: Iterable[str]) -> None:
    """From this unit's position on the person no longer holds these scopes."""
    current().grants.update({(person, scope): False for scope in scopes})


# --- the end of a unit ------------------------------------------------------------------------------------------


def _write(work: Work) -> None:
    if not work.entries and not work.grants and not work.placed:
        return
    texts = [orjson.dumps(entry.change.changes, default=str, option=orjson.OPT_NON_STR_KEYS) for entry in work.entries]
    seals = [_seal(work, entry, text) for entry, text in zip(work.entries, texts, strict=True)]
    version, previous, work.durable_until = counter.next_position()
    request = request_id.get()
    digest = digests.link(previous, version, work.at, work.by.person, work.by.device, seals, request)
    counter.keep_digest(digest, ruling=work.ruling)
    scopes = _scopes(work)
    _write_heads(work, version, scopes)
    _write_grants(work, version, scopes)
    rows.insert(
        Unit,
        ("version", "at", "person", "device", "entries", "digest", "request"),
        [(version, work.at, work.by.person, work.by.device, len(work.entries), digest, request)],
    )
    rows.insert(Entry, _ENTRY_COLUMNS, _entry_rows(work, version, texts, seals))


_ENTRY_COLUMNS = (
    "version", "verb", "collection", "record", "revision", "person", "device", "mutation", "claimed_at", "at", "changes", "digest",
)  # fmt: skip


def _entry_rows(work: Work, version: int, texts: list[bytes], seals: list[str]) -> list[tuple[Any, ...]]:
    found = []
    for entry, text, seal in zip(work.entries, texts, seals, strict=True):
        change, by = entry.change, entry.change.by or work.by
        found.append(
            (
                version,
                change.verb,
                change.collection,
                change.record,
                entry.revision,
                by.person,
                by.device,
                by.mutation,
                change.claimed_at,
                work.at,
                text.decode(),
                seal,
            )
        )
    return found


def _seal(work: Work, entry: _Entry, text: bytes) -> str:
    change, by = entry.change, entry.change.by or work.by
    return digests.entry_seal(
        change.verb,
        change.collection,
        change.record,
        entry.revision,
        by.person,
        by.device,
        by.mutation,
        change.claimed_at,
        text,
    )


def stamp() -> tuple[str, str] | None:
    """Changes whenever anything does that records are judged by: rules, calendar, categories, departments, forms.

    None inside a unit that has changed such a thing and is not yet written.
    """
    work = _current.get()
    if work is None:
        found = counter.feed()
        return found.epoch, found.stamp
    if work.ruling:
        return None
    if work.stamp is None:
        found = counter.feed()
        work.stamp = found.epoch, found.stamp
    return work.stamp


def _scopes(work: Work) -> dict[str, Scope]:
    names = {name for _, name in work.grants}
    for key in work.touched:
        state = work.heads[key]
        names |= {name for name in (state.scope, state.stored_scope) if name}
    found = {scope.name: scope for scope in Scope.objects.filter(name__in=names)}
    absent = sorted(names - found.keys())
    if absent:
        rows.insert(Scope, ("name", "version", "count", "digest"), [(name, 0, 0, "0" * 16) for name in absent])
        found |= {scope.name: scope for scope in Scope.objects.filter(name__in=absent)}
    return found


def _write_heads(work: Work, version: int, scopes: dict[str, Scope]) -> None:
    new: list[tuple[Any, ...]] = []
    old: list[tuple[Any, ...]] = []
    sums: dict[str, list[int]] = {}
    for key in work.touched:
        collection, record_id = key
        state = work.heads[key]
        was, now = state.stored_scope, state.scope
        if was is not None and was != now:
            old.append((record_id, collection, scopes[was].pk, version, state.revision, True, "", "null"))
            sums.setdefault(was, [0, 0])
        if was is not None and state.stored_hash:
            total = sums.setdefault(was, [0, 0])
            total[0] -= 1
            total[1] -= int(state.stored_hash, 16)
        if now is not None:
            total = sums.setdefault(now, [0, 0])
            total[0] += 1
            total[1] += int(state.hash, 16)
            (old if state.stored else new).append(
                (
                    record_id,
                    collection,
                    scopes[now].pk,
                    version,
                    state.revision,
                    False,
                    state.hash,
                    state.document.decode(),
                )
            )
        state.stored_scope, state.stored_hash = now, state.hash
    columns = ("record", "collection", "scope_id", "version", "revision", "deleted", "hash", "document")
    rows.insert(Head, columns, new)
    rows.insert(Head, columns, old, replace_on=("record", "collection", "scope_id"))
    changed = []
    for name, (count, hashes) in sums.items():
        scope = scopes[name]
        digest = (int(scope.digest, 16) + hashes) % MODULUS
        changed.append((scope.pk, name, version, scope.count + count, f"{digest:016x}"))
    rows.insert(Scope, ("id", "name", "version", "count", "digest"), changed, replace_on=("id",))


def _write_grants(work: Work, version: int, scopes: dict[str, Scope]) -> None:
    rows.insert(
        Grant,
        ("person", "scope_id", "version", "live"),
        [(person, scopes[name].pk, version, live) for (person, name), live in work.grants.items()],
        replace_on=("person", "scope_id"),
    )
