"""Races that the database settles by giving up one of the racers: the loser runs again, a few times."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.db import OperationalError, connection

Answer = TypeVar("Answer")
ATTEMPTS = 5
GIVEN_UP = frozenset({"40001", "40P01"})
"""SQLSTATE of a serialization failure and of a deadlock: nothing of the work was kept, and it may be done again."""


def rerun(work: Callable[..., Answer]) -> Callable[..., Answer]:
    """The work, run again when it lost a race; inside a transaction of somebody else's that is not ours to do."""

    @wraps(work)
    def patient(*args: Any, **named: Any) -> Answer:
        for attempt in range(1, ATTEMPTS):
            try:
                return work(*args, **named)
            except OperationalError as error:
                if not was_given_up(error) or connection.in_atomic_block:
                    raise
            time.sleep(0.01 * 3**attempt)
        return work(*args, **named)

    return patient


def was_given_up(error: OperationalError) -> bool:
    """Whether the database ended this work for another's sake."""
    return getattr(error.__cause__, "sqlstate", None) in GIVEN_UP
