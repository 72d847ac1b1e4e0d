"""Where files are kept: a folder or an S3-compatible store, by settings alone, behind one small shape.

Keys are made by us from digests and ids, never from a name that somebody sent. Every object is read back and
compared with its digest before anybody is told that it is stored; an S3 service that accepts wrong bytes is found out.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import UUID

from django.conf import settings

from core.ids import uuid7
from core.problems import Unavailable
from core.texts import Text

PIECE = 1 << 20
LINK_SECONDS = 300


class StorageDown(Unavailable):
    """The store does not answer or kept something else than it was given; the same request may be sent again."""

    title = Text("文件存储暂时不可用,请稍后重试", "The file storage is away for the moment, please send again")


class Full(StorageDown):
    """No room is left on the disk."""

    kind = "storage-full"
    status = 507
    title = Text("服务器存储空间不足", "The server has no room left")


class Storage(Protocol):
    """What both stores do. ``key`` is relative; nothing is ever overwritten with other content."""

    def keep(self, key: str, source: Path, sha256: str) -> None:
        """Store the file under the key and read it back. Raises StorageDown when that fails or the bytes differ."""

    def put(self, key: str, data: bytes) -> None:
        """Store some bytes of our own making, replacing what is there."""

    def size(self, key: str) -> int | None:
        """The length of an object, None if there is none."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` up to ``end`` (exclusive). Raises FileNotFoundError before the first piece."""

    def remove(self, key: str) -> None:
        """Take the object away; an absent one is no error."""

    def walk(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Every object below a folder of keys, with the time when it was last written."""

    def link(self, key: str, *, content_type: str, filename: str | None, seconds: int = LINK_SECONDS) -> str | None:
        """A link to this one object that dies by itself within five minutes; None where the store has no such thing."""

    def put_link(self, key: str, *, length: int, seconds: int = LINK_SECONDS) -> str | None:
        """A link by which one object of this length can be put; None where the store has no such thing."""

    def check(self) -> None:
        """Raises StorageDown unless the store can be written to."""


def original_key(sha256: str) -> str:
    return f"originals/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def print_key(sha256: str, name: str) -> str:
    return f"prints/{sha256[:2]}/{sha256[2:4]}/{sha256}-{name}.jpg"


def mark_key(photo: UUID, marked: str) -> str:
    return f"marks/{photo.hex[-2:]}/{photo}-{marked}.jpg"


@cache
def storage() -> Storage:
    """The store that the settings name."""
    if settings.MEDIA_STORAGE == "s3":
        return Bucket(**settings.S3)
    return Folder(Path(settings.MEDIA_ROOT))


def digest_of(pieces: Iterator[bytes]) -> str:
    seal = hashlib.sha256()
    for piece in pieces:
        seal.update(piece)
    return seal.hexdigest()


@contextlib.contextmanager
def disk_faults() -> Iterator[None]:
    """Say in our words that the disk is full."""
    try:
        yield
    except OSError as fault:
        if fault.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Full() from fault
        raise


class Folder:
    """Files in a folder that all processes share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def keep(self, key: str, source: Path, sha256: str) -> None:
        target = self._path(key)
        with disk_faults():
            target.parent.mkdir(parents=True, exist_ok=True)
            if self._linked(source, target):
                return
            if not target.exists() or digest_of(self.read(key)) != sha256:
                self._copy(source, target)
        _compare(self, key, sha256)

    def _linked(self, source: Path, target: Path) -> bool:
        """Whether the object is now the very file that the caller wrote, settled and digested: nothing is left to compare."""
        try:
            os.link(source, target)
        except OSError as fault:
            if fault.errno not in (errno.EEXIST, errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP):
                raise
            return target.exists() and target.samefile(source)
        _settle(target.parent)
        return True

    def _copy(self, source: Path, target: Path) -> None:
        with source.open("rb") as pieces:
            self._write(target, iter(lambda: pieces.read(PIECE), b""))

    def put(self, key: str, data: bytes) -> None:
        target = self._path(key)
        with disk_faults():
            target.parent.mkdir(parents=True, exist_ok=True)
            self._write(target, iter([data]))

    def _write(self, target: Path, pieces: Iterator[bytes]) -> None:
        draft = target.with_name(f".{uuid7().hex}")
        try:
            with draft.open("xb") as out:
                for piece in pieces:
                    out.write(piece)
                out.flush()
                os.fsync(out.fileno())
            draft.replace(target)
            _settle(target.parent)
        finally:
            draft.unlink(missing_ok=True)

    def size(self, key: str) -> int | None:
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return _pieces(self._path(key).open("rb"), start, end)

    def remove(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def walk(self, folder: str) -> Iterator[tuple[str, datetime]]:
        for place, _, names in os.walk(self._path(folder)):
            for name in names:
                file = Path(place, name)
                with contextlib.suppress(FileNotFoundError):
                    yield str(file.relative_to(self.root)), datetime.fromtimestamp(file.stat().st_mtime, UTC)

    def link(self, key: str, *, content_type: str, filename: str | None, seconds: int = LINK_SECONDS) -> str | None:
        return None

    def put_link(self, key: str, *, length: int, seconds: int = LINK_SECONDS) -> str | None:
        return None

    def check(self) -> None:
        try:
            self.put("check", b"ok")
        except OSError as fault:
            raise StorageDown() from fault

    def _path(self, key: str) -> Path:
        return self.root / key


def _compare(store: Storage, key: str, sha256: str) -> None:
    """What was kept is what was given. An object that is gone already is the store's fault, not an absent file."""
    try:
        kept = digest_of(store.read(key))
    except FileNotFoundError:
        kept = ""
    if kept != sha256:
        raise StorageDown()


def _pieces(source: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The rest of an open file piece by piece; it is closed at the end, also of a reader that gives up."""

    def walk() -> Iterator[bytes]:
        with source:
            source.seek(start)
            left = None if end is None else end - start
            while left is None or left > 0:
                piece = source.read(PIECE if left is None else min(PIECE, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    return walk()


def _settle(folder: Path) -> None:
    """A new name is safe only when its folder has reached the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Bucket:
    """One bucket of an S3-compatible service.

    Checksum trailers are sent only where the protocol requires them: several domestic services reject them or
    write them into the object.
    """

    def __init__(
        self, *, endpoint_url: str, bucket_name: str, access_key: str, secret_key: str, region_name: str
    ) -> None:
        self.bucket = bucket_name
        self._options = {
            "bucket_name": bucket_name,
            "endpoint_url": endpoint_url or None,
            "access_key": access_key,
            "secret_key": secret_key,
            "region_name": region_name,
        }

    @cached_property
    def _storage(self) -> Any:
        from botocore.config import Config
        from storages.backends.s3 import S3Storage

        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
            max_pool_connections=32,
        )
        return S3Storage(**self._options, default_acl=None, client_config=config)

    @cached_property
    def _client(self) -> Any:
        """The client of django-storages, whose file objects would overwrite silently and read whole.

        One for all threads, which clients allow: each takes a fifth of a second of processor time to make.
        """
        return self._storage.connection.meta.client

    def keep(self, key: str, source: Path, sha256: str) -> None:
        with self._faults():
            # what may be there already has the same digest, so writing it again changes nothing and saves a question
            with source.open("rb") as body:
                self._client.put_object(Bucket=self.bucket, Key=key, Body=body)
            _compare(self, key, sha256)

    def put(self, key: str, data: bytes) -> None:
        with self._faults():
            self._client.put_object(Bucket=self.bucket, Key=key, Body=data, ContentType="image/jpeg")

    def size(self, key: str) -> int | None:
        from botocore.exceptions import ClientError

        with self._faults():
            try:
                return int(self._client.head_object(Bucket=self.bucket, Key=key)["ContentLength"])
            except ClientError as fault:
                if fault.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    return None
                raise

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        span = {} if start == 0 and end is None else {"Range": f"bytes={start}-{'' if end is None else end - 1}"}
        with self._faults():
            try:
                body = self._client.get_object(Bucket=self.bucket, Key=key, **span)["Body"]
            except ClientError as fault:
                if fault.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                    raise FileNotFoundError(key) from fault
                raise
        return self._walk(body)

    def _walk(self, body: Any) -> Iterator[bytes]:
        with contextlib.closing(body), self._faults():
            yield from body.iter_chunks(PIECE)

    def remove(self, key: str) -> None:
        with self._faults():
            self._client.delete_object(Bucket=self.bucket, Key=key)

    def walk(self, folder: str) -> Iterator[tuple[str, datetime]]:
        with self._faults():
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"{folder}/"):
                for found in page.get("Contents", ()):
                    yield found["Key"], found["LastModified"]

    def link(self, key: str, *, content_type: str, filename: str | None, seconds: int = LINK_SECONDS) -> str | None:
        wanted = {"Bucket": self.bucket, "Key": key, "ResponseContentType": content_type}
        if filename:
            wanted["ResponseContentDisposition"] = f'attachment; filename="{filename}"'
        found = self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=min(seconds, LINK_SECONDS))
        return str(found)

    def put_link(self, key: str, *, length: int, seconds: int = LINK_SECONDS) -> str | None:
        wanted = {"Bucket": self.bucket, "Key": key, "ContentLength": length}
        found = self._client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=min(seconds, LINK_SECONDS))
        return str(found)

    def check(self) -> None:
        self.put("check", b"ok")

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (ClientError, BotoCoreError) as fault:
            raise StorageDown() from fault


__all__ = ["Bucket", "Folder", "Full", "Storage", "StorageDown", "mark_key", "original_key", "print_key", "storage"]
