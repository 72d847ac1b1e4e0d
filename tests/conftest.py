"""What all tests share: the cast with its server, files in a folder of their own, quick passwords."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker

from config.logs import JSONLines
from tests import scenery
from tests.services import have_tables

if TYPE_CHECKING:
    from tests.world import World


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> bool:
    """Whether the test database is there already, as pytest-django asks before it would migrate one."""
    with django_db_blocker.unblock():
        return have_tables()


@pytest.fixture(scope="session", autouse=True)
def quick_clearing() -> Iterator[None]:
    """After a test that really commits, only what it filled is emptied; there are hundreds of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: scenery.clear())
        yield


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Photos and unfinished uploads lie in a folder of this test's own."""
    from media.storage import storage

    settings.MEDIA_STORAGE, settings.MEDIA_ROOT, settings.SPOOL_DIR = (
        "disk",
        str(tmp_path / "media"),
        tmp_path / "spool",
    )
    storage.cache_clear()
    yield tmp_path / "media"
    storage.cache_clear()


@pytest.fixture
def http(settings: Any) -> Iterator[httpx.Client]:
    """The way to the server: the real application behind HTTP semantics, in this process."""
    from config.wsgi import application

    # requests run inside the test's own transaction: its connection must outlive them, as with Django's test client
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # Argon2 is slow on purpose
    logging.getLogger("httpx").setLevel(logging.WARNING)
    transport = httpx.WSGITransport(app=application, raise_app_exceptions=False)
    with httpx.Client(transport=transport, base_url="http://testserver") as client:
        yield client
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(db: None, files: Path, http: httpx.Client) -> World:
    from tests.world import World

    world = scenery.stage(World)
    world.http = http
    return world


Logged = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def logged() -> Iterator[Logged]:
    """Gives what was logged so far, as an installation logs it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)
