"""Writing many rows of one table in one statement, the same on both engines.

``bulk_create`` builds a model instance and asks every field for every value; the write path of a push writes
thousands of short rows a second and does not need either. PostgreSQL gets new rows by binary COPY, a third of the cost of
anything else for both sides; rows that may be there already as one JSON parameter, because the driver would search a
statement with thousands of placeholders longer than the server takes to run it, and bound by the server, because quoting
a quarter of a megabyte into a statement costs both sides more than reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any, TypeVar

import orjson
from django.db import connection, models
from django.db.models.base import ModelState
from django.utils.module_loading import import_string
from psycopg.types.json import Jsonb

LIMIT = 30_000  # parameters a statement; SQLite's own ceiling is 32,766
Adapter = Callable[[Any], Any] | None
Row = TypeVar("Row", bound=models.Model)


def made(model: type[Row], **values: Any) -> Row:
    """A new row in memory, every field at its default but the ones given (by column: ``issue_id``, not ``issue``).

    It equals ``model(**values)``, which asks each of sixty fields in turn and costs more than all the rest of a push.
    """
    fixed, fresh = _defaults(model)
    row = model.__new__(model)
    held = row.__dict__
    held["_state"] = ModelState()
    held.update(fixed)
    held.update(values)
    for name, make in fresh:
        if name not in values:
            held[name] = make()
    return row


@lru_cache(maxsize=64)
def _defaults(model: type[models.Model]) -> tuple[dict[str, Any], list[tuple[str, Callable[[], Any]]]]:
    """The defaults that are values, and the ones that are made anew for each row."""
    fixed: dict[str, Any] = {}
    fresh: list[tuple[str, Callable[[], Any]]] = []
    for field in model._meta.concrete_fields:
        if callable(field.default) and field.has_default():
            fresh.append((field.attname, field.default))
        else:
            fixed[field.attname] = field.get_default()
    return fixed, fresh


def insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    replace_on: Sequence[str] = (),
    ignore: bool = False,
) -> None:
    """Insert ``rows`` (values as they are stored, in the order of ``columns``: attribute names such as ``scope_id``).

    With ``replace_on`` a row whose key columns exist already takes the new values; with ``ignore`` it is left alone.
    """
    if not rows:
        return
    suffix = _on_conflict(model, columns, replace_on, ignore)
    if connection.vendor == "postgresql" and not suffix:
        _copy(model, tuple(columns), rows)
    elif connection.vendor == "postgresql":
        _insert_as_json(model, tuple(columns), rows, suffix)
    else:
        _insert_values(model, tuple(columns), rows, suffix)


def _copy(model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
    """Binary COPY as a statement like any other: in the transaction, with the connection's wrappers, with its errors."""
    types = _json_shape(model, columns)[1]
    documents = [at for at, kind in enumerate(types) if kind == "jsonb"]

    def send(sql: str, *ignored: Any) -> None:
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types([kind.partition("(")[0] for kind in types])
            for row in rows:
                copy.write_row(_with_documents(row, documents) if documents else row)

    connection.validate_no_broken_transaction()
    run: Callable[..., None] = send
    for wrapper in reversed(connection.execute_wrappers):
        run = partial(wrapper, run)
    sql = f"COPY {_table(model)} ({', '.join(_quoted(model, columns))}) FROM STDIN (FORMAT BINARY)"
    run(sql, None, False, {"connection": connection, "cursor": None})


def _with_documents(row: Sequence[Any], documents: Sequence[int]) -> Sequence[Any]:
    told = list(row)
    for at in documents:
        if told[at] is not None:
            told[at] = Jsonb(told[at], _dump)
    return told


def _insert_as_json(
    model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]], suffix: str
) -> None:
    names, types = _json_shape(model, columns)
    text = orjson.dumps([dict(zip(names, row, strict=True)) for row in rows], default=_plain).decode()
    listed = ", ".join(names)
    shape = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
    sql = f"INSERT INTO {_table(model)} ({', '.join(_quoted(model, columns))}) SELECT {listed} FROM json_to_recordset(%s) AS r({shape})"
    with _binding_cursor() as cursor:
        cursor.execute(sql + suffix, [text])


def _insert_values(
    model: type[models.Model], columns: tuple[str, ...], rows: Sequence[Sequence[Any]], suffix: str
) -> None:
    adapters = _adapters(model, columns)
    prefix = f"INSERT INTO {_table(model)} ({', '.join(_quoted(model, columns))}) VALUES "
    one = f"({', '.join(['%s'] * len(columns))})"
    step = LIMIT // len(columns)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            flat: list[Any] = []
            for row in some:
                flat.extend(_each(row, adapters))
            cursor.execute(prefix + ", ".join([one] * len(some)) + suffix, flat)


def update(model: type[models.Model], key: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set ``columns`` of the rows whose ``key`` is the first value of each row; the other values follow in their order."""
    if not rows or not columns:
        return
    names = (key, *columns)
    quoted = _quoted(model, names)
    assigned = ", ".join(f"{name} = r.c{number}" for number, name in enumerate(quoted) if number)
    head, where = f"UPDATE {_table(model)} SET {assigned} FROM ", f" WHERE {_table(model)}.{quoted[0]} = r.c0"
    if connection.vendor == "postgresql":
        short, types = _json_shape(model, names)
        shape = ", ".join(f"{name} {kind}" for name, kind in zip(short, types, strict=True))
        text = orjson.dumps([dict(zip(short, row, strict=True)) for row in rows], default=_plain).decode()
        with _binding_cursor() as cursor:
            cursor.execute(f"{head}json_to_recordset(%s) AS r({shape}){where}", [text])
        return
    adapters = _adapters(model, names)
    listed = ", ".join(f"column{number + 1} AS c{number}" for number in range(len(names)))
    one = f"({', '.join(['%s'] * len(names))})"
    step = LIMIT // len(names)
    with connection.cursor() as cursor:
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            flat = [value for row in some for value in _each(row, adapters)]
            cursor.execute(f"{head}(SELECT {listed} FROM (VALUES {', '.join([one] * len(some))})) AS r{where}", flat)


def _binding_cursor() -> Any:
    """A cursor whose parameters travel beside the statement; Django's own are written into it."""
    server: Any = connection
    server.ensure_connection()
    binding = import_string("django.db.backends.postgresql.base.ServerBindingCursor")  # there only with its driver
    return server._prepare_cursor(binding(server.connection))


def _each(row: Iterable[Any], adapters: Sequence[Adapter]) -> list[Any]:
    return [
        value if adapt is None or value is None else adapt(value) for value, adapt in zip(row, adapters, strict=True)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"rows: cannot write a {type(value).__name__}")


_dump = partial(orjson.dumps, default=_plain)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _on_conflict(model: type[models.Model], columns: Sequence[str], replace_on: Sequence[str], ignore: bool) -> str:
    if ignore:
        return " ON CONFLICT DO NOTHING"
    if not replace_on:
        return ""
    keys = ", ".join(_quoted(model, replace_on))
    others = _quoted(model, [name for name in columns if name not in replace_on])
    return f" ON CONFLICT ({keys}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"


def _fields(model: type[models.Model], columns: Iterable[str]) -> list[models.Field[Any, Any]]:
    known = {field.attname: field for field in model._meta.concrete_fields if field.column is not None}
    return [known[name] for name in columns]


def _quoted(model: type[models.Model], columns: Iterable[str]) -> list[str]:
    return [connection.ops.quote_name(str(field.column)) for field in _fields(model, columns)]


def _target(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


@lru_cache(maxsize=256)
def _json_shape(model: type[models.Model], columns: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Short names for the columns, and the server's types."""
    fields = _fields(model, columns)
    types = [str(_target(field).db_type(connection)) for field in fields]
    binary = [field.name for field in fields if isinstance(field, models.BinaryField)]
    assert not binary, f"rows: {binary} cannot be written as JSON"
    return [f"c{number}" for number in range(len(fields))], types


@lru_cache(maxsize=256)
def _adapters(model: type[models.Model], columns: tuple[str, ...]) -> list[Adapter]:
    """For each column the adapter that SQLite needs, if any."""
    return [_adapter(field) for field in _fields(model, columns)]


def _adapter(field: models.Field[Any, Any]) -> Adapter:
    target = _target(field)
    if isinstance(target, models.UUIDField):
        return lambda value: value.hex
    if isinstance(target, models.DateTimeField):
        return connection.ops.adapt_datetimefield_value
    if isinstance(target, models.DateField):
        return connection.ops.adapt_datefield_value
    if isinstance(target, models.JSONField | models.DecimalField):
        return lambda value: field.get_db_prep_save(value, connection)
    return None
