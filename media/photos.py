"""Photo records: put by phones and departments, met by their bytes, read by those who may. The verbs work on sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from core.actors import SYSTEM, Actor
from core.drafts import Draft
from core.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from journal import journal, rows
from media import chain, evidence
from media.fields import FIXED_ONCE_STORED, SUBJECTS, as_uuid, check_subject, read
from media.models import Blob, BytesState, Development, DevelopmentKind, Photo, Upload, UploadState
from organizations.permissions import Subject, allowed, permitted, scope

SHANGHAI = ZoneInfo("Asia/Shanghai")
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none that is misread for another
WRITTEN = (*SUBJECTS, "question", "taken_at", "sha256", "size", "content_type", "caption", "location")
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


def put(
    drafts: Sequence[Draft], homes: Sequence[Home | Problem | None], *, by: Actor, at: datetime
) -> list[Photo | Problem]:
    """Create or edit photo records; one outcome a draft, in order. ``homes`` go with the drafts: None keeps a photo's home.

    A constant number of statements however many drafts there are.
    """
    with journal.unit(by=by, at=at):
        work = _Batch.of(drafts, homes, by=by, at=at)
        outcomes = [work.settle(draft, home) for draft, home in zip(drafts, homes, strict=True)]
        work.save()
    return outcomes


def delete(drafts: Sequence[Draft], *, closed: Iterable[UUID] = (), by: Actor, at: datetime) -> list[Photo | Problem]:
    """Delete the caller's own photos, unless what they show was submitted (``closed`` names these photos)."""
    fixed = set(closed)
    outcomes: list[Photo | Problem] = []
    with journal.unit(by=by, at=at):
        known = {photo.id: photo for photo in _locked([draft.id for draft in drafts])}
        gone: dict[UUID, journal.Change] = {}
        for draft in drafts:
            photo, actor = known.get(draft.id), draft.by or by
            if photo is None or photo.id in gone:
                outcomes.append(NotFound())
            elif photo.author_id != actor.person:
                outcomes.append(Forbidden())
            elif photo.id in fixed:
                outcomes.append(Submitted())
            else:
                outcomes.append(photo)
                changes = {"sha256": [photo.sha256, None], "deleted": [False, True]}
                gone[photo.id] = journal.Change(
                    "photo.deleted", "photos", photo.id, changes, scope_of(photo), by=actor, claimed_at=draft.claimed_at
                )
        Photo.objects.filter(pk__in=gone).delete()
        journal.record(list(gone.values()))
    return outcomes


def rehome(homes: Mapping[UUID, Home], *, by: Actor, at: datetime) -> list[Photo]:
    """Photos whose visit or issue moved, or became confidential, move with it; ``homes`` by photo id."""
    with journal.unit(by=by, at=at):
        moved, changes = [], []
        for photo in _locked(list(homes)):
            home, before = homes[photo.id], _placed(photo)
            photo.enterprise_id, photo.private, photo.owner = home.enterprise, home.private, home.owner
            difference = _difference(before, _placed(photo))
            if difference:
                moved.append(photo)
                changes.append(_change("photo.moved", photo, difference))
        Photo.objects.bulk_update(moved, ["enterprise", "private", "owner"])
        journal.record(changes)
    return moved


def keep_blob(digest: str, size: int, content_type: str, *, at: datetime) -> Blob:
    """The row of an original that now lies in the store; its prints are put on the worker's list."""
    known = Blob.objects.filter(pk=digest).first()
    if known is None:
        known = Blob(sha256=digest, size=size, content_type=content_type, stored_at=at, verified_at=at)
        columns = ("sha256", "size", "content_type", "intact", "stored_at", "verified_at", "prints", "refusal")
        rows.insert(Blob, columns, [[getattr(known, name) for name in columns]], ignore=True)
        _order([Development(kind=DevelopmentKind.PRINTS, blob_id=digest, due_at=at)])
    elif not known.intact:
        known.intact, known.stored_at, known.verified_at = True, at, at
        known.save(update_fields=["intact", "stored_at", "verified_at"])
    return known


def meet(blob: Blob, *, by: Actor, at: datetime) -> list[Photo]:
    """Bytes have come: the deliverer's photos that wait for them, and all that had lost them, are ``stored``."""
    waiting = Photo.objects.filter(Q(author=by.person) | Q(bytes=BytesState.DAMAGED), sha256=blob.sha256)
    return turn(waiting, BytesState.STORED, "photo.stored", by=by, at=at)


def turn(affected: QuerySet[Photo], state: BytesState, verb: str, *, by: Actor, at: datetime) -> list[Photo]:
    """Set where these photos' bytes are, tell the phones, and have stored ones weighed."""
    with journal.unit(by=by, at=at):
        photos = list(_for_update(affected.exclude(bytes=state)))
        changes = []
        for photo in photos:
            before, photo.bytes = photo.bytes, state
            changes.append(_change(verb, photo, {"bytes": [before, state.value]}))
        if not photos:
            return []
        Photo.objects.filter(pk__in=[photo.pk for photo in photos]).update(bytes=state)
        journal.record(changes)
        if state == BytesState.STORED:
            _weigh(photos, at=at)
    return photos


def note(
    examined: Photo, findings: list[dict[str, Any]], likenesses: list[dict[str, Any]], marked: str, *, at: datetime
) -> None:
    """What the worker found; nothing is recorded when nothing new was found."""
    with journal.unit(by=SYSTEM, at=at):
        for photo in _locked([examined.pk]):
            _note(photo, findings, likenesses, marked)


def _note(photo: Photo, findings: list[dict[str, Any]], likenesses: list[dict[str, Any]], marked: str) -> None:
    before = photo.findings
    photo.findings, photo.likenesses, photo.marked = findings, likenesses, marked
    Photo.objects.filter(pk=photo.pk).update(findings=findings, likenesses=likenesses, marked=marked)
    if before != findings:
        journal.record([_change("photo.examined", photo, {"findings": [before, findings]})])


def readable(by: Actor) -> QuerySet[Photo]:
    """The photos the caller may look at by enterprise or authorship; issues open further ones to their departments."""
    mine = Q(private=False) & scope(by, "photo.read") | Q(private=True) & scope(
        by, "photo.read_private", enterprise=None, owner="owner"
    )
    own = Q(author=by.person) if by.person else Q()
    return Photo.objects.filter(mine | own)


def may_see_original(photo: Photo, *, by: Actor) -> bool:
    """Originals carry the place where they were taken: for the office and the reporter alone."""
    return allowed(by, "photo.original", Subject(enterprise=photo.enterprise_id, owner=photo.author_id))


def opened(photo: Photo, *, by: Actor, at: datetime) -> None:
    """Somebody fetched an original; the audit trail says who."""
    with journal.unit(by=by, at=at):
        journal.record([journal.Change("photo.original_read", "photos", photo.id, {"sha256": [None, photo.sha256]})])


def scope_of(photo: Photo) -> str:
    return journal.user_scope(photo.owner) if photo.private else journal.enterprise_scope(photo.enterprise_id)


def document(photo: Photo) -> dict[str, Any]:
    """The photo as phones hold it: everything its scope may see, so no likeness to pictures of other places."""
    return {
        **_told(photo),
        "author": str(photo.author_id),
        "device": str(photo.device) if photo.device else None,
        "received_at": shown(photo.received_at),
        "bytes": str(photo.bytes),
        "findings": evidence.told(photo.findings),
        "code": photo.code,
    }


def shown(moment: datetime) -> str:
    """A time as documents write it: with the offset of the office."""
    return moment.astimezone(SHANGHAI).isoformat()


def code_of(photo: UUID) -> str:
    """Twelve signs that a person can read aloud, always the same for one photo."""
    number = int.from_bytes(sha256(b"photo code\0" + photo.bytes).digest()[:8], "big") >> 4
    return "".join(SIGNS[number >> 5 * place & 31] for place in range(12))


# --- a batch ----------------------------------------------------------------------------------------------------


class _Batch:
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
    def of(cls, drafts: Sequence[Draft], homes: Sequence[Home | Problem | None], *, by: Actor, at: datetime) -> _Batch:
        batch = cls(by, at)
        batch.photos = {photo.id: photo for photo in _locked([draft.id for draft in drafts])}
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
        actor = draft.by or self.by
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
        made = {name: [None, value] for name, value in _told(photo).items() if value is not None}
        self.changes.append(_change("photo.created", photo, made, draft))
        return photo

    def _edit(self, photo: Photo, draft: Draft, home: Home | None) -> Photo:
        actor = draft.by or self.by
        values = read(draft.changes, new=False)
        stands = Home(photo.enterprise_id, photo.owner, photo.private)
        self._permit(stands if home is None else home, actor, also=photo.enterprise_id)
        if home is not None and home.closed:
            raise Submitted()
        before = _told(photo)
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
        difference = _difference(before, _told(photo))
        if difference.keys() & REWEIGHED_FOR:
            self.reweighed[photo.id] = photo
        self.changes.append(_change("photo.edited", photo, difference, draft))
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
        _weigh([self.photos[id_] for id_ in fresh if self.photos[id_].bytes == BytesState.STORED], at=self.at)


def _counted(drafts: Sequence[Draft]) -> Counter[tuple[str, UUID]]:
    """How many photos the subjects of new photos have already; one statement a kind of subject."""
    found: Counter[tuple[str, UUID]] = Counter()
    for name in SUBJECTS:
        ids = {id_ for draft in drafts if (id_ := as_uuid(draft.changes.get(name)))}
        if ids:
            rows_ = Photo.objects.filter(**{f"{name}__in": ids}).order_by().values_list(name).annotate(Count("pk"))
            found.update({(name, id_): count for id_, count in rows_})
    return found


def _locked(ids: Sequence[UUID]) -> QuerySet[Photo]:
    return _for_update(Photo.objects.filter(pk__in=set(ids)))


def _for_update(found: QuerySet[Photo]) -> QuerySet[Photo]:
    return found.order_by("pk").select_for_update() if connection.features.has_select_for_update else found


def _told(photo: Photo) -> dict[str, Any]:
    """The fields a phone writes, and the enterprise, as JSON."""
    found: dict[str, Any] = {name: getattr(photo, name) for name in WRITTEN}
    for name in SUBJECTS:
        found[name] = str(found[name]) if found[name] else None
    found["taken_at"] = shown(photo.taken_at)
    found["enterprise"] = str(photo.enterprise_id)
    return found


def _placed(photo: Photo) -> dict[str, Any]:
    return {"enterprise": str(photo.enterprise_id), "private": photo.private, "owner": str(photo.owner)}


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {name: [before[name], value] for name, value in after.items() if before[name] != value}


def _change(verb: str, photo: Photo, changes: dict[str, Any], draft: Draft | None = None) -> journal.Change:
    return journal.Change(
        verb,
        "photos",
        photo.id,
        changes,
        scope_of(photo),
        document(photo),
        by=draft.by if draft else None,
        claimed_at=draft.claimed_at if draft else None,
    )


def _weigh(photos: Sequence[Photo], *, at: datetime) -> None:
    """Put photos on the worker's list, those weighed before once more."""
    if not photos:
        return
    Development.objects.filter(photo__in=photos).update(due_at=at, done_at=None, leased_until=None, attempts=0)
    _order(
        [Development(kind=DevelopmentKind.EVIDENCE, blob_id=photo.sha256, photo=photo, due_at=at) for photo in photos]
    )


def _order(developments: list[Development]) -> None:
    columns = ("id", "kind", "blob_id", "photo_id", "due_at", "attempts", "fault")
    orders = [[getattr(development, name) for name in columns] for development in developments]
    rows.insert(Development, columns, orders, ignore=True)
