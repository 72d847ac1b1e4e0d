"""Row 46: what was handed out while somebody had the right is worth nothing once they have it no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone

from media.storage import LINK_SECONDS
from organizations import assignments
from organizations.models import Assignment
from tests.api.ground import PICTURE, Ground
from tests.api.line import Line
from tests.world import PASSWORD

pytestmark = pytest.mark.django_db


def link(ground: Ground, username: str) -> str:
    told = ground.line(username).get(f"photos/{ground.ids['photo']}/original?link=1")
    assert told.status_code == 200 and told["Cache-Control"] == "no-store", told.content
    path = str(told.data["url"]).split("/api/v1/", 1)[1]
    opened = Line().get(path)  # whoever has the link needs no sign-in
    assert opened.status_code == 200 and b"".join(opened.streaming_content) == PICTURE
    return path


def ends_the_role(ground: Ground, username: str) -> None:
    keys = Assignment.objects.filter(person__username=username).values_list("pk", flat=True)
    assignments.end(list(keys), by=ground.world.caller(ground.world.office), at=timezone.now())


def office_ends(ground: Ground, how: str) -> None:
    line = ground.line("office")
    match how:
        case "logout":
            line.post("auth/logout")
        case "password":
            line.post("auth/password", {"old": PASSWORD, "new": "Better-Horse-10"})
        case "device":
            line.delete(f"devices/{line.answer['device']['id']}")
        case "role":
            ends_the_role(ground, "office")


def liaison_ends(ground: Ground, how: str) -> None:
    office, person = ground.line("office"), ground.ids["person"]
    match how:
        case "disable":
            assert office.patch(f"users/{person}", {"is_active": False}).status_code == 200
        case "erase":
            assert office.delete(f"users/{person}").status_code == 204
        case "reset":
            assert office.post(f"users/{person}/password", {"password": "Better-Horse-10"}).status_code == 204


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def test_row_46_a_link_to_a_photo_dies_with_session_device_role_and_person(ground):
    """The person's own photo is theirs for good, but a link to it is no more theirs than their session."""
    unknown = Line().get("photos/links/made-up").data
    for username, end, ways in (
        ("office", office_ends, ["logout", "password", "device", "role"]),
        ("liaison", liaison_ends, ["disable", "erase", "reset"]),
    ):
        path = link(ground, username)
        for how in ways:
            with undone():
                end(ground, how)
                dead = Line().get(path)
                assert dead.status_code == 404 and dead.data == unknown, (username, how)
        assert b"".join(Line().get(path).streaming_content) == PICTURE, "nothing else had killed it"


def test_row_46_and_55_a_link_lives_five_minutes_and_opens_nothing_else(ground):
    assert LINK_SECONDS <= 300
    path = link(ground, "office")
    head, _, seal = path.rpartition(":")
    for forged in (path[:-1] + ("A" if path[-1] != "A" else "B"), f"{head}:{seal}x", path.replace(":", "", 1), head):
        assert Line().get(forged).status_code == 404
    with time_machine.travel(timezone.now() + timedelta(seconds=LINK_SECONDS + 1)):
        assert Line().get(path).status_code == 404


EXPORTS = [
    "responses/export?questionnaire=visit&format=csv", "responses/export?questionnaire=visit&format=xlsx",
    "reports/supervision?period=2026-10&format=xlsx", "reports/supervision?period=2026-10&format=docx", "journal?format=csv",
    "reports/registers/issues?period=2026-10&format=csv",
]  # fmt: skip


def test_row_46_an_export_is_asked_for_anew_each_time_and_denied_without_the_right(ground):
    line, tags = ground.line("office"), {}
    for path in EXPORTS:
        answer = line.get(path)
        assert answer.status_code == 200
        b"".join(answer.streaming_content if answer.streaming else [answer.content])
        tags[path] = {"If-None-Match": answer["ETag"]} if "ETag" in answer else {}

    ends_the_role(ground, "office")
    assert {line.get(path, **tags[path]).status_code for path in EXPORTS} == {403}
    line.post("auth/logout")
    assert {line.get(path, **tags[path]).status_code for path in EXPORTS} == {401}


def test_row_46_a_snapshot_and_its_evidence_close_with_the_role(ground):
    line, key = ground.line("office"), ground.ids["snapshot"]
    assert line.get(f"reports/snapshots/{key}").status_code == 200
    ends_the_role(ground, "office")
    for path in (f"reports/snapshots/{key}", "reports/supervision/evidence?period=2026-10&indicator=workload"):
        assert line.get(path).status_code == 403


def test_row_46_the_anonymous_address_of_an_enterprise_dies_when_another_is_made(ground):
    old = f"public/questionnaires/{ground.ids['token']}"
    assert Line().get(old).status_code == 200
    made = ground.makes("questionnaires/worker_satisfaction/links", {"enterprise": ground.ids["enterprise"]})
    assert Line().get(old).status_code == 404
    assert Line().get(f"public/questionnaires/{made['token']}").status_code == 200


def test_row_46_nothing_more_of_a_place_comes_down_once_it_was_taken(ground):
    line, visit = ground.line("liaison"), ground.ids["visit"]
    page = line.get("sync/pull?limit=1000").data
    assert visit in {op.get("id") for op in page["ops"]}
    ends_the_role(ground, "liaison")

    after = line.get(f"sync/pull?limit=1000&cursor={page['cursor']}").data
    assert {"op": "drop_scope", "scope": f"enterprise:{ground.ids['enterprise']}"} in after["ops"]
    assert not [op for op in after["ops"] if op["op"] == "put" and op["scope"].startswith("enterprise:")]
    assert line.get(f"sync/pull?scope=enterprise:{ground.ids['enterprise']}").status_code == 403
    assert line.get(f"visits/{visit}").status_code in (403, 404)
