"""Row 39 over HTTP, on real connections: two at once, the same twice, a transfer while somebody replies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from inspections.models import Issue
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD


@pytest.fixture
def world(transactional_db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def at_once(*works: Callable[[], Any]) -> list[Any]:
    gate = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        try:
            gate.wait(timeout=10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, work) for work in works]]


def acting(
    desk: Line, issue: Issue, action: str, headers: dict[str, str] | None = None, **body: Any
) -> Callable[[], Any]:
    return lambda: desk.post(f"issues/{issue.id}/actions", {"action": action, **body}, **(headers or {}))


def actions_of(world: World, issue: Issue) -> list[str]:
    told = Line(world.people["office"]).get(f"issues/{issue.id}/history").data["results"]
    return [event["action"] for event in told]


def test_row_39_two_transitions_at_once(world: World) -> None:
    issue = world.reports()
    desks = [Line(world.people[name]) for name in ("hrss", "hrss2", "hrss")]
    answers = at_once(*(acting(desk, issue, "acknowledge") for desk in desks))

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 2}
    assert {answer.data["state"] for answer in answers} == {"in_progress"}
    assert actions_of(world, issue).count("acknowledge") == 1


def test_row_39_a_double_acknowledge_under_one_key_is_answered_twice_and_done_once(world: World) -> None:
    issue, hrss = world.reports(), Line(world.people["hrss"])
    keyed = {"Idempotency-Key": "tap-1"}
    answers = at_once(*(acting(hrss, issue, "acknowledge", keyed) for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    assert actions_of(world, issue).count("acknowledge") == 1


def test_row_39_a_transfer_while_the_department_replies(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "可开设定向班")
    hrss, office = Line(world.people["hrss"]), Line(world.people["office"])
    replied, transferred = at_once(
        acting(hrss, issue, "reply", text="已办", data={"outcome": "solved"}),
        acting(office, issue, "transfer", data={"lead": "EMB", "reason": "职责调整"}),
    )

    assert sorted((replied.status_code, transferred.status_code)) == [200, 409]
    lost = replied if replied.status_code == 409 else transferred
    assert lost.data["state"] == Issue.objects.get().state
    later = {"replied": "accept_reply", "dispatched": "urge"}[lost.data["state"]]
    assert acting(office, issue, later)().status_code == 200
    told = actions_of(world, issue)
    assert len({"reply", "transfer"} & set(told)) == 1
    assert told[-1] == later
