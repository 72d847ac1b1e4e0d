"""Photos of the last days' visits, brought in as a phone brings them: the record, then the bytes."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from hashlib import sha256

from core.drafts import Draft
from core.problems import Problem
from demo import pictures
from demo.dice import Dice
from demo.fieldwork import Day
from demo.hours import Span, moment
from inspections import photographs
from inspections.models import Visit
from media import uploads
from organizations.permissions import Caller

DAYS, PAGES = 14, 24
CAPTIONS = ("车间入口", "培训现场", "厂务公开栏", "职工之家", "生产线", "整改前")


class Album:
    """As many pictures as a demonstration needs; load tests bring their own."""

    def __init__(self, dice: Dice, span: Span) -> None:
        self.dice, self.pages = dice, PAGES
        self.since = (span.end - timedelta(days=DAYS)).date()

    def add(self, day: Day, *, by: Caller, at: datetime) -> None:
        """One photo for each on-site visit of a late day, while there are pages left."""
        if day.day < self.since:
            return
        starts = {"started_at__gte": moment(day.day, 0), "started_at__lt": moment(day.day, 0) + timedelta(days=1)}
        for visit in Visit.objects.filter(author=day.person, check_in__isnull=False, **starts).order_by("started_at"):
            if self.pages and visit.check_in:
                self.pages -= 1
                self._take(visit, by=by, at=at)

    def _take(self, visit: Visit, *, by: Caller, at: datetime) -> None:
        place, taken_at = visit.check_in or {}, visit.started_at + timedelta(minutes=12)
        taken_at = taken_at.astimezone(at.tzinfo)
        picture = pictures.jpeg(self.dice.getrandbits(30), taken_at=taken_at, lat=place["lat"], lon=place["lon"])
        digest, key = sha256(picture).hexdigest(), self.dice.key(taken_at)
        changes = {
            "visit": str(visit.id),
            "taken_at": taken_at.isoformat(),
            "sha256": digest,
            "size": len(picture),
            "content_type": "image/jpeg",
            "caption": self.dice.choice(CAPTIONS),
            "location": {name: place[name] for name in ("lat", "lon", "crs", "accuracy_m")},
        }
        (outcome,) = photographs.put([Draft(key, changes, claimed_at=taken_at)], by=by, at=at)
        if isinstance(outcome, Problem):
            raise RuntimeError(f"the album was refused: {outcome.detail} {outcome.errors}") from outcome
        upload = uploads.create(
            photo=key, sha256=digest, length=len(picture), filename=f"{key}.jpg", by=by, at=at
        )  # fmt: skip
        if upload.stored_at is None:
            whole = io.BytesIO(picture)
            uploads.append(upload, whole.read, at_offset=0, expected=len(picture), checksum=None, by=by, at=at)
