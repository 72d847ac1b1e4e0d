"""The worker's part: smaller copies of originals, the weighing of evidence, the marked copy.

Work lies in ``Development`` rows. Whoever wants a row takes it by a compare-and-set on its lease; a worker that dies
leaves a lease that runs out, and what it may have stored already is stored again under the same key.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet

from core.coordinates import Place
from core.problems import Problem
from core.tracing import named
from media import evidence, lookalikes, photos
from media.darkroom import Darkroom, DarkroomDown
from media.evidence import Circumstances, Claim
from media.exif import Exif
from media.headers import NotAPicture
from media.likeness import bands, signed
from media.models import Blob, BytesState, Development, DevelopmentKind, Photo, PrintState
from media.pictures import Developed
from media.storage import mark_key, original_key, print_key, storage
from media.watermark import Marks

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=5)
PATIENCE = 6
SOON = timedelta(seconds=5)
Ask = Callable[[Iterable[Photo]], Mapping[UUID, Circumstances]]


class NotYet(Exception):
    """The prints come first."""


def nothing_known(_: Iterable[Photo]) -> Mapping[UUID, Circumstances]:
    return {}


def make_due(*, at: datetime, limit: int = 20, circumstances: Ask = nothing_known) -> int:
    """Do up to ``limit`` pieces of work that are due; gives how many were finished.

    ``circumstances`` tells what the floor above knows of the photos' visits. Safe to run in many workers at once.
    """
    done = 0
    for _ in range(limit):
        development = _claim(at)
        if development is None:
            break
        with named(development.request):
            done += _attempt(development, at, circumstances)
    return done


def _claim(at: datetime) -> Development | None:
    free = Q(leased_until=None) | Q(leased_until__lte=at)
    waiting = Development.objects.filter(free, done_at=None, due_at__lte=at)
    for candidate in waiting.order_by("due_at", "-kind", "id")[:8]:
        mine = Development.objects.filter(pk=candidate.pk, done_at=None, attempts=candidate.attempts).filter(free)
        if mine.update(leased_until=at + LEASE, attempts=F("attempts") + 1):
            candidate.attempts += 1
            return candidate
    return None


def _attempt(development: Development, at: datetime, circumstances: Ask) -> int:
    """Do one piece; what fails for reasons that may pass is put off, longer each time."""
    work = _print if development.kind == DevelopmentKind.PRINTS else _weigh
    try:
        work(development, at, circumstances)
    except NotYet:
        _mine(development).update(due_at=at + SOON, leased_until=None)
        return 0
    except (Problem, DarkroomDown, OSError) as fault:
        log.warning(
            "%s of a photo failed (%s), tried %s times", development.kind, type(fault).__name__, development.attempts
        )
        wait = timedelta(seconds=15 * 4 ** min(development.attempts, 6))
        last = isinstance(fault, DarkroomDown) and development.attempts >= PATIENCE
        if last and development.kind == DevelopmentKind.PRINTS:
            _refuse(development.blob_id, "too-heavy")
        _mine(development).update(
            due_at=at + wait, leased_until=None, fault=str(fault)[:300], done_at=at if last else None
        )
        return 0
    _mine(development).update(done_at=at, leased_until=None, fault="")
    log.info("%s of a photo done", development.kind)
    return 1


def _mine(development: Development) -> QuerySet[Development]:
    """The row, as long as nobody has taken it over since."""
    return Development.objects.filter(pk=development.pk, attempts=development.attempts)


def _print(development: Development, at: datetime, _: Ask) -> None:
    digest = development.blob_id
    blob = Blob.objects.get(pk=digest)
    if blob.prints != PrintState.DUE:
        return
    data = b"".join(storage().read(original_key(digest)))
    try:
        developed = darkroom().develop(data)
    except NotAPicture as refused:
        _refuse(digest, refused.errors[0].code)
        return
    for name, copy in developed.prints.items():
        storage().put(print_key(digest, name), copy)
    _keep(digest, developed)


def _keep(digest: str, developed: Developed) -> None:
    parts = bands(developed.likeness) if developed.likeness is not None else (None,) * 4
    Blob.objects.filter(pk=digest).update(
        prints=PrintState.MADE,
        width=developed.width,
        height=developed.height,
        complete=developed.complete,
        exif=developed.exif.document(),
        likeness=None if developed.likeness is None else signed(developed.likeness),
        **{f"band_{band}": part for band, part in enumerate(parts)},
    )


def _refuse(digest: str, reason: str) -> None:
    Blob.objects.filter(pk=digest).update(prints=PrintState.REFUSED, refusal=reason)


def _weigh(development: Development, at: datetime, circumstances: Ask) -> None:
    mine = Photo.objects.filter(developments=development)
    photo = mine.select_related("enterprise__region", "author").first()
    if photo is None or photo.bytes != BytesState.STORED:
        return
    blob = Blob.objects.get(pk=photo.sha256)
    if blob.prints == PrintState.DUE:
        raise NotYet()
    alike = lookalikes.of(photo, blob)
    claim = Claim(
        taken_at=photo.taken_at,
        received_at=photo.received_at,
        location=photo.location,
        content_type=photo.content_type,
        size=photo.size,
        found_type=blob.content_type,
        found_size=blob.size,
        complete=blob.complete is not False,
        exif=Exif(**blob.exif) if blob.exif else None,
        enterprise=photo.enterprise.location,
        circumstances=circumstances([photo]).get(photo.id, Circumstances()),
        same=sum(one.same for one in alike),
        alike=sum(not one.same for one in alike),
    )
    marked = _mark(photo, blob)
    likenesses = [{**asdict(one), "photo": str(one.photo), "enterprise": str(one.enterprise)} for one in alike]
    photos.note(photo, evidence.weigh(claim), likenesses, marked, at=at)


def _mark(photo: Photo, blob: Blob) -> str:
    """Make the marked copy; gives the version under which it is kept, "" if there is none."""
    if blob.prints != PrintState.MADE:
        return ""
    marks = marks_of(photo)
    version = sha256("\0".join([blob.sha256, *marks.lines, marks.link]).encode()).hexdigest()[:12]
    if version != photo.marked:
        large = b"".join(storage().read(print_key(blob.sha256, "large")))
        storage().put(mark_key(photo.id, version), darkroom().mark(large, marks))
    return version


def marks_of(photo: Photo) -> Marks:
    """What is printed on the marked copy, in Chinese, for it is the office's document."""
    lines = [
        f"时间 {photo.taken_at.astimezone(photos.SHANGHAI):%Y-%m-%d %H:%M:%S} (UTC+8)",
        f"地点 {_where(photo)}",
        f"企业 {photo.enterprise.name}",
        f"拍摄 {'三员' if shows_a_report(photo) else photo.author.name}",
    ]
    code = "-".join(photo.code[start : start + 4] for start in range(0, 12, 4))
    return Marks(lines, f"校验码 {code}", f"{settings.PUBLIC_URL}/check/{photo.code}")


def shows_a_report(photo: Photo) -> bool:
    """Whether naming the author would name whoever reported an issue: departments see such photos, and not that name."""
    return photo.private or photo.issue is not None


def _where(photo: Photo) -> str:
    region = photo.enterprise.region.name
    if not photo.location:
        return f"{region}(无定位)"
    place = Place(photo.location["lat"], photo.location["lon"], photo.location.get("crs", "wgs84")).wgs84()
    return f"{region} {place.lat:.5f}, {place.lon:.5f} (WGS-84)"


@cache
def darkroom() -> Darkroom:
    """This process's darkroom; its child ends with us."""
    return Darkroom()
