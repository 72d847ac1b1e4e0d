"""Row 38 for the worker's chores: one that dies is followed by another, of two only one works."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from config.chores import LEASE, Duty, round_of
from config.models import Chore

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 16, 9, tzinfo=UTC)


class Killed(BaseException):
    """The worker's process is gone."""


def test_row_38_a_chore_whose_worker_died_is_done_again_when_its_lease_is_over() -> None:
    done: list[datetime] = []

    def die(at: datetime) -> int:
        done.append(at)
        raise Killed

    duty = Duty("count", timedelta(minutes=5), die)
    with pytest.raises(Killed):
        round_of([duty], now=lambda: NOW)

    def work(at: datetime) -> int:
        done.append(at)
        return 0

    again = Duty("count", timedelta(minutes=5), work)
    assert len(done) == 1
    round_of([again], now=lambda: NOW + LEASE - timedelta(seconds=1))
    assert len(done) == 1, "its lease still holds"
    late = NOW + LEASE + timedelta(seconds=1)
    for _ in range(3):
        round_of([again], now=lambda: late)
    assert done == [NOW, late], "once, until it is due again"
    assert Chore.objects.get().due_at == late + timedelta(minutes=5)


def test_row_38_of_four_workers_one_does_a_chore() -> None:
    gate, done = Barrier(4), []

    def work(at: datetime) -> int:
        done.append(at)
        return 0

    def worker() -> None:
        try:
            gate.wait(timeout=10)
            round_of([Duty("count", timedelta(minutes=5), work)], now=lambda: NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(worker) for _ in range(4)]:
            future.result(timeout=60)
    assert done == [NOW]


def test_a_chore_that_fails_hinders_no_other_and_says_why() -> None:
    def fail(at: datetime) -> int:
        raise ValueError("no")

    done: list[datetime] = []
    duties = [Duty("bad", timedelta(hours=1), fail), Duty("good", timedelta(hours=1), lambda at: done.append(at) or 0)]
    round_of(duties, now=lambda: NOW)

    assert done == [NOW]
    assert Chore.objects.get(name="bad").failure == "ValueError: no"
