"""Production does not start on a database that forgets what it has acknowledged."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from config import safety
from tests.services import ROOT, database_url, documented_keys

STRICT = {
    "PRODUCTION": "true",
    "SECRET_KEY": "".join(chr(97 + (7 * number) % 26) + str(number) for number in range(40)),
    "ALLOWED_HOSTS": "office.example",
    "PUBLIC_URL": "https://office.example",
}


def manage(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One of the product's commands with production's settings on this test's database."""
    clean = {key: value for key, value in os.environ.items() if key not in documented_keys()}
    told = {"ENV_FILE": str(folder / "none"), "VAR_DIR": str(folder), "DATABASE_URL": database_url()} | STRICT | more
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(command, cwd=ROOT, env=clean | told, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.django_db
def test_the_settings_that_are_told_are_clean_by_djangos_own_judgment(tmp_path: Path) -> None:
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", DATABASE_URL="sqlite:///x.sqlite3")
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout


@pytest.mark.django_db
def test_the_tests_own_hasty_database_would_be_refused(settings: Any) -> None:
    settings.PRODUCTION = True
    if connection.vendor == "sqlite":
        assert safety.faults() == []
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert safety.is_durable()
        return
    assert [fault.split()[1] for fault in safety.faults()] == ["fsync", "full_page_writes", "synchronous_commit"]
    with pytest.raises(CommandError, match="synchronous_commit is off"):
        safety.refuse_to_start()
    answer = Client().get("/readyz", headers={"Host": "testserver"})
    assert (answer.status_code, answer.json()["checks"]["durable"]) == (503, False)


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize("words", [("serve", "--port", "1"), ("work", "--once"), ("migrate",)])
def test_row_10_nothing_starts_in_production_with_synchronous_commit_off(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    off = f"{database_url()}?options={quote('-c synchronous_commit=off')}"
    refused = manage(tmp_path, *words, DATABASE_URL=off)
    assert refused.returncode != 0
    assert "synchronous_commit is off" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.django_db
def test_row_10_what_is_unsafe_is_named_by_the_check(settings: Any) -> None:
    settings.PRODUCTION = True
    found = safety.check(databases=["default"])
    assert len(found) == (0 if connection.vendor == "sqlite" else 3)
    settings.PRODUCTION = False
    assert safety.check(databases=["default"]) == []
    call_command("check", "--database", "default")
