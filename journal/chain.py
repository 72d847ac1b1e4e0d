"""The audit chain: every unit's digest is taken over the one before it and over the seals of its entries.

Whoever changes, removes or adds an entry behind our back breaks a seal or a link, and the first broken place is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from journal import digests, redaction
from journal.models import Entry, Feed, Unit

STEP = 500


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold: the unit's position, and why (``seal``, ``count``, ``link``, ``end``)."""

    version: int
    why: str


def verify(*, since: int = 0) -> Iterator[Break]:
    """Every break of the chain above position ``since``, whose own digest is taken for good.

    A broken unit is told once and the walk goes on from what is stored, so one forged unit is one break.
    """
    before = Unit.objects.filter(pk=since).values_list("digest", flat=True).first() or ""
    feed = Feed.objects.filter(pk=1).first()
    last = since
    while units := list(Unit.objects.filter(pk__gt=last).order_by("pk")[:STEP]):
        seals = _seals(units[0].pk, units[-1].pk)
        for unit in units:
            yield from _broken(unit, before, last, seals.pop(unit.pk, []))
            before, last = unit.digest, unit.pk
        for stray in sorted(seals):
            yield Break(stray, "count")
    if feed is not None and (feed.version, feed.digest) != (last, before):
        yield Break(feed.version, "end")


def end() -> tuple[int, str]:
    """The last unit's position and digest. Noted down outside of this server, they hold everything before them fast."""
    found = Unit.objects.order_by("-pk").values_list("pk", "digest").first()
    return found or (0, "")


def stands(position: int, digest: str) -> bool:
    """Whether the chain still passes through what was noted: who rewrites it all to its end cannot make this true."""
    return (position, digest) == (0, "") or Unit.objects.filter(pk=position, digest=digest).exists()


def _broken(unit: Unit, before: str, last: int, seals: list[tuple[str, datetime, bool]]) -> Iterator[Break]:
    if len(seals) != unit.entries:
        yield Break(unit.pk, "count")
    elif not all(right and at == unit.at for _, at, right in seals):
        yield Break(unit.pk, "seal")
    elif unit.pk != last + 1 or unit.digest != digests.link(
        before, unit.pk, unit.at, unit.person, unit.device, [seal for seal, _, _ in seals], unit.request
    ):
        yield Break(unit.pk, "link")


def _seals(first: int, last: int) -> dict[int, list[tuple[str, datetime, bool]]]:
    """The stored seals of these units' entries in order, each with the entry's time and whether it is its own."""
    found: dict[int, list[tuple[str, datetime, bool]]] = {}
    for one in Entry.objects.filter(version__range=(first, last)).order_by("version", "id").iterator():
        found.setdefault(one.version, []).append((one.digest, one.at, redaction.accounted_for(one)))
    return found
