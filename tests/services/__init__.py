"""The pytest plugin that gives a test run its real services: a database of the engine asked for, an S3 server.

Loaded with ``-p tests.services`` (see pyproject.toml) and not from a conftest, because pytest-django reads the
settings, and with them DATABASE_URL, before any conftest.

- ``--engine=sqlite|postgres`` (or ENGINE) chooses the database. The process that starts the run starts the server
  once; xdist workers inherit its address and get databases of their own from pytest-django.
- What the caller's environment and ``.env`` say about the product is put aside: a test run is the same everywhere.
  Only a DATABASE_URL beginning with ``postgres`` is heeded, in an engine=postgres run.
- The migrations run once, beside the start of everything else, and each worker copies their tables.
- ``s3_server`` is a real S3 server, started when the first test asks for it.
- Connections to anything but this machine are refused.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from tests.services import loopback, tables
from tests.services.postgres import Postgres
from tests.services.process import make_folder
from tests.services.s3 import S3

ROOT = Path(__file__).resolve().parents[2]
RUN, COPIED = "SANYUANTONG_TEST_RUN", "SANYUANTONG_TEST_TABLES"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("sqlite", "postgres"),
        default=os.environ.get("ENGINE", "sqlite"),
        help="the database the tests run on (default: ENGINE, else sqlite)",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Set the environment before pytest-django reads the settings, and the test database's name after."""
    engine = early_config.known_args_namespace.engine
    if "PYTEST_XDIST_WORKER" not in os.environ and not early_config.known_args_namespace.help:
        run = start_run(engine)
        early_config.add_cleanup(run.close)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    os.environ["VAR_DIR"] = str(Path(os.environ.get(RUN, "/nonexistent")) / worker)
    yield
    if engine == "sqlite":
        name_database_file()


class Run:
    """What one test run holds: a folder and, on PostgreSQL, a server; and whoever fills its tables for all workers to copy."""

    def __init__(self, folder: Path, server: Postgres | None, filling: subprocess.Popen[bytes] | None) -> None:
        self.folder, self.server, self.filling = folder, server, filling

    def close(self) -> None:
        if self.filling is not None:
            self.filling.kill()
            self.filling.wait()
        if self.server is not None:
            self.server.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_run(engine: str) -> Run:
    """Put the caller's settings aside, start what the engine needs and write it into the environment."""
    given = os.environ.get("DATABASE_URL", "")
    for key in documented_keys():
        os.environ.pop(key, None)
    os.environ["ENV_FILE"] = "/dev/null"
    # every worker and every program that a test starts would compile the house anew
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    folder = make_folder("tests", quick=True)
    server, empty = None, ""
    if engine == "sqlite":
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/unused.sqlite3"
        empty = f"sqlite:///{folder}/{tables.NAME}.sqlite3"
    elif given.startswith("postgres"):
        os.environ["DATABASE_URL"] = given
    else:
        server = Postgres()
        os.environ["DATABASE_URL"] = server.create("sanyuantong")
        empty = server.create(tables.NAME)
    # a pool would hold on to connections when the test database is dropped
    os.environ["DATABASE_POOL"] = "0"
    os.environ[RUN] = str(folder)
    if not empty:
        return Run(folder, server, None)
    os.environ[COPIED] = "yes"
    return Run(folder, server, tables.begin(empty, folder, ROOT))


def documented_keys() -> list[str]:
    """Every setting's name: the keys of ``.env.example``."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return [line.lstrip("# ").partition("=")[0] for line in lines if "=" in line and line.lstrip("#")[:1].isupper()]


def name_database_file() -> None:
    """SQLite's tests run on a file, as the product does: in memory it has no WAL and other locks."""
    from django.conf import settings

    name = Path(settings.VAR_DIR) / "test.sqlite3"
    name.parent.mkdir(parents=True, exist_ok=True)
    settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.add_cleanup(loopback.close_the_outside())
    if config.option.basetemp is None and "PYTEST_XDIST_WORKER" not in os.environ:
        # beside the databases, in memory where there is room: stores and spools settle every file on its disk
        config.option.basetemp = Path(os.environ[RUN]) / "tmp"


def pytest_report_header(config: pytest.Config) -> str:
    return f"database engine: {config.getoption('engine')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs PostgreSQL's own behaviour runs in the PostgreSQL run only."""
    if config.getoption("engine") == "postgres":
        return
    elsewhere = [item for item in items if item.get_closest_marker("postgres")]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if item not in elsewhere]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3]:
    """A real S3 server with an empty bucket, for this process's tests."""
    with S3() as server:
        yield server


def have_tables() -> bool:
    """Make this process's test database with tables in it; False where it is not for us to copy databases."""
    if COPIED not in os.environ:
        return False
    tables.copy(Path(os.environ[RUN]))
    return True


def database_url() -> str:
    """The address of the database that this process's tests run on, for programs that a test starts."""
    from django.db import connection

    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    return (
        f"postgres://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"
    )
