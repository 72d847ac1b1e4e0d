"""The ledgers of guidance stations: what they did besides taking in problems, and the sheet of all stations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from tests import scenery
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

WHERE = "reports/ledger"
HUASHI, ZHOUZHUANG = "320281105", "320281106"


@pytest.fixture
def busy(db: None) -> Iterator[World]:
    world = scenery.stage(november)
    with time_machine.travel(world.now, tick=True):
        yield world


def november() -> World:
    """Two issues of which one came to a station; everybody has a way in."""
    world = cast.settle()
    world.on("2026-11-03T09:00").reports("station")
    world.reports()
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world.on("2026-11-20T09:00")


def entry(**more: Any) -> dict[str, Any]:
    told = {
        "region": HUASHI,
        "kind": "policy_release",
        "day": "2026-11-05",
        "subject": "技能补贴政策宣讲",
        "people": 40,
    }
    return told | more


def sheet(world: World, name: str) -> list[dict[str, Any]]:
    told = Line(world.people[name]).get("reports/registers/stations?period=2026-11")
    rows: list[dict[str, Any]] = told.data["tables"][0]["rows"]
    return rows


def test_a_station_keeps_its_ledger_and_the_office_reads_the_sheet(busy: World) -> None:
    station = Line(busy.people["station"])
    first = station.post(WHERE, entry(), Idempotency_Key="one")
    station.post(WHERE, entry(), Idempotency_Key="one")
    station.post(WHERE, entry(kind="consultation", subject="工伤认定咨询", people=2))
    mistaken = station.post(WHERE, entry(people=1000))

    assert first.status_code == 201, first.content
    assert station.delete(f"{WHERE}/{mistaken.data['id']}").status_code == 204
    (row,) = sheet(busy, "office")
    assert (row["releases"], row["reached"], row["talks"], row["advised"]) == (1, 40, 1, 2)
    assert (row["problems"], row["instant"], row["open"]) == (1, 0, 1)
    lines = Line(busy.people["office"]).get("reports/registers/stations?period=2026-11").data["tables"][1]["rows"]
    assert [line["subject"] for line in lines] == ["技能补贴政策宣讲", "工伤认定咨询"]


def test_a_station_writes_for_its_own_town_only(busy: World) -> None:
    station, town = Line(busy.people["station"]), Line(busy.people["town"])

    assert station.post(WHERE, entry(region=ZHOUZHUANG)).status_code == 403
    assert town.post(WHERE, entry()).status_code == 403
    for name in ("liaison", "hrss", "auditor"):
        assert Line(busy.people[name]).post(WHERE, entry()).status_code == 403
        assert Line(busy.people[name]).get(WHERE).status_code == 403
    line = station.post(WHERE, entry()).data["id"]
    assert [one["id"] for one in town.get(f"{WHERE}?period=2026-11").data["results"]] == [line]
    assert Line(busy.people["town2"]).get(WHERE).data["results"] == []
    assert town.delete(f"{WHERE}/{line}").status_code == 403
    assert sheet(busy, "town2") == []


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"kind": "party"}, "/kind"),
        ({"day": "2026-12-01"}, "/day"),
        ({"subject": "  "}, "/subject"),
        ({"people": -1}, "/people"),
        ({"region": "999"}, "/region"),
    ],
)
def test_a_bad_line_is_told_where(busy: World, more: dict[str, Any], pointer: str) -> None:
    told = Line(busy.people["station"]).post(WHERE, entry(**more))

    assert (told.status_code, [fault["pointer"] for fault in told.data["errors"]]) == (422, [pointer])
