"""New issues wait in memory until their table is asked for: nobody who asks can tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from api.operations import OPERATIONS
from core.actors import SYSTEM
from core.drafts import Draft
from inspections import issues
from inspections.models import Issue
from journal import journal, rows
from organizations import permissions
from organizations.models import Device
from sync import envelope
from sync.models import Quarantined
from sync.push import push
from tests.inspections.cast import World


def writes(asked: CaptureQueriesContext) -> list[str]:
    """The statements that write issues, by their first word."""
    listed = [query["sql"] for query in asked.captured_queries if '"inspections_issue"' in query["sql"]]
    return [sql.split()[0] for sql in listed if sql.startswith(("INSERT", "COPY", "UPDATE"))]


def put(world: World, *drafts: Draft) -> None:
    outcomes = issues.put(drafts, by=world.caller("liaison"), at=world.now)
    assert all(isinstance(outcome, Issue) for outcome in outcomes)


def unit(world: World) -> Any:
    return journal.unit(by=SYSTEM, at=world.now)


def test_what_is_made_and_routed_in_one_unit_is_written_once(world: World) -> None:
    drafts = [world.draft(category="work_injury") for _ in range(3)]
    with CaptureQueriesContext(connection) as asked, unit(world):
        put(world, *drafts)
        issues.route([draft.id for draft in drafts], at=world.now)

    assert len(writes(asked)) == 1
    told = Issue.objects.values_list("state", "lead_code", "segment", "routing_reason__en")
    assert {row[:3] for row in told} == {("dispatched", "HRSS", 1)}
    assert all(row[3].startswith("Rule") for row in told)


def test_who_asks_for_the_table_finds_them(world: World) -> None:
    first, second = world.draft(), world.draft()
    edit = Draft(first.id, {"description": "补充:缺 12 名焊工"}, new=False)
    with unit(world):
        put(world, first)
        assert Issue.objects.filter(pk=first.id).exists()
        put(world, second)
        put(world, edit)  # reads the first, which was written a moment ago
        issues.route([first.id, second.id], at=world.now)

    assert Issue.objects.get(pk=first.id).description == "补充:缺 12 名焊工"
    assert set(Issue.objects.values_list("pk", "state")) == {(first.id, "dispatched"), (second.id, "dispatched")}


def test_a_savepoint_takes_its_own_with_it_and_no_others(world: World) -> None:
    before, within, after = world.draft(), world.draft(), world.draft()
    with unit(world):
        put(world, before)
        with pytest.raises(LookupError), journal.savepoint():
            put(world, within)
            raise LookupError
        with journal.savepoint():
            put(world, after)

    assert set(Issue.objects.values_list("pk", flat=True)) == {before.id, after.id}


def test_a_savepoint_of_the_framework_leaves_behind_it_what_came_before(world: World) -> None:
    before = world.draft()
    with unit(world):
        put(world, before)
        with pytest.raises(LookupError), transaction.atomic():
            Issue.objects.count()
            raise LookupError

    assert Issue.objects.filter(pk=before.id).exists()


def test_a_unit_that_fails_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(LookupError), unit(world):
        put(world, world.draft())
        raise LookupError

    assert connection.execute_wrappers == []
    assert not Issue.objects.exists()


def test_an_issue_that_the_database_refuses_stays_at_the_desk(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(60)  # it is meant to fail, loudly
    person = world.people["liaison"].id
    device = Device.objects.create(hardware=uuid4(), person_id=person, bound_at=world.now)
    good, bad, insert = world.draft(), world.draft(), rows.insert

    def refusing(model: Any, columns: Sequence[str], values: Sequence[Any], **more: Any) -> None:
        if model is Issue and any(bad.id in row for row in values):
            raise ValueError("the database does not like it")
        insert(model, columns, values, **more)

    monkeypatch.setattr(rows, "insert", refusing)
    sent = [
        {"id": str(uuid4()), "collection": "issues", "record": str(draft.id), "op": "put", "base": None, "data": draft.changes, "at": None}
        for draft in (good, bad)
    ]  # fmt: skip
    batch = envelope.read(json.dumps({"schema": 1, "mutations": sent}).encode())
    by = permissions.caller(person, on=world.now.date(), device=device.id)
    told = push(batch, by=by, at=world.now, operations=OPERATIONS)

    assert [result["status"] for result in json.loads(told)["results"]] == ["applied", "quarantined"]
    assert list(Issue.objects.values_list("pk", flat=True)) == [good.id]
    assert list(Quarantined.objects.values_list("record", "state")) == [(bad.id, "waiting")]
