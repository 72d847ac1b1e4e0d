"""Looking at photos over HTTP: who may, in which variant, with what a browser is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from api.console.site import SESSION
from journal.models import Entry
from media.models import Photo
from media.storage import original_key, storage
from organizations import consoles
from organizations.models import Assignment, Person
from tests import scenery
from tests.media.conftest import NOON, Cast, develop_all, settle
from tests.media.line import PLAIN
from tests.media.scenes import digest, photo_bytes
from tests.media.test_renditions import arrives


@pytest.fixture
def developed(any_store: str, db: None) -> Developed:
    """A photo with its prints, in either store."""
    scene = scenery.stage(develop)
    for key, data in scene.objects.items():  # always all: the bucket is everybody's
        storage().put(key, data)
    return scene


@dataclass
class Developed:
    cast: Cast
    photo: Photo
    objects: dict[str, bytes]


def develop() -> Developed:
    cast = settle()
    photo = arrives(cast, photo_bytes(1))
    develop_all()
    photo.refresh_from_db()
    found = (key for folder in ("originals", "prints", "marks") for key, _ in storage().walk(folder))
    keys = [key for key in found if photo.sha256 in key or str(photo.id) in key]
    assert len(keys) == 5, keys  # the original, three prints, the mark
    return Developed(cast, photo, {key: b"".join(storage().read(key)) for key in keys})


@pytest.fixture
def cast(request: pytest.FixtureRequest, db: None) -> Cast:
    if "photo" not in request.fixturenames:
        return scenery.stage(settle)
    developed: Developed = request.getfixturevalue("developed")
    return developed.cast


@pytest.fixture
def photo(developed: Developed) -> Photo:
    return developed.photo


@pytest.fixture
def browser(live_server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server.url, timeout=20, verify=PLAIN) as client:
        yield client


def test_a_photo_is_read_by_those_assigned(photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any) -> None:
    told = browser.get(f"/api/v1/photos/{photo.id}", headers=sign_in(cast.li)).json()
    assert (told["id"], told["bytes"], told["width"], told["height"]) == (str(photo.id), "stored", 1600, 1200)
    assert set(told["variants"]) == {"original", "large", "medium", "small", "watermark"}
    assert told["exif"]["make"] == "HUAWEI"
    assert told["likenesses"] is None
    office = browser.get(f"/api/v1/photos/{photo.id}", headers=sign_in(cast.chen)).json()
    assert office["likenesses"] == []
    assert told["chain"] == office["chain"]
    assert (told["chain"]["number"], told["chain"]["previous"]) == (1, "0" * 64)


def test_a_photo_out_of_sight_looks_like_one_that_is_not_there(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any
) -> None:
    stranger = sign_in(cast.wang)
    for tail in ("", "/small", "/original", "/small?link"):
        hidden = browser.get(f"/api/v1/photos/{photo.id}{tail}", headers=stranger)
        absent = browser.get(f"/api/v1/photos/{uuid4()}{tail}", headers=stranger)
        assert (hidden.status_code, hidden.json()) == (absent.status_code, absent.json()) == (404, absent.json())
    assert browser.get(f"/api/v1/photos/{photo.id}/small").status_code == 401


@pytest.mark.parametrize("variant", ["large", "medium", "small", "watermark"])
def test_prints_are_shown_in_place_and_never_guessed(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any, variant: str
) -> None:
    me = sign_in(cast.li)
    answer = browser.get(f"/api/v1/photos/{photo.id}/{variant}", headers=me)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Disposition"].startswith("inline")
    assert b"Exif" not in answer.content and b"HUAWEI" not in answer.content
    again = browser.get(f"/api/v1/photos/{photo.id}/{variant}", headers=me | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_original_is_an_attachment_byte_for_byte_and_its_reading_is_on_record(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any
) -> None:
    answer = browser.get(f"/api/v1/photos/{photo.id}/original", headers=sign_in(cast.chen))
    assert answer.content == photo_bytes(1)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "no-store" in answer.headers["Cache-Control"]
    entry = Entry.objects.get(verb="photo.original_read")
    assert (entry.record, entry.person) == (photo.id, cast.chen.person)


def test_a_colleague_sees_prints_but_no_original(photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any) -> None:
    person = Person.objects.get(pk=cast.wang.person)
    Assignment.objects.create(person=person, role="instructor", enterprise=cast.bakery, starts_on=NOON.date())
    colleague = sign_in(cast.wang)
    told = browser.get(f"/api/v1/photos/{photo.id}", headers=colleague).json()
    assert "original" not in told["variants"]
    assert told["exif"] is None
    assert browser.get(f"/api/v1/photos/{photo.id}/small", headers=colleague).status_code == 200
    assert browser.get(f"/api/v1/photos/{photo.id}/original", headers=colleague).status_code == 403


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-99", 206, 0, 100),
        ("bytes=100-", 206, 100, None),
        ("bytes=-50", 206, -50, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_ranges(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any, asked: str, status: int, start: int, end: int | None
) -> None:
    answer = browser.get(f"/api/v1/photos/{photo.id}/original", headers=sign_in(cast.li) | {"Range": asked})
    assert (answer.status_code, answer.content) == (status, photo_bytes(1)[start:end])


def test_a_range_beyond_the_end_is_416(photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any) -> None:
    answer = browser.get(f"/api/v1/photos/{photo.id}/small", headers=sign_in(cast.li) | {"Range": "bytes=99999999-"})
    assert answer.status_code == 416


def test_a_link_works_without_signing_in_and_dies_with_the_right(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any, settings: Any, live_server: Any
) -> None:
    settings.PUBLIC_URL = live_server.url
    url = browser.get(f"/api/v1/photos/{photo.id}/small?link", headers=sign_in(cast.li)).json()["url"]
    assert browser.get(url).headers["Content-Type"] == "image/jpeg"
    assert browser.get(url[:-2] + "xx").status_code == 404
    Assignment.objects.filter(person=cast.li.person).update(revoked_at=NOON)
    Photo.objects.update(author=cast.chen.person)
    assert browser.get(url).status_code == 404


def test_a_variant_that_is_being_made_says_come_again(
    store: Any, cast: Cast, browser: httpx.Client, sign_in: Any
) -> None:
    fresh = arrives(cast, photo_bytes(1))
    answer = browser.get(f"/api/v1/photos/{fresh.id}/small", headers=sign_in(cast.li))
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
    assert browser.get(f"/api/v1/photos/{fresh.id}/gigantic", headers=sign_in(cast.li)).status_code == 404


def test_the_code_on_the_mark_leads_to_the_verdict(
    photo: Photo, cast: Cast, browser: httpx.Client, sign_in: Any
) -> None:
    dashed = "-".join(photo.code[start : start + 4] for start in (0, 4, 8)).lower()
    told = browser.get(f"/api/v1/photos/check/{dashed}", headers=sign_in(cast.li)).json()
    assert (told["untouched"], told["photo"]["id"]) == (True, str(photo.id))
    assert browser.get(f"/api/v1/photos/check/{dashed}", headers=sign_in(cast.wang)).status_code == 404
    assert browser.get(f"/api/v1/photos/check/{dashed}").status_code == 401

    storage().put(original_key(digest(photo_bytes(1))), b"swapped")
    told = browser.get(f"/api/v1/photos/check/{dashed}", headers=sign_in(cast.li)).json()
    assert [reason["code"] for reason in told["reasons"]] == ["bytes-differ"]


def test_the_verdict_is_a_page_in_the_offices_browser(photo: Photo, cast: Cast, browser: httpx.Client) -> None:
    page = f"/check/{photo.code}"
    html = {"Accept": "text/html"}
    assert browser.get(page, headers=html).headers["Location"].startswith("/console/login/")
    person = Person.objects.get(pk=cast.chen.person)
    session = SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session[SESSION] = str(consoles.begin(person.pk, by=cast.chen, at=timezone.now()).pk)
    session.save()
    shown = browser.get(page, headers=html | {"Cookie": f"sessionid={session.session_key}"})
    assert shown.status_code == 200
    assert "未被改动" in shown.text and photo.sha256 in shown.text
