"""The month's drafts come by themselves, once, on a working day."""

from __future__ import annotations

from reports import schedule, schemes
from reports.models import Snapshot
from tests.inspections.cast import World


def kinds() -> list[tuple[str, str, str]]:
    return sorted(Snapshot.objects.values_list("kind", "group_by", "period"))


def test_drafts_wait_for_the_first_working_day_and_come_once(world: World) -> None:
    world.on("2026-10-09T09:00").replied()
    schemes.load_defaults(by=world.caller("office"), at=world.now)

    assert schedule.draft_due(at=world.on("2026-11-01T09:00").now) == 0
    assert schedule.draft_due(at=world.on("2026-11-02T09:00").now) == 4
    assert schedule.draft_due(at=world.now) == 0
    assert kinds() == [
        ("assessment", "department", "2026-10"),
        ("assessment", "region", "2026-10"),
        ("supervision", "department", "2026-10"),
        ("supervision", "region", "2026-10"),
    ]


def test_what_is_long_past_is_left_to_the_office_and_nothing_is_made_of_nothing(world: World) -> None:
    assert schedule.draft_due(at=world.on("2026-11-20T09:00").now) == 0
    assert schedule.draft_due(at=world.on("2026-11-03T09:00").now) == 0
    assert kinds() == []
