"""tus over real HTTP: unmodified clients, cuts, liars, strangers."""

from __future__ import annotations

import hashlib
import http.client
import random
import socket
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from django.utils import timezone
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from media import spool, uploads
from media.models import Blob, BytesState, Photo, Upload
from media.storage import original_key, storage
from organizations.permissions import Caller
from tests.media.conftest import Cast, develop_all
from tests.media.scenes import digest, encoded, photo_bytes, scene

CHUNK = "application/offset+octet-stream"


class Phone:
    """A signed-in phone that speaks tus by hand."""

    def __init__(self, server: str, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = headers | {"Tus-Resumable": "1.0.0"}
        self.http = httpx.Client(base_url=server, headers=self.headers, timeout=20)

    def begins(
        self, data: bytes, *, photo: UUID | None = None, sha256: str | None = None, **headers: str
    ) -> httpx.Response:
        told = {"photo": str(photo or uuid4()), "sha256": sha256 or digest(data), "filename": "现场.jpg"}
        fields = {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(told)} | headers
        return self.http.post("/api/v1/uploads/", headers=fields)

    def sends(self, address: str, chunk: bytes, offset: int, **headers: str) -> httpx.Response:
        fields = {"Upload-Offset": str(offset), "Content-Type": CHUNK} | headers
        return self.http.patch(address, content=chunk, headers=fields)

    def asks(self, address: str) -> httpx.Response:
        return self.http.head(address)

    def uploads(self, data: bytes, photo: UUID | None = None) -> None:
        address = self.begins(data, photo=photo).headers["Location"]
        assert self.sends(address, data, 0).status_code == 204


def metadata(told: dict[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())


@pytest.fixture
def phone_of(cast: Cast, live_server: Any, sign_in: Any) -> Iterator[Any]:
    with ExitStack() as open_lines:

        def phone(by: Caller | None) -> Phone:
            made = Phone(live_server.url, sign_in(by) if by else {})
            open_lines.callback(made.http.close)
            return made

        yield phone


@pytest.fixture
def phone(phone_of: Any, cast: Cast) -> Phone:
    return phone_of(cast.li)


def test_tuspy_uploads_a_photo_whose_record_came_first(
    any_store: str, cast: Cast, live_server: Any, sign_in: Any
) -> None:
    data = photo_bytes(3)
    photo = cast.records(data)
    assert photo.bytes == BytesState.AWAITING

    client = TusClient(f"{live_server.url}/api/v1/uploads/", headers=sign_in(cast.li))
    uploader = client.uploader(
        file_stream=BytesIO(data), chunk_size=100_000, upload_checksum=True,
        metadata={"photo": str(photo.id), "sha256": digest(data), "filename": "现场.jpg"},
    )  # fmt: skip
    uploader.upload()

    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED
    assert b"".join(storage().read(original_key(digest(data)))) == data
    assert develop_all(timezone.now()) == 2
    assert storage().size(f"prints/{digest(data)[:2]}/{digest(data)[2:4]}/{digest(data)}-small.jpg")


def test_bytes_may_come_before_their_record(store: Any, cast: Cast, phone: Phone) -> None:
    data, id_ = photo_bytes(4), uuid4()
    phone.uploads(data, id_)
    assert cast.records(data, id_=id_).bytes == BytesState.STORED


def test_what_the_server_can_do_is_told_to_anybody(live_server: Any, store: Any) -> None:
    answer = httpx.options(f"{live_server.url}/api/v1/uploads/")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "checksum", "expiration", "termination",
    }  # fmt: skip
    assert int(answer.headers["Tus-Max-Size"]) >= 10_000_000
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"]


def test_a_first_chunk_may_travel_with_the_creation(store: Any, phone: Phone) -> None:
    data = photo_bytes(5)
    told = {"photo": str(uuid4()), "sha256": digest(data)}
    headers = {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(told), "Content-Type": CHUNK}
    answer = phone.http.post("/api/v1/uploads/", headers=headers, content=data[:50_000])

    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "50000")
    assert "Upload-Expires" in answer.headers
    rest = phone.sends(answer.headers["Location"], data[50_000:], 50_000)
    assert (rest.status_code, rest.headers["Upload-Offset"]) == (204, str(len(data)))
    assert "Upload-Expires" in rest.headers
    assert Blob.objects.get().sha256 == digest(data)


def test_a_finished_upload_tells_its_full_offset(store: Any, phone: Phone) -> None:
    data = photo_bytes(5)
    address = phone.begins(data).headers["Location"]
    phone.sends(address, data, 0)
    told = phone.asks(address)
    assert (told.headers["Upload-Offset"], told.headers["Upload-Length"]) == (str(len(data)), str(len(data)))
    assert told.headers["Cache-Control"] == "no-store"
    assert digest(data) in str(base64_values(told.headers["Upload-Metadata"]))


def base64_values(told: str) -> list[bytes]:
    return [b64decode(part.split(" ")[1]) for part in told.split(",")]


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


def cut_off(phone: Phone, address: str, data: bytes, after: int, **headers: str) -> None:
    """Promise the whole, send a part, and hang up."""
    place = urlsplit(phone.server)
    line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    line.putrequest("PATCH", address)
    fields = {"Upload-Offset": "0", "Content-Type": CHUNK, "Content-Length": str(len(data))} | headers
    for key, value in (phone.headers | fields).items():
        line.putheader(key, value)
    line.endheaders()
    assert line.sock is not None
    line.sock.sendall(data[:after])
    wait_until(lambda: is_busy(address))
    line.sock.shutdown(socket.SHUT_RDWR)
    line.close()


def wait_for_offset(phone: Phone, address: str) -> int:
    """The offset once the server has noticed the cut and let go."""
    wait_until(lambda: not is_busy(address))
    return int(phone.asks(address).headers["Upload-Offset"])


def is_busy(address: str) -> bool:
    """Whether a request is writing to this upload."""
    try:
        with spool.held(UUID(address.rsplit("/", 1)[1])):
            return False
    except spool.Busy:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def checksum(chunk: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, chunk).digest()).decode()}"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_a_spoilt_chunk_is_460_and_can_be_sent_again(store: Any, phone: Phone, algorithm: str) -> None:
    data = photo_bytes(7)
    address = phone.begins(data).headers["Location"]
    right = {"Upload-Checksum": checksum(data, algorithm)}

    assert phone.sends(address, data[:-1] + b"x", 0, **right).status_code == 460
    assert phone.asks(address).headers["Upload-Offset"] == "0"
    assert phone.sends(address, data, 0, **right).status_code == 204


def test_a_wrong_offset_is_409_and_names_the_right_one(store: Any, phone: Phone) -> None:
    data = photo_bytes(7)
    address = phone.begins(data).headers["Location"]
    phone.sends(address, data[:1000], 0)
    answer = phone.sends(address, data[2000:], 2000)
    assert (answer.status_code, answer.json()["offset"]) == (409, 1000)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_not_a_byte_more_than_declared(store: Any, phone: Phone) -> None:
    data = photo_bytes(7)
    address = phone.begins(data).headers["Location"]
    assert phone.sends(address, data + b"!", 0).status_code == 413
    assert phone.asks(address).headers["Upload-Offset"] == "0"


def test_a_file_that_is_too_large_is_refused_before_a_byte_is_sent(store: Any, phone: Phone) -> None:
    answer = phone.begins(b"x", **{"Upload-Length": str(10**9)})
    assert answer.status_code == 413
    assert answer.json()["limits"]["bytes"] > 0


def test_a_poisoned_upload_is_422_and_cannot_be_resumed(store: Any, phone: Phone, cast: Cast) -> None:
    data = photo_bytes(8)
    photo = cast.records(data)
    address = phone.begins(data, photo=photo.id).headers["Location"]
    answer = phone.sends(address, data[:-1] + b"\0", 0)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/digest-mismatch")
    assert phone.asks(address).status_code == 404
    assert phone.sends(address, b"", len(data)).status_code == 404
    assert not Blob.objects.exists()
    photo.refresh_from_db()
    assert photo.bytes == BytesState.AWAITING
    phone.uploads(data, photo.id)
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unknown-kind"),
        (b"<!doctype html><script>alert(1)</script>", "unknown-kind"),
        (photo_bytes(1)[:9000], "truncated"),
        (encoded(scene(2, 90, 60), "WEBP", save_all=True, append_images=[scene(3, 90, 60)]), "animated"),
    ],
)
def test_what_is_no_picture_is_refused_when_it_is_whole(store: Any, phone: Phone, data: bytes, code: str) -> None:
    address = phone.begins(data).headers["Location"]
    answer = phone.sends(address, data, 0)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, code)
    assert phone.asks(address).status_code == 404


def test_the_same_bytes_again_are_there_at_once(store: Any, phone: Phone, cast: Cast) -> None:
    data = photo_bytes(9)
    phone.uploads(data)
    second = cast.records(data)
    assert second.bytes == BytesState.STORED

    answer = phone.begins(data)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(data)))
    assert phone.asks(answer.headers["Location"]).headers["Upload-Offset"] == str(len(data))
    assert Blob.objects.count() == 1


def test_knowing_a_digest_does_not_give_anybody_the_picture(store: Any, phone_of: Any, cast: Cast) -> None:
    data = photo_bytes(9)
    phone_of(cast.li).uploads(data)
    stranger = phone_of(cast.wang)

    answer = stranger.begins(data)
    assert answer.headers["Upload-Offset"] == "0"
    wrong = cast.records(data, by=cast.wang, home=cast.home(enterprise=cast.mill.pk, owner=cast.wang.person))
    assert wrong.bytes == BytesState.AWAITING
    stranger.sends(answer.headers["Location"], data, 0)
    wrong.refresh_from_db()
    assert wrong.bytes == BytesState.STORED
    assert Blob.objects.count() == 1


def test_another_persons_upload_is_not_there(store: Any, phone_of: Any, cast: Cast) -> None:
    data = photo_bytes(9)
    address = phone_of(cast.li).begins(data).headers["Location"]
    stranger = phone_of(cast.wang)
    assert stranger.asks(address).status_code == 404
    assert stranger.sends(address, data, 0).status_code == 404
    assert stranger.http.delete(address).status_code == 404
    absent = stranger.sends(f"/api/v1/uploads/{uuid4()}", data, 0)
    assert absent.json() == stranger.sends(address, data, 0).json()


def test_nobody_uploads_without_signing_in(store: Any, phone_of: Any) -> None:
    nobody = phone_of(None)
    assert nobody.begins(b"x").status_code == 401
    assert nobody.asks(f"/api/v1/uploads/{uuid4()}").status_code == 401


def test_a_terminated_upload_is_gone(store: Any, phone: Phone) -> None:
    data = photo_bytes(9)
    address = phone.begins(data).headers["Location"]
    phone.sends(address, data[:1000], 0)
    assert phone.http.delete(address).status_code == 204
    assert phone.asks(address).status_code == 404
    assert spool.offset_of(UUID(address.rsplit("/", 1)[1])) is None


@pytest.mark.parametrize(
    ("headers", "pointer"),
    [
        ({"Upload-Metadata": ""}, "/Upload-Metadata/photo"),
        ({"Upload-Metadata": metadata({"photo": str(uuid4())})}, "/Upload-Metadata/sha256"),
        ({"Upload-Metadata": metadata({"photo": "../../etc/passwd", "sha256": "0" * 64})}, "/Upload-Metadata/photo"),
        ({"Upload-Metadata": "photo !!!"}, "/Upload-Metadata"),
        ({"Upload-Length": "-1"}, "/Upload-Length"),
        ({"Upload-Length": "lots"}, "/Upload-Length"),
        ({"Upload-Length": "٣"}, "/Upload-Length"),
        ({"Upload-Checksum": "crc7 AAAA"}, "/Upload-Checksum"),
    ],
)
def test_bad_headers_are_400_and_named(store: Any, phone: Phone, headers: dict[str, str], pointer: str) -> None:
    raw = {key: value.encode() for key, value in headers.items()}
    answer = phone.begins(b"x", **raw)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert pointer in [fault["pointer"] for fault in answer.json()["errors"]]
    assert not Upload.objects.exists()


def test_a_client_of_another_version_is_412(store: Any, phone: Phone) -> None:
    answer = phone.begins(b"x", **{"Tus-Resumable": "0.2.2"})
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")


def test_a_chunk_of_another_type_is_415(store: Any, phone: Phone) -> None:
    address = phone.begins(b"xx").headers["Location"]
    assert phone.sends(address, b"xx", 0, **{"Content-Type": "image/jpeg"}).status_code == 415


def test_a_method_in_disguise_is_understood(store: Any, phone: Phone) -> None:
    data = photo_bytes(9)
    address = phone.begins(data).headers["Location"]
    fields = {"Upload-Offset": "0", "Content-Type": CHUNK, "X-HTTP-Method-Override": "PATCH"}
    assert phone.http.post(address, content=data, headers=fields).status_code == 204


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


def test_a_tuspy_client_with_a_wrong_digest_gives_up(store: Any, cast: Cast, live_server: Any, sign_in: Any) -> None:
    data = photo_bytes(13)
    client = TusClient(f"{live_server.url}/api/v1/uploads/", headers=sign_in(cast.li))
    told = {"photo": str(uuid4()), "sha256": "0" * 64}
    with pytest.raises(TusUploadFailed) as failure:
        client.uploader(file_stream=BytesIO(data), chunk_size=2**20, metadata=told, retries=0).upload()
    assert failure.value.status_code == 422


def test_expired_uploads_are_swept(store: Any, phone: Phone, cast: Cast) -> None:
    data = photo_bytes(14)
    address = phone.begins(data).headers["Location"]
    phone.sends(address, data[:100], 0)
    assert uploads.sweep(at=timezone.now() + uploads.LIFETIME + timedelta(hours=1)) == 1
    assert phone.asks(address).status_code == 404
    assert not list((spool.path_of(uuid4()).parent.parent).rglob("????????????????????????????????"))
