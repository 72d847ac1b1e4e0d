"""Reading several things of one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction

Result = TypeVar("Result")
_shareable: ContextVar[bool] = ContextVar("journal_reading_shareable", default=False)
"""Whether the open transaction only reads, so that a second connection can see exactly what it sees."""
READ_ONLY = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything read inside is the state of one moment, and takes no lock that a writer waits for.

    Inside a transaction that is already open (a verb, a test, another snapshot) that transaction's own view is used.
    """
    if connection.in_atomic_block or _is_reading():
        yield
    elif connection.vendor == "sqlite":
        connection.ensure_connection()
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute("COMMIT")
    else:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(READ_ONLY)
            token = _shareable.set(True)
            try:
                yield
            finally:
                _shareable.reset(token)


@contextmanager
def aside(work: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Begin some reading beside our own, of the same moment; calling what is given waits for what came of it.

    Inside a :func:`snapshot` of PostgreSQL it is done by a thread on a connection of its own, outside of the pool, which
    others may be waiting for. Anywhere else, and where no connection can be had, it is done when it is asked for.
    """
    if not _shareable.get():
        yield work
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_export_snapshot()")
        moment = cursor.fetchone()[0]
    with ThreadPoolExecutor(1, "reading") as pool:
        begun: Future[Result] = pool.submit(_read, work, moment, connection.settings_dict)

        def finished() -> Result:
            try:
                return begun.result()
            except OperationalError:
                return work()

        yield finished


def _read(work: Callable[[], Result], moment: str, settings: dict[str, Any]) -> Result:
    own = connections.create_connection(DEFAULT_DB_ALIAS)
    own.settings_dict = settings | {"OPTIONS": {name: to for name, to in settings["OPTIONS"].items() if name != "pool"}}
    connections[DEFAULT_DB_ALIAS] = own
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(READ_ONLY)
                cursor.execute("SET TRANSACTION SNAPSHOT %s", [moment])
            return work()
    finally:
        own.close()


def _is_reading() -> bool:
    """Whether a snapshot of SQLite is open, which Django knows nothing of."""
    return connection.vendor == "sqlite" and connection.connection is not None and connection.connection.in_transaction
