"""Finding rows by many ids at once: ``filter(record__among=ids)``.

``__in`` gives the statement one placeholder an id, and preparing, quoting and parsing hundreds of them costs more than the search.
This lookup sends all of them as one value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from django.db import connection, models

if TYPE_CHECKING:
    Lookup = models.Lookup[Any]
else:
    Lookup = models.Lookup


@models.UUIDField.register_lookup
class Among(Lookup):
    """Equal to one of some UUIDs; of none, when there are none."""

    lookup_name = "among"
    prepare_rhs = False
    rhs: Iterable[UUID]

    def as_sql(self, compiler: Any, database: Any) -> tuple[str, list[Any]]:
        column, parameters = self.process_lhs(compiler, connection)
        condition, wanted = among(column, self.rhs)
        return condition, [*parameters, wanted]


def among(column: str, ids: Iterable[UUID]) -> tuple[str, str]:
    """The condition in SQL that a column's UUID is one of these, and its one parameter."""
    wanted = [one.hex for one in ids]
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s::uuid[])", f"{{{','.join(wanted)}}}"
    return f"{column} IN (SELECT value FROM json_each(%s))", orjson.dumps(wanted).decode()
