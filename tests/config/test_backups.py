"""Backups that phones can rely on, and the way back."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from core.actors import SYSTEM
from journal import journal, upkeep
from journal.models import Entry, Feed
from tests.services.postgres import find_programs

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's own pg_dump, as an operator would have it."""
    if connection.vendor == "postgresql":
        monkeypatch.setenv("PATH", f"{find_programs()}{os.pathsep}{os.environ['PATH']}")


def something_happens(at: datetime = NOON) -> None:
    with journal.unit(by=SYSTEM, at=at):
        note = {"text": [None, "noted"]}
        journal.record(
            [journal.Change("note.made", "notes", uuid4(), note, scope="shared", document={"text": "noted"})]
        )


def run(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def positions_in(file: Path) -> str:
    """Something that must be in the copy, read without our code."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(file)) as copy:
            return str(copy.execute("SELECT version FROM journal_feed").fetchone()[0])
    dumped = subprocess.run(
        [find_programs() / "pg_restore", "--data-only", "--table=journal_feed", "--file=-", file],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    [row] = [line for line in dumped.splitlines() if line.startswith("1\t")]
    return row.split("\t")[1]


def test_a_backup_holds_what_was_received_and_the_phones_are_told(tmp_path: Path) -> None:
    something_happens()
    said = run("backup", str(tmp_path / "monday"))
    feed = Feed.objects.get()

    assert positions_in(tmp_path / "monday") == str(feed.version)
    assert feed.durable_until is not None
    assert feed.durable_until > NOON
    assert feed.durable_until.isoformat() in said


def test_after_a_restore_phones_are_told_to_start_over(tmp_path: Path) -> None:
    something_happens()
    run("backup", str(tmp_path / "monday"))
    before = Feed.objects.get()
    something_happens(datetime.now(UTC))

    run("restored", "--backup", str(tmp_path / "monday"))

    after = Feed.objects.get()
    assert after.epoch != before.epoch
    assert after.durable_until == before.durable_until
    assert upkeep.safe(after, epoch=before.epoch) == before.durable_until


def test_a_backup_is_never_written_over_another(tmp_path: Path) -> None:
    something_happens()
    run("backup", str(tmp_path / "monday"))
    note = json.loads((tmp_path / "monday.json").read_text())
    with pytest.raises(CommandError, match="there already"):
        run("backup", str(tmp_path / "monday"))
    assert json.loads((tmp_path / "monday.json").read_text()) == note


def test_a_lost_note_is_named(tmp_path: Path) -> None:
    something_happens()
    with pytest.raises(CommandError, match=r"tuesday\.json"):
        run("restored", "--backup", str(tmp_path / "tuesday"))


def test_the_journal_holds_until_somebody_alters_it() -> None:
    something_happens()
    something_happens()
    assert "holds" in run("verify_journal")
    Entry.objects.filter(pk=Entry.objects.order_by("pk").values("pk")[:1]).update(verb="note.forged")
    with pytest.raises(CommandError, match="1 findings"):
        run("verify_journal")
