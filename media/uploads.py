"""How bytes arrive: begun, continued from any process, checked whole, stored once, or thrown away.

A record and its bytes may come in either order; they meet by the person and the digest. Uploads are machinery, not
records of the domain: what the journal tells is the photo whose bytes became ``stored``.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from copy import copy
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef

from core.actors import SYSTEM, Actor
from core.problems import Forbidden, Invalid, NotFound, Problem, TooLarge
from core.texts import Text
from journal import journal, rows
from media import headers, orphans, photos, spool
from media.models import Blob, BytesState, Photo, Upload, UploadState
from media.spool import Checksum, Read
from media.storage import disk_faults, original_key, storage
from organizations import scanning

MAX_BYTES = 32 << 20
MAX_OPEN = 500
LIFETIME = timedelta(days=7)
UPLOADS, BLOBS = Upload._meta.db_table, Blob._meta.db_table
COLUMNS = tuple(field.attname for field in Upload._meta.concrete_fields)
REMEMBERED = 2_000


class Poisoned(Invalid):
    """The whole does not match its digest. The upload is gone; nothing of it may be resumed."""

    kind = "digest-mismatch"
    title = Text("文件与登记的摘要不一致,已作废,请重新上传", "The file does not match its digest and was discarded")


class TooMany(Problem):
    """The person has too many unfinished uploads."""

    kind = "too-many-uploads"
    status = 429
    title = Text("未完成的上传过多,请先完成或取消", "Too many unfinished uploads; finish or cancel some first")


def create(*, photo: UUID, sha256: str, length: int, filename: str, by: Actor, at: datetime) -> Upload:
    """Begin an upload of ``length`` bytes. Bytes that this person has delivered before are there at once.

    Raises TooLarge, TooMany, StorageDown.
    """
    if length > MAX_BYTES:
        raise TooLarge(limits={"bytes": MAX_BYTES})
    person = _person(by)
    upload = Upload(
        person=person,
        device=by.device,
        photo=photo,
        sha256=sha256,
        length=length,
        filename=filename[:200],
        created_at=at,
        expires_at=at + LIFETIME,
    )
    unfinished, delivered = _standing(person, sha256, length)
    if delivered:
        upload.state, upload.stored_at = UploadState.STORED, at
        with journal.unit(by=by, at=at):
            _insert(upload)
            photos.meet(sha256, by=by, at=at)
        return upload
    if unfinished >= MAX_OPEN:
        raise TooMany()
    spool.begin(upload.id)
    _insert(upload)
    _remember(upload)
    return upload


def get(upload: UUID, *, by: Actor, at: datetime) -> Upload:
    """The caller's own upload. Raises NotFound for another person's, an expired and a discarded one alike."""
    person = _person(by)
    known = _known.get(upload)
    if known is not None and known.person == person and known.expires_at > at and spool.holds(upload):
        return copy(known)
    ask = f"SELECT * FROM {UPLOADS} WHERE id = %s AND person = %s"
    for found in Upload.objects.raw(ask, [_key(upload), _key(person)]):
        if found.expires_at > at and found.state != UploadState.DISCARDED:
            if found.state == UploadState.RECEIVING:
                _remember(found)
            return found
    raise NotFound()


_known: dict[UUID, Upload] = {}


def _remember(upload: Upload) -> None:
    """Spare the next chunk a question: nothing of an upload changes while its spool file stands, and its end removes the file."""
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[upload.id] = copy(upload)


def offset(upload: Upload, *, by: Actor, at: datetime) -> int:
    """How far the upload has come; one that is whole but was never finished (we died in between) is finished now."""
    if upload.state == UploadState.STORED:
        return upload.length
    stands = spool.offset_of(upload.id)
    if stands is not None and stands < upload.length:
        return stands
    try:
        with spool.held(upload.id) as handle:
            _finish(upload, handle, by=by, at=at)
    except FileNotFoundError:
        _expect_stored(upload)
    return upload.length


def append(
    upload: Upload,
    read: Read,
    *,
    at_offset: int,
    expected: int | None,
    checksum: Checksum | None,
    by: Actor,
    at: datetime,
) -> int:
    """Add a chunk and give the new offset; the last one stores the whole.

    Raises WrongOffset, Busy, WrongChecksum, Overlong; from the last chunk Poisoned and NotAPicture, after which the
    upload is gone, and StorageDown, after which it can be finished by asking for its offset.
    """
    if upload.state == UploadState.STORED:
        if at_offset == upload.length and not expected:
            return upload.length
        raise spool.WrongOffset(offset=upload.length)
    try:
        with spool.held(upload.id) as handle:
            reached = spool.append(
                handle, read, offset=at_offset, length=upload.length, expected=expected, checksum=checksum
            )
            if reached == upload.length:
                _finish(upload, handle, by=by, at=at)
            return reached
    except FileNotFoundError:
        _expect_stored(upload)
        raise spool.WrongOffset(offset=upload.length) from None


def _expect_stored(upload: Upload) -> None:
    """The spool file is gone: another request finished the upload since we read its row, or it was given up."""
    upload.refresh_from_db(fields=["state", "stored_at"])
    if upload.state != UploadState.STORED:
        raise NotFound()


def terminate(upload: Upload) -> None:
    """The client gives the upload up; what was stored already stays stored."""
    Upload.objects.filter(pk=upload.pk, state=UploadState.RECEIVING).update(
        state=UploadState.DISCARDED, reason="terminated"
    )
    Upload.objects.filter(pk=upload.pk, state=UploadState.STORED).update(expires_at=upload.created_at)
    spool.discard(upload.id)


def sweep(*, at: datetime, limit: int = 200) -> int:
    """Finish what is whole but was never finished, throw away what has expired; gives how many were touched."""
    touched = 0
    receiving = Upload.objects.filter(state=UploadState.RECEIVING)
    for upload in receiving.filter(expires_at__lte=at)[:limit]:
        terminate(upload)
        touched += 1
    for upload in receiving.filter(created_at__lte=at - timedelta(minutes=2)).order_by("created_at")[:limit]:
        if spool.offset_of(upload.id) != upload.length:
            continue
        try:
            offset(upload, by=Actor(person=upload.person, device=upload.device), at=at)
        except Problem:
            continue
        touched += 1
    return touched + _introduce(at, limit) + spool.leftovers(_unfinished, before=at - LIFETIME)


def _introduce(at: datetime, limit: int) -> int:
    """Bring together record and bytes that were committed in the same moment, each before it could see the other."""
    theirs = Upload.objects.filter(person=OuterRef("author"), sha256=OuterRef("sha256"), state=UploadState.STORED)
    missed = Photo.objects.filter(Exists(theirs), bytes=BytesState.AWAITING)
    intact = Blob.objects.filter(intact=True)
    introduced = 0
    for author, sha256 in list(
        missed.filter(sha256__in=intact.values("sha256")).values_list("author", "sha256")[:limit]
    ):
        introduced += len(photos.meet(sha256, by=Actor(person=author), at=at))
    return introduced


def _unfinished(ids: set[UUID]) -> set[UUID]:
    return set(Upload.objects.filter(pk__in=ids, state=UploadState.RECEIVING).values_list("pk", flat=True))


# These statements run for every chunk of every photo: the query builder would cost more than the database.


def _standing(person: UUID, sha256: str, length: int) -> tuple[int, bool]:
    """How many uploads the person has not finished, and whether these very bytes are there and theirs."""
    ask = f"""
        SELECT (SELECT count(*) FROM {UPLOADS} WHERE person = %s AND state = 'receiving'),
               EXISTS (SELECT 1 FROM {UPLOADS} WHERE person = %s AND sha256 = %s AND state = 'stored')
               AND EXISTS (SELECT 1 FROM {BLOBS} WHERE sha256 = %s AND size = %s AND intact)
    """
    with connection.cursor() as cursor:
        cursor.execute(ask, [_key(person), _key(person), sha256, sha256, length])
        unfinished, delivered = cursor.fetchone()
    return unfinished, bool(delivered)


def _insert(upload: Upload) -> None:
    rows.insert(Upload, COLUMNS, [[getattr(upload, name) for name in COLUMNS]])


def _key(id_: UUID) -> UUID | str:
    return id_ if connection.features.has_native_uuid_field else id_.hex


def _person(by: Actor) -> UUID:
    if by.person is None:
        raise Forbidden()
    return by.person


def _finish(upload: Upload, handle: int, *, by: Actor, at: datetime) -> None:
    """The whole is there: settle it, check it, store it, and let the photo know. The caller holds the spool file."""
    with disk_faults():
        os.fdatasync(handle)
    try:
        header = _checked(handle, upload)
    except Invalid as refused:
        _discard(upload, refused)
        raise
    standing = photos.standing(upload.sha256)
    if standing.orphaned:
        orphans.claim(upload.sha256)
    storage().keep(original_key(upload.sha256), spool.path_of(upload.id), upload.sha256)
    with disk_faults():
        # written, read back, and next wanted by the worker alone: the memory is worth more to the database
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    with journal.unit(by=by if by.person else SYSTEM, at=at):
        if not standing.intact:
            photos.keep_blob(upload.sha256, upload.length, header.content_type, at=at, known=standing.known)
        _settle(upload, at)
        photos.meet(upload.sha256, by=by, at=at)
    _known.pop(upload.id, None)
    spool.discard(upload.id)


def _settle(upload: Upload, at: datetime) -> None:
    """The row says ``stored``, also of an upload that was given up while its last chunk was being stored."""
    upload.state, upload.stored_at = UploadState.STORED, at
    stored = connection.ops.adapt_datetimefield_value(at)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {UPLOADS} SET state = 'stored', stored_at = %s WHERE id = %s", [stored, _key(upload.id)]
        )


def _checked(handle: int, upload: Upload) -> headers.Header:
    if not upload.length:
        raise headers.refusal("unknown-kind")
    with mmap.mmap(handle, upload.length, access=mmap.ACCESS_READ) as whole:
        if hashlib.sha256(whole).hexdigest() != upload.sha256:
            raise Poisoned()
        scanning.check(whole)
        return headers.read(whole)


def _discard(upload: Upload, refused: Invalid) -> None:
    reason = refused.errors[0].code if refused.errors else refused.kind
    Upload.objects.filter(pk=upload.pk).update(state=UploadState.DISCARDED, reason=reason)
    spool.discard(upload.id)
