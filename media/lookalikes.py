"""Which stored pictures show the same as this one: exact bytes by digest, near ones by the bands of their hash."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import Q

from media.likeness import BANDS, NEAR, bands, distance, neighbours, unsigned
from media.models import Blob, Photo

MAX_CANDIDATES = 20_000
MAX_HITS = 200
MAX_FOUND = 50
BLOBS = Blob._meta.db_table


@dataclass(frozen=True, slots=True)
class Lookalike:
    """A photo of another record whose picture is this one (``distance`` 0 and ``same``) or nearly."""

    photo: UUID
    enterprise: UUID
    distance: int
    same: bool


def near(likeness: int, *, most: int = NEAR) -> dict[str, int]:
    """Digests of stored originals within ``most`` bits (at most seven) of an unsigned hash, with the distance.

    Four scans that touch indexes alone, one a band, each for the band and its sixteen one-bit neighbours; rows are
    fetched only for hashes that are near.
    """
    parts, values = [], []
    for band, part in zip(range(BANDS), bands(likeness), strict=True):
        close = neighbours(part)
        marks = ", ".join(["%s"] * len(close))
        parts.append(f"SELECT likeness FROM {BLOBS} WHERE band_{band} IN ({marks})")
        values += close
    with connection.cursor() as cursor:
        cursor.execute(f"{' UNION ALL '.join(parts)} LIMIT {MAX_CANDIDATES}", values)
        candidates = {stored for (stored,) in cursor.fetchall()}
        hits = {stored: bits for stored in candidates if (bits := distance(likeness, unsigned(stored))) <= most}
        nearest = sorted(hits, key=lambda stored: hits[stored])[:MAX_HITS]
        if not nearest:
            return {}
        which = " OR ".join(["band_0 = %s AND likeness = %s"] * len(nearest))
        pairs = [value for stored in nearest for value in (bands(unsigned(stored))[0], stored)]
        cursor.execute(f"SELECT sha256, likeness FROM {BLOBS} WHERE {which}", pairs)
        return {digest: hits[stored] for digest, stored in cursor.fetchall()}


def of(photo: Photo, blob: Blob) -> list[Lookalike]:
    """Earlier and later photos of *other* records with this picture: nearest first, fifty at most."""
    digests = {blob.sha256: 0}
    if blob.likeness is not None:
        digests = near(unsigned(blob.likeness)) | digests
    others = Photo.objects.filter(sha256__in=sorted(digests, key=lambda digest: digests[digest])[:500])
    same_record = Q(pk=photo.pk)
    for name in ("visit", "response", "issue"):
        if getattr(photo, name):
            same_record |= Q(**{name: getattr(photo, name)})
    rows = others.exclude(same_record).values_list("id", "enterprise_id", "sha256")
    found = [Lookalike(id_, place, digests[digest], digest == blob.sha256) for id_, place, digest in rows]
    return sorted(found, key=lambda one: (not one.same, one.distance, one.photo))[:MAX_FOUND]
