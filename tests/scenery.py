"""A scene is built once a process, by the real verbs, and put back row for row for every further test that asks for it.

Building a cast takes hundreds of queries; the rows it leaves take one write a table. What a test gets is the same either way: the
rows, the files, and Python objects of its own to change.

    world = scenery.stage(settle)

A scene is built anew when it has grown old, and wherever the database is not empty it is simply built and not kept.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.core import mail
from django.db import connection, transaction
from django.utils import timezone

from journal.models import Feed
from organizations.models import Person, Region

Made = TypeVar("Made")

LIFETIME = timedelta(minutes=2)
"""Tokens and drafts of a scene were made at its own time; no test shall see them much older than if it had built them."""
KEPT_BY_DJANGO = {"django_content_type", "auth_permission"}
"""Filled when the database is made, in every test alike."""


@dataclass
class Scene:
    made_at: datetime
    rows: dict[str, Any]
    objects: bytes
    folders: list[Path] = field(default_factory=list)

    def is_fresh(self) -> bool:
        now = timezone.now()
        return abs(now - self.made_at) < LIFETIME and timezone.localdate(now) == timezone.localdate(self.made_at)


_scenes: dict[str, Scene] = {}


def stage(build: Callable[[], Made], *, folders: Sequence[Path] = ()) -> Made:
    """What ``build`` makes of an empty database: rows, and files below ``folders``; gives what it gave.

    What it gives must be picklable and hold nothing of this test, such as an open connection.
    """
    with transaction.atomic():
        if _has_begun():
            return build()
        name = f"{build.__module__}.{build.__qualname__} {settings.PASSWORD_HASHERS[0]}"
        scene = _scenes.get(name)
        if scene is None or not scene.is_fresh():
            if _filled():
                return build()
            made_at, sent = timezone.now(), len(mail.outbox)
            made = build()
            assert len(mail.outbox) == sent, "a scene sends no mail: it would be sent in one test only"
            _scenes[name] = Scene(made_at, _read_rows(), pickle.dumps(made), [_keep(folder) for folder in folders])
            return made
        _write_rows(scene.rows)
    for kept, folder in zip(scene.folders, folders, strict=True):
        shutil.copytree(kept, folder, dirs_exist_ok=True)
    made = pickle.loads(scene.objects)
    return made


def clear() -> None:
    """Delete every row: what a test that really commits leaves to the next.

    Django would empty all tables, filled or not, and then ask each app again for its permissions.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        for name in reversed(_filled()):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(name)}")


def tables() -> list[str]:
    """Every table that the product fills."""
    models = apps.get_models(include_auto_created=True)
    return [name for name in dict.fromkeys(model._meta.db_table for model in models) if name not in KEPT_BY_DJANGO]


def _has_begun() -> bool:
    """Whether there is anything yet that a scene would meet: PostgreSQL plans this ten times as fast as the whole question."""
    with connection.cursor() as cursor:
        asked = (f"SELECT 1 FROM {connection.ops.quote_name(model._meta.db_table)}" for model in (Feed, Person, Region))
        cursor.execute(f"SELECT {' OR '.join(f'EXISTS ({one})' for one in asked)}")
        return bool(cursor.fetchone()[0])


def _filled() -> list[str]:
    """The tables with rows in them, found by one query."""
    asked = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(name)})" for name in tables())
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return [row[0] for row in cursor.fetchall()]


def _keep(folder: Path) -> Path:
    """A copy of the folder that outlives this test and not the run."""
    kept = Path(tempfile.mkdtemp(prefix="scene-", dir=os.environ["VAR_DIR"]))
    return Path(shutil.copytree(folder, kept, dirs_exist_ok=True)) if folder.exists() else kept


def _read_rows() -> dict[str, Any]:
    """The rows of every table that holds some, as the engine itself writes them down."""
    read = _copy_out if connection.vendor == "postgresql" else _select
    return {name: read(connection.ops.quote_name(name)) for name in _filled()}


def _write_rows(kept: dict[str, Any]) -> None:
    write = _copy_in if connection.vendor == "postgresql" else _insert
    for name, rows in kept.items():
        write(connection.ops.quote_name(name), rows)
    # tests that write past the journal change tables under an unchanged digest: what one remembers is not for the next
    Feed.objects.update(stamp=token_hex(8))


def _copy_out(table: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT (FORMAT BINARY)") as copy:
        return b"".join(bytes(piece) for piece in copy)


def _copy_in(table: str, rows: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(rows)


def _select(table: str) -> list[tuple[Any, ...]]:
    """Values as they are stored: ``+`` keeps Django's converters of declared types away."""
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA table_info({table})")
        columns = ", ".join(f"+{connection.ops.quote_name(row[1])}" for row in cursor.fetchall())
        cursor.execute(f"SELECT {columns} FROM {table}")
        return [tuple(row) for row in cursor.fetchall()]


def _insert(table: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(rows[0]))})", rows)
