"""The rows of faults and attacks that concern photos, each by its number, over real HTTP as a phone or a browser meets them."""

from __future__ import annotations

import io
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.utils import timezone
from PIL import Image

from media import scrub, spool, uploads
from media.darkroom import Darkroom
from media.models import Blob, BytesState, Photo
from media.storage import Folder, original_key, storage
from tests.media.conftest import Cast, develop_all
from tests.media.faulty_store import FAULTS, FaultyStore, faulty_store
from tests.media.line import PLAIN, Phone, checksum, cut_off, metadata, wait_for_offset
from tests.media.scenes import camera_exif, digest, encoded, photo_bytes, scene
from tests.media.test_darkroom import GOOD, HOSTILE
from tests.media.test_renditions import arrives


@pytest.fixture
def browser(live_server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server.url, timeout=20, verify=PLAIN) as client:
        yield client


@pytest.fixture
def bad_store(settings: Any, tmp_path: Path) -> Iterator[FaultyStore]:
    """The bucket of the settings, for once under our thumb."""
    with faulty_store() as store:
        settings.MEDIA_STORAGE, settings.SPOOL_DIR = "s3", tmp_path / "spool"
        settings.S3 = {
            "endpoint_url": store.endpoint, "bucket_name": "b", "access_key": "k", "secret_key": "s",
            "region_name": "us-east-1",
        }  # fmt: skip
        storage.cache_clear()
        yield store
        storage.cache_clear()


def kept(data: bytes) -> bytes:
    return b"".join(storage().read(original_key(digest(data))))


def test_row_35_cut_flipped_misplaced_and_doubled_chunks_make_one_object(
    store: Any, cast: Cast, phone: Phone, phone_of: Any
) -> None:
    data = photo_bytes(61)
    photo = cast.records(data)
    address = phone.begins(data, photo=photo.id).headers["Location"]

    cut_off(phone, address, data, 40_000)
    reached = wait_for_offset(phone, address)
    assert reached <= 40_000
    flipped = bytes([data[reached] ^ 1]) + data[reached + 1 : reached + 9_000]
    right = {"Upload-Checksum": checksum(data[reached : reached + 9_000])}
    assert phone.sends(address, flipped, reached, **right).status_code == 460
    assert phone.sends(address, data[reached + 1 :], reached + 1).status_code == 409

    answers: list[int] = []
    others = [phone_of(cast.li) for _ in range(2)]
    race = [
        threading.Thread(target=lambda one: answers.append(one.sends(address, data[reached:], reached).status_code), args=(one,))
        for one in others
    ]  # fmt: skip
    for racer in race:
        racer.start()
    for racer in race:
        racer.join()
    assert answers.count(204) == 1 and set(answers) <= {204, 409, 423}
    assert kept(data) == data
    assert Blob.objects.count() == 1
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_row_36_not_one_byte_beyond_the_declared_size(store: Any, cast: Cast, phone: Phone) -> None:
    data = photo_bytes(62)
    declared = len(data) - 1
    address = phone.begins(data, **{"Upload-Length": str(declared)}).headers["Location"]
    assert phone.sends(address, data, 0).status_code == 413  # by its Content-Length, before a byte is kept
    assert phone.asks(address).headers["Upload-Offset"] == "0"

    upload = uploads.get(UUID(address.rsplit("/", 1)[1]), by=cast.li, at=timezone.now())
    with pytest.raises(spool.Overlong):  # a body that says nothing of its length
        uploads.append(
            upload, io.BytesIO(data).read, at_offset=0, expected=None, checksum=None, by=cast.li, at=timezone.now()
        )
    assert (spool.offset_of(upload.id) or 0) <= declared
    assert not Blob.objects.exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_row_37_a_store_that_fails_or_lies_keeps_the_photo_pending(
    bad_store: FaultyStore, cast: Cast, phone: Phone, fault: str
) -> None:
    data = photo_bytes(63)
    photo = cast.records(data)  # the record is acknowledged whatever the store does
    address = phone.begins(data, photo=photo.id).headers["Location"]
    bad_store.fault = fault
    answer = phone.sends(address, data, 0)
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    photo.refresh_from_db()
    assert photo.bytes == BytesState.AWAITING
    assert not Blob.objects.exists()

    bad_store.fault = None
    assert phone.asks(address).headers["Upload-Offset"] == str(
        len(data)
    )  # the bytes had arrived: nothing is sent again
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


def test_row_37_an_object_that_vanished_or_rotted_is_asked_for_again(
    bad_store: FaultyStore, cast: Cast, phone: Phone
) -> None:
    lost, rotten = photo_bytes(64), photo_bytes(65)
    photos = [cast.records(data) for data in (lost, rotten)]
    for data, photo in zip((lost, rotten), photos, strict=True):
        phone.uploads(data, photo.id)
    path = {data: f"/b/{original_key(digest(data))}" for data in (lost, rotten)}
    del bad_store.objects[path[lost]]
    bad_store.objects[path[rotten]] = b"rot" + rotten[3:]

    found = scrub.scrub(at=timezone.now())
    assert (found.missing, found.damaged) == ([digest(lost)], [digest(rotten)])
    for photo in photos:
        photo.refresh_from_db()
        assert photo.bytes == BytesState.DAMAGED
    for data, photo in zip((lost, rotten), photos, strict=True):
        phone.uploads(data, photo.id)  # begun at 0, not answered "already here"
        photo.refresh_from_db()
        assert photo.bytes == BytesState.STORED
        assert kept(data) == data


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a\0b.jpg", "…/現場\u202egpj.exe", "." * 400]
)
def test_row_52_names_from_outside_never_become_keys(store: Path, cast: Cast, phone: Phone, name: str) -> None:
    data = photo_bytes(66)
    told = {"photo": str(uuid4()), "sha256": digest(data), "filename": name}
    fields = {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(told)}
    begun = phone.http.post("/api/v1/uploads/", headers=fields)
    assert begun.status_code == 201
    assert phone.sends(begun.headers["Location"], data, 0).status_code == 204

    files = [file.relative_to(store).as_posix() for file in store.rglob("*") if file.is_file()]
    assert files == [original_key(digest(data))]
    assert not [
        file for file in store.parent.rglob("*") if file.name not in ("media", "spool", digest(data)) and file.is_file()
    ]


def test_row_52_a_path_in_the_place_of_an_id_or_a_variant_is_not_there(
    store: Path, cast: Cast, browser: httpx.Client, sign_in: Any
) -> None:
    photo = arrives(cast, photo_bytes(67))
    Folder(store.parent).put("secret", b"secret")
    for tail in ("..%2f..%2fsecret", "%2e%2e%2f%2e%2e%2fsecret", "small%00", "original%2f..%2f..%2fsecret"):
        answer = browser.get(f"/api/v1/photos/{photo.id}/{tail}", headers=sign_in(cast.li))
        assert answer.status_code in (400, 404) and answer.content != b"secret"


@pytest.mark.parametrize("name", [*HOSTILE, "polyglot"])
def test_row_53_hostile_files_are_refused_or_printed_anew(
    store: Any, cast: Cast, phone: Phone, browser: httpx.Client, sign_in: Any, name: str
) -> None:
    script = b"<html><script>alert(document.domain)</script></html>"
    data = HOSTILE[name][0] if name in HOSTILE else GOOD[:-2] + script + b"\xff\xd9"
    photo = cast.records(data or b"-")
    begun = phone.begins(data, photo=photo.id)
    began = time.monotonic()
    answer = phone.sends(begun.headers["Location"], data, 0) if begun.status_code == 201 else begun
    assert time.monotonic() - began < 1
    if answer.status_code == 422:
        assert not Blob.objects.exists()
        return
    assert answer.status_code == 204
    began = time.monotonic()
    develop_all(timezone.now())
    assert time.monotonic() - began < 5  # with the start of the child; the refusal alone is measured beside it
    original = browser.get(f"/api/v1/photos/{photo.id}/original", headers=sign_in(cast.li))
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    assert original.headers["Content-Type"] in ("image/jpeg", "image/png")
    for variant in ("small", "large", "watermark"):
        shown = browser.get(f"/api/v1/photos/{photo.id}/{variant}", headers=sign_in(cast.li))
        assert shown.headers.get("X-Content-Type-Options") == "nosniff" or shown.status_code == 404
        assert b"<script" not in shown.content


SERIALS = (b"SN-OF-THE-BODY", b"SN-OF-THE-LENS", b"LI MEI", b"HUAWEI", b"http://ns.adobe.com/xap", b"GPSLatitude")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_row_54_no_derivative_tells_where_or_with_what_it_was_taken(
    store: Any, cast: Cast, browser: httpx.Client, sign_in: Any, form: str
) -> None:
    exif = camera_exif()
    detail = exif.get_ifd(0x8769)
    detail[0xA430], detail[0xA431], detail[0xA435] = "LI MEI", "SN-OF-THE-BODY", "SN-OF-THE-LENS"
    options: dict[str, Any] = {"exif": exif}
    if form in ("JPEG", "WEBP"):
        options["xmp"] = b"<x:xmpmeta xmlns:x='http://ns.adobe.com/xap/1.0/'>GPSLatitude 31.92</x:xmpmeta>"
    data = encoded(scene(68), form, **options)
    assert b"SN-OF-THE-BODY" in data
    photo = arrives(cast, data)
    assert develop_all() == 2

    for variant in ("small", "medium", "large", "watermark"):
        shown = browser.get(f"/api/v1/photos/{photo.id}/{variant}", headers=sign_in(cast.chen))
        picture = Image.open(io.BytesIO(shown.content))
        assert (
            not picture.getexif() and not {"exif", "xmp", "comment", "icc_profile", "photoshop"} & picture.info.keys()
        )
        assert not [word for word in SERIALS if word in shown.content]
    told = browser.get(f"/api/v1/photos/{photo.id}", headers=sign_in(cast.li)).json()
    assert told["exif"]["lat"] == pytest.approx(31.92, abs=1e-4)  # the reporter, who has the original, may read it


def test_row_55_a_link_lives_five_minutes_opens_one_object_and_is_never_logged(
    any_store: str, cast: Cast, browser: httpx.Client, sign_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    photo, other = arrives(cast, photo_bytes(69)), arrives(cast, photo_bytes(70))
    develop_all()
    told = browser.get(f"/api/v1/photos/{photo.id}/original?link=direct", headers=sign_in(cast.li))
    assert told.headers["Cache-Control"] == "no-store"
    url = told.json()["url"]
    if any_store == "s3":
        assert 0 < int(re.findall(r"X-Amz-Expires=(\d+)", url)[0]) <= 300
        assert httpx.get(url).content == photo_bytes(69)
        assert httpx.get(url.replace(photo.sha256, other.sha256)).status_code == 403
        secrets = [re.findall(r"X-Amz-Signature=([0-9a-f]+)", url)[0]]
    else:
        token = url.rsplit("/", 1)[1]
        answer = browser.get(f"/api/v1/photos/links/{token}")
        assert (answer.content, answer.headers["Content-Disposition"][:10]) == (photo_bytes(69), "attachment")
        assert browser.get(f"/api/v1/photos/links/{token[:-2]}xx").status_code == 404
        secrets = [token]
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    assert not [line for line in ours if any(secret in line for secret in secrets)]


def test_what_is_still_being_made_is_no_error_in_the_log(
    store: Any, cast: Cast, browser: httpx.Client, sign_in: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fresh = arrives(cast, photo_bytes(1))
    answer = browser.get(f"/api/v1/photos/{fresh.id}/small", headers=sign_in(cast.li))
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert [record.levelname for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert "not-made-yet" in caplog.text


@pytest.fixture(scope="module")
def darkroom() -> Iterator[Darkroom]:
    with Darkroom() as room:
        yield room


@pytest.mark.parametrize(
    "how", [{}, {"progressive": True}, {"restart_marker_rows": 2}, {"subsampling": 0, "quality": 95}]
)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.995])
def test_a_picture_cut_off_and_given_an_end_marker_is_noticed(
    darkroom: Darkroom, how: dict[str, Any], share: float
) -> None:
    whole = encoded(scene(71), "JPEG", exif=camera_exif(), **how)
    cut = whole[: int(len(whole) * share)].rstrip(b"\xff") + b"\xff\xd9"
    assert darkroom.develop(whole).complete
    assert not darkroom.develop(cut).complete


def test_a_cut_off_picture_is_a_warning_in_words(store: Any, cast: Cast) -> None:
    data = photo_bytes(72)[:-9_000].rstrip(b"\xff") + b"\xff\xd9"
    photo = arrives(cast, data)
    develop_all()
    photo.refresh_from_db()
    assert "incomplete" in [finding["code"] for finding in photo.findings]
    assert (Blob.objects.get().complete, Photo.objects.get().marked != "") == (False, True)
