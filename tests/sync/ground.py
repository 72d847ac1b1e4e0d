"""The ground that the programs of this folder stand on: the real settings, the rooms the engine needs, a database of their own.

The programs (feed, simulator, mutants, crash points, kills) run by themselves or inside pytest. By themselves they call
:func:`stand` before they import anything of the product; the tables are made from the models, which is
quicker than migrating the whole house.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import documented_keys
from tests.services.postgres import Postgres
from tests.services.process import make_folder

ROOMS = ("organizations", "journal", "sync")


@contextmanager
def stand(engine: str, *, durable: bool = False) -> Iterator[Postgres | None]:
    """Django on a new empty database of ``engine``; gives the server if one was started for it."""
    folder = make_folder("sync", quick=not durable)
    server = None
    try:
        url = f"sqlite:///{folder}/sync.sqlite3"
        if engine == "postgres":
            server = Postgres(durable=durable)
            url = server.create("sync")
        configure(url, folder)
        make_tables()
        yield server
    finally:
        leave()
        if server is not None:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


def configure(url: str, folder: Path) -> None:
    """Settings as the product reads them from the environment, with fewer rooms."""
    for key in documented_keys():
        os.environ.pop(key, None)
    os.environ |= {"ENV_FILE": "/dev/null", "DATABASE_URL": url, "DATABASE_POOL": "0", "VAR_DIR": str(folder)}
    import django
    from django.conf import settings

    from config import settings as house

    told = {name: getattr(house, name) for name in dir(house) if name.isupper()}
    apps = ["django.contrib.auth", "django.contrib.contenttypes", *ROOMS]
    settings.configure(**told | {"INSTALLED_APPS": apps, "MIDDLEWARE": [], "LOGGING_CONFIG": None})
    django.setup()


def make_tables() -> None:
    """The tables of the rooms, as their models say."""
    from django.apps import apps
    from django.db import connection

    with connection.schema_editor() as editor:
        for room in ROOMS:
            for model in apps.get_app_config(room).get_models():
                editor.create_model(model)


def tables() -> list[str]:
    """Their names, in an order in which they can be filled."""
    from django.apps import apps

    return [model._meta.db_table for room in ROOMS for model in apps.get_app_config(room).get_models()]


def address() -> str:
    """The address of the database in use, for child processes."""
    return os.environ["DATABASE_URL"]


def leave() -> None:
    from django.conf import settings

    if settings.configured:
        from django.db import connections

        connections.close_all()


def hurry() -> None:
    """Let SQLite not wait for the disk: for programs that try the rules and not the disk."""
    from django.db import connection

    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")


def wipe() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for table in reversed(tables()):
            cursor.execute(f"DELETE FROM {table}")


Picture = dict[str, list[tuple[object, ...]]]


def picture() -> Picture:
    """All rows of all tables, as a backup would hold them."""
    from django.db import connection

    found: Picture = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"SELECT * FROM {table}")
            found[table] = [tuple(row) for row in cursor.fetchall()]
    return found


def bring_back(kept: Picture) -> None:
    """Make the database what it was when the picture was taken."""
    from django.db import connection

    with connection.cursor() as cursor:
        for table in reversed(tables()):
            cursor.execute(f"DELETE FROM {table}")
        for table, rows in kept.items():
            if rows:
                marks = ", ".join(["%s"] * len(rows[0]))
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
