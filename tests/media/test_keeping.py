"""Nothing rots unseen: the store, the scrub, the devices' chains, the daily roots."""

from __future__ import annotations

import errno
import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.core.management import CommandError, call_command

from media import chain, checking, photos, scrub, uploads
from media.models import Blob, BytesState, Link, Photo, Root
from media.storage import Bucket, Full, StorageDown, original_key, storage
from tests.media.conftest import NOON, Cast
from tests.media.scenes import digest, photo_bytes
from tests.media.test_photos import told
from tests.media.test_renditions import arrives


def file_of(folder: Path, data: bytes) -> Path:
    place = folder / uuid4().hex
    place.write_bytes(data)
    return place


def test_what_is_kept_is_read_back(any_store: str, tmp_path: Path) -> None:
    data, key = photo_bytes(1), original_key(digest(photo_bytes(1)))
    storage().keep(key, file_of(tmp_path, data), digest(data))
    storage().keep(key, file_of(tmp_path, data), digest(data))

    assert b"".join(storage().read(key)) == data
    assert b"".join(storage().read(key, 10, 20)) == data[10:20]
    assert b"".join(storage().read(key, len(data) - 5)) == data[-5:]
    assert storage().size(key) == len(data)
    storage().remove(key)
    assert storage().size(key) is None
    with pytest.raises(FileNotFoundError):
        storage().read(key)
    storage().check()


def test_rotten_bytes_are_replaced_when_good_ones_come(any_store: str, tmp_path: Path) -> None:
    data, key = photo_bytes(1), original_key(digest(photo_bytes(1)))
    storage().put(key, b"rot" + data[3:])
    storage().keep(key, file_of(tmp_path, data), digest(data))
    assert b"".join(storage().read(key)) == data


def test_a_link_into_the_bucket_opens_one_object_for_a_while(s3_server: Any, settings: Any) -> None:
    bucket = Bucket(
        endpoint_url=s3_server.endpoint, bucket_name=s3_server.bucket, access_key=s3_server.access_key,
        secret_key=s3_server.secret_key, region_name=s3_server.region,
    )  # fmt: skip
    bucket.put("one", b"first")
    bucket.put("two", b"second")
    link = bucket.link("one", content_type="image/jpeg", filename="a.jpg", seconds=9999)
    answer = httpx.get(link)
    assert (answer.content, answer.headers["content-disposition"]) == (b"first", 'attachment; filename="a.jpg"')
    assert "X-Amz-Expires=300" in link
    assert httpx.get(link.replace("/one?", "/two?")).status_code == 403


def test_a_service_that_keeps_wrong_bytes_is_found_out(s3_server: Any, tmp_path: Path) -> None:
    class Liar(Bucket):
        def read(self, key: str, start: int = 0, end: int | None = None) -> Any:
            return iter([b"other bytes"])

    liar = Liar(
        endpoint_url=s3_server.endpoint, bucket_name=s3_server.bucket, access_key=s3_server.access_key,
        secret_key=s3_server.secret_key, region_name=s3_server.region,
    )  # fmt: skip
    with pytest.raises(StorageDown):
        liar.keep("lied", file_of(tmp_path, b"true bytes"), digest(b"true bytes"))


def test_a_full_disk_is_507_and_leaves_nothing_half(store: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    data = photo_bytes(1)
    upload = uploads.create(photo=uuid4(), sha256=digest(data), length=len(data), filename="", by=cast.li, at=NOON)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(Full) as refused:
        uploads.append(upload, iter_reader(data), at_offset=0, expected=len(data), checksum=None, by=cast.li, at=NOON)
    assert refused.value.status == 507
    assert not Blob.objects.exists()
    monkeypatch.undo()
    uploads.append(upload, iter_reader(data), at_offset=0, expected=len(data), checksum=None, by=cast.li, at=NOON)
    assert Blob.objects.get().sha256 == digest(data)


def iter_reader(data: bytes) -> Any:
    from io import BytesIO

    return BytesIO(data).read


def delivered(cast: Cast, data: bytes) -> None:
    upload = uploads.create(photo=uuid4(), sha256=digest(data), length=len(data), filename="", by=cast.li, at=NOON)
    if not upload.stored_at:
        uploads.append(upload, iter_reader(data), at_offset=0, expected=len(data), checksum=None, by=cast.li, at=NOON)


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_scrub_finds_a_bad_object_and_asks_the_phone_again(any_store: str, cast: Cast, fault: str) -> None:
    data, good = photo_bytes(1), photo_bytes(2)
    delivered(cast, data)
    delivered(cast, good)
    photo, fine = cast.records(data), cast.records(good)
    key = original_key(digest(data))
    storage().remove(key)
    if fault == "damaged":
        storage().put(key, data[:-1] + b"\0")

    found = scrub.scrub(at=NOON)
    assert getattr(found, fault) == [digest(data)]
    assert found.read == 2
    photo.refresh_from_db()
    fine.refresh_from_db()
    assert (photo.bytes, fine.bytes) == (BytesState.DAMAGED, BytesState.STORED)
    assert told(photo)["bytes"] == "damaged"

    delivered(cast, data)  # the phone has read "damaged" and sends the bytes again
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED
    assert b"".join(storage().read(key)) == data
    assert scrub.scrub(at=NOON).damaged == scrub.scrub(at=NOON).missing == []


def test_scrub_condemns_nothing_while_the_store_is_away(store: Path, cast: Cast, settings: Any) -> None:
    delivered(cast, photo_bytes(1))
    photo = cast.records(photo_bytes(1))
    settings.MEDIA_STORAGE = "s3"
    settings.S3 = {
        "endpoint_url": "http://127.0.0.1:9", "bucket_name": "b", "access_key": "k", "secret_key": "s",
        "region_name": "us-east-1",
    }  # fmt: skip
    storage.cache_clear()
    with pytest.raises(StorageDown):
        scrub.scrub(at=NOON)
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_each_photo_of_a_device_is_linked_to_the_one_before(cast: Cast) -> None:
    taken = [cast.records(f"{n}".encode()) for n in range(4)]
    links = list(Link.objects.order_by("number"))
    assert [link.photo for link in links] == [photo.id for photo in taken]
    assert [link.previous for link in links] == ["0" * 64, *(link.digest for link in links[:-1])]
    assert list(chain.verify()) == []


def test_a_deleted_photo_leaves_its_link(cast: Cast) -> None:
    from core.drafts import Draft

    photo = cast.records(b"1")
    photos.delete([Draft(photo.id)], by=cast.li, at=NOON)
    assert Link.objects.count() == 1
    assert list(chain.verify()) == []


@pytest.mark.parametrize(
    ("tamper", "kind"),
    [
        (lambda: Link.objects.filter(number=2).delete(), "gap"),
        (lambda: Link.objects.filter(number=2).update(record="f" * 64), "digest"),
        (lambda: Link.objects.filter(number=2).update(digest="f" * 64), "digest"),
        (lambda: Link.objects.filter(number=3).update(previous="f" * 64), "previous"),
        (lambda: Link.objects.filter(number=2).update(photo=uuid4()), "digest"),
    ],
)
def test_tampering_with_a_chain_shows(cast: Cast, tamper: Any, kind: str) -> None:
    for n in range(3):
        cast.records(f"{n}".encode())
    tamper()
    assert kind in [broken.kind for broken in chain.verify()]


def test_days_are_sealed_and_the_seals_hang_together(cast: Cast) -> None:
    for day in range(3):
        for n in range(2):
            cast.records(f"{day}{n}".encode(), at=NOON + timedelta(days=day))
    assert chain.sign_due(at=NOON + timedelta(days=2)) == 2  # today is not over
    assert chain.sign_due(at=NOON + timedelta(days=2)) == 0
    assert chain.sign_due(at=NOON + timedelta(days=3)) == 1
    roots = list(Root.objects.order_by("day"))
    assert [root.links for root in roots] == [2, 2, 2]
    assert roots[1].previous == roots[0].digest
    assert list(chain.verify()) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda: Link.objects.order_by("at").last().delete(),  # the newest link: no later one misses it
        lambda: Root.objects.update(signature="0" * 64),
        lambda: Root.objects.update(links=7),
        lambda: Root.objects.update(digest="0" * 64),
    ],
)
def test_tampering_with_a_sealed_day_shows(cast: Cast, tamper: Any) -> None:
    cast.records(b"1")
    cast.records(b"2")
    chain.sign_due(at=NOON + timedelta(days=1))
    tamper()
    assert {broken.kind for broken in chain.verify()} & {"root", "signature"}


def test_a_root_names_its_key_and_outlives_a_change_of_keys(cast: Cast, settings: Any) -> None:
    old, new = "o" * 40, "n" * 40
    for day, keys in enumerate(
        ([], [old], [new, old])
    ):  # derived from SECRET_KEY, then a key of its own, then the next one
        settings.PHOTO_ROOT_KEYS = keys
        cast.records(f"{day}".encode(), at=NOON + timedelta(days=day))
        chain.sign_due(at=NOON + timedelta(days=day + 1))
    assert len(set(Root.objects.values_list("key", flat=True))) == 3
    assert list(chain.verify()) == []

    settings.PHOTO_ROOT_KEYS = [new]
    assert [(fault.kind, fault.day) for fault in chain.verify()] == [("signature", (NOON + timedelta(days=1)).date())]
    settings.PHOTO_ROOT_KEYS, settings.SECRET_KEY = [new, old], "another " * 8
    assert [fault.kind for fault in chain.verify()] == ["signature"]  # the root that the old SECRET_KEY had signed


def test_a_check_tells_an_untouched_photo_from_a_touched_one(store: Path, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))
    assert checking.check(photo).untouched

    Photo.objects.filter(pk=photo.pk).update(taken_at=NOON - timedelta(days=9))
    photo.refresh_from_db()
    assert checking.check(photo).faults == ["record-changed"]
    storage().put(original_key(photo.sha256), b"other bytes")
    assert "bytes-differ" in checking.check(photo).faults


def test_the_commands_tell_what_they_find(store: Path, cast: Cast, capsys: pytest.CaptureFixture[str]) -> None:
    data = photo_bytes(1)
    delivered(cast, data)
    cast.records(data)
    call_command("verify_photos")
    call_command("scrub_photos")
    assert "0 faults" in (told := capsys.readouterr().out) and "1 read, 0 missing" in told

    storage().remove(original_key(digest(data)))
    Link.objects.update(record="f" * 64)
    with pytest.raises(CommandError):
        call_command("scrub_photos")
    with pytest.raises(CommandError):
        call_command("verify_photos")
    assert digest(data) in capsys.readouterr().out
