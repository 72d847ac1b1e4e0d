"""What a push and a pull cost does not grow with what they carry: the same number of queries for few and for many."""

from __future__ import annotations

from random import Random
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from client.line import Line
from core.ids import uuid7
from surveys import samples
from tests.world import World


def bundles(world: World, count: int) -> list[dict[str, Any]]:
    """Visits, each with its answered questionnaire and an issue, parents first."""
    at = timezone.now().isoformat()
    answers = samples.sample("visit", Random(7), timezone.localdate())

    def put(collection: str, record: str, data: dict[str, Any]) -> dict[str, Any]:
        common = {"id": str(uuid7()), "op": "put", "base": None, "at": at}
        return common | {
            "collection": collection,
            "record": record,
            "data": {"enterprise": str(world.bakery.id)} | data,
        }

    visits = [str(uuid7()) for _ in range(count)]
    issue = {"category": "wage_arrears", "description": "拖欠工资两个月"}
    form = {"questionnaire": "visit", "version": 1, "started_at": at, "ended_at": at, "status": "submitted"}
    return [
        *(put("visits", visit, {"mode": "on_site", "started_at": at, "status": "draft"}) for visit in visits),
        *(put("responses", str(uuid7()), form | {"visit": visit, "answers": answers}) for visit in visits),
        *(put("issues", str(uuid7()), issue | {"visit": visit}) for visit in visits),
    ]


def pushed(line: Line, mutations: list[dict[str, Any]]) -> tuple[int, int]:
    """The queries of a push, and how many mutations it answered."""
    with CaptureQueriesContext(connection) as asked:
        answer = line.post("sync/push", {"schema": 1, "epoch": None, "mutations": mutations})
    return len(asked), len(answer["results"])


def pulled(line: Line, **query: Any) -> tuple[int, int]:
    """The queries of a page, and how many operations it has."""
    with CaptureQueriesContext(connection) as asked:
        answer = line.get("sync/pull", **query)
    return len(asked), len(answer["ops"])


def test_a_push_asks_as_much_for_sixty_bundles_as_for_two(world: World) -> None:
    world.publishes("visit")
    line = world.phone(of=world.liaison).line
    pushed(line, bundles(world, 1))
    few, many = pushed(line, bundles(world, 2)), pushed(line, bundles(world, 60))
    assert (few[1], many[1]) == (6, 180)
    assert few[0] == many[0]


def test_a_page_of_a_pull_asks_as_much_for_many_scopes_and_rows_as_for_few(world: World) -> None:
    world.publishes("visit")
    line = world.phone(of=world.liaison).line
    pushed(line, bundles(world, 2))
    few = pulled(line, limit=1000)
    for number in range(40):
        world.enterprise(f"周庄第{number}厂", world.zhouzhuang)
    pushed(line, bundles(world, 60))
    many = pulled(line, limit=1000)
    assert many[1] > few[1] + 200
    assert many[0] == few[0]


def test_a_poll_that_finds_nothing_asks_once(world: World) -> None:
    line = world.phone(of=world.liaison).line
    cursor = line.get("sync/pull", limit=1000)["cursor"]
    pulled(line, cursor=cursor)
    assert pulled(line, cursor=cursor) == (1, 0)
