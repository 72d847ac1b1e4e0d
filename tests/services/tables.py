"""The tables of a test run: migrated once, while everything else still starts, and copied for each worker."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

NAME = "tables"
PATIENCE = 300.0
"""Seconds to wait for the migrations; a busy machine takes half a minute."""


def begin(url: str, folder: Path, root: Path) -> subprocess.Popen[bytes]:
    """Start to migrate the empty database at ``url`` in a process of its own; :func:`copy` waits for it."""
    environment = os.environ | {"DATABASE_URL": url, "VAR_DIR": str(folder / NAME)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.services.filling", str(_note(folder))], env=environment, cwd=root
    )


def copy(folder: Path) -> None:
    """Make the test database of this process with the tables in it."""
    from django.db import connection

    end = time.monotonic() + PATIENCE
    while not _note(folder).exists():
        if time.monotonic() > end:
            raise TimeoutError("the migrations have not come to their end")
        time.sleep(0.02)
    if trouble := _note(folder).read_text(encoding="utf-8"):
        raise RuntimeError(f"the migrations failed:\n{trouble}")
    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        shutil.copyfile(folder / f"{NAME}.sqlite3", name)
        return
    quote = connection.ops.quote_name
    with connection.creation._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {quote(name)} TEMPLATE {quote(NAME)}")


def _note(folder: Path) -> Path:
    return folder / f"{NAME}.done"
