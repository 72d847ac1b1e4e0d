"""Whether the database keeps what it acknowledges: asked before anything is served in production.

A setting of the program can be refused when it is read; these live in the database, so they are asked of it, over a
connection like any other, for a role, a database or an address may each turn them off.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.management.base import CommandError
from django.db import InterfaceError, OperationalError, connection

KEPT_ON = ("fsync", "full_page_writes", "synchronous_commit")
"""PostgreSQL's promises: what is committed survives a power cut."""


def faults() -> list[str]:
    """What would lose acknowledged data in a crash. Raises ``OperationalError`` when the database is away."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous")
            [level] = cursor.fetchone()
            return [] if level >= 2 else ["SQLite: synchronous must be FULL"]
        found = []
        for name in KEPT_ON:
            cursor.execute(f"SHOW {name}")
            [value] = cursor.fetchone()
            if value == "off":
                found.append(f"PostgreSQL: {name} is off; acknowledged data could be lost in a crash")
    return found


def refuse_to_start() -> None:
    """Leave with every fault named. In production only; a database that is away is waited for, not judged."""
    if not settings.PRODUCTION:
        return
    try:
        found = faults()
    except (OperationalError, InterfaceError):
        return
    if found:
        lines = "\n".join(f"  - {fault}" for fault in found)
        raise CommandError(f"The database is not safe to use (deploy/README.md §1):\n{lines}")


def is_durable() -> bool:
    """For `/readyz`: a server started while the database was away learns it later."""
    try:
        return not settings.PRODUCTION or not faults()
    except (OperationalError, InterfaceError):
        return False


def check(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """For `manage.py check --deploy --database default`, and before every `migrate`."""
    if not databases or not settings.PRODUCTION:
        return []
    return [Error(fault, id="sanyuantong.E001") for fault in faults()]
