"""Taking a backup and returning from one, so that phones know what they must send again.

A backup is one consistent file of the database and a note beside it. What was received before the backup began is then
durable, and phones may forget it; after a restore the server begins another epoch, and phones send again what the
backup may lack. Photos are not in it: their files are never altered, so they may be copied at any time after it.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from journal import upkeep
from journal.models import Feed


class BackupFailed(RuntimeError):
    """No backup was made; the message says why."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a backup holds: everything up to ``version`` of ``epoch``. ``durable_until`` is what phones were told of it."""

    epoch: str
    version: int
    durable_until: str | None


def take(file: Path, *, at: datetime) -> Note:
    """Write the backup and tell the phones. ``at`` is the time before it began."""
    epoch, version = _copy_sqlite(file) if connection.vendor == "sqlite" else _dump_postgres(file)
    until = upkeep.mark_durable(epoch=epoch, version=version, at=at)
    note = Note(epoch, version, until.isoformat() if until else None)
    note_of(file).write_text(json.dumps(asdict(note)), encoding="utf-8")
    return note


def returned(file: Path | None) -> str:
    """After a restore (of this backup, if it is at hand with its note): the new epoch."""
    until = None
    if file is not None:
        told = json.loads(note_of(file).read_text(encoding="utf-8"))["durable_until"]
        until = datetime.fromisoformat(told) if told else None
    return upkeep.begin_epoch(durable_until=until)


def restore(file: Path) -> str:
    """Put the database back to what ``file`` holds, in place, and begin a new epoch. Nothing else may be using the database."""
    if not file.exists():
        raise BackupFailed(f"{file} is not there")
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(file)) as copy:
            copy.backup(connection.connection)
        connection.close()  # what this connection remembers of the tables is past
    else:
        _load_postgres(file)
    return returned(file if note_of(file).exists() else None)


def _load_postgres(file: Path) -> None:
    program = shutil.which("pg_restore")
    if program is None:
        raise BackupFailed("pg_restore is not installed (Debian: postgresql-client)")
    name = str(connection.settings_dict["NAME"])
    connection.close()  # its locks would stand in the way
    words = ["--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={name}"]
    loaded = subprocess.run(
        [program, *words, str(file)], env=_environment(), capture_output=True, text=True, check=False
    )
    if loaded.returncode:
        raise BackupFailed(loaded.stderr.strip())


def copy_files(source: Path, target: Path) -> int:
    """Copy every file that ``target`` lacks; gives how many. Photos are named by their content and never change, so what is
    there is right, and copying goes on where it was interrupted."""
    copied = 0
    for path in sorted(source.rglob("*")):
        goal = target / path.relative_to(source)
        if path.is_file() and not goal.exists():
            goal.parent.mkdir(parents=True, exist_ok=True)
            unfinished = goal.with_name(f".{goal.name}.unfinished")
            shutil.copyfile(path, unfinished)
            unfinished.replace(goal)
            copied += 1
    return copied


def note_of(file: Path) -> Path:
    return file.with_name(f"{file.name}.json")


def _copy_sqlite(file: Path) -> tuple[str, int]:
    if file.exists():
        raise BackupFailed(f"{file} is there already")
    connection.ensure_connection()
    with closing(sqlite3.connect(file)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        found = copy.execute(f'SELECT epoch, version FROM "{Feed._meta.db_table}" WHERE id = 1').fetchone()
    return _known(found)


def _dump_postgres(file: Path) -> tuple[str, int]:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupFailed("pg_dump is not installed (Debian: postgresql-client)")
    if file.exists():
        raise BackupFailed(f"{file} is there already")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        [snapshot] = cursor.fetchone()
        found = Feed.objects.filter(pk=1).values_list("epoch", "version").first()
        dumped = subprocess.run(
            [program, "--format=custom", f"--snapshot={snapshot}", f"--file={file}", str(connection.settings_dict["NAME"])],
            env=_environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
    if dumped.returncode:
        file.unlink(missing_ok=True)
        raise BackupFailed(dumped.stderr.strip())
    return _known(found)


def _environment() -> dict[str, str]:
    """Where PostgreSQL's own programs find the database."""
    settings = connection.settings_dict
    where = {
        "PGHOST": settings["HOST"],
        "PGPORT": settings["PORT"],
        "PGUSER": settings["USER"],
        "PGPASSWORD": settings["PASSWORD"],
    }
    return os.environ | {name: str(value) for name, value in where.items() if value}


def _known(found: tuple[str, int] | None) -> tuple[str, int]:
    if found is None:
        raise BackupFailed("there is nothing to back up: the database has no feed yet")
    return found[0], found[1]
