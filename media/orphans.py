"""Objects in the store that no row speaks of: found, left alone for a time, and cleared away if nobody claims them.

They come about when a server dies, or a transaction is rolled back, between storing an original and writing its row, and
when a phone never completes what it put into the bucket by itself. What is found is only noted; it goes at the earliest a
week later, and only if its note still stands. Whoever stores the same bytes tears the note up *before* storing (and waits
if it is being cleared away at that moment), so nothing that a row refers to is ever taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db import connection, transaction

from journal import rows
from media.models import Blob, Orphan, Upload, UploadState
from media.storage import original_key, storage

GRACE = timedelta(days=7)
"""An upload lives for seven days: until then a request may still finish it."""
FOLDERS = ("originals", "incoming")
PAGE = 500


@dataclass(slots=True)
class Collected:
    """How many objects were looked at, noted, claimed by a row since they were noted, and removed."""

    seen: int = 0
    noted: int = 0
    claimed: int = 0
    removed: int = 0


def claim(sha256: str) -> None:
    """These bytes are about to be stored: nobody may clear their object away any more."""
    Orphan.objects.filter(pk=original_key(sha256)).delete()


def collect(*, at: datetime, grace: timedelta = GRACE) -> Collected:
    """Note what belongs to nobody, and remove what was noted ``grace`` ago. Raises StorageDown; safe to run twice at once."""
    done = Collected()
    _clear(at - grace, done)
    for folder in FOLDERS:
        old = (key for key, written in storage().walk(folder) if written < at - grace)
        while keys := list(islice(old, PAGE)):
            done.seen += len(keys)
            strays = _unowned(keys)
            rows.insert(Orphan, ("key", "found_at"), [[key, at] for key in sorted(strays)], ignore=True)
            done.noted += len(strays)
    return done


def _clear(before: datetime, done: Collected) -> None:
    for key in list(Orphan.objects.filter(found_at__lte=before).values_list("key", flat=True)):
        with transaction.atomic():
            mine = Orphan.objects.filter(pk=key)
            if connection.features.has_select_for_update:
                mine = mine.select_for_update()
            if not list(mine):
                continue
            if _unowned([key]):
                storage().remove(key)
                done.removed += 1
            else:
                done.claimed += 1
            Orphan.objects.filter(pk=key).delete()


def _unowned(keys: Sequence[str]) -> set[str]:
    """The keys that no row speaks of. What does not look like a key of ours is nobody's to remove."""
    originals = {key.rsplit("/", 1)[1]: key for key in keys if key.startswith("originals/")}
    originals = {sha256: key for sha256, key in originals.items() if key == original_key(sha256)}
    incoming = {id_: key for key in keys if key.startswith("incoming/") and (id_ := _as_id(key))}
    kept = set(Blob.objects.filter(pk__in=originals).values_list("pk", flat=True))
    awaited = Upload.objects.filter(pk__in=incoming, state=UploadState.RECEIVING).values_list("pk", flat=True)
    drafts = {key for key in keys if key.rsplit("/", 1)[1].startswith(".")}  # of a copy that was never finished
    owned = {originals[sha256] for sha256 in kept} | {incoming[id_] for id_ in awaited}
    return {*originals.values(), *incoming.values(), *drafts} - owned


def _as_id(key: str) -> UUID | None:
    try:
        return UUID(key.rsplit("/", 1)[1])
    except ValueError:
        return None
