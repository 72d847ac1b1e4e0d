"""A report taken while others write is one picture: its parts come from the same moment."""

from __future__ import annotations

from io import BytesIO
from threading import Event, Thread

import openpyxl
import pytest
from django.db import connection, transaction

from core.actors import SYSTEM
from inspections.models import Issue
from journal.reading import aside, snapshot
from reports import deliverables, snapshots, supervision
from reports.groups import WHOLE_CITY
from reports.periods import SHANGHAI, Period, read
from tests.reports import worlds

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
PERIOD = read("2026-06")


class Writer(Thread):
    """Adds issues, each with its segment in one transaction, until told to stop."""

    def __init__(self, world: worlds.World) -> None:
        super().__init__()
        self.world, self.enough, self.written = world, Event(), 0

    def run(self) -> None:
        at = PERIOD.start.replace(hour=12).astimezone(SHANGHAI)
        try:
            while not self.enough.is_set():
                with transaction.atomic():
                    self.world.issue_with_segment(at)
                self.written += 1
        finally:
            connection.close()


def test_row_40_a_report_taken_during_writes_is_of_one_moment() -> None:
    worlds.settle()
    writer = Writer(empty(PERIOD))
    writer.start()
    try:
        totals = [supervision.report(PERIOD, "region", sight=WHOLE_CITY, at=worlds.NOW).total for _ in range(25)]
        pictures = [snapshots.picture(PERIOD, "region", at=worlds.NOW) for _ in range(2)]
    finally:
        writer.enough.set()
        writer.join()

    assert writer.written > 10
    assert len({total["ack_timeliness"].denominator for total in totals}) > 1
    for total in totals:
        assert total["ack_timeliness"].denominator == total["response_rate"].denominator
    for picture in pictures:
        told = picture.document["report"]["total"]["response_rate"]["denominator"]
        digest = picture.document["evidence"][snapshots.TOTAL]["response_rate"]["denominator"]
        assert len(picture.lists[digest]) == 16 * told


def test_row_40_what_a_second_connection_counts_beside_is_of_the_same_moment() -> None:
    """Of a long period visits are counted by another connection while issues are: neither knows of what came in between."""
    worlds.settle()
    quarter = read("2026-Q2")
    writer = Writer(worlds.World(5, quarter, issues=0, visits=0))
    moments = []
    with snapshot():
        before = Issue.objects.count()
        writer.start()
        try:
            while writer.written < 5:
                with aside(Issue.objects.count) as beside:
                    moments.append((beside(), Issue.objects.count()))
        finally:
            writer.enough.set()
            writer.join()

    assert set(moments) == {(before, before)}
    assert Issue.objects.count() == before + writer.written


def test_row_40_a_quarter_and_its_months_say_the_same_however_many_connections_count() -> None:
    worlds.settle()
    worlds.World(6, read("2026-Q2"))
    quarter = [supervision.report(read("2026-Q2"), "region", sight=WHOLE_CITY, at=worlds.NOW) for _ in range(2)]
    with transaction.atomic():
        alone = supervision.report(read("2026-Q2"), "region", sight=WHOLE_CITY, at=worlds.NOW)

    assert alone.total["visits_per_member"].numerator
    assert [one.document() for one in quarter] == [alone.document()] * 2


def test_row_40_a_fault_beside_reaches_whoever_waits_for_it() -> None:
    def fail() -> int:
        raise ValueError("no such thing")

    with snapshot(), aside(fail) as beside, pytest.raises(ValueError, match="no such thing"):
        beside()


def test_row_40_all_sheets_of_a_workbook_are_of_one_moment() -> None:
    """The figures and the list of issues to be pressed in one file: as many rows as the number says."""
    worlds.settle()
    writer = Writer(empty(PERIOD))
    wanted = deliverables.Wanted("supervision", PERIOD, "xlsx", group_by="region")
    writer.start()
    try:
        files = [deliverables.deliver(wanted, by=SYSTEM, at=worlds.NOW, language="en") for _ in range(4)]
    finally:
        writer.enough.set()
        writer.join()

    for file in files:
        with file.content:
            book = openpyxl.load_workbook(BytesIO(file.content.read()))
        total, due = book["1.Supervision"], book[book.sheetnames[-1]]
        heads = [cell.value for cell in total[3]]
        late = next(row for row in total.iter_rows(values_only=True) if row[1] == "Total")[heads.index("Overdue")]
        listed = [row for row in due.iter_rows(min_row=5, values_only=True) if row[3]]
        assert len(listed) == late
    assert writer.written > 4


def empty(period: Period) -> worlds.World:
    return worlds.World(5, period, issues=0, visits=0)
