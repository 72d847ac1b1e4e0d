"""Reference data kept in memory until any of it changes.

Every push judges its records by the same few tables (categories, rules, departments, the calendar, forms), and reading them again for
each batch took a tenth of its time. What is kept here belongs to one stamp of the feed (``journal.stamp``), which is
the chain's digest at the last change of such a table, so it is never kept across a change, a rollback or a restore.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from journal import journal

Kept = TypeVar("Kept")


class Remembered(Generic[Kept]):
    """What ``read`` gives, read again when the stamp has changed. Many threads share it: nobody may write into it.

    ``read`` may look only at tables whose changes are recorded as ``ruling`` or as held by everybody.
    """

    def __init__(self, read: Callable[[], Kept]) -> None:
        self.read = read
        self._kept: tuple[tuple[str, str], Kept] | None = None

    def get(self) -> Kept:
        stamp = journal.stamp()
        if stamp is None:
            return self.read()
        kept = self._kept
        if kept is None or kept[0] != stamp:
            kept = self._kept = (stamp, self.read())
        return kept[1]
