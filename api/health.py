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
from django.views.decorators.http import require_safe

from api.rendering import dumps


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
        with TemporaryFile(dir=Path(settings.VAR_DIR)) as file:
            file.write(b"x")
        return True
    except OSError:
        return False


CHECKS: dict[str, Callable[[], bool]] = {"database": database, "disk": disk}
"""Rooms that depend on something of their own add their check here (storage, worker)."""


@never_cache
@require_safe
def alive(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse(dumps({"status": "ok"}), content_type="application/json")


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Everything it needs is there; 503 with the name of what is not."""
    found = {name: check() for name, check in CHECKS.items()}
    status = 200 if all(found.values()) else 503
    told = {"status": "ok" if status == 200 else "unavailable", "checks": found}
    headers = {} if status == 200 else {"Retry-After": "5"}
    return HttpResponse(dumps(told), status=status, content_type="application/json", headers=headers)


urlpatterns = [path("healthz", alive, name="healthz"), path("readyz", ready, name="readyz")]
