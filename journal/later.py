"""New rows that wait in memory until somebody asks for their table, a savepoint begins or ends, or the unit does.

What one unit makes and goes on working on (an issue of a push, which is routed at the end of the batch) would otherwise be written,
read and written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection
from django.db.models import Model

from journal.prepared import table

Write = Callable[[Iterable[Any]], None]


class Later:
    """The rows of one unit that are still to be written: of each table, how, and the rows by their ids."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[Write, dict[Any, Model]]] = {}

    def add(self, rows: Iterable[Model], write: Write) -> None:
        """Keep new rows, all of one table, until ``write`` is given them as they then are."""
        for row in rows:
            self._waiting.setdefault(table(type(row)), (write, {}))[1][row.pk] = row
        watches = connection.execute_wrappers
        if self._waiting and self._look not in watches:
            watches.insert(0, self._look)  # whoever adds one at the end and takes it away meets only his own

    def among(self, model: type[Model], ids: Iterable[Any]) -> list[Any]:
        """Which of these records wait, to be worked on where they lie."""
        _, rows = self._waiting.get(table(model), (None, {}))
        return [rows[one] for one in ids if one in rows]

    def write(self) -> None:
        """Write whatever waits."""
        waiting = self._waiting
        self.forget()
        for write, rows in waiting.values():
            write(rows.values())

    def forget(self) -> None:
        """Nothing waits any more."""
        self._waiting = {}
        if self._look in connection.execute_wrappers:
            connection.execute_wrappers.remove(self._look)

    def _look(self, execute: Callable[..., Any], sql: str, parameters: Any, many: bool, context: Any) -> Any:
        """Stands before every statement: one that names a table finds its rows there, and a savepoint leaves them behind it."""
        if sql.startswith("SAVEPOINT") or any(name in sql for name in self._waiting):
            self.write()
        return execute(sql, parameters, many, context)
