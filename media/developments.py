"""Putting work on the worker's list; ``media.renditions`` takes it off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.tracing import request_id
from journal import rows
from media.models import Development, DevelopmentKind, Photo


def weigh(photos: Sequence[Photo], *, at: datetime) -> None:
    """Put photos on the worker's list, those weighed before once more."""
    if not photos:
        return
    Development.objects.filter(photo__in=photos).update(due_at=at, done_at=None, leased_until=None, attempts=0)
    order(
        [Development(kind=DevelopmentKind.EVIDENCE, blob_id=photo.sha256, photo=photo, due_at=at) for photo in photos]
    )


def order(developments: list[Development]) -> None:
    """What is on the list already stays as it is."""
    columns = ("id", "kind", "blob_id", "photo_id", "due_at", "attempts", "fault", "request")
    for development in developments:
        development.request = request_id.get()
    orders = [[getattr(development, name) for name in columns] for development in developments]
    rows.insert(Development, columns, orders, ignore=True)
