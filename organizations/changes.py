"""What a verb did to a row, as the journal keeps it: ``{field: [old, new]}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import models

from core.ids import written

HIDDEN = "•"
"""Stands for personal data, of which the audit trail notes that it changed and not what it was."""


def of_creation(row: models.Model, fields: Iterable[str], hidden: frozenset[str] = frozenset()) -> dict[str, list[Any]]:
    """The entry of a new row: every field that holds something."""
    found = {}
    for name in fields:
        value = getattr(row, name)
        if value or isinstance(value, int | float | Decimal):  # an empty text or list is nothing, a zero is something
            found[name] = [None, HIDDEN if name in hidden else plain(value)]
    return found


def assign(row: models.Model, values: Mapping[str, Any], hidden: frozenset[str] = frozenset()) -> dict[str, list[Any]]:
    """Put the values into the row and give what really changed."""
    changed: dict[str, list[Any]] = {}
    for name, value in values.items():
        old = getattr(row, name)
        if old != value:
            changed[name] = [HIDDEN, HIDDEN] if name in hidden else [plain(old), plain(value)]
            setattr(row, name, value)
    return changed


def plain(value: Any) -> Any:
    """A value as JSON can hold it; a moment always in UTC, so that old and new of one field can be compared."""
    if type(value) is str:
        return value
    if isinstance(value, UUID):
        return written(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value
