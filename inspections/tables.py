"""Saving many rows of one table in one statement."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from django.db import models
from django.db.models.base import ModelState

from journal import journal, rows


def columns_of(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


class Quick(models.Model):
    """A table with many columns whose rows are read by the thousand: a row is its columns, laid down at once."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Iterable[str], values: Iterable[Any]) -> Any:
        names, found = list(field_names), list(values)
        if len(found) != len(cls._meta.concrete_fields):
            return super().from_db(db, names, found)
        row = cls.__new__(cls)
        row._state = ModelState()
        row._state.adding, row._state.db = False, db
        row.__dict__.update(zip(names, found, strict=True))
        return row


def add(instances: Iterable[models.Model]) -> None:
    """Insert new rows, all of one table."""
    _write(list(instances), replace_on=())


def put(instances: Iterable[models.Model], *, key: str = "id") -> None:
    """Insert rows or replace the ones that are there, all of one table, each row at most once."""
    _write(list(instances), replace_on=(key,))


def save(instances: Iterable[models.Model]) -> None:
    """Insert the rows that were made in memory and replace those that were read, all of one table, each at most once.

    A row made in memory whose id is taken raises IntegrityError: somebody else has made the record at the same time.
    """
    found = list(instances)
    new = [row for row in found if row._state.adding]
    add(new)
    put(row for row in found if not row._state.adding)
    for row in new:
        row._state.adding = False


def save_later(instances: Iterable[models.Model]) -> None:
    """As ``save``, but rows made in memory wait until somebody asks for their table: what is still to be done with them is then
    written with them."""
    found = list(instances)
    put(row for row in found if not row._state.adding)
    journal.current().later.add((row for row in found if row._state.adding), write=save)


def waiting(model: type[models.Model], ids: Iterable[Any]) -> list[Any]:
    """Which of these records were saved for later and are not yet written."""
    return journal.current().later.among(model, ids)


def change(instances: Iterable[models.Model], columns: Iterable[str], *, key: str = "id") -> None:
    """Save some columns of rows that are there, all of one table; what waits to be written is written whole anyway."""
    found = [instance for instance in instances if not instance._state.adding]
    names = sorted(set(columns) - {key})
    if found:
        values = [[getattr(instance, name) for name in (key, *names)] for instance in found]
        rows.update(type(found[0]), key, names, values)


def _write(instances: list[Any], replace_on: tuple[str, ...]) -> None:
    if not instances:
        return
    model = type(instances[0])
    names = columns_of(model)
    whole = itemgetter(*names)  # the columns as they lie in memory, past the descriptors of foreign keys
    rows.insert(model, names, [whole(vars(instance)) for instance in instances], replace_on=replace_on)
