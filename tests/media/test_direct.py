"""A phone that puts its bytes into the bucket by itself, and what it cannot get away with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from media.models import Blob, BytesState
from media.storage import original_key, storage
from tests.media.conftest import Cast
from tests.media.line import PLAIN
from tests.media.scenes import digest, photo_bytes


@pytest.fixture
def line(cast: Cast, live_server: Any, sign_in: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server.url, headers=sign_in(cast.li), timeout=20, verify=PLAIN) as client:
        yield client


@pytest.fixture
def bucket(s3_server: Any, settings: Any, tmp_path: Any) -> Iterator[None]:
    settings.MEDIA_STORAGE, settings.SPOOL_DIR = "s3", tmp_path / "spool"
    settings.S3 = {
        "endpoint_url": s3_server.endpoint, "bucket_name": s3_server.bucket, "access_key": s3_server.access_key,
        "secret_key": s3_server.secret_key, "region_name": s3_server.region,
    }  # fmt: skip
    storage.cache_clear()
    yield
    storage.cache_clear()


def asks(line: httpx.Client, data: bytes, **changes: Any) -> httpx.Response:
    told = {"photo": str(uuid4()), "sha256": digest(data), "size": len(data), **changes}
    return line.post("/api/v1/uploads/direct", json=told)


def test_bytes_go_straight_into_the_bucket(bucket: None, cast: Cast, line: httpx.Client) -> None:
    data = photo_bytes(31)
    photo = cast.records(data)
    ticket = asks(line, data).json()
    assert line.post(ticket["complete"]).status_code == 409  # nothing is there yet
    assert httpx.put(ticket["url"], content=data, headers=ticket["headers"]).status_code == 200

    assert line.post(ticket["complete"]).json()["stored"]
    assert line.post(ticket["complete"]).json()["stored"]
    photo.refresh_from_db()
    assert photo.bytes == BytesState.STORED
    assert b"".join(storage().read(original_key(digest(data)))) == data
    assert storage().size(f"incoming/{ticket['upload']}") is None
    assert asks(line, data).json() | {"upload": "", "complete": ""} == {
        "upload": "", "complete": "", "stored": True, "url": None, "headers": {},
    }  # fmt: skip


def test_other_bytes_than_declared_are_poison(bucket: None, cast: Cast, line: httpx.Client) -> None:
    data = photo_bytes(32)
    ticket = asks(line, data).json()
    httpx.put(ticket["url"], content=data[:-1] + b"\0", headers=ticket["headers"])
    assert line.post(ticket["complete"]).status_code == 422
    assert not Blob.objects.exists()


def test_the_link_takes_no_more_bytes_than_declared(bucket: None, cast: Cast, line: httpx.Client) -> None:
    data = photo_bytes(33)
    ticket = asks(line, data).json()
    longer = httpx.put(ticket["url"], content=data + b"more", headers={"Content-Length": str(len(data) + 4)})
    assert longer.status_code in (400, 403) or line.post(ticket["complete"]).status_code == 409
    assert not Blob.objects.exists()


def test_a_stranger_completes_nothing(bucket: None, cast: Cast, line: httpx.Client, sign_in: Any) -> None:
    ticket = asks(line, photo_bytes(34)).json()
    assert line.post(ticket["complete"], headers=sign_in(cast.wang)).status_code == 404


def test_a_folder_has_no_links_and_says_so(store: Any, cast: Cast, line: httpx.Client) -> None:
    answer = asks(line, photo_bytes(35))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/direct-not-offered")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"photo": "x"}, "/photo"), ({"sha256": "x"}, "/sha256"), ({"size": 0}, "/size"), ({"size": None}, "/size")],
)
def test_bad_requests_are_named(bucket: None, line: httpx.Client, changes: dict[str, Any], pointer: str) -> None:
    answer = asks(line, photo_bytes(36), **changes)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
