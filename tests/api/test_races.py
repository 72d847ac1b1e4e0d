"""Row 14 over REST: a deadlock or a serialization failure is run again, a few times and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from api import races
from api.races import rerun
from core.actors import SYSTEM
from organizations.models import Region
from organizations.reference import put_regions


def given_up(state: str) -> OperationalError:
    error = OperationalError("the database gave up")
    cause = Exception()
    cause.sqlstate = state  # type: ignore[attr-defined]
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_row_14_the_loser_of_a_race_runs_again_but_not_for_ever(transactional_db: None, state: str) -> None:
    tries: list[int] = []

    def work(losses: int) -> str:
        tries.append(losses)
        if len(tries) <= losses:
            raise given_up(state)
        return "done"

    assert rerun(work)(3) == "done"
    assert len(tries) == 4
    tries.clear()
    with pytest.raises(OperationalError):
        rerun(work)(100)
    assert len(tries) == races.ATTEMPTS


def test_row_14_other_troubles_and_other_peoples_transactions_are_left_alone(transactional_db: None) -> None:
    tries: list[str] = []

    def work(state: str) -> None:
        tries.append(state)
        raise given_up(state)

    with pytest.raises(OperationalError):
        rerun(work)("57P01")
    with pytest.raises(OperationalError), transaction.atomic():
        rerun(work)("40P01")
    assert tries == ["57P01", "40P01"]


def test_row_14_two_who_lock_each_other_out_both_get_through(transactional_db: None) -> None:
    put_regions(
        [{"code": code, "name": code, "name_en": code, "kind": "town"} for code in "ab"], by=SYSTEM, at=timezone.now()
    )
    met = Barrier(2)

    def cross(first: str, second: str) -> Any:
        @rerun
        def work() -> None:
            with transaction.atomic():
                touch(first)
                with suppress(BrokenBarrierError):
                    met.wait(timeout=0.5)
                touch(second)

        try:
            work()
        finally:
            connection.close()

    def touch(code: str) -> None:
        Region.objects.filter(code=code).update(note=f"{Region.objects.get(code=code).note}x")

    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(cross, "a", "b"), pool.submit(cross, "b", "a")]:
            future.result(timeout=60)
    assert set(Region.objects.values_list("note", flat=True)) == {"xx"}
