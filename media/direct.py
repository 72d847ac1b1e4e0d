"""Bytes that a phone puts into the bucket by itself, with a link that allows exactly one object of exactly one length.

They land under a key of their own and count for nothing until ``complete``: then they are fetched once, checked like any
upload and kept under their digest. A store without links (the folder) does not offer this; tus always works.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actors import Actor
from core.problems import Conflict, Problem
from core.texts import Text
from media import spool, uploads
from media.models import Upload, UploadState
from media.storage import StorageDown, storage


class NotOffered(Problem):
    """Files lie in a folder here: send them by tus."""

    kind = "direct-not-offered"
    status = 409
    title = Text("本服务器不提供直传,请使用 tus 上传", "Direct upload is not offered here, please use tus")


class NothingThere(Conflict):
    """No object of the declared length has arrived yet."""

    kind = "nothing-arrived"
    title = Text("尚未收到文件", "The file has not arrived yet")


@dataclass(frozen=True, slots=True)
class Ticket:
    """Where to put the bytes: one PUT with exactly these headers, within five minutes. No ``url``: they are here already."""

    upload: Upload
    url: str | None
    headers: dict[str, str]


def begin(*, photo: UUID, sha256: str, length: int, filename: str, by: Actor, at: datetime) -> Ticket:
    """Raises NotOffered, and what ``uploads.create`` raises."""
    headers = {"Content-Length": str(length)}
    if storage().put_link("incoming/none", length=length) is None:
        raise NotOffered()
    upload = uploads.create(photo=photo, sha256=sha256, length=length, filename=filename, by=by, at=at)
    if upload.state == UploadState.STORED:
        return Ticket(upload, None, {})
    return Ticket(upload, storage().put_link(_key(upload), length=length), headers)


def complete(upload: Upload, *, by: Actor, at: datetime) -> Upload:
    """Fetch, check and keep what the phone has put. Raises NothingThere, Poisoned, NotAPicture, StorageDown."""
    if upload.state == UploadState.STORED:
        return upload
    if storage().size(_key(upload)) != upload.length:
        raise NothingThere()
    spool.discard(upload.id)
    spool.begin(upload.id)
    pieces = storage().read(_key(upload))
    held = bytearray()

    def read(most: int) -> bytes:
        while not held and (piece := next(pieces, b"")):
            held.extend(piece)
        taken = bytes(held[:most])
        del held[:most]
        return taken

    reached = uploads.append(upload, read, at_offset=0, expected=None, checksum=None, by=by, at=at)
    if reached != upload.length:
        raise StorageDown()
    storage().remove(_key(upload))
    return upload


def _key(upload: Upload) -> str:
    return f"incoming/{upload.id}"
