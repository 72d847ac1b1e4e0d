"""A set of wished photo records, judged one by one and saved together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet

from core.actors import Actor
from core.drafts import Draft
from core.problems import Conflict, Forbidden, Invalid, Problem
from core.texts import Text
from journal import journal, rows
from media import chain
from media.developments import weigh
from media.documents import WRITTEN, change, code_of, difference, told
from media.fields import FIXED_ONCE_STORED, SUBJECTS, as_uuid, check_subject, read
from media.models import Blob, BytesState, Photo, Upload, UploadState
from organizations.permissions import Subject, allowed, permitted

MOST_OF_ONE = 200  # photos that one visit, answer, issue or action may have
REWEIGHED_FOR = frozenset({"taken_at", "location", *SUBJECTS})
COLUMNS = (
    "id", "enterprise_id", "author_id", "device", "private", "owner", *WRITTEN, "received_at", "bytes", "findings",
    "likenesses", "code", "marked",
)  # fmt: skip
CHANGEABLE = ("enterprise_id", "private", "owner", "bytes", *WRITTEN)


class Immutable(Conflict):
    """The bytes are stored; what names them can no longer be changed."""

    kind = "photo-stored"
    title = Text("照片文件已保存,不能再更改", "The picture is stored and cannot be replaced")


class TooManyPhotos(Invalid):
    """What the photo shows has as many photos as anything may have."""

    kind = "too-many-photos"
    title = Text("该记录的照片数量已达上限", "Its record has as many photos as it may have")


class Submitted(Forbidden):
    """What the photo shows was submitted; it may no longer be edited or deleted from a phone."""

    kind = "already-submitted"
    title = Text("所属记录已提交,照片不能再改动", "Its record was submitted; the photo can no longer be changed")


@dataclass(frozen=True, slots=True)
class Home:
    """Where a photo belongs, as the room that knows its visit or issue says.

    ``owner`` wrote that record; with ``private`` the photo lives in the owner's ``user`` scope. ``closed``: submitted, so
    existing photos stay as they are. ``subject`` lets departments in by their relation to an issue.
    """

    enterprise: UUID
    owner: UUID
    private: bool = False
    closed: bool = False
    subject: Subject | None = None


class Batch:
    """The photos of one call of ``put``: what stood, what may be done, what has come of it."""

    def __init__(self, by: Actor, at: datetime) -> None:
        self.by, self.at = by, at
        self.photos: dict[UUID, Photo] = {}
        self.new: dict[UUID, Photo] = {}
        self.edited: dict[UUID, Photo] = {}
        self.reweighed: dict[UUID, Photo] = {}
        self.permitted: set[UUID] = set()
        self.delivered: set[str] = set()
        self.counts: Counter[tuple[str, UUID]] = Counter()
        self.changes: list[journal.Change] = []

    @classmethod
    def of(cls, drafts: Sequence[Draft], homes: Sequence[Home | Problem | None], *, by: Actor, at: datetime) -> Batch:
        batch = cls(by, at)
        batch.photos = {photo.id: photo for photo in locked([draft.id for draft in drafts])}
        places = {home.enterprise for home in homes if isinstance(home, Home)}
        batch.permitted = permitted(by, "photo.write", places | {p.enterprise_id for p in batch.photos.values()})
        batch.counts = _counted([draft for draft in drafts if draft.id not in batch.photos])
        digests = {digest for draft in drafts if isinstance(digest := draft.changes.get("sha256"), str)}
        if digests:
            theirs = Upload.objects.filter(
                person=by.person or UUID(int=0), state=UploadState.STORED, sha256=OuterRef("sha256")
            )
            held = Blob.objects.filter(Exists(theirs), sha256__in=digests, intact=True)
            batch.delivered = set(held.values_list("sha256", flat=True))
        return batch

    def settle(self, draft: Draft, home: Home | Problem | None) -> Photo | Problem:
        """Permit and decide one draft; a refusal is the outcome, and nothing of the draft has happened."""
        if isinstance(home, Problem):
            return home
        try:
            standing = self.photos.get(draft.id)
            if standing is None:
                return self._create(draft, home)
            return self._edit(standing, draft, home)
        except Problem as refused:
            return refused

    def _create(self, draft: Draft, home: Home | None) -> Photo:
        values = read(draft.changes, new=True)
        check_subject(values)
        if home is None:
            raise Invalid.at(
                "", "subject-required", Text("照片所属的记录不存在", "What the photo shows does not exist")
            )
        actor = draft.caller(self.by)
        self._permit(home, actor)
        shown = [(name, values[name]) for name in SUBJECTS if values.get(name)]
        if any(self.counts[subject] >= MOST_OF_ONE for subject in shown):
            raise TooManyPhotos(limits={"photos": MOST_OF_ONE})
        self.counts.update(shown)
        assert actor.person is not None
        photo = Photo(
            id=draft.id,
            enterprise_id=home.enterprise,
            author_id=actor.person,
            device=actor.device,
            private=home.private,
            owner=home.owner,
            received_at=self.at,
            code=code_of(draft.id),
            **values,
        )
        if photo.sha256 in self.delivered:
            photo.bytes = BytesState.STORED
        self.photos[photo.id] = self.new[photo.id] = photo
        made = {name: [None, value] for name, value in told(photo).items() if value is not None}
        self.changes.append(change("photo.created", photo, made, draft))
        return photo

    def _edit(self, photo: Photo, draft: Draft, home: Home | None) -> Photo:
        actor = draft.caller(self.by)
        values = read(draft.changes, new=False)
        stands = Home(photo.enterprise_id, photo.owner, photo.private)
        self._permit(stands if home is None else home, actor, also=photo.enterprise_id)
        if home is not None and home.closed:
            raise Submitted()
        before = told(photo)
        if photo.bytes == BytesState.STORED and any(
            name in values and values[name] != getattr(photo, name) for name in FIXED_ONCE_STORED
        ):
            raise Immutable()
        check_subject({name: values.get(name, getattr(photo, name)) for name in (*SUBJECTS, "question")})
        for name, value in values.items():
            setattr(photo, name, value)
        if home is not None:
            photo.enterprise_id, photo.private, photo.owner = home.enterprise, home.private, home.owner
        if photo.sha256 in self.delivered:
            photo.bytes = BytesState.STORED
        if photo.id not in self.new:
            self.edited[photo.id] = photo
        changed = difference(before, told(photo))
        if changed.keys() & REWEIGHED_FOR:
            self.reweighed[photo.id] = photo
        self.changes.append(change("photo.edited", photo, changed, draft))
        return photo

    def _permit(self, home: Home, actor: Actor, also: UUID | None = None) -> None:
        if home.enterprise in self.permitted and (also is None or also in self.permitted):
            return
        if home.subject is None or not allowed(actor, "photo.write", home.subject):
            raise Forbidden(Text("该企业不在您的分工范围内", "The enterprise is not among your assignments"))

    def save(self) -> None:
        rows.insert(Photo, COLUMNS, [[getattr(photo, name) for name in COLUMNS] for photo in self.new.values()])
        if self.edited:
            fields = [name.removesuffix("_id") for name in CHANGEABLE]
            Photo.objects.bulk_update(self.edited.values(), fields)
        chain.extend(list(self.new.values()), at=self.at)
        journal.record(self.changes)
        fresh = {
            *self.new,
            *self.reweighed,
            *(photo.id for photo in self.edited.values() if photo.sha256 in self.delivered),
        }
        weigh([self.photos[id_] for id_ in fresh if self.photos[id_].bytes == BytesState.STORED], at=self.at)


def _counted(drafts: Sequence[Draft]) -> Counter[tuple[str, UUID]]:
    """How many photos the subjects of new photos have already; one statement a kind of subject."""
    found: Counter[tuple[str, UUID]] = Counter()
    for name in SUBJECTS:
        ids = {id_ for draft in drafts if (id_ := as_uuid(draft.changes.get(name)))}
        if ids:
            rows_ = Photo.objects.filter(**{f"{name}__in": ids}).order_by().values_list(name).annotate(Count("pk"))
            found.update({(name, id_): count for id_, count in rows_})
    return found


def locked(ids: Sequence[UUID]) -> QuerySet[Photo]:
    """These photos, held until the unit ends."""
    return for_update(Photo.objects.filter(pk__in=set(ids)))


def for_update(found: QuerySet[Photo]) -> QuerySet[Photo]:
    return found.order_by("pk").select_for_update() if connection.features.has_select_for_update else found
