"""Photo records: who may put them, what phones are told, what cannot be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SYSTEM
from core.drafts import Draft
from core.problems import Invalid, NotFound, Problem
from journal.models import Entry, Head
from media import batches, photos
from media.fields import read
from media.models import BytesState, Photo, Upload, UploadState
from organizations.permissions import Subject
from tests.media.conftest import NOON, Cast
from tests.media.scenes import digest

GOOD: dict[str, Any] = {
    "visit": str(uuid4()),
    "taken_at": "2026-11-22T08:40:00+08:00",
    "sha256": "a" * 64,
    "size": 1000,
    "content_type": "image/jpeg",
}


def told(photo: Photo) -> dict[str, Any]:
    """What phones hold of a photo."""
    found: dict[str, Any] = orjson.loads(Head.objects.get(record=photo.id, deleted=False).document)
    return found


def delivered(cast: Cast, data: bytes) -> None:
    """Li's phone has uploaded these bytes before."""
    photos.keep_blob(digest(data), len(data), "image/jpeg", at=NOON)
    Upload.objects.create(
        person=cast.li.person, photo=uuid4(), sha256=digest(data), length=len(data), state=UploadState.STORED,
        created_at=NOON, expires_at=NOON,
    )  # fmt: skip


def refusal(outcome: Photo | Problem) -> str:
    assert isinstance(outcome, Problem)
    return outcome.errors[0].code if outcome.errors else outcome.kind


def test_a_photo_reaches_the_phones_of_its_enterprise(cast: Cast) -> None:
    photo = cast.records(b"bytes", caption="车间 🏭")

    document = told(photo)
    assert Head.objects.get(record=photo.id).scope.name == f"enterprise:{cast.bakery.pk}"
    assert (document["bytes"], document["caption"], document["issue"]) == ("awaiting_bytes", "车间 🏭", None)
    assert document["taken_at"] == "2026-11-22T08:40:00+08:00"
    assert set(GOOD) | {"response", "question", "issue", "issue_action", "caption", "location"} <= document.keys()
    entry = Entry.objects.get(record=photo.id)
    assert (entry.verb, entry.person, entry.device) == ("photo.created", cast.li.person, cast.li.device)


def test_a_private_photo_lives_with_its_author_alone(cast: Cast) -> None:
    photo = cast.records(b"bytes", home=cast.home(private=True))
    assert Head.objects.get(record=photo.id).scope.name == f"user:{cast.li.person}"
    assert list(photos.readable(cast.li)) == [photo]
    assert list(photos.readable(cast.chen)) == [photo]
    assert not photos.readable(cast.wang).exists()


def test_only_those_assigned_see_and_send(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    assert list(photos.readable(cast.li)) == list(photos.readable(cast.chen)) == [photo]
    assert not photos.readable(cast.wang).exists()

    (outcome,) = photos.put([Draft(uuid4(), GOOD)], [cast.home()], by=cast.wang, at=NOON)
    assert refusal(outcome) == "forbidden"
    (outcome,) = photos.put([Draft(photo.id, {"caption": "mine"}, new=False)], [None], by=cast.wang, at=NOON)
    assert refusal(outcome) == "forbidden"


def test_a_department_may_send_evidence_for_its_issue(cast: Cast) -> None:
    department = uuid4()
    handler = replace(cast.wang, standing=type(cast.wang.standing)(cast.wang.person, NOON.date(), _held(department)))
    home = cast.home(subject=Subject(enterprise=cast.bakery.pk, lead=department))
    (outcome,) = photos.put([Draft(uuid4(), GOOD)], [home], by=handler, at=NOON)
    assert isinstance(outcome, Photo)


def _held(department: Any) -> Any:
    from organizations.permissions import Held
    from organizations.roles import Role

    return (Held(Role.HANDLER, department=department, department_code="HRSS"),)


def test_originals_are_for_the_office_and_the_author(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    assert photos.may_see_original(photo, by=cast.li)
    assert photos.may_see_original(photo, by=cast.chen)
    assert not photos.may_see_original(photo, by=cast.wang)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"taken_at": None}, "/taken_at", "required"),
        ({"taken_at": "yesterday"}, "/taken_at", "not-a-time"),
        ({"taken_at": "2026-11-22T08:40:00"}, "/taken_at", "not-a-time"),
        ({"taken_at": 17}, "/taken_at", "not-a-time"),
        ({"sha256": "A" * 64}, "/sha256", "not-a-digest"),
        ({"sha256": ["a"]}, "/sha256", "not-a-digest"),
        ({"size": 0}, "/size", "not-a-size"),
        ({"size": True}, "/size", "not-a-size"),
        ({"size": 10**12}, "/size", "not-a-size"),
        ({"content_type": "image/svg+xml"}, "/content_type", "not-a-picture"),
        ({"caption": "x" * 501}, "/caption", "not-text"),
        ({"caption": "a\x00b"}, "/caption", "not-text"),
        ({"visit": "visit-1"}, "/visit", "not-an-id"),
        ({"location": {"lat": 91, "lon": 0}}, "/location", "not-a-place"),
        ({"location": {"lat": float("nan"), "lon": 0}}, "/location", "not-a-place"),
        ({"location": {"lat": 31, "lon": 120, "crs": "mars"}}, "/location", "not-a-place"),
        ({"location": {"lat": 31, "lon": 120, "altitude": 4}}, "/location", "not-a-place"),
        ({"location": "here"}, "/location", "not-a-place"),
        ({"author": str(uuid4())}, "/author", "unknown-field"),
        ({"bytes": "stored"}, "/bytes", "unknown-field"),
        ({"visit": None}, "", "subject-required"),
        ({"response": str(uuid4())}, "/question", "question-of-response"),
        ({"question": "q1"}, "/question", "question-of-response"),
    ],
)
def test_every_field_is_checked_and_named(cast: Cast, changes: dict[str, Any], pointer: str, code: str) -> None:
    good = Draft(uuid4(), GOOD)
    outcomes = photos.put([Draft(uuid4(), GOOD | changes), good], [cast.home()] * 2, by=cast.li, at=NOON)

    assert isinstance(outcomes[0], Invalid)
    assert [(fault.pointer, fault.code) for fault in outcomes[0].errors] == [(pointer, code)]
    assert isinstance(outcomes[1], Photo)  # the neighbour is not harmed


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        read({"size": "big", "content_type": "text/html", "colour": 1}, new=True)
    assert {fault.pointer for fault in refused.value.errors} == {
        "/size", "/content_type", "/colour", "/taken_at", "/sha256",
    }  # fmt: skip


def test_an_edit_changes_what_it_names(cast: Cast) -> None:
    photo = cast.records(b"bytes", caption="before")
    (edited,) = photos.put([Draft(photo.id, {"caption": None}, new=False)], [None], by=cast.li, at=NOON)
    assert isinstance(edited, Photo)
    assert told(photo)["caption"] is None
    assert orjson.loads(Entry.objects.filter(record=photo.id).last().changes) == {"caption": ["before", None]}  # type: ignore[union-attr]


def test_a_submitted_photo_stays_as_it_is(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    closed = cast.home(closed=True)
    (outcome,) = photos.put([Draft(photo.id, {"caption": "x"}, new=False)], [closed], by=cast.li, at=NOON)
    assert refusal(outcome) == "already-submitted"
    (outcome,) = photos.delete([Draft(photo.id)], closed=[photo.id], by=cast.li, at=NOON)
    assert refusal(outcome) == "forbidden"
    late = photos.put([Draft(uuid4(), GOOD)], [closed], by=cast.li, at=NOON)
    assert isinstance(late[0], Photo)  # a visit is pushed before its photos


def test_stored_bytes_cannot_be_exchanged(cast: Cast) -> None:
    delivered(cast, b"bytes")
    photo = cast.records(b"bytes")
    assert photo.bytes == BytesState.STORED
    (outcome,) = photos.put([Draft(photo.id, {"sha256": "b" * 64}, new=False)], [None], by=cast.li, at=NOON)
    assert refusal(outcome) == "photo-stored"
    photo.refresh_from_db()
    assert photo.sha256 == digest(b"bytes")


def test_delete_takes_ones_own_unsubmitted_photo_away(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    theirs, gone = photos.delete([Draft(photo.id), Draft(uuid4())], by=cast.chen, at=NOON)
    assert refusal(theirs) == "forbidden"
    assert isinstance(gone, NotFound)

    (outcome,) = photos.delete([Draft(photo.id)], by=cast.li, at=NOON)
    assert isinstance(outcome, Photo)
    assert Head.objects.get(record=photo.id).deleted
    assert not Photo.objects.exists()


def test_a_photo_follows_its_issue_into_privacy(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    photos.rehome({photo.id: cast.home(private=True)}, by=SYSTEM, at=NOON)
    photo.refresh_from_db()
    assert photo.private
    live = Head.objects.get(record=photo.id, deleted=False)
    assert live.scope.name == f"user:{cast.li.person}"
    assert Head.objects.filter(record=photo.id, deleted=True, scope__name=f"enterprise:{cast.bakery.pk}").exists()


def test_a_batch_of_a_hundred_costs_as_many_statements_as_one_of_ten(cast: Cast) -> None:
    def statements(size: int) -> int:
        drafts = [Draft(uuid4(), GOOD | {"sha256": f"{size:03}{n:061}"}) for n in range(size)]
        edits = [Draft(draft.id, {"caption": "again"}, new=False) for draft in drafts[::2]]
        with CaptureQueriesContext(
            connection,
        ) as first:
            photos.put(drafts, [cast.home()] * size, by=cast.li, at=NOON)
        with CaptureQueriesContext(connection) as second:
            photos.put(edits, [None] * len(edits), by=cast.li, at=NOON)
        return len(first) + len(second)

    statements(2)
    assert statements(100) == statements(10)


def test_nothing_has_more_photos_than_anybody_looks_at(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MOST_OF_ONE", 3)
    cast.records(b"0", visit=GOOD["visit"])
    drafts = [Draft(uuid4(), GOOD) for _ in range(4)] + [Draft(uuid4(), GOOD | {"visit": str(uuid4())})]
    outcomes = photos.put(drafts, [cast.home()] * 5, by=cast.li, at=NOON)
    assert [isinstance(outcome, Photo) for outcome in outcomes] == [True, True, False, False, True]
    assert refusal(outcomes[2]) == "too-many-photos"


def test_a_batch_may_create_and_edit_one_photo(cast: Cast) -> None:
    id_ = uuid4()
    outcomes = photos.put(
        [Draft(id_, GOOD), Draft(id_, {"caption": "later"}, new=False)], [cast.home(), None], by=cast.li, at=NOON
    )
    assert all(isinstance(outcome, Photo) for outcome in outcomes)
    assert Photo.objects.get().caption == "later"
    assert Head.objects.get(record=id_).revision == 2


def test_bytes_met_twice_are_told_once(cast: Cast) -> None:
    photo = cast.records(b"bytes")
    delivered(cast, b"bytes")
    photos.meet(digest(b"bytes"), by=cast.li, at=NOON)
    photos.meet(digest(b"bytes"), by=cast.li, at=NOON)
    assert Entry.objects.filter(record=photo.id, verb="photo.stored").count() == 1
    assert told(photo)["bytes"] == "stored"


def test_codes_are_easy_to_read_aloud(cast: Cast) -> None:
    codes = {photos.code_of(uuid4()) for _ in range(2000)}
    assert len(codes) == 2000
    assert not set("ILOU") & set("".join(codes))
