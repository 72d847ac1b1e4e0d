"""Questions that nearly every request asks: PostgreSQL plans such a one once a connection instead of every time.

Of a poll that finds nothing new, planning the only query that it asks was most of PostgreSQL's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from django.db import NotSupportedError, connection
from django.db.models import Model

_planned: WeakKeyDictionary[Any, dict[str, str]] = WeakKeyDictionary()
"""Of each connection the statements that it has planned, and what to send for each."""
_numbers = count(1)


class Statement:
    """SQL with ``%s`` for its values whose text never changes."""

    def __init__(self, name: str, sql: str) -> None:
        first, *rest = sql.split("%s")
        self._name, self._sql = name, sql
        self._body = first + "".join(f"${number}{part}" for number, part in enumerate(rest, 1))
        self._values = f"({', '.join(['%s'] * len(rest))})" if rest else ""

    def first(self, *values: Any) -> tuple[Any, ...] | None:
        """The first row of the answer; None if there is none."""
        found = self.all(*values)
        return found[0] if found else None

    def all(self, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of the answer."""
        try:
            return self._asked(values)
        except NotSupportedError:  # a migration changed the type of a column after this connection had planned
            _planned[connection.connection].clear()
            if connection.in_atomic_block:
                raise
            return self._asked(values)

    def _asked(self, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(self._sql if connection.vendor == "sqlite" else self._call(), values)
            return list(cursor.fetchall())

    def _call(self) -> str:
        """The call of the plan that this connection has, made now if it has none. (SQLite's driver keeps its own.)"""
        planned = _planned.setdefault(connection.connection, {})
        if self._name not in planned:
            name = f"{self._name}_{next(_numbers)}"  # never one that the connection knows already
            with connection.wrap_database_errors:
                connection.connection.execute(f"PREPARE {name} AS {self._body}")
            planned[self._name] = f"EXECUTE {name}{self._values}"
        return planned[self._name]


def table(model: type[Model]) -> str:
    """A model's table as it is written in SQL."""
    return f'"{model._meta.db_table}"'
