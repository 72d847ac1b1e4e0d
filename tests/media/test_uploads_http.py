"""tus over real HTTP: unmodified clients, cuts, liars, strangers."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from django.utils import timezone
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from media import spool
from media.models import Blob, BytesState, Upload
from media.storage import original_key, storage
from tests.media.conftest import Cast, develop_all
from tests.media.line import CHUNK, Phone, base64_values, metadata
from tests.media.scenes import digest, encoded, photo_bytes, scene


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


def test_a_tuspy_client_with_a_wrong_digest_gives_up(store: Any, cast: Cast, live_server: Any, sign_in: Any) -> None:
    data = photo_bytes(13)
    client = TusClient(f"{live_server.url}/api/v1/uploads/", headers=sign_in(cast.li))
    told = {"photo": str(uuid4()), "sha256": "0" * 64}
    with pytest.raises(TusUploadFailed) as failure:
        client.uploader(file_stream=BytesIO(data), chunk_size=2**20, metadata=told, retries=0).upload()
    assert failure.value.status_code == 422
