"""Two transactions that meet at the worst moment: one is stopped at a named statement, the other runs into it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.db import connection

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import uuid7
from journal import counter, journal, upkeep
from journal.models import Entry
from tests.sync import toys
from tests.sync.toys import NOON, Phone, give, person, take

pytestmark = pytest.mark.django_db(transaction=True)
A, B = uuid4(), uuid4()
COUNTER = 'UPDATE "journal_feed" SET version'


class Meeting:
    """Runs ``first`` until it is about to send a statement that begins with ``at``, then ``second`` until it waits or ends,
    then lets both go on."""

    def __init__(self, first: Callable[[], Any], second: Callable[[], Any], *, at: str = COUNTER) -> None:
        self.reached, self.go, self.at = threading.Event(), threading.Event(), at
        with ThreadPoolExecutor(2) as threads:
            one = threads.submit(self._run, first, stops=True)
            assert self.reached.wait(20) or one.result(), f"the first never came to {at}"
            two = threads.submit(self._run, second, stops=False)
            time.sleep(0.4)
            self.second_waited = not two.done()
            self.go.set()
            self.results = {"first": one.result(30), "second": two.result(30)}

    def _run(self, work: Callable[[], Any], *, stops: bool) -> Any:
        try:
            if not stops:
                return work()
            with connection.execute_wrapper(self._stop):
                return work()
        finally:
            connection.close()

    def _stop(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(self.at) and not self.reached.is_set():
            self.reached.set()
            assert self.go.wait(20)
        return execute(sql, params, many, context)


@pytest.fixture
def li() -> Phone:
    return Phone(person("li", A, B))


@pytest.fixture
def wang(li: Phone) -> Phone:
    return Phone(person("wang", A, B))


def note(phone: Phone) -> str:
    record = str(uuid7())
    (result,) = phone.push(phone.put(record, enterprise=str(A), title="标题"))
    assert result["status"] == "applied", result
    return record


def everything_holds(*phones: Phone) -> None:
    assert list(upkeep.check()) == []
    for phone in phones:
        assert phone.pull().mirror() == phone.fresh()
        assert phone.verify() == {"status": "match"}


def test_the_same_batch_twice_at_once_has_one_effect_and_one_answer(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="一次")
    body = orjson.dumps({"schema": 1, "mutations": [mutation]})
    meeting = Meeting(lambda: li.push_raw(body), lambda: li.push_raw(body))
    assert meeting.second_waited
    assert meeting.results["first"]["results"] == meeting.results["second"]["results"]
    assert Entry.objects.filter(mutation=mutation["id"]).count() == 1
    everything_holds(li)


def test_an_edit_that_waits_for_a_record_finds_it_in_its_new_home(li: Phone, wang: Phone) -> None:
    record = note(li)
    meeting = Meeting(
        lambda: li.push(li.put(record, 1, enterprise=str(B))), lambda: wang.push(wang.put(record, 1, text="王"))
    )
    (result,) = meeting.results["second"]
    assert (result["status"], result["conflicts"]) == ("merged", [])
    everything_holds(li, wang)
    assert li.rows["notes", record]["scope"] == f"enterprise:{B}"
    assert li.row(record)["text"] == "王"


def test_the_office_and_a_phone_edit_one_field_at_once(li: Phone) -> None:
    record = note(li)
    office = toys.caller(li.person.id, uuid4())

    def edit() -> None:
        with journal.unit(by=office, at=NOON):
            toys.put([Draft(UUID(record), {"title": "办公室"}, new=False, by=office)], by=office, at=NOON)

    meeting = Meeting(edit, lambda: li.push(li.put(record, 1, title="李")))
    (result,) = meeting.results["second"]
    assert [clash["kept"] for clash in result["conflicts"]] == ["办公室"]
    everything_holds(li)


def test_a_record_deleted_while_an_edit_waits_is_gone(li: Phone, wang: Phone) -> None:
    record = note(li)
    meeting = Meeting(
        lambda: li.push(li.put(record, 1) | {"op": "delete", "data": None}),
        lambda: wang.push(wang.put(record, 1, text="晚")),
    )
    assert meeting.results["second"][0]["problem"]["type"].endswith("/gone")
    everything_holds(li, wang)


def test_a_pull_beside_an_open_push_neither_waits_nor_skips(li: Phone, wang: Phone) -> None:
    note(li)
    wang.pull()
    record = str(uuid7())
    meeting = Meeting(lambda: li.push(li.put(record, enterprise=str(A), title="慢")), wang.pull)
    assert not meeting.second_waited
    assert wang.row(record) is None
    assert wang.pull().row(record) is not None
    everything_holds(li, wang)


def test_a_grant_that_meets_a_write_brings_it(li: Phone) -> None:
    late = Phone(person("late", B)).pull()
    record = str(uuid7())
    Meeting(lambda: li.push(li.put(record, enterprise=str(A), title="碰")), lambda: give(late.person, A))
    assert late.pull().row(record) is not None
    Meeting(lambda: li.push(li.put(record, 1, text="又")), lambda: take(late.person, A))
    assert late.pull().row(record) is None
    everything_holds(li, late)


def test_a_backup_taken_while_a_push_is_open_does_not_promise_it(li: Phone) -> None:
    note(li)
    feed = counter.feed()
    snapshot = NOON + timedelta(hours=3)
    told: list[datetime] = []

    def backup() -> None:
        until = upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=snapshot)
        assert until is not None
        told.append(until)

    body = orjson.dumps({"schema": 1, "mutations": [li.put(uuid7(), enterprise=str(A), title="开")]})
    meeting = Meeting(lambda: li.push_raw(body), backup, at='UPDATE "organizations_device"')
    received = datetime.fromisoformat(meeting.results["first"]["received_at"])
    assert received >= told[0]


def test_two_units_at_once_get_two_positions_in_the_order_they_commit() -> None:
    def write() -> int:
        with journal.unit(by=SYSTEM, at=NOON):
            journal.record([journal.Change("note.put", "notes", uuid4(), {}, "shared", {})])
        return counter.feed().version

    Meeting(write, write)
    assert list(upkeep.check()) == []
    assert sorted(Entry.objects.values_list("version", flat=True)) == [1, 2]
