"""Is the process alive, and can it do its work? Asked by proxies and supervisors, so without sign-in or details."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import never_cache

from api.doors import open_door
from api.rendering import dumps
from media.storage import StorageDown, storage


def database() -> bool:
    """The database answers and has every migration of this code."""
    try:
        executor = MigrationExecutor(connection)
        return not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (OperationalError, InterfaceError):
        return False


def disk() -> bool:
    """What is received can be written down."""
    try:
        folder = Path(settings.VAR_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as file:
            file.write(b"x")
        return True
    except OSError:
        return False


def photos() -> bool:
    """The storage of photos answers."""
    try:
        storage().check()
        return True
    except StorageDown:
        return False


VITAL: dict[str, Callable[[], bool]] = {"database": database, "disk": disk}
"""Without these no request can be served."""
TOLD: dict[str, Callable[[], bool]] = {"storage": photos}
"""Told and no more: while one of these is away records are still taken in. ``config`` adds the worker."""


@open_door
@never_cache
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse(dumps({"status": "ok"}), content_type="application/json")


@open_door
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """What it cannot do without is there; 503 with the name of what is not."""
    found = {name: check() for name, check in VITAL.items()}
    status = 200 if all(found.values()) else 503
    checks = found | {name: check() for name, check in TOLD.items()} if status == 200 else found
    told = {"status": "ok" if status == 200 else "unavailable", "checks": checks}
    headers = {} if status == 200 else {"Retry-After": "5"}
    return HttpResponse(dumps(told), status=status, content_type="application/json", headers=headers)


urlpatterns = [path("healthz", alive, name="healthz"), path("readyz", ready, name="readyz")]
