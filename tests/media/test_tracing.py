"""A request's name goes with the work it ordered, so that the worker's lines are found beside the request's own."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.chores import Duty, round_of
from config.models import Chore
from core.tracing import named, request_id
from media.models import Development
from tests.conftest import Logged
from tests.media.conftest import Cast, develop_all
from tests.media.scenes import photo_bytes
from tests.media.test_renditions import arrives


def test_what_the_worker_does_with_a_photo_bears_its_requests_name(store: Any, cast: Cast, logged: Logged) -> None:
    logging.getLogger("media.renditions").setLevel(logging.INFO)  # as LOG_REQUESTS does
    with named("phone-request-1"):
        arrives(cast, photo_bytes(1))
    assert set(Development.objects.values_list("request", flat=True)) == {"phone-request-1"}

    develop_all()

    mine = [line for line in logged() if line["logger"] == "media.renditions"]
    assert {line["request"] for line in mine} == {"phone-request-1"}
    assert {line["message"] for line in mine} == {"prints of a photo done", "evidence of a photo done"}
    assert request_id.get() == ""


@pytest.mark.django_db
def test_the_lines_of_one_run_of_a_chore_share_a_name(logged: Logged) -> None:
    def fail(_: object) -> int:
        logging.getLogger("chore").info("begun")
        raise ValueError("no")

    Chore.objects.create(name="broken", due_at=timezone.now())
    round_of([Duty("broken", timedelta(hours=1), fail)], now=timezone.now)
    names = [line["request"] for line in logged()]
    assert len(names) == 2
    assert len(set(names)) == 1
    assert names[0].startswith("broken-")
