"""Walking the store: originals that are missing or damaged are found, and the phones are asked for them again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.actors import SYSTEM
from media import photos
from media.models import Blob, BytesState, Photo, Upload, UploadState
from media.storage import digest_of, original_key, storage


@dataclass(slots=True)
class Scrubbed:
    """What a walk found: how many originals were read, and the digests that are missing, damaged, or whole again."""

    read: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    healed: list[str] = field(default_factory=list)


def scrub(*, at: datetime, limit: int | None = None, before: datetime | None = None) -> Scrubbed:
    """Read originals back, those verified longest ago first, and compare them with their digests.

    With ``before`` only those not verified since then; with ``limit`` no more than so many.

    A bad one is taken out of the store, its photos turn ``damaged`` (phones read it in ``bytes`` and send them again), and
    whoever delivered it before is no longer answered "already here". Raises StorageDown; nothing is condemned then.
    """
    found = Scrubbed()
    queue = Blob.objects.order_by("verified_at", "sha256").values_list("sha256", "intact")
    if before is not None:
        queue = queue.filter(verified_at__lte=before)
    for digest, intact in list(queue[:limit]):
        fault = _fault(digest)
        found.read += 1
        if fault is None:
            Blob.objects.filter(pk=digest).update(verified_at=at, intact=True)
            if not intact:
                found.healed.append(digest)
                _turn(digest, BytesState.STORED, "photo.stored", at)
            continue
        (found.missing if fault == "missing" else found.damaged).append(digest)
        if intact:
            _condemn(digest, fault, at)
        else:
            Blob.objects.filter(pk=digest).update(verified_at=at)  # known to be gone: others come first next time
    return found


def _fault(digest: str) -> str | None:
    try:
        pieces = storage().read(original_key(digest))
        return None if digest_of(pieces) == digest else "damaged"
    except FileNotFoundError:
        return "missing"


def _condemn(digest: str, fault: str, at: datetime) -> None:
    if fault == "damaged":
        storage().remove(original_key(digest))
    Blob.objects.filter(pk=digest).update(intact=False, verified_at=at)
    Upload.objects.filter(sha256=digest, state=UploadState.STORED).update(state=UploadState.DISCARDED, reason=fault)
    _turn(digest, BytesState.DAMAGED, "photo.damaged", at)


def _turn(digest: str, state: BytesState, verb: str, at: datetime) -> None:
    before = BytesState.STORED if state == BytesState.DAMAGED else BytesState.DAMAGED
    photos.turn(Photo.objects.filter(sha256=digest, bytes=before), state, verb, by=SYSTEM, at=at)
