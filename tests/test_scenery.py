"""A scene that is put back is the scene that was built, and nobody's but the test's that asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from journal import journal
from journal.models import Entry, Feed
from organizations.models import Enterprise, Person, Region
from tests import scenery
from tests.organizations.cast import Cast

pytestmark = pytest.mark.django_db
built: list[Cast] = []


@pytest.fixture(autouse=True)
def nothing_is_kept(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(scenery, "_scenes", {})
    built.clear()


def build() -> Cast:
    built.append(Cast())
    return built[-1]


def rows() -> dict[str, list[str]]:
    """All rows of all tables, in an order of their own; the stamp is each scene's own."""
    Feed.objects.update(stamp="")
    found = {}
    with connection.cursor() as cursor:
        for name in scenery._filled():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(name)}")
            found[name] = sorted(repr(row) for row in cursor.fetchall())
    return found


def elsewhere(change: Any = lambda cast: None) -> dict[str, list[str]]:
    """What another test sees of the scene, and then changes; all of it is taken back."""
    with transaction.atomic():
        cast = scenery.stage(build)
        seen = rows()
        change(cast)
        transaction.set_rollback(True)
    return seen


def test_every_row_comes_back_as_it_was() -> None:
    first, second, third = elsewhere(), elsewhere(), elsewhere()
    assert len(built) == 1
    assert len(first) > 8
    assert first == second == third


def test_what_one_test_changes_the_next_does_not_see() -> None:
    def spoil(cast: Cast) -> None:
        cast.bakery.name = "别的"
        cast.bakery.save()
        cast.person("newcomer")

    elsewhere(spoil)
    elsewhere(spoil)
    cast = scenery.stage(build)
    assert len(built) == 1
    assert cast.bakery.name == Enterprise.objects.get(pk=cast.bakery.pk).name == "面包厂"
    assert not Person.objects.filter(username="newcomer").exists()


def test_life_goes_on_where_the_scene_ends() -> None:
    elsewhere()
    cast = scenery.stage(build)
    before = set(Entry.objects.values_list("id", flat=True))
    cast.person("newcomer")
    assert Entry.objects.exclude(id__in=before).count() == 1
    assert max(before) < Entry.objects.latest("id").id


def test_what_is_remembered_of_one_scene_is_not_taken_for_the_next() -> None:
    stamps = set()
    for _ in range(3):
        with transaction.atomic():
            scenery.stage(build)
            stamps.add(journal.stamp())
            transaction.set_rollback(True)
    assert len(built) == 1
    assert len(stamps) == 3


def test_where_something_is_already_the_scene_is_built_beside_it() -> None:
    elsewhere()
    Region.objects.create(id=uuid4(), code="320281999", name="先到镇", kind="town")
    cast = scenery.stage(build)
    assert len(built) == 2
    assert {"320281999", cast.xiake.code} <= set(Region.objects.values_list("code", flat=True))


def test_an_old_scene_is_built_anew() -> None:
    elsewhere()
    with time_machine.travel(timezone.now() + scenery.LIFETIME + timedelta(seconds=1)):
        elsewhere()
    assert len(built) == 2


def test_files_come_back_into_the_folders_of_the_test(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    made = []

    def picture() -> None:
        made.append(folders[0] / "a" / "b.jpg")
        made[-1].parent.mkdir(parents=True)
        made[-1].write_bytes(b"bytes")

    for folder in folders:
        with transaction.atomic():
            scenery.stage(picture, folders=[folder])
            transaction.set_rollback(True)
        assert (folder / "a" / "b.jpg").read_bytes() == b"bytes"
        (folder / "a" / "b.jpg").write_bytes(b"spoilt")
    assert len(made) == 1


@pytest.mark.django_db(transaction=True)
def test_after_a_test_that_commits_nothing_is_left() -> None:
    cast = scenery.stage(build)
    cast.person("newcomer")
    scenery.clear()
    assert scenery._filled() == []
