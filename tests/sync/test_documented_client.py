"""The client that docs/sync.md prints works as printed."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse
from uuid import uuid4

import orjson
import pytest

from core.ids import uuid7
from inspections import actions, issues, visits
from journal import upkeep
from media import fields as fields_of_photos
from surveys import incoming
from sync import envelope
from sync import pull as pulling
from sync import push as pushing
from tests.services import ROOT
from tests.sync import ground, toys
from tests.sync.toys import Phone, give, person, take

pytestmark = pytest.mark.django_db
A, B = uuid4(), uuid4()


def printed() -> Any:
    """The class in the page's Python block."""
    page = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    told: dict[str, Any] = {}
    exec(compile(code, "docs/sync.md", "exec"), told)
    return told["Client"]


class Line:
    """What lies between the printed client and the engine; ``cut`` loses requests or answers."""

    def __init__(self, phone: Phone, cut: Callable[[str], str] = lambda path: "") -> None:
        self.phone, self.cut = phone, cut

    def __call__(self, method: str, path: str, body: Any) -> Any:
        lost = self.cut(path)
        if lost == "request":
            return None
        asked = {name: values[0] for name, values in parse_qs(urlparse(path).query).items()}
        if method == "POST":
            answer = pushing.push(
                envelope.read(orjson.dumps(body)), by=self.phone.by, at=self.phone.now, operations=toys.OPERATIONS
            )
        else:
            answer = pulling.pull(
                by=self.phone.by, owner=self.phone.device, cursor=asked.get("cursor"), limit=3, scope=asked.get("scope"),
                key=toys.KEY, at=self.phone.now,
            )  # fmt: skip
        return None if lost == "answer" else orjson.loads(answer)


def mirror(client: Any) -> dict[tuple[str, str], Any]:
    rows = client.db.execute("SELECT collection, id, scope, revision, hash, data FROM row")
    return {
        (collection, key): (scope, revision, digest, orjson.loads(data))
        for collection, key, scope, revision, digest, data in rows
    }


def test_it_syncs_conflicts_and_follows_its_scopes(tmp_path: Path) -> None:
    phone = Phone(person("li", A))
    wang = Phone(person("wang", A))
    client = printed()(tmp_path / "li.sqlite3", Line(phone))
    record = str(uuid7())
    client.write("notes", record, {"enterprise": str(A), "title": "一"})
    client.write("notes", record, {"text": "二"})
    for number in range(5):
        client.write("notes", str(uuid7()), {"enterprise": str(A), "title": str(number)})
    assert client.sync()
    wang.pull()
    wang.push(wang.put(record, 2, text="王"))
    client.write("notes", record, {"text": "李", "title": "三"})
    assert client.sync()
    give(phone.person, B)
    take(phone.person, A)
    assert client.sync()
    give(phone.person, A)
    assert client.sync()
    assert mirror(client) == phone.fresh()
    assert any(key[0] == "conflicts" for key in mirror(client))
    client.db.close()


def test_it_heals_a_damaged_mirror(tmp_path: Path) -> None:
    phone = Phone(person("li", A))
    client = printed()(tmp_path / "li.sqlite3", Line(phone))
    for number in range(5):
        client.write("notes", str(uuid7()), {"enterprise": str(A), "title": str(number)})
    assert client.sync()
    with client.db:
        client.db.execute("DELETE FROM row WHERE id IN (SELECT id FROM row LIMIT 2)")
    assert client.sync()
    assert mirror(client) == phone.fresh()
    client.db.close()


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_bad_line_costs_nothing(tmp_path: Path, lost: str) -> None:
    phone = Phone(person("li", A))
    turns = iter(range(1000))
    client = printed()(tmp_path / "li.sqlite3", Line(phone, cut=lambda path: lost if next(turns) % 3 == 1 else ""))
    records = [str(uuid7()) for _ in range(4)]
    for record in records:
        client.write("notes", record, {"enterprise": str(A), "title": "一"})
        client.sync()
    for _ in range(20):
        if client.sync():
            break
    assert mirror(client) == phone.fresh()
    assert {key for collection, key in mirror(client) if collection == "notes"} == set(records)
    client.db.close()


@pytest.mark.django_db(transaction=True)
def test_it_sends_again_what_a_restored_server_forgot(tmp_path: Path) -> None:
    phone = Phone(person("li", A))
    client = printed()(tmp_path / "li.sqlite3", Line(phone))
    early, late = str(uuid7()), str(uuid7())
    client.write("notes", early, {"enterprise": str(A), "title": "早"})
    assert client.sync()
    kept = ground.picture()
    client.write("notes", late, {"enterprise": str(A), "title": "晚"})
    client.write("notes", early, {"text": "改"})
    assert client.sync()

    ground.bring_back(kept)
    upkeep.begin_epoch(durable_until=None)
    assert client.sync()

    held = mirror(client)
    assert held == phone.fresh()
    assert held["notes", late][3]["title"] == "晚"
    assert held["notes", early][3]["text"] == "改"
    client.db.close()


def test_the_page_names_every_field_that_a_phone_writes_and_which_a_new_record_needs() -> None:
    page = (ROOT / "docs" / "sync.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", page, re.MULTILINE))
    shapes = {"visits": visits.SHAPES, "issues": issues.SHAPES, "issue_actions": actions.SHAPES}
    fields = {name: set(shape) for name, shape in shapes.items()} | {
        "responses": set(incoming.FIELDS), "photos": set(fields_of_photos.READERS),
    }  # fmt: skip
    needed = {name: {one for one in shape if shape[one].required} for name, shape in shapes.items()} | {
        "responses": set(incoming.REQUIRED) - set(incoming.IMPLIED), "photos": set(fields_of_photos.REQUIRED),
    }  # fmt: skip
    for collection, known in fields.items():
        told = re.sub(r"\([^)]*`(draft|on_site|low)`[^)]*\)", "", rows[collection])
        assert set(re.findall(r"`(\w+)`", told)) == known, collection
        assert set(re.findall(r"\*\*`(\w+)`\*\*", told)) == needed[collection], collection
