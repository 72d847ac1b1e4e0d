"""The supervision list and the bulletin's named issues: as of the period's end, and whole or saying that they are not."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from inspections.models import Issue, Suspension
from reports import circulars
from reports.groups import WHOLE_CITY
from reports.periods import read
from tests.inspections.cast import World, at

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


def test_what_was_replied_to_since_and_what_is_still_open_stand_in_one_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world.on("2026-11-02T09:00").reports()
    world.on("2026-11-03T09:00").reports()
    third = world.on("2026-11-04T09:00").reports()
    before = pressed(world.on("2026-11-30T20:00"))
    for issue in (first, third):
        reply(world.on("2026-12-02T09:00"), issue)

    assert len(before) == 3
    assert pressed(world) == before
    monkeypatch.setattr(circulars, "MOST", 1)
    assert pressed(world) == before[:1]
    assert "共3件" in circulars.pressing(NOVEMBER, sight=WHOLE_CITY, at=world.now).notes[-1]


def test_what_was_replied_by_the_end_is_not_on_the_list(world: World) -> None:
    issue = world.on("2026-11-02T09:00").reports()
    reply(world.on("2026-11-28T09:00"), issue)

    assert pressed(world) == pressed(world.on("2026-12-20T09:00")) == []


@pytest.mark.parametrize(("since", "listed"), [("2026-12-02T09:00", 1), ("2026-11-29T09:00", 0)])
def test_a_pause_that_began_after_the_end_leaves_the_list_as_it_was(world: World, since: str, listed: int) -> None:
    issue = world.on("2026-11-02T09:00").reports()
    Issue.objects.filter(pk=issue.pk).update(state="suspended")
    Suspension.objects.create(
        issue=issue, reason_code="seasonal_window", until=date(2027, 2, 1), state="running", asked_at=world.now,
        since=at(since),
    )  # fmt: skip

    world.on("2026-12-10T09:00")

    assert len(pressed(world)) == listed
    assert pressed(world, DECEMBER, with_earlier=True) == []


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
