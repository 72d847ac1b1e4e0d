"""Two people of the office at once, on real connections: both get what they asked for, and no number is given twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from api.races import rerun
from core.problems import Problem
from inspections import copies
from journal.models import Entry
from reports import numbers, schemes, snapshots
from reports.models import BulletinNumber, Scheme, Snapshot
from reports.periods import read
from surveys.models import Attendance
from tests.inspections import cast
from tests.inspections.cast import World
from tests.inspections.test_two_at_once import together
from tests.reports.test_attendance import edit, form, publish, send_back, visit

pytestmark = pytest.mark.django_db(transaction=True)
PERIODS = [read(f"2026-{month:02}") for month in range(1, 7)]
ITEMS = [
    {
        "code": "on-time", "title": {"zh": "按期办结", "en": "On time"}, "indicator": "on_time_rate", "full_mark": "100",
        "weight": "1", "method": {"kind": "linear_threshold", "target": "98", "per_point": "1"}, "no_data": "renormalise",
    }
]  # fmt: skip


@pytest.fixture
def office(transactional_db: None) -> World:
    return cast.settle().on("2026-12-05T09:00")


def test_bulletins_numbered_in_the_same_instant_get_numbers_one_after_the_other(office: World) -> None:
    by = office.caller("office")
    given = together(*(lambda period=period: numbers.give(period, by=by, at=office.now) for period in PERIODS))

    assert sorted(row.number for row in given) == [1, 2, 3, 4, 5, 6]
    assert Entry.objects.filter(verb="bulletin.numbered").count() == 6


def test_two_who_number_the_same_bulletin_get_the_same_number(office: World) -> None:
    by = office.caller("office")
    given = together(*[lambda: numbers.give(PERIODS[0], by=by, at=office.now)] * 4)

    assert {row.number for row in given} == {1}
    assert BulletinNumber.objects.count() == 1
    assert Entry.objects.filter(verb="bulletin.numbered").count() == 1


def test_versions_of_a_scheme_drafted_at_once_are_counted_on(office: World) -> None:
    by, document = office.caller("office"), {"code": "ours", "title": {"zh": "甲", "en": "A"}, "group_by": "department"}
    together(*[lambda: schemes.draft(document | {"items": ITEMS}, by=by, at=office.now)] * 4)

    assert sorted(Scheme.objects.values_list("version", flat=True)) == [1, 2, 3, 4]


def test_drafts_of_a_report_taken_at_once_are_counted_on(office: World) -> None:
    by = office.caller("office")
    together(*[lambda: snapshots.take(PERIODS[5], "department", by=by, at=office.now)] * 4)

    assert sorted(Snapshot.objects.values_list("version", flat=True)) == [1, 2, 3, 4]


def test_two_who_freeze_a_report_at_once_freeze_it_once(office: World) -> None:
    by = office.caller("office")
    drafted = snapshots.take(PERIODS[5], "department", by=by, at=office.now)

    def freeze() -> str:
        try:
            return str(snapshots.freeze(drafted, early="…", by=by, at=office.now).state)
        except Problem as problem:
            return problem.kind

    assert sorted(together(*[freeze] * 3)) == ["frozen", "frozen", "frozen"]
    assert Entry.objects.filter(verb="report.frozen").count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_who_was_at_a_visit_holds_whoever_is_first(office: World, turn: int) -> None:
    publish(office)
    went, draft = visit(office), visit(office, status="draft")
    first = form(office, went)

    def attempt(deed: Callable[[], object]) -> Callable[[], None]:
        def tried() -> None:
            try:
                rerun(deed)()
            except (Problem, AssertionError):  # refused: it came second
                return

        return tried

    deeds: list[Callable[[], object]] = [
        lambda: send_back(office, visit=went),
        lambda: send_back(office, form=first),
        lambda: form(office, went, "colleague"),
        lambda: edit(office, "liaison", draft, status="submitted"),
        lambda: form(office, draft, "colleague"),
    ]
    together(*(attempt(deed) for deed in deeds[turn:] + deeds[:turn]))

    assert list(copies.check()) == []
    assert set(Attendance.objects.values_list("visit", flat=True)) == {draft}
