"""One issue on its way, seen through the reports: what departments and the office argue about."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from organizations import assignments
from organizations.models import Assignment
from reports import evidence, registers, supervision
from reports.figures import Figure, Row
from reports.groups import WHOLE_CITY
from reports.periods import read
from tests.inspections.cast import World, at


def figures(world: World, period: str = "2026-11", *, when: datetime | None = None, **more: Any) -> dict[str, Figure]:
    report = supervision.report(read(period), "department", sight=WHOLE_CITY, at=when or world.now, **more)
    row = report.row("HRSS")
    assert row is not None
    return dict(row.figures)


def told(figure: Figure) -> tuple[int, int | None]:
    return figure.numerator, figure.denominator


def test_a_reply_in_time_counts_once_it_has_fallen_due(world: World) -> None:
    issue = world.on("2026-11-02T09:00").replied()

    early = figures(world)
    later = figures(world.on("2026-11-20T09:00"))

    assert told(early["on_time_rate"]) == (0, 0)
    assert told(later["on_time_rate"]) == (1, 1)
    assert told(later["overdue_rate"]) == (0, 1)
    assert told(later["ack_timeliness"]) == (1, 1)
    assert told(later["workload"]) == (1, None)
    assert issue.replied_at is not None


def test_a_refused_reply_is_no_reply(world: World) -> None:
    issue = world.on("2026-11-02T09:00").replied()
    world.does("office", issue, "reject_reply", reason="答非所问")

    later = figures(world.on("2026-11-20T09:00"))

    assert told(later["on_time_rate"]) == (0, 1)
    assert told(later["overdue_rate"]) == (1, 1)
    assert told(later["yellow_cards"])[0] == 1


def test_closing_brings_satisfaction_and_solved(world: World) -> None:
    issue = world.on("2026-11-02T09:00").replied()
    world.does("office", issue, "accept_reply")
    world.does("office", issue, "close", satisfaction="fairly_satisfied", solved=True, method="phone")

    later = figures(world.on("2026-11-20T09:00"))

    for key in ("closure_rate", "satisfaction_rate", "solved_rate", "once_done_rate"):
        assert told(later[key]) == (1, 1), key
    assert told(later["handling_days"]) == (0, 1)


def test_nobody_rated_is_nobody_dissatisfied(world: World) -> None:
    issue = world.on("2026-11-02T09:00").replied()
    world.does("office", issue, "accept_reply")
    for _ in range(3):
        world.does("liaison", issue, "follow_up", solved=None, method="phone")
    world.does("office", issue, "close", satisfaction="not_rated", solved=None, method="phone")

    later = figures(world.on("2026-11-20T09:00"))

    assert told(later["satisfaction_rate"]) == (0, 0)
    assert later["satisfaction_rate"].value is None
    assert told(later["solved_rate"]) == (0, 0)
    assert told(later["closure_rate"]) == (1, 1)


def test_an_open_issue_is_carried_into_the_next_month(world: World) -> None:
    world.on("2026-11-02T09:00").reports()

    november = figures(world.on("2026-12-10T09:00"), "2026-11")
    december = figures(world, "2026-12")

    assert november["workload"].parts == {"new": 1, "carried": 0}
    assert december["workload"].parts == {"new": 0, "carried": 1}
    assert told(november["overdue_rate"]) == (1, 1)
    assert told(december["overdue_rate"]) == (0, 0)


def test_an_instant_answer_stands_apart(world: World) -> None:
    issue = world.on("2026-11-02T09:00").reports("station", category="other")
    if issue.state == "submitted":
        world.does("station", issue, "answer_now", "已当场解释政策")
        report = supervision.report(read("2026-11"), "region", sight=WHOLE_CITY, at=at("2026-11-30T09:00"))

        assert report.total["instant_answers"].numerator == 1
        assert told(report.total["closure_rate"]) == (0, 0)
        assert report.total["workload"].numerator == 0


def test_the_number_leads_to_the_issue_and_to_no_other(world: World) -> None:
    world.on("2026-11-02T09:00")
    late, done = world.reports(), world.replied()
    world.on("2026-11-20T09:00")

    def behind(key: str, side: str) -> set[Any]:
        page = evidence.page(read("2026-11"), "department", key, side, group="HRSS", sight=WHOLE_CITY, at=world.now)
        assert page.kind == "issue"
        return set(page.ids)

    assert behind("overdue_rate", "numerator") == {late.id}
    assert behind("on_time_rate", "numerator") == {done.id}
    assert behind("on_time_rate", "denominator") == {late.id, done.id}


def test_a_comparison_looks_at_the_month_before_and_last_year(world: World) -> None:
    world.on("2026-10-09T09:00").replied()
    world.on("2026-11-02T09:00").replied()
    report = supervision.report(
        read("2026-11"), "department", sight=WHOLE_CITY, at=at("2026-11-28T09:00"), compare=supervision.COMPARED
    )

    assert {name: other.period.code for name, other in report.compared.items()} == {
        "previous": "2026-10",
        "year_earlier": "2025-11",
    }
    assert told(report.compared["previous"].total["on_time_rate"]) == (1, 1)
    assert told(report.compared["year_earlier"].total["on_time_rate"]) == (0, 0)


def test_returns_are_shown_apart_by_what_became_of_them(world: World) -> None:
    kept, given_back = world.on("2026-11-02T09:00").reports(), world.reports()
    for issue in (kept, given_back):
        world.does("hrss", issue, "request_return", ground="非本部门职责", suggested_department="EDU")
    world.does("office", kept, "refuse_return")
    world.does("office", given_back, "approve_return")

    row = figures(world.on("2026-11-20T09:00"))["return_rate"]

    assert told(row) == (2, 2)
    assert row.parts == {"approved": 1, "refused": 1, "adjudicated": 0}


def test_nobody_is_warned_who_did_as_well_as_the_honoured() -> None:
    def row(code: str) -> tuple[int, Row]:
        return (1 if code < "4" else 4), Row(code, code, {})

    honour, warning = registers._split([row(code) for code in "1234"])
    assert ([one.code for _, one in honour], [one.code for _, one in warning]) == (["1", "2"], ["4"])
    assert registers._split([row(code) for code in "123"])[1] == []
    assert registers._split([]) == ([], [])


def test_a_visit_is_owed_once_its_month_has_come_to_its_last_day(world: World) -> None:
    def owed(when: str) -> int | None:
        report = supervision.report(read("2026-Q4"), "field_member", sight=WHOLE_CITY, at=at(when))
        return report.total["visit_completion"].denominator

    liaisons, instructors = 2, 1

    assert owed("2026-10-30T23:00") == 0
    assert owed("2026-11-23T09:00") == liaisons
    assert owed("2026-12-31T09:00") == 3 * liaisons + instructors + 1


def test_whoever_was_relieved_owes_no_visit_afterwards_and_stays_on_the_list_of_then(world: World) -> None:
    member = Assignment.objects.get(person=world.people["liaison"])
    assignments.end([member.id], by=world.caller("office"), at=at("2026-11-10T10:00"))
    asked = registers.Asked(read("2026-11"), at("2026-12-31T09:00"), WHOLE_CITY, "zh-Hans")

    (record,), (duties,) = registers.members(asked), registers.duties(asked)
    owed = record.position("visit_completion.owed")
    told = {row[0]: row for row in record.rows}
    listed = {row[1]: row[-1] for row in duties.rows}

    assert told["liaison"][:2] == ("liaison", "联络员")
    assert told["liaison"][owed] == 0
    assert listed["liaison"] == date(2026, 11, 10)
