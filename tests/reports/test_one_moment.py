"""A report taken while others write is one picture: its parts come from the same moment."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from django.db import connection, transaction

from reports import snapshots, supervision
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


def test_segments_and_issues_of_a_report_are_of_one_moment() -> None:
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


def empty(period: Period) -> worlds.World:
    return worlds.World(5, period, issues=0, visits=0)
