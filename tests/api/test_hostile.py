"""Row 32 at large: thousands of hostile requests against every door that takes JSON and every list; none is answered by a 5xx,
and both databases say the same to each."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import Resolver404, resolve

from api.policy import ROUTES
from tests.api import payloads, verdicts
from tests.api.ground import Ground
from tests.world import World

OTHERWISE = {
    # what takes no JSON: nothing at all, forms, XML; each has tests and fuzzing of its own
    "logout", "open311-requests", "openrosa-key-submission", "openrosa-submission", "webhook-ping",
}  # fmt: skip


@pytest.fixture(autouse=True)
def quietly() -> Iterator[None]:
    """Thousands of refusals are not worth a log line each."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db(transaction=True)
def test_row_32_no_json_route_and_no_list_is_broken_by_what_it_is_sent(request, files, tmp_path):
    """Every request is committed for real.

    The PostgreSQL run compares with what SQLite said in the run before it (`make test`), or hears it say the same beside.
    """
    engine, shared = request.config.getoption("engine"), os.environ.get("VERDICTS")
    file = Path(shared or tmp_path) / "verdicts.json"
    other = on_sqlite(file, tmp_path) if engine == "postgres" and not file.exists() else None
    try:
        here = verdicts.collect(Ground(World()), verdicts.all_attempts())
    finally:
        said = other.communicate()[0] if other else ""

    assert [told for told in here if told[1] >= 500] == []
    assert len(here) >= 3_800 and sum(1 for told in here if " GET " not in told[0]) >= 3_000
    if engine == "sqlite" and shared:
        file.write_text(json.dumps(here), encoding="utf-8")
    if engine == "postgres":
        assert other is None or other.returncode == 0, said
        same = zip(json.loads(json.dumps(here)), json.loads(file.read_text(encoding="utf-8")), strict=True)
        differences = [(mine, theirs[1:]) for mine, theirs in same if mine != theirs]
        assert differences == [], f"{len(differences)} verdicts differ"


def on_sqlite(file: Path, folder: Path) -> subprocess.Popen[str]:
    """Another process that says its verdicts on a SQLite of its own."""
    environment = os.environ | {"DATABASE_URL": f"sqlite:///{folder}/other.sqlite3", "VAR_DIR": str(folder / "var")}
    command = [sys.executable, "-W", "error", "-m", "tests.api.verdicts", str(file)]
    return subprocess.Popen(
        command,
        env=environment,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_every_route_that_takes_json_is_sent_some():
    reached = set()
    for attempt in payloads.bodies(payloads.document(), verdicts.SEED):
        path = re.sub("@[a-z]+@", "00000000-0000-4000-8000-000000000000", attempt.path)
        with contextlib.suppress(Resolver404):
            reached.add(resolve(path if path.startswith("/") else f"/api/v1/{path}").url_name)
    writing = {name for name, row in ROUTES.items() if {"POST", "PUT", "PATCH"} & set(row)}
    assert writing - reached <= OTHERWISE
