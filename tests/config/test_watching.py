"""What operators see: metrics, and logs that name requests and nobody."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from config.logs import JSONLines
from config.models import Chore
from organizations.alarms import pseudonym
from sync.models import Quarantined
from tests import scenery
from tests.api.line import Line
from tests.organizations.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the server would have logged."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    root = logging.getLogger()
    root.addHandler(handler)
    told = (root, logging.getLogger("security"))
    before = [each.level for each in told]
    for each in told:
        each.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    for each, level in zip(told, before, strict=True):
        each.setLevel(level)


@pytest.fixture
def cast(settings: Any) -> Cast:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow on purpose
    return scenery.stage(Cast)


def figures(client: Client, **headers: str) -> dict[str, float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    rows = [line.rsplit(" ", 1) for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in rows}


def test_metrics_tell_what_waits(client: Client) -> None:
    before = figures(client)
    Quarantined.objects.create(person="0197f0c2-0000-7000-8000-000000000001", device="0197f0c2-0000-7000-8000-000000000002",
                               payload="{}", problem={}, received_at=timezone.now())  # fmt: skip
    Chore.objects.create(name="broken", due_at=timezone.now(), failure="ValueError: no")

    after = figures(client)

    assert after["sanyuantong_quarantine_waiting"] == before["sanyuantong_quarantine_waiting"] + 1
    assert after['sanyuantong_chore_failed{chore="broken"}'] == 1


def test_requests_are_counted_by_route_and_status_with_their_durations(client: Client) -> None:
    row = 'method="GET",route="api/v1/users/<uuid:key>",status="401"}'
    name = "sanyuantong_http_request_seconds"
    before = figures(client).get(f"{name}_count{{{row}", 0)
    for end in (1, 2):
        client.get(f"/api/v1/users/0197f0c2-aaaa-7000-8000-00000000000{end}")
    after = figures(client)
    assert after[f"{name}_count{{{row}"] == before + 2
    assert after[f"{name}_sum{{{row}"] > 0


def test_metrics_are_for_those_who_know_the_token(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = "let-me-see"
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
    assert "sanyuantong_feed_position" in figures(client, Authorization="Bearer let-me-see")


def test_production_without_a_token_tells_nobody(client: Client, settings: Any) -> None:
    settings.PRODUCTION = True
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def security(lines: io.StringIO) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in told if line["logger"] == "security"]


def test_every_sign_in_leaves_a_line_with_its_door_its_factors_and_nobodys_name(lines: io.StringIO, cast: Cast) -> None:
    line = Line()
    line.sign_in("liaison")
    line.sign_in("liaison", "Wrong-Horse-99")
    line.sign_in("nobody-here", "Wrong-Horse-99")
    line.post("auth/enroll", {"code": "GUESS", "device": {"id": str(line.hardware)}})
    Client().post("/console/login/", {"username": "office", "password": PASSWORD})
    for _ in range(6):
        line.sign_in("town", "Wrong-Horse-99")

    told = security(lines)
    liaison = pseudonym(cast.liaison.id)
    assert [(each["event"], each.get("why"), each.get("door")) for each in told[:5]] == [
        ("sign-in.accepted", None, "phone"),
        ("sign-in.refused", "password", "phone"),
        ("sign-in.refused", "password", "phone"),
        ("enrollment.refused", "unknown", None),
        ("sign-in.accepted", None, "console"),
    ]
    assert [each["who"] == liaison for each in told[:3]] == [True, True, False]
    assert told[0]["factors"] == ["password"]
    assert [each["event"] for each in told[5:]] == ["sign-in.refused"] * 5 + ["sign-in.locked"]
    for word in ("liaison", "nobody-here", "Horse", str(cast.liaison.id)):
        assert word not in "".join(map(json.dumps, told))


def test_whoever_was_refused_stands_in_the_log_by_pseudonym_with_the_reason(
    settings: Any, lines: io.StringIO, cast: Cast
) -> None:
    settings.LOG_REQUESTS = True
    line = Line(cast.liaison)
    line.get("webhooks")
    line.get(f"users/{cast.outsider.id}")
    line.access = "forged"
    line.get("me")
    told = [json.loads(each) for each in lines.getvalue().splitlines()]
    mine = [each for each in told if each["logger"] == "requests"][1:]
    who = pseudonym(cast.liaison.id)
    assert [(each["status"], each["problem"], each.get("who")) for each in mine] == [
        (403, "forbidden", who), (404, "not-found", who), (401, "session-ended", None),
    ]  # fmt: skip
    assert str(cast.liaison.id) not in lines.getvalue()


def test_whoever_looks_into_a_case_learns_the_pseudonym(cast: Cast) -> None:
    out = io.StringIO()
    call_command("log_name", "Liaison", stdout=out)
    assert f"name {pseudonym('liaison')}" in out.getvalue()
    out = io.StringIO()
    call_command("log_name", "liaison", stdout=out)
    assert f"person {pseudonym(cast.liaison.id)}" in out.getvalue()


def test_a_request_keeps_the_name_that_the_proxy_gave_it(client: Client) -> None:
    assert (
        client.get("/healthz", headers={"X-Request-ID": "from-the-proxy-1"}).headers["X-Request-ID"]
        == "from-the-proxy-1"
    )


@pytest.mark.parametrize("bad", ["short", "has spaces in it", "x" * 65, "line\x1bbreak-0001"])
def test_a_name_that_could_spoil_the_log_is_replaced(client: Client, bad: str) -> None:
    given = client.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", given)


def test_the_log_holds_the_route_and_nobody(settings: Any, lines: io.StringIO) -> None:
    settings.LOG_REQUESTS = True
    person = "0197f0c2-aaaa-7000-8000-000000000003"
    Client().get(f"/api/v1/users/{person}?q=13800000000", headers={"X-Request-ID": "request-0001"})

    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    mine = [line for line in told if line["logger"] == "requests"]

    assert [(line["request"], line["method"], line["status"]) for line in mine] == [("request-0001", "GET", 401)]
    assert "users" in mine[0]["route"]
    assert person not in lines.getvalue()
    assert "13800000000" not in lines.getvalue()
