"""Writing many rows of one table in one statement, the same on both engines.

``bulk_create`` builds a model instance and asks every field for every value; the write path of a push writes
thousands of short rows a second and does not need either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from django.db import connection, models

LIMIT = 30_000  # parameters a statement; SQLite's own ceiling is 32,766


def insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    replace_on: Sequence[str] = (),
    ignore: bool = False,
) -> None:
    """Insert ``rows`` (values in the order of ``columns``, which are attribute names such as ``scope_id``).

    With ``replace_on`` a row whose key columns exist already takes the new values; with ``ignore`` it is left alone.
    """
    if not rows:
        return
    names, adapters = _shape(model, tuple(columns), connection.vendor)
    prefix = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({', '.join(names)}) VALUES "
    suffix = _on_conflict(model, columns, replace_on, ignore)
    one = f"({', '.join(['%s'] * len(columns))})"
    step = LIMIT // len(columns)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            cursor.execute(prefix + ", ".join([one] * len(some)) + suffix, _adapted(some, adapters))


def _adapted(rows: Iterable[Sequence[Any]], adapters: Sequence[Callable[[Any], Any] | None]) -> list[Any]:
    flat: list[Any] = []
    for row in rows:
        flat.extend(
            value if adapt is None or value is None else adapt(value)
            for value, adapt in zip(row, adapters, strict=True)
        )
    return flat


def _on_conflict(model: type[models.Model], columns: Sequence[str], replace_on: Sequence[str], ignore: bool) -> str:
    if ignore:
        return " ON CONFLICT DO NOTHING"
    if not replace_on:
        return ""
    quote = connection.ops.quote_name
    keys = ", ".join(quote(_column(model, name)) for name in replace_on)
    updates = ", ".join(
        f"{quote(_column(model, name))} = excluded.{quote(_column(model, name))}"
        for name in columns
        if name not in replace_on
    )
    return f" ON CONFLICT ({keys}) DO UPDATE SET {updates}"


def _column(model: type[models.Model], name: str) -> str:
    for field in model._meta.concrete_fields:
        if field.attname == name and field.column is not None:
            return field.column
    raise LookupError(f"{model.__name__} has no column for {name}")


@lru_cache(maxsize=256)
def _shape(
    model: type[models.Model], columns: tuple[str, ...], vendor: str
) -> tuple[list[str], list[Callable[[Any], Any] | None]]:
    """Quoted column names and, where the engine needs one, the adapter of each column's values."""
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = [connection.ops.quote_name(_column(model, name)) for name in columns]
    return names, [_adapter(fields[name], vendor) for name in columns]


def _adapter(field: models.Field[Any, Any], vendor: str) -> Callable[[Any], Any] | None:
    target: models.Field[Any, Any] = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    if isinstance(target, models.JSONField | models.DecimalField):
        return lambda value: field.get_db_prep_save(value, connection)
    if vendor != "sqlite":
        return None
    if isinstance(target, models.UUIDField):
        return lambda value: value.hex
    if isinstance(target, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(target, models.DateField):
        return connection.ops.adapt_datefield_value
    return None
