"""The supervision list and the bulletin's named issues: as of the period's end, and whole or saying that they are not."""

from __future__ import annotations

from typing import Any

import pytest

from inspections.models import Issue
from reports import circulars
from reports.groups import WHOLE_CITY
from reports.periods import read
from tests.inspections.cast import World

NOVEMBER, DECEMBER = read("2026-11"), read("2026-12")


def pressed(world: World, period: Any = NOVEMBER, **more: Any) -> list[tuple[str, int]]:
    """Number and working days late of what the list holds."""
    table = circulars.pressing(period, sight=WHOLE_CITY, at=world.now, **more)
    names = [column.key for column in table.columns]
    return [(str(row[names.index("number")]), int(str(row[names.index("late")]))) for row in table.rows]


def reply(world: World, issue: Issue) -> None:
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "可开设定向班")
    world.does("hrss", issue, "reply", "已对接技校", outcome="solved")


def test_a_past_month_goes_on_saying_what_was_open_and_how_late_it_was(world: World) -> None:
    issue = world.on("2026-11-02T09:00").reports()
    on_its_last_day = pressed(world.on("2026-11-30T23:00"))
    named = circulars.named(NOVEMBER, at=world.now)

    reply(world.on("2026-12-10T09:00"), issue)

    assert len(on_its_last_day) == len(named) == 1
    assert pressed(world) == pressed(world.on("2027-01-20T09:00")) == on_its_last_day
    assert pressed(world, with_earlier=True) == on_its_last_day
    assert circulars.named(NOVEMBER, at=world.now) == named
    assert pressed(world, DECEMBER, with_earlier=True) == []


def test_what_was_replied_by_the_end_is_not_on_the_list(world: World) -> None:
    issue = world.on("2026-11-02T09:00").reports()
    reply(world.on("2026-11-28T09:00"), issue)

    assert pressed(world) == pressed(world.on("2026-12-20T09:00")) == []


def test_a_running_month_is_as_of_now(world: World) -> None:
    issue = world.on("2026-11-02T09:00").reports()
    ((_, early),) = pressed(world.on("2026-11-25T09:00"))
    ((_, later),) = pressed(world.on("2026-11-26T09:00"))
    reply(world, issue)

    assert later == early + 1
    assert pressed(world) == []


def test_a_list_that_is_cut_says_so_in_both_languages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.on("2026-11-02T09:00")
    for _ in range(3):
        world.reports()
    world.on("2026-12-01T09:00")
    whole = circulars.pressing(NOVEMBER, sight=WHOLE_CITY, at=world.now)
    monkeypatch.setattr(circulars, "MOST", 2)
    cut = circulars.pressing(NOVEMBER, sight=WHOLE_CITY, at=world.now)

    assert (len(list(whole.rows)), len(list(cut.rows))) == (3, 2)
    assert not any("只列" in note for note in whole.notes)
    assert (str(cut.notes[-1]), cut.notes[-1].en) == (
        "共3件，本清单只列到期最早的2件。",
        "There are 3; only the 2 that fell due first are listed.",
    )
