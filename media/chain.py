"""The chain of photo records of each device, and the day's signed root over all of them.

Each link holds the digest of the one before, so a record that is changed, taken out or slipped in later breaks every
link after it. The root of a day seals that day's links and the root before; it is signed with a key of its own
(docs/decisions/0017-signed-roots.md), and the row names the key, so that keys can be changed.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from django.conf import settings
from django.db import connection
from django.db.models import Max

from journal import rows
from media.models import Link, Photo, Root

SHANGHAI = ZoneInfo("Asia/Shanghai")
GENESIS = "0" * 64
LINK_COLUMNS = ("device", "number", "photo", "record", "previous", "digest", "at")


@dataclass(frozen=True, slots=True)
class Break:
    """Where a chain does not hold, and how: ``gap``, ``digest``, ``previous``, ``record``, ``root``, ``signature``."""

    kind: str
    device: UUID | None = None
    number: int | None = None
    photo: UUID | None = None
    day: date | None = None


def extend(photos: Sequence[Photo], *, at: datetime) -> None:
    """Append the records to their devices' chains, in the order given. Inside a unit; three statements at most."""
    chained = [photo for photo in photos if photo.device]
    if not chained:
        return
    devices = {photo.device for photo in chained}
    _lock(sorted(str(device) for device in devices))
    last = (
        Link.objects.filter(device__in=devices)
        .values("device")
        .annotate(last=Max("number"))
        .values_list("device", "last")
    )
    ends = {(device, number) for device, number in last}
    tails: dict[Any, tuple[int, str]] = dict.fromkeys(devices, (0, GENESIS))
    if ends:
        numbers = {number for _, number in ends}
        found = Link.objects.filter(device__in=devices, number__in=numbers).values_list("device", "number", "digest")
        tails |= {device: (number, digest) for device, number, digest in found if (device, number) in ends}
    links = []
    for photo in chained:
        assert photo.device is not None
        number, previous = tails[photo.device]
        record = record_digest(photo)
        digest = link_digest(photo.device, number + 1, photo.id, record, previous)
        links.append((photo.device, number + 1, photo.id, record, previous, digest, at))
        tails[photo.device] = number + 1, digest
    rows.insert(Link, LINK_COLUMNS, links)


def record_digest(photo: Photo) -> str:
    """The digest of what was claimed when the record first came: never edited fields and the bytes' own digest."""
    claimed = [
        str(photo.id), str(photo.author_id), str(photo.device), photo.sha256,
        int(photo.taken_at.timestamp() * 1000), photo.location,
    ]  # fmt: skip
    return sha256(orjson.dumps(claimed, option=orjson.OPT_SORT_KEYS)).hexdigest()


def link_digest(device: UUID, number: int, photo: UUID, record: str, previous: str) -> str:
    return sha256(f"{device}\0{number}\0{photo}\0{record}\0{previous}".encode()).hexdigest()


def sign_due(*, at: datetime) -> int:
    """Sign the roots of all days that are over; gives how many were signed. Days without photos have none."""
    today = at.astimezone(SHANGHAI).date()
    last = Root.objects.order_by("day").last()
    waiting = Link.objects.filter(at__lt=_midnight(today)).order_by("at", "id")
    if last:
        waiting = waiting.filter(at__gte=_midnight(last.day + timedelta(days=1)))
    previous, signed = last.digest if last else GENESIS, 0
    days = groupby(waiting.values_list("at", "digest").iterator(), key=lambda link: link[0].astimezone(SHANGHAI).date())
    for day, links in days:
        count, digest = _root(day, (digest for _, digest in links), previous)
        name, key = next(iter(_keys().items()))
        row = (day, count, previous, digest, _signature(key, day, count, digest), name, at)
        rows.insert(Root, ("day", "links", "previous", "digest", "signature", "key", "signed_at"), [row], ignore=True)
        previous, signed = digest, signed + 1
    return signed


def verify() -> Iterator[Break]:
    """Walk every chain and every root; yields what does not hold. Deleted photos leave their link standing."""
    yield from _verify_links()
    previous = GENESIS
    for root in Root.objects.order_by("day").iterator():
        start, end = _midnight(root.day), _midnight(root.day + timedelta(days=1))
        digests = Link.objects.filter(at__gte=start, at__lt=end).order_by("at", "id").values_list("digest", flat=True)
        count, digest = _root(root.day, digests.iterator(), previous)
        if (root.links, root.digest, root.previous) != (count, digest, previous):
            yield Break("root", day=root.day)
        if not _is_signed(root):
            yield Break("signature", day=root.day)
        previous = root.digest


def _verify_links() -> Iterator[Break]:
    device, number, previous = None, 0, GENESIS
    for link in Link.objects.order_by("device", "number").iterator():
        if link.device != device:
            device, number, previous = link.device, 0, GENESIS
        if link.number != number + 1:
            yield Break("gap", link.device, number + 1)
        elif link.previous != previous:
            yield Break("previous", link.device, link.number, link.photo)
        if link.digest != link_digest(link.device, link.number, link.photo, link.record, link.previous):
            yield Break("digest", link.device, link.number, link.photo)
        number, previous = link.number, link.digest


def _root(day: date, digests: Iterable[str], previous: str) -> tuple[int, str]:
    seal, count = sha256(f"{day}\0{previous}".encode()), 0
    for digest in digests:
        seal.update(digest.encode())
        count += 1
    return count, seal.hexdigest()


def _keys() -> dict[str, bytes]:
    """Every key that may have signed a root, by its name; the first signs. The last is derived from the oldest SECRET_KEY."""
    secrets = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    derived = [sha256(b"photo roots\0" + secret.encode()).digest() for secret in secrets]
    keys = [*(key.encode() for key in settings.PHOTO_ROOT_KEYS), *derived]
    return {sha256(b"name\0" + key).hexdigest()[:16]: key for key in keys}


def _is_signed(root: Root) -> bool:
    """Whether a key of ours signed it. A root from before keys had names was signed with the derived one."""
    keys = _keys()
    key = keys.get(root.key) if root.key else list(keys.values())[-1]
    return key is not None and hmac.compare_digest(root.signature, _signature(key, root.day, root.links, root.digest))


def _signature(key: bytes, day: date, count: int, digest: str) -> str:
    return hmac.new(key, f"{day}\0{count}\0{digest}".encode(), sha256).hexdigest()


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, SHANGHAI)


def _lock(devices: list[str]) -> None:
    """Two pushes of one device at once must not take the same number. SQLite's writers are alone as it is."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for device in devices:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [device])
