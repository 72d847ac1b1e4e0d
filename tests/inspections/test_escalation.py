from __future__ import annotations

from datetime import date

from inspections import calendar, escalation, reference, rules
from inspections.models import Issue, IssueAction, Supervision
from inspections.routing import Rule
from inspections.rulebook import CalendarYear, RoutingRule
from journal.models import Entry
from tests.inspections.cast import World, at


def swept(world: World) -> tuple[int, int]:
    found = escalation.sweep(at=world.now)
    return found.resumed, found.warned


def causes() -> list[str]:
    return list(Supervision.objects.order_by("at", "level", "cause").values_list("cause", flat=True))


def test_warnings_come_one_after_the_other_and_each_only_once(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    assert swept(world) == (0, 0)

    assert swept(world.on("2026-11-20T09:00")) == (0, 1)
    assert swept(world.later(hours=1)) == (0, 0)
    assert Issue.objects.get().colour == "blue"
    assert swept(world.on("2026-11-23T18:00")) == (0, 1)
    assert Issue.objects.get().colour == "yellow"
    assert swept(world.on("2026-12-01T09:00")) == (0, 1)
    assert Issue.objects.get().colour == "red"
    assert swept(world.on("2026-12-20T09:00")) == (0, 1)
    assert Issue.objects.get().level == 4
    assert causes() == ["due_soon", "overdue", "long_overdue", "far_overdue"]


def test_a_worker_that_was_stopped_for_weeks_catches_up_once(world: World) -> None:
    issue = world.reports()

    assert swept(world.on("2026-12-20T09:00")) == (0, 1)
    assert swept(world) == (0, 0)
    assert Entry.objects.filter(verb="issue.warned", record=issue.id).count() == 1
    assert sorted(causes()) == ["far_overdue", "late_acknowledgement", "long_overdue", "overdue"]


def test_nobody_is_warned_of_what_is_answered_paused_or_ended(world: World) -> None:
    world.replied()
    paused = world.reports()
    world.does("hrss", paused, "acknowledge")
    world.does("office", paused, "suspend", reason_code="seasonal_window", until="2026-12-20")

    assert swept(world.on("2026-12-10T09:00")) == (0, 0)


def test_a_pause_ends_by_itself_on_its_day_even_if_the_worker_comes_later(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    world.does("office", issue, "suspend", reason_code="seasonal_window", until="2026-11-18")

    assert swept(world.on("2026-11-20T09:00")) == (1, 0)
    resumed = Issue.objects.get()
    assert (resumed.state, resumed.paused_workdays, resumed.due) == ("in_progress", 2, at("2026-11-25T17:30"))
    assert IssueAction.objects.get(action="resume").party == "system"


def test_publishing_a_year_moves_what_is_due_in_it_and_says_what_moved(world: World) -> None:
    world.on("2026-12-25T10:00")
    issue = world.reports(category="collective_bargaining")
    other = world.reports()
    assert issue.provisional_due
    moved = calendar.put_year(
        2027, off={date(2027, 1, 1): "元旦", date(2027, 1, 4): "元旦"}, makeup={date(2027, 1, 9): "调休上班"}, official=True,
        by=world.caller("office"), at=world.now,
    )  # fmt: skip
    issue.refresh_from_db()

    assert [(one.issue, one.old, one.new) for one in moved] == [
        (other.id, at("2027-01-04T17:30"), at("2027-01-05T17:30"))
    ]
    assert not issue.provisional_due
    other.refresh_from_db()
    assert not other.provisional_due


def test_the_calendar_of_the_database_is_the_one_that_ships(world: World) -> None:
    assert calendar.current() == reference.calendar()
    assert CalendarYear.objects.filter(official=True).count() == 3


def test_a_rule_is_changed_by_a_new_version_and_the_old_one_stays(world: World) -> None:
    issue = world.reports(category="wage_arrears", workers_affected=12)
    line = RoutingRule.objects.get(priority=10).line
    row = rules.put(
        Rule(10, "wage_arrears", when="workers_affected >= 20", lead="HRSS", deadline_class="E"), line=line,
        by=world.caller("office"), at=world.now,
    )  # fmt: skip
    issue.refresh_from_db()

    assert (row.version, issue.routing_rule.version) == (2, 1)
    assert world.reports(category="wage_arrears", workers_affected=12).deadline_class_id == "S"


def test_changed_rules_show_what_would_have_gone_elsewhere(world: World) -> None:
    issue = world.reports(category="wage_arrears", workers_affected=12)
    world.reports(category="wage_arrears", workers_affected=2)
    changed = [rule for rule, _ in rules.current() if rule.priority != 10]
    found = rules.compare(changed, since=at("2026-10-01T00:00"), until=at("2027-01-01T00:00"), region_codes={})

    assert [(one.issue.id, one.then.deadline_class, one.now.deadline_class) for one in found] == [(issue.id, "E", "S")]
