"""Taking personal values out of the audit trail without breaking it.

An entry keeps its seal, so every link of the chain stays as it is. What its text is now is sealed by an entry of its own
(``journal.redacted``), a link like any other: whoever alters the text without one, or alters it again, is found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import orjson

from journal import digests, journal
from journal.heads import Key
from journal.journal import Change
from journal.models import Entry

VERB = "journal.redacted"
HIDDEN = "•"


def redact(records: Iterable[Key], fields: Collection[str]) -> int:
    """Inside a unit: mask these fields in every entry of these records, however deep they lie; gives how many entries."""
    journal.current()
    wanted = set(records)
    told = []
    for entry in Entry.objects.filter(record__in=[record for _, record in wanted]).order_by("pk"):
        if (entry.collection, entry.record) not in wanted:
            continue
        changes = orjson.loads(entry.changes)
        masked = _masked(changes, fields)
        if masked == changes:
            continue
        entry.changes = orjson.dumps(masked).decode()
        Entry.objects.filter(pk=entry.pk).update(changes=entry.changes)
        now = {"seal": [entry.digest, seal_of(entry)], "fields": [None, sorted(fields)]}
        told.append(Change(VERB, "entries", UUID(int=entry.pk), now))
    journal.record(told)
    return len(told)


def seal_of(entry: Entry) -> str:
    """The digest of what the entry says now."""
    return digests.entry_seal(
        entry.verb, entry.collection, entry.record, entry.revision, entry.person, entry.device, entry.mutation,
        entry.claimed_at, entry.changes.encode(),
    )  # fmt: skip


def accounted_for(entry: Entry) -> bool:
    """Whether the entry says what it was sealed with, or what the last redaction left of it."""
    own = seal_of(entry)
    if own == entry.digest:
        return True
    last = Entry.objects.filter(verb=VERB, collection="entries", record=UUID(int=entry.pk)).order_by("pk").last()
    if last is None or last.pk <= entry.pk or seal_of(last) != last.digest:
        return False
    return bool(orjson.loads(last.changes)["seal"] == [entry.digest, own])


def _masked(value: Any, fields: Collection[str]) -> Any:
    if isinstance(value, dict):
        return {name: _hidden(inner) if name in fields else _masked(inner, fields) for name, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, fields) for inner in value]
    return value


def _hidden(value: Any) -> Any:
    """A pair of old and new keeps its nulls, so that one still sees what came and went."""
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    return None if value is None else HIDDEN
