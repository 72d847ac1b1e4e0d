"""Uploads over lines that are cut, stores that are away, servers that die."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from media import spool, uploads
from media.models import BytesState, Photo
from media.storage import original_key, storage
from tests.media.conftest import Cast
from tests.media.line import Phone, checksum, cut_off, wait_for_offset
from tests.media.scenes import digest, photo_bytes


def test_a_cut_connection_resumes_where_it_was_cut(store: Any, phone: Phone) -> None:
    data = photo_bytes(6)
    address = phone.begins(data).headers["Location"]
    cut_off(phone, address, data, 70_000)

    reached = wait_for_offset(phone, address)
    assert 0 <= reached <= 70_000
    assert phone.sends(address, data[reached:], reached).status_code == 204
    assert b"".join(storage().read(original_key(digest(data)))) == data


def test_a_cut_chunk_with_a_checksum_leaves_nothing(store: Any, phone: Phone) -> None:
    data = photo_bytes(6)
    address = phone.begins(data).headers["Location"]
    cut_off(phone, address, data, 70_000, **{"Upload-Checksum": checksum(data)})
    assert wait_for_offset(phone, address) == 0


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_spoilt_chunk_is_460_and_can_be_sent_again(store: Any, phone: Phone, algorithm: str) -> None:
    data = photo_bytes(7)
    address = phone.begins(data).headers["Location"]
    right = {"Upload-Checksum": checksum(data, algorithm)}

    assert phone.sends(address, data[:-1] + b"x", 0, **right).status_code == 460
    assert phone.asks(address).headers["Upload-Offset"] == "0"
    assert phone.sends(address, data, 0, **right).status_code == 204


def test_one_of_several_writers_wins_and_one_object_results(store: Any, phone_of: Any, cast: Cast) -> None:
    data = photo_bytes(10)
    phones = [phone_of(cast.li) for _ in range(4)]
    address = phones[0].begins(data).headers["Location"]
    answers: list[int] = []
    start = threading.Barrier(4)

    def race(phone: Phone) -> None:
        start.wait()
        answers.append(phone.sends(address, data, 0).status_code)

    racers = [threading.Thread(target=race, args=(phone,)) for phone in phones]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()

    assert answers.count(204) == 1
    assert set(answers) <= {204, 409, 423}
    assert b"".join(storage().read(original_key(digest(data)))) == data


def test_a_server_that_died_before_finishing_finishes_when_asked(store: Any, phone: Phone, cast: Cast) -> None:
    data = photo_bytes(11)
    photo = cast.records(data)
    address = phone.begins(data, photo=photo.id).headers["Location"]
    spool.path_of(UUID(address.rsplit("/", 1)[1])).write_bytes(
        data
    )  # every byte is there, and then the lights went out

    assert phone.asks(address).headers["Upload-Offset"] == str(len(data))
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_a_store_that_is_away_is_503_and_nothing_is_lost(store: Any, phone: Phone, cast: Cast, settings: Any) -> None:
    data = photo_bytes(12)
    photo = cast.records(data)
    address = phone.begins(data, photo=photo.id).headers["Location"]
    settings.MEDIA_STORAGE = "s3"
    settings.S3 = {
        "endpoint_url": "http://127.0.0.1:9", "bucket_name": "b", "access_key": "k", "secret_key": "s",
        "region_name": "us-east-1",
    }  # fmt: skip
    storage.cache_clear()
    answer = phone.sends(address, data, 0)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)

    settings.MEDIA_STORAGE = "disk"
    storage.cache_clear()
    assert phone.asks(address).headers["Upload-Offset"] == str(len(data))
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_uploads_interrupted_anywhere_all_complete(store: Any, cast: Cast, phone: Phone) -> None:
    dice = random.Random(7)
    pictures = [photo_bytes(seed) for seed in range(20, 28)]
    for data in pictures:
        photo = cast.records(data)
        address = phone.begins(data, photo=photo.id).headers["Location"]
        offset = 0
        while offset < len(data):
            piece = data[offset : offset + dice.randrange(1, 60_000)]
            fault = dice.random()
            if fault < 0.15:
                assert phone.sends(address, b"\0" + piece[1:], offset, **{"Upload-Checksum": checksum(piece)}).status_code in (
                    204, 460,
                )  # fmt: skip
            elif fault < 0.3:
                assert phone.sends(address, piece, offset + 1).status_code in (409, 413)
            else:
                phone.sends(address, piece, offset)
            offset = int(phone.asks(address).headers["Upload-Offset"])
    assert {photo.bytes for photo in Photo.objects.all()} == {BytesState.STORED}
    for data in pictures:
        assert b"".join(storage().read(original_key(digest(data)))) == data


def test_expired_uploads_are_swept(store: Any, phone: Phone, cast: Cast) -> None:
    data = photo_bytes(14)
    address = phone.begins(data).headers["Location"]
    phone.sends(address, data[:100], 0)
    assert uploads.sweep(at=timezone.now() + uploads.LIFETIME + timedelta(hours=1)) == 1
    assert phone.asks(address).status_code == 404
    assert not list((spool.path_of(uuid4()).parent.parent).rglob("????????????????????????????????"))


def test_who_comes_just_after_the_finish_is_told_so(store: Any, cast: Cast, phone: Phone) -> None:
    data, now = photo_bytes(15), timezone.now()
    address = phone.begins(data).headers["Location"]
    id_ = UUID(address.rsplit("/", 1)[1])
    read_before = [uploads.get(id_, by=cast.li, at=now) for _ in range(2)]
    phone.sends(address, data, 0)

    assert uploads.offset(read_before[0], by=cast.li, at=now) == len(data)
    with pytest.raises(spool.WrongOffset) as refused:
        uploads.append(
            read_before[1], BytesIO(data).read, at_offset=0, expected=len(data), checksum=None, by=cast.li, at=now
        )
    assert refused.value.extra["offset"] == len(data)
