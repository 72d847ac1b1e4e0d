"""Objects that no row speaks of go in the end, and nothing that a row speaks of ever does."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from media import orphans, photos, spool, uploads
from media.models import Blob, BytesState, Orphan, Photo
from media.storage import Bucket, Folder, original_key, storage
from tests.media.conftest import NOON, Cast
from tests.media.scenes import digest, photo_bytes
from tests.media.test_keeping import delivered, iter_reader

WEEK = orphans.GRACE + timedelta(hours=1)


@pytest.fixture
def aged(any_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object was written long ago: a store's own clock cannot be turned back."""
    for folder in orphans.FOLDERS:  # the bucket is everybody's
        for key, _ in list(storage().walk(folder)):
            storage().remove(key)
    walk: Any = (Bucket if any_store == "s3" else Folder).walk

    def long_ago(self: Any, folder: str) -> Any:
        return ((key, written - timedelta(days=400)) for key, written in walk(self, folder))

    monkeypatch.setattr(Bucket if any_store == "s3" else Folder, "walk", long_ago)


def stray(data: bytes) -> str:
    """An original whose server died before it could write the row."""
    storage().put(original_key(digest(data)), data)
    return original_key(digest(data))


def collected(at: datetime) -> tuple[int, int, int]:
    done = orphans.collect(at=at)
    return done.noted, done.claimed, done.removed


def test_an_orphan_is_noted_left_alone_for_a_week_and_removed(aged: None, cast: Cast) -> None:
    now, referenced = timezone.now(), photo_bytes(1)
    delivered(cast, referenced)
    key = stray(photo_bytes(2))
    storage().put(f"incoming/{uuid4()}", b"never completed")

    assert collected(now) == (2, 0, 0)
    assert collected(now + timedelta(days=6)) == (2, 0, 0)
    assert storage().size(key)
    assert collected(now + WEEK) == (0, 0, 2)
    assert storage().size(key) is None
    assert b"".join(storage().read(original_key(digest(referenced)))) == referenced
    assert not Orphan.objects.exists()


def test_bytes_that_come_after_all_are_never_taken_away(aged: None, cast: Cast) -> None:
    now, data = timezone.now(), photo_bytes(3)
    stray(data)
    orphans.collect(at=now)
    delivered(cast, data)  # a day before the end of the grace, say
    assert not Orphan.objects.exists()
    assert collected(now + WEEK) == (0, 0, 0)
    assert b"".join(storage().read(original_key(digest(data)))) == data


def test_a_row_that_came_by_another_way_keeps_its_object(aged: None, cast: Cast) -> None:
    now, data = timezone.now(), photo_bytes(4)
    key = stray(data)
    orphans.collect(at=now)
    photos.keep_blob(digest(data), len(data), "image/jpeg", at=NOON)  # a restored backup knows of it again
    assert collected(now + WEEK) == (0, 1, 0)
    assert storage().size(key)


def test_what_was_stored_and_rolled_back_is_finished_by_the_next_question(
    any_store: str, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = photo_bytes(5)
    photo = cast.records(data)
    upload = uploads.create(photo=photo.id, sha256=digest(data), length=len(data), filename="", by=cast.li, at=NOON)

    def dies(*_: object, **__: object) -> None:
        raise RuntimeError("the lights went out")

    with monkeypatch.context() as dark, pytest.raises(RuntimeError):
        dark.setattr(photos, "meet", dies)
        uploads.append(upload, iter_reader(data), at_offset=0, expected=len(data), checksum=None, by=cast.li, at=NOON)
    assert not Blob.objects.exists()
    again = uploads.get(upload.id, by=cast.li, at=NOON)
    assert uploads.offset(again, by=cast.li, at=NOON) == len(data)
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_fresh_objects_and_names_that_are_not_ours_are_left_alone(store: Path, cast: Cast) -> None:
    stray(photo_bytes(6))
    storage().put("originals/notes.txt", b"by hand")
    os.utime(store / "originals" / "notes.txt", (0, 0))
    assert collected(timezone.now()) == (0, 0, 0)


def test_the_command_says_what_it_did(store: Path, cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    key = stray(photo_bytes(7))
    os.utime(store / key, (0, 0))
    call_command("collect_orphans")
    assert "1 old objects seen, 1 belong to nobody, 0 were claimed, 0 removed" in capsys.readouterr().out


def test_record_and_bytes_that_missed_each_other_are_brought_together(store: Path, cast: Cast) -> None:
    data = photo_bytes(8)
    delivered(cast, data)
    photo = cast.records(data)
    Photo.objects.filter(pk=photo.pk).update(bytes=BytesState.AWAITING)  # both were committed in the same moment
    strangers = cast.records(b"never delivered")

    assert uploads.sweep(at=NOON) == 1
    photo.refresh_from_db()
    strangers.refresh_from_db()
    assert (photo.bytes, strangers.bytes) == (BytesState.STORED, BytesState.AWAITING)
    assert uploads.sweep(at=NOON) == 0


def test_a_remembered_upload_is_asked_for_again_once_it_is_over(store: Path, cast: Cast) -> None:
    data = photo_bytes(9)
    upload = uploads.create(photo=uuid4(), sha256=digest(data), length=len(data), filename="", by=cast.li, at=NOON)
    uploads.terminate(upload)  # by another process, as far as this one knows
    with pytest.raises(uploads.NotFound):
        uploads.get(upload.id, by=cast.li, at=NOON)
    other = uploads.create(photo=uuid4(), sha256=digest(data), length=len(data), filename="", by=cast.li, at=NOON)
    with pytest.raises(uploads.NotFound):
        uploads.get(other.id, by=cast.wang, at=NOON)
    with pytest.raises(uploads.NotFound):
        uploads.get(other.id, by=cast.li, at=NOON + uploads.LIFETIME)
    assert spool.holds(other.id)
