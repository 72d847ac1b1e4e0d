"""The feed is held against the tables, and mended so that phones learn of it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.actors import SYSTEM
from journal import journal
from journal.models import Head
from organizations.models import Enterprise
from tests.world import World


def run(what: str) -> str:
    said = StringIO()
    call_command("feed", what, stdout=said)
    return said.getvalue()


def test_what_all_verbs_wrote_is_what_the_feed_says(world: World) -> None:
    phone = world.phone(of=world.liaison)
    visit = phone.starts_visit(world.bakery)
    phone.reports_issue(visit, category="wage_arrears", workers_affected=12)
    phone.comes_online()
    assert "says what the tables hold" in run("check")


def test_a_write_around_the_verbs_is_found_mended_and_told(world: World) -> None:
    phone = world.phone(of=world.liaison)
    phone.pull()
    Enterprise.objects.filter(pk=world.bakery.pk).update(name="偷改的名字")
    with pytest.raises(CommandError, match="1 findings"):
        run("check")
    assert "1 repairs" in run("repair")
    assert "says what the tables hold" in run("check")
    phone.pull()
    assert phone.document("enterprises", str(world.bakery.pk))["name"] == "偷改的名字"
    phone.obeys_the_mirror_law()


def test_what_was_deleted_lately_is_not_forgotten(world: World) -> None:
    with journal.unit(by=SYSTEM, at=world.at):
        record = journal.Change("note.made", "notes", world.bakery.pk, {}, "shared", {})
        gone = journal.Change("note.gone", "notes", world.bakery.pk, {}, "shared", None)
        journal.record([record, gone])
    assert "0 tombstones" in run("purge")
    assert Head.objects.filter(deleted=True).count() == 1
