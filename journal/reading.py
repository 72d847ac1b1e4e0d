"""Reading several things of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


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
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def _is_reading() -> bool:
    """Whether a snapshot of SQLite is open, which Django knows nothing of."""
    return connection.vendor == "sqlite" and connection.connection is not None and connection.connection.in_transaction
