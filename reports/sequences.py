"""Counting on by one where several may at the same moment: the numbers of bulletins, the versions of schemes and snapshots."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction
from django.db.models import Max, Model, QuerySet

from core.problems import Conflict
from core.texts import Text

Row = TypeVar("Row", bound=Model)
Made = TypeVar("Made")
ATTEMPTS = 10


def take_next(counted: Callable[[], QuerySet[Row]], column: str, make: Callable[[int], Made]) -> Made:
    """What ``make`` saves under the number after the highest of ``column`` among the rows counted. To be called in a unit.

    A constraint must keep each number to one row: PostgreSQL lets the second of two wait there for the first, and then
    it is counted again. Raises Conflict when others have been quicker time and again.
    """
    for _ in range(ATTEMPTS):
        last: int | None = counted().aggregate(last=Max(column))["last"]
        try:
            with transaction.atomic():
                return make((last or 0) + 1)
        except IntegrityError:
            continue
    raise Conflict(Text("请稍后再试", "Others are doing the same; try again"))
