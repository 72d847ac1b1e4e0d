"""The drill: back up, go on working, lose the server, bring it back, reconnect. Nothing a phone holds is missing, nothing is doubled."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import connection

from core.ids import uuid7
from journal import upkeep
from journal.models import Entry
from sync.models import Mutation
from tests.services.postgres import find_programs
from tests.sync.toys import Phone, give, person

pytestmark = pytest.mark.django_db(transaction=True)
A, B = uuid4(), uuid4()


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own programs, as an operator would have them."""
    if connection.vendor == "postgresql":
        monkeypatch.setenv("PATH", f"{find_programs()}{os.pathsep}{os.environ['PATH']}")


def run(*words: str) -> str:
    said = StringIO()
    call_command(*words, stdout=said)
    return said.getvalue()


def test_the_drill(tmp_path: Path, settings: LazySettings) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")
    (tmp_path / "media" / "ab").mkdir(parents=True)
    (tmp_path / "media" / "ab" / "abcdef").write_bytes(b"a photo")
    li, wang = Phone(person("li", A)), Phone(person("wang", A))
    early = li.put(uuid7(), enterprise=str(A), title="早")
    li.push(early)
    li.pull(), wang.pull()

    run("backup", str(tmp_path / "monday"), "--media", str(tmp_path / "photos"))

    # work goes on, and every answer reaches its phone
    late = [li.put(uuid7(), enterprise=str(A), title="晚"), li.put(early["record"], 1, text="改")]
    conflicting = wang.put(early["record"], 1, text="王改")
    answers = li.push(*late)
    wang.push(conflicting)
    give(wang.person, B)
    li.pull(), wang.pull()
    assert [answer["status"] for answer in answers] == ["applied", "applied"]

    # the server is lost; another one is made from the backup
    (tmp_path / "media" / "ab" / "abcdef").unlink()
    said = run("restore", str(tmp_path / "monday"), "--media", str(tmp_path / "photos"), "--yes")
    assert "epoch" in said
    assert (tmp_path / "media" / "ab" / "abcdef").read_bytes() == b"a photo"

    # reconnecting: first what they kept, with the old epoch; then from the start
    old = li.epoch
    again = li.push(early, *late, epoch=old)
    assert [result["status"] for result in again] == ["applied", "applied", "applied"]
    (clash,) = wang.push(conflicting, epoch=old)
    assert clash["status"] == "merged"
    assert clash["conflicts"][0] | {"kept_revision": 0} == {
        "field": "text", "yours": "王改", "kept": "改", "kept_revision": 0,
    }  # fmt: skip
    li.pull(), wang.pull()
    assert li.resets == wang.resets == ["first", "epoch"]
    assert li.epoch != old
    assert li.row(early["record"])["text"] == "改"
    assert li.row(late[0]["record"])["title"] == "晚"
    assert li.mirror() == li.fresh()
    assert wang.mirror() == wang.fresh()
    assert li.verify() == wang.verify() == {"status": "match"}

    # exactly once, and the trail of the restored server holds
    for mutation in (early, *late):
        assert Entry.objects.filter(mutation=mutation["id"], verb="note.put").count() == 1
        assert Mutation.objects.filter(mutation=mutation["id"]).count() == 1
    assert list(upkeep.check()) == []


def test_what_waited_in_quarantine_and_what_was_granted_comes_back_too(tmp_path: Path) -> None:
    li = Phone(person("li", A))
    parent, child = str(uuid7()), str(uuid7())
    li.push(li.put(child, enterprise=str(A), title="子", note=parent))
    run("backup", str(tmp_path / "monday"))
    settled = li.put(parent, enterprise=str(A), title="父")
    li.push(settled)

    run("restore", str(tmp_path / "monday"), "--yes")
    li.pull()
    assert li.row(child) is None
    assert [row["data"]["state"] for row in li.of("quarantine")] == ["waiting"]

    li.push(settled, epoch="e-old")
    assert li.pull().row(child)["title"] == "子"
    assert li.mirror() == li.fresh()


def test_a_backup_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    from django.core.management import CommandError

    before = Phone(person("li", A)).pull().epoch
    with pytest.raises(CommandError, match="is not there"):
        run("restore", str(tmp_path / "sunday"), "--yes")
    assert Phone(person("wang", A)).pull().epoch == before
