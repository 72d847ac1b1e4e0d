"""Looking after the feed: the audit chain, what a backup promises, tombstones, sums, and repairs that phones learn of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from core.actors import SYSTEM
from core.ids import uuid7
from journal import chain, counter, digests, journal, upkeep
from journal.models import Entry, Feed, Head, Scope, Unit
from tests.sync.toys import NOON, Phone, person

pytestmark = pytest.mark.django_db
A = uuid4()
HOUR = timedelta(hours=1)


@pytest.fixture
def li() -> Phone:
    return Phone(person("li", A))


def note(phone: Phone, **more: object) -> str:
    record = str(uuid7())
    (result,) = phone.push(phone.put(record, enterprise=str(A), title="标题", **more))
    assert result["status"] == "applied", result
    return record


def kinds(*rooms: upkeep.Room) -> list[str]:
    return [finding.kind for finding in upkeep.check(rooms)]


# --- the chain --------------------------------------------------------------------------------------------------


def test_an_honest_history_verifies(li: Phone) -> None:
    for _ in range(3):
        note(li)
    assert list(chain.verify()) == []
    assert list(chain.verify(since=2)) == []


@pytest.mark.parametrize("name", ["verb", "changes", "person", "revision", "claimed_at", "at", "mutation"])
def test_an_altered_entry_is_found(li: Phone, name: str) -> None:
    note(li)
    forged = {
        "verb": "note.seen", "changes": "{}", "person": uuid4(), "revision": 9, "claimed_at": NOON + HOUR,
        "at": NOON + HOUR, "mutation": uuid4(),
    }  # fmt: skip
    last = Entry.objects.latest("id")
    Entry.objects.filter(pk=last.pk).update(**{name: forged[name]})
    assert list(chain.verify()) == [chain.Break(last.version, "seal")]


def test_a_resealed_entry_still_breaks_its_unit(li: Phone) -> None:
    note(li)
    last = Entry.objects.latest("id")
    last.changes = "{}"
    last.digest = digests.entry_seal(
        last.verb,
        last.collection,
        last.record,
        last.revision,
        last.person,
        last.device,
        last.mutation,
        last.claimed_at,
        b"{}",
    )
    last.save()
    assert list(chain.verify()) == [chain.Break(last.version, "link")]


def test_removed_and_added_rows_are_found(li: Phone) -> None:
    note(li)
    note(li)
    last = Entry.objects.latest("id")
    Entry.objects.filter(pk=last.pk).delete()
    assert list(chain.verify()) == [chain.Break(last.version, "count")]
    Unit.objects.filter(pk=last.version).delete()
    assert [one.why for one in chain.verify()] == ["end"]
    Unit.objects.filter(pk=1).delete()
    assert chain.Break(2, "link") in list(chain.verify())


def test_one_instant_in_two_zones_has_one_digest(li: Phone) -> None:
    zoned = datetime.fromisoformat("2026-11-20T12:00:00.123457+08:00")
    with journal.unit(by=SYSTEM, at=zoned):
        journal.record([journal.Change("note.seen", "notes", uuid4(), {}, claimed_at=zoned)])
    assert list(chain.verify()) == []


def test_what_fails_in_a_savepoint_leaves_no_trace(li: Phone) -> None:
    kept, undone = uuid4(), uuid4()
    with journal.unit(by=SYSTEM, at=NOON):
        journal.record([journal.Change("note.put", "notes", kept, {}, "shared", {})])
        with pytest.raises(RuntimeError), journal.savepoint():
            journal.record([journal.Change("note.put", "notes", undone, {}, "shared", {})])
            journal.grant(li.person.id, ["enterprise:x"])
            raise RuntimeError
    assert set(Entry.objects.filter(verb="note.put").values_list("record", flat=True)) == {kept}
    assert "enterprise:x" not in set(Scope.objects.values_list("name", flat=True))
    assert kinds() == []


# --- backups and restores ---------------------------------------------------------------------------------------


def test_a_backup_promises_no_more_than_it_holds(li: Phone) -> None:
    note(li)
    feed = counter.feed()
    snapshot = li.now + HOUR
    note(li)  # received before the snapshot was taken, committed behind it
    told = upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=snapshot)
    assert told == li.now
    assert upkeep.mark_durable(epoch=feed.epoch, version=counter.feed().version, at=snapshot) == snapshot
    assert upkeep.mark_durable(epoch=feed.epoch, version=1, at=NOON) == snapshot, "a promise is never taken back"


def test_nothing_is_received_before_the_last_backup_even_when_the_clock_goes_back(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="早")
    feed = counter.feed()
    upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=NOON + 5 * HOUR)
    body = b'{"schema":1,"mutations":[]}'
    li.push(mutation)
    assert datetime.fromisoformat(li.push_raw(body)["received_at"]) == NOON + 5 * HOUR


def test_the_answer_to_an_edit_that_changes_nothing_is_behind_a_backup_too(li: Phone) -> None:
    """The clock goes back to before what phones were told: only the position says that the backup lacks the answer."""
    record = note(li)
    feed = counter.feed()
    upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=NOON + 5 * HOUR)
    backup = counter.feed()
    same = orjson.dumps({"schema": 1, "mutations": [li.put(record, 1, private=None)]})
    answer = li.push_raw(same)
    assert answer["results"][0]["revision"] == 1, "nothing has changed"
    li.now = NOON + 5.5 * HOUR
    note(li)
    told = upkeep.mark_durable(epoch=backup.epoch, version=backup.version, at=NOON + 6 * HOUR)
    assert told is not None
    assert datetime.fromisoformat(answer["received_at"]) >= told, "the phone keeps what the backup lacks"


def test_a_repeated_mutation_was_not_received_before_it_first_came(li: Phone) -> None:
    body = orjson.dumps({"schema": 1, "mutations": [li.put(uuid7(), enterprise=str(A), title="早")]})
    first = li.push_raw(body)["received_at"]
    li.now -= 3 * HOUR
    assert datetime.fromisoformat(li.push_raw(body)["received_at"]) == datetime.fromisoformat(first)


def test_after_a_restore_everyone_starts_over_and_old_devices_are_promised_only_what_was_restored(li: Phone) -> None:
    record = note(li)
    li.pull()
    feed = counter.feed()
    upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=NOON + HOUR)
    told = Feed.objects.get().durable_until
    old = li.cursor

    upkeep.begin_epoch(durable_until=told)
    feed = counter.feed()
    upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=NOON + 9 * HOUR)  # the next backup

    page = li.page()
    assert (page["reset"], page["reason"]) == (True, "epoch")
    assert datetime.fromisoformat(page["durable_until"]) == NOON + HOUR
    answer = li.push_raw(b'{"schema":1,"epoch":"%b","mutations":[]}' % (li.epoch or "").encode())
    assert datetime.fromisoformat(answer["durable_until"]) == NOON + HOUR
    assert li.pull().cursor != old
    assert li.row(record) is not None
    assert datetime.fromisoformat(li.page()["durable_until"]) == NOON + 9 * HOUR


def test_a_backup_that_was_running_during_a_restore_promises_nothing(li: Phone) -> None:
    note(li)
    feed = counter.feed()
    upkeep.begin_epoch(durable_until=None)
    assert upkeep.mark_durable(epoch=feed.epoch, version=feed.version, at=NOON + HOUR) is None
    assert Feed.objects.get().durable_until is None


# --- tombstones -------------------------------------------------------------------------------------------------


def test_old_tombstones_go_and_whoever_was_away_that_long_starts_over(li: Phone) -> None:
    record, other = note(li), note(li)
    away, close = Phone(li.person).pull(), Phone(li.person)
    li.push(li.put(record, 1) | {"op": "delete", "data": None})
    close.pull()
    li.now += timedelta(days=181)
    li.push(li.put(other, 1, text="近"))

    assert upkeep.purge(before=li.now - upkeep.TOMBSTONES_KEPT) == 1
    assert not Head.objects.filter(deleted=True).exists()
    close.pull(), away.pull()
    assert (close.resets, away.resets) == (["first"], ["first", "expired"])
    assert away.row(record) is None
    assert away.mirror() == away.fresh() == close.mirror()


def test_what_was_deleted_long_ago_stays_deleted(li: Phone) -> None:
    record = note(li)
    li.push(li.put(record, 1) | {"op": "delete", "data": None})
    upkeep.purge(before=li.now + HOUR)
    (edit, creation, deletion) = li.push(
        li.put(record, 1, text="晚"),
        li.put(record, enterprise=str(A), title="又"),
        li.put(record, 1) | {"op": "delete", "data": None},
    )
    assert edit["problem"]["type"].endswith("/gone")
    assert creation["problem"]["type"].endswith("/gone")
    assert deletion["status"] == "applied"


# --- does all add up? -------------------------------------------------------------------------------------------


def test_wrong_sums_are_found_and_mended(li: Phone) -> None:
    note(li)
    li.pull()
    Scope.objects.filter(name=f"enterprise:{A}").update(count=7, digest="f" * 16)
    assert kinds() == ["sum"]
    assert upkeep.repair(at=NOON) == 1
    assert kinds() == []
    assert li.pull().verify() == {"status": "match"}


def test_a_damaged_document_is_found_and_phones_get_the_mended_one(li: Phone) -> None:
    record = note(li)
    li.pull()
    Head.objects.filter(record=UUID(record)).update(document='{"title":"坏"}')
    assert kinds() == ["hash"]
    tables = {UUID(record): (f"enterprise:{A}", {"title": "标题"})}
    room = upkeep.Room("notes", lambda: list(tables), lambda ids: {one: tables[one] for one in ids if one in tables})
    assert kinds(room) == ["hash", "document"]
    assert upkeep.repair([room], at=NOON) >= 1
    assert kinds(room) == []
    assert li.pull().row(record) == {"title": "标题"}
    assert li.mirror() == li.fresh()


def test_heads_are_held_against_the_tables(li: Phone) -> None:
    stays, gone, moved = (UUID(note(li)) for _ in range(3))
    li.pull()
    tables: dict[UUID, tuple[str, Any]] = {
        head.record: (
            head.scope.name,
            {"title": "标题", "enterprise": str(A), "text": None, "rows": None, "note": None, "private": None},
        )
        for head in Head.objects.filter(record__in=[stays, moved]).select_related("scope")
    }
    new = uuid4()
    tables[moved] = (f"user:{li.person.id}", tables[moved][1])
    tables[new] = (f"enterprise:{A}", {"title": "新"})
    room = upkeep.Room("notes", lambda: list(tables), lambda ids: {one: tables[one] for one in ids if one in tables})

    assert sorted(kinds(room)) == ["document", "missing", "surplus"]
    assert upkeep.repair([room], at=NOON) == 3
    assert kinds(room) == []
    li.pull()
    assert li.row(str(gone)) is None
    assert li.row(str(new)) == {"title": "新"}
    assert li.rows["notes", str(moved)]["scope"] == f"user:{li.person.id}"
    assert li.mirror() == li.fresh()
