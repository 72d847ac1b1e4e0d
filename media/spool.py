"""The bytes of unfinished uploads: one growing file each, in a folder that all app processes share.

The length of the file is the offset, and an advisory lock on it is the lease: a killed process leaves a file that is
exactly as long as what it had written and a lock that the kernel has already released. So any process can go on
with any chunk, nothing expires in mid-chunk, and a chunk costs no write to the database.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings

from core.problems import Conflict, Problem
from core.texts import Text
from media.storage import disk_faults

PIECE = 1 << 18
ALGORITHMS = ("sha256", "sha1", "md5")

Read = Callable[[int], bytes]


class Busy(Problem):
    """Another request is writing to this upload just now."""

    kind = "upload-locked"
    status = 423
    title = Text("该上传正在由另一请求写入,请稍后重试", "Another request is writing to this upload, please retry")


class WrongOffset(Conflict):
    """The chunk does not begin where the upload ends; ``offset`` says where that is."""

    kind = "wrong-offset"
    title = Text("续传位置与服务器不一致", "The chunk does not begin where the upload ends")


class WrongChecksum(Problem):
    """The chunk is not what its sender had; it was thrown away."""

    kind = "checksum-mismatch"
    status = 460
    title = Text("分块校验不一致,请重传该分块", "The chunk does not match its checksum; send it again")


class Overlong(Problem):
    """More bytes came than the upload was declared to have; the surplus was not kept."""

    kind = "too-large"
    status = 413
    title = Text("数据超过声明的长度", "More bytes than declared")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a chunk must hash to."""

    algorithm: str
    digest: bytes


def path_of(upload: UUID) -> Path:
    return Path(settings.SPOOL_DIR) / upload.hex[-2:] / upload.hex


def begin(upload: UUID) -> None:
    """An empty spool file."""
    place = path_of(upload)
    with disk_faults():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch(mode=0o600, exist_ok=False)


def offset_of(upload: UUID) -> int | None:
    """How many bytes lie in the spool; None when it has no file."""
    try:
        return path_of(upload).stat().st_size
    except FileNotFoundError:
        return None


def holds(upload: UUID) -> bool:
    """Whether the upload is still being received."""
    return path_of(upload).exists()


def discard(upload: UUID) -> None:
    path_of(upload).unlink(missing_ok=True)


@contextlib.contextmanager
def held(upload: UUID) -> Iterator[int]:
    """Hold the upload alone and yield its open file. Raises Busy, FileNotFoundError."""
    handle = os.open(path_of(upload), os.O_RDWR)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise Busy() from fault
            raise
        if os.fstat(handle).st_nlink == 0:
            raise FileNotFoundError(upload)
        yield handle
    finally:
        os.close(handle)


def append(
    handle: int, read: Read, *, offset: int, length: int, expected: int | None, checksum: Checksum | None
) -> int:
    """Write a chunk at ``offset`` and give the new offset.

    ``length`` is the whole upload's, ``expected`` the chunk's if it was declared. What arrived of a chunk that was cut off is
    kept, unless it carries a checksum, for then it cannot be told from a spoilt one. Raises WrongOffset, WrongChecksum, Overlong.
    """
    stands = os.fstat(handle).st_size
    if offset != stands:
        raise WrongOffset(offset=stands)
    if expected is not None and offset + expected > length:
        raise Overlong()
    seal = hashlib.new(checksum.algorithm) if checksum else None
    reached, whole = offset, False
    try:
        with disk_faults():
            while piece := read(min(PIECE, length - reached + 1)):
                if reached + len(piece) > length:
                    raise Overlong()
                _write(handle, piece, reached)
                reached += len(piece)
                if seal:
                    seal.update(piece)
        whole = expected is None or reached - offset == expected
    finally:
        if checksum and not (whole and seal and seal.digest() == checksum.digest):
            os.ftruncate(handle, offset)
    if checksum and whole and seal and seal.digest() != checksum.digest:
        raise WrongChecksum()
    return reached if whole or not checksum else offset


def _write(handle: int, piece: bytes, place: int) -> None:
    view = memoryview(piece)
    while view:
        written = os.pwrite(handle, view, place)
        view, place = view[written:], place + written


def leftovers(known: Callable[[set[UUID]], set[UUID]], *, before: datetime) -> int:
    """Remove files last written ``before`` that no upload in ``known`` claims (we died in between); gives how many."""
    removed = 0
    root = Path(settings.SPOOL_DIR)
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        old = [file for file in folder.iterdir() if file.stat().st_mtime < before.timestamp()]
        names = {UUID(hex=file.name) for file in old if len(file.name) == 32}
        for orphan in names - (known(names) if names else set()):
            discard(orphan)
            removed += 1
    return removed
