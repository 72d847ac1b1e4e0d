"""What is known of the visit and the question behind a photo when it is weighed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from inspections.models import Visit
from inspections.photographs import circumstances
from media.models import Photo
from surveys.models import Questionnaire, Response, Version
from tests.inspections.cast import MONDAY, World

FORM = {
    "questions": [
        {"name": "place", "type": "image", "appearance": "new"},
        {"name": "album", "type": "image"},
        {"name": "issues", "type": "repeat", "children": [{"name": "proof", "type": "image", "appearance": "w1 new"}]},
    ]
}


@pytest.fixture
def answer(world: World) -> Response:
    questionnaire = Questionnaire.objects.create(code="visit", title="走访", created_at=MONDAY)
    Version.objects.create(
        id=uuid4(),
        questionnaire=questionnaire,
        number=3,
        form=FORM,
        hash="h",
        xform="",
        workbook=b"",
        created_at=MONDAY,
    )
    liaison = world.people["liaison"]
    place = {"lat": 31.9, "lon": 120.3, "crs": "wgs84"}
    visit = Visit.objects.create(
        id=uuid4(), enterprise=world.bakery, author=liaison, mode="on_site", started_at=MONDAY,
        ended_at=MONDAY + timedelta(hours=1), check_in=place, status="submitted", created_at=MONDAY,
    )  # fmt: skip
    return Response.objects.create(
        enterprise=world.bakery, visit=visit.id, questionnaire=questionnaire, version=3, author=liaison, status="submitted",
        started_at=MONDAY, received_at=MONDAY,
    )  # fmt: skip


def photo_of(**shows: Any) -> Photo:
    return Photo(id=uuid4(), **shows)


@pytest.mark.parametrize(
    ("question", "on_the_spot"), [("place", True), ("proof", True), ("album", False), ("gone", False)]
)
def test_a_question_may_ask_for_a_picture_taken_there_and_then(
    answer: Response, question: str, on_the_spot: bool
) -> None:
    photo = photo_of(response=answer.id, question=question)
    known = circumstances([photo])[photo.id]
    assert known.camera_only is on_the_spot
    assert (known.started_at, known.check_in) == (MONDAY, {"lat": 31.9, "lon": 120.3, "crs": "wgs84"})


def test_nothing_is_known_of_a_photo_without_a_visit(answer: Response) -> None:
    Response.objects.update(visit=None)
    album, place = photo_of(response=answer.id, question="album"), photo_of(response=answer.id, question="place")
    known = circumstances([album, place, photo_of(issue=uuid4())])
    assert set(known) == {place.id}
    assert known[place.id].camera_only and known[place.id].started_at is None
