"""The engine alone: exactly once, order, merge, scopes, quarantine, conflicts, healing. Both engines run it."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from core.ids import uuid7
from core.problems import Malformed
from tests.sync.toys import Phone, give, person, take

pytestmark = pytest.mark.django_db

A, B = uuid4(), uuid4()


@pytest.fixture
def li() -> Phone:
    return Phone(person("li", A))


@pytest.fixture
def wang(li: Phone) -> Phone:
    return Phone(person("wang", A))


def note(phone: Phone, enterprise: UUID = A, **more: object) -> str:
    record = str(uuid7())
    (result,) = phone.push(phone.put(record, enterprise=str(enterprise), title="标题", **more))
    assert result["status"] == "applied", result
    return record


def test_a_note_goes_up_and_comes_back_and_reaches_the_colleague_but_no_outsider(li: Phone, wang: Phone) -> None:
    outsider = Phone(person("chen", B))
    record = note(li, text="漏水")

    assert li.pull().row(record)["text"] == "漏水"
    assert wang.pull().row(record)["text"] == "漏水"
    assert outsider.pull().row(record) is None
    assert li.mirror() == li.fresh()
    assert li.verify() == {"status": "match"}


def test_the_same_mutation_again_has_one_effect_and_one_answer(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="一次")
    first = li.push(mutation)
    again = li.push(mutation, mutation | {"at": "2030-01-01T00:00:00+08:00"})
    assert again == [first[0], first[0]]
    assert len(li.pull().rows) == 1


def test_the_same_mutation_twice_in_one_batch_is_one(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="一次")
    assert [result["revision"] for result in li.push(mutation, mutation)] == [1, 1]
    assert len(li.pull().rows) == 1


def test_a_mutation_id_with_other_content_is_refused_and_kept(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="一")
    li.push(mutation)
    (result,) = li.push(mutation | {"data": {"enterprise": str(A), "title": "二"}})
    assert result["status"] == "quarantined"
    assert result["problem"]["type"].endswith("/mutation-reused")
    assert result["current"]["data"]["title"] == "一"
    assert li.push(mutation)[0]["status"] == "applied"
    assert len(li.pull().of("quarantine")) == 1


def test_other_content_under_a_known_id_is_kept_once_however_often_it_is_sent(li: Phone) -> None:
    mutation = li.put(uuid7(), enterprise=str(A), title="一")
    second, third = (mutation | {"data": {"enterprise": str(A), "title": title}} for title in ("二", "三"))
    first = li.push(mutation, second, third, second)
    assert [result["status"] for result in first] == ["applied", "quarantined", "quarantined", "quarantined"]
    li.push(li.put(mutation["record"], text="后来"))
    assert li.push(mutation, second, third, second) == first
    assert li.push(third, mutation, second) == [first[2], first[0], first[1]]
    assert [row["data"]["mutation"] for row in li.pull().of("quarantine")] == [mutation["id"]] * 2


def test_a_bad_mutation_does_not_block_its_neighbours(li: Phone) -> None:
    good, bad, worse, last = (li.put(uuid7(), enterprise=str(A), title="好") for _ in range(4))
    del bad["data"]["title"]
    worse["data"]["text"] = "explode"
    results = li.push(good, bad, worse, last)
    assert [result["status"] for result in results] == ["applied", "quarantined", "quarantined", "applied"]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/title"
    assert results[2]["problem"]["type"].endswith("/internal")
    assert {row["data"]["state"] for row in li.pull().of("quarantine")} == {"waiting"}


def test_edits_of_different_fields_merge(li: Phone, wang: Phone) -> None:
    record = note(li, text="原文")
    wang.pull()
    li.push(li.put(record, 1, text="李改"))
    (result,) = wang.push(wang.put(record, 1, title="王改"))
    assert result["status"] == "merged"
    assert result["conflicts"] == []
    assert result["current"]["data"]["text"] == "李改"
    assert li.pull().row(record) | {} == wang.pull().row(record)
    assert li.row(record)["title"] == "王改"


def test_edits_of_the_same_field_keep_both_values_for_a_person_to_choose(li: Phone, wang: Phone) -> None:
    record = note(li, text="原文")
    li.push(li.put(record, 1, text="李改"))
    (result,) = wang.push(wang.put(record, 1, text="王改"))
    assert result["status"] == "merged"
    assert result["revision"] == 3
    assert result["conflicts"] == [{"field": "text", "yours": "王改", "kept": "李改", "kept_revision": 2}]
    (conflict,) = wang.pull().of("conflicts")
    assert conflict["data"]["yours"] == "王改"
    assert li.pull().of("conflicts") == []

    (settled,) = wang.push(wang.put(conflict["id"], conflict["revision"], collection="conflicts", resolution="yours"))
    assert settled["status"] == "applied", settled
    assert li.pull().row(record)["text"] == "王改"
    assert wang.pull().of("conflicts")[0]["data"]["state"] == "yours"


def test_a_newcomer_is_not_chosen_for_a_record_that_is_gone(li: Phone, wang: Phone) -> None:
    record = note(li, text="原文")
    li.push(li.put(record, 1, text="李改"))
    wang.push(wang.put(record, 1, text="王改"))
    (clash,) = wang.pull().of("conflicts")
    li.push(li.put(record, 3) | {"op": "delete", "data": None})

    (late,) = wang.push(wang.put(clash["id"], 1, collection="conflicts", resolution="yours"))
    (kept,) = wang.push(wang.put(clash["id"], 1, collection="conflicts", resolution="kept"))

    assert late["problem"]["type"].endswith("/gone")
    assert kept["status"] == "applied"
    assert wang.pull().row(record) is None


def test_own_chain_of_offline_edits_never_fights_itself(li: Phone, wang: Phone) -> None:
    record = str(uuid7())
    chain = [li.put(record, enterprise=str(A), title="一"), li.put(record, title="二"), li.put(record, text="三")]
    assert [result["status"] for result in li.push(*chain)] == ["applied"] * 3
    assert [result["revision"] for result in li.push(*chain)] == [1, 2, 3]
    (result,) = li.push(li.put(record, 1, title="四"))
    assert result["status"] == "applied"
    assert wang.pull().row(record)["title"] == "四"


def test_equal_values_are_no_conflict(li: Phone, wang: Phone) -> None:
    record = note(li, text="原文")
    li.push(li.put(record, 1, text="同"))
    (result,) = wang.push(wang.put(record, 1, text="同"))
    assert result["conflicts"] == []


def test_a_record_of_another_device_is_not_overwritten_by_a_creation(li: Phone, wang: Phone) -> None:
    record = note(li)
    (result,) = wang.push(wang.put(record, enterprise=str(A), title="撞"))
    assert result["problem"]["type"].endswith("/record-exists")
    assert result["current"]["data"]["title"] == "标题"


def test_a_deletion_of_what_somebody_changed_is_a_conflict_and_deletes_nothing(li: Phone, wang: Phone) -> None:
    record = note(li)
    wang.push(wang.put(record, 1, text="新"))
    delete = li.put(record, 1) | {"op": "delete", "data": None}
    (result,) = li.push(delete)
    assert result["status"] == "merged"
    assert result["conflicts"][0]["field"] == ""
    assert li.pull().row(record)["text"] == "新"

    (result,) = li.push(li.put(record, result["revision"]) | {"op": "delete", "data": None})
    assert result["status"] == "applied"
    assert wang.pull().row(record) is None
    assert li.push(li.put(record, title="又"))[0]["problem"]["type"].endswith("/gone")


def test_a_deletion_that_is_not_allowed_is_refused_even_if_somebody_changed_the_record(li: Phone, wang: Phone) -> None:
    archived, plain = note(li), note(li)
    wang.push(wang.put(archived, 1, title="存档"), wang.put(plain, 1, text="新"))
    forbidden, clash = li.push(*(li.put(one, 1) | {"op": "delete", "data": None} for one in (archived, plain)))
    assert forbidden["problem"]["type"].endswith("/forbidden")
    assert forbidden["current"]["revision"] == 2
    assert clash["status"] == "merged"
    assert [row["data"]["record"] for row in li.pull().of("conflicts")] == [plain]
    assert {record for _, record in wang.pull().rows} >= {archived, plain}
    assert li.mirror() == li.fresh()


def test_a_base_that_nobody_was_told_overwrites_and_deletes_nothing_of_others(li: Phone, wang: Phone) -> None:
    record = note(li, text="李写的")
    (result,) = wang.push(wang.put(record, 99, text="王写的"))
    assert (result["status"], result["conflicts"][0]["kept"]) == ("merged", "李写的")
    (result,) = wang.push(wang.put(record, 99) | {"op": "delete", "data": None})
    assert (result["status"], result["conflicts"][0]["field"]) == ("merged", "")
    assert li.pull().row(record)["text"] == "李写的"


def test_a_base_from_before_a_restore_deletes_nothing_of_others(li: Phone, wang: Phone) -> None:
    record = note(li)
    wang.push(wang.put(record, 1, text="新"))
    delete = li.put(record, 2) | {"op": "delete", "data": None}
    (result,) = li.push(delete, epoch="before")
    assert (result["status"], result["conflicts"][0]["field"]) == ("merged", "")
    assert wang.pull().row(record)["text"] == "新"


def test_a_child_waits_for_its_parent_and_is_applied_by_itself(li: Phone, wang: Phone) -> None:
    parent, child, grandchild = (str(uuid7()) for _ in range(3))
    results = li.push(
        li.put(grandchild, enterprise=str(A), title="孙", note=child),
        li.put(child, enterprise=str(A), title="子", note=parent),
    )
    assert [result["status"] for result in results] == ["quarantined"] * 2
    assert results[1]["blocked_by"] == [parent]
    li.push(li.put(parent, enterprise=str(A), title="父"))
    assert wang.pull().row(grandchild)["title"] == "孙"
    assert {row["data"]["state"] for row in li.pull().of("quarantine")} == {"applied"}


def test_a_refused_creation_is_superseded_by_a_good_one_or_mended_at_the_desk(li: Phone) -> None:
    record, other = uuid7(), uuid7()
    li.push(li.put(record, enterprise=str(A)), li.put(other, enterprise=str(A)))
    li.push(li.put(record, enterprise=str(A), title="好"))
    by_record = {row["data"]["record"]: row for row in li.pull().of("quarantine")}
    assert by_record[str(record)]["data"]["state"] == "superseded"

    desk = by_record[str(other)]
    still_wrong = li.put(desk["id"], desk["revision"], collection="quarantine", resolution="apply", data={"title": 7})
    assert li.push(still_wrong)[0]["status"] == "quarantined"
    mend = li.put(desk["id"], desk["revision"], collection="quarantine", resolution="apply", data={"title": "补"})
    assert li.push(mend)[0]["status"] == "applied"
    assert li.pull().row(other)["title"] == "补"
    assert li.mirror() == li.fresh()


def test_a_late_grant_brings_the_whole_scope_and_a_revocation_drops_it(li: Phone) -> None:
    chen = Phone(person("chen", B))
    old = note(li, text="旧")
    chen.pull()
    give(chen.person, A)
    assert chen.pull(limit=1).row(old)["text"] == "旧"
    take(chen.person, A)
    assert chen.pull().row(old) is None
    (result,) = chen.push(chen.put(old, 1, text="偷改"))
    assert result["problem"]["type"].endswith("/forbidden")
    assert result["current"] is None
    give(chen.person, A)
    assert chen.pull().row(old)["text"] == "旧"
    assert chen.mirror() == chen.fresh()


def test_a_record_that_moves_leaves_the_old_scope(li: Phone) -> None:
    chen = Phone(person("chen", B))
    give(li.person, B)
    record = note(li)
    li.pull()
    li.push(li.put(record, 1, enterprise=str(B)))
    assert li.pull().rows["notes", record]["scope"] == f"enterprise:{B}"
    assert chen.pull().row(record) is not None
    li.push(li.put(record, 2, private=True))
    assert chen.pull().row(record) is None
    assert li.pull().row(record) is not None
    assert li.mirror() == li.fresh()


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_changes_between_pages_are_neither_skipped_nor_left_behind(li: Phone, wang: Phone, limit: int) -> None:
    records = [note(li, text=str(number)) for number in range(9)]
    steps = 0
    while not wang.step(limit):
        steps += 1
        if steps < 12:
            li.push(li.put(records[steps % 9], None, text=f"改{steps}"))
        if steps == 3:
            li.push(li.put(records[0]) | {"op": "delete", "data": None})
            give(wang.person, B)
        if steps == 5:
            take(wang.person, A)
        if steps == 6:
            give(wang.person, A)
    assert wang.pull().mirror() == wang.fresh()


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 8, 13])
def test_many_scopes_make_the_same_feed_whatever_a_page_holds(limit: int) -> None:
    """Small scopes are read together; where a page ends must not show."""
    places = [uuid4() for _ in range(12)]
    writer, reader = Phone(person("writer", *places)), Phone(person("reader", *places[:5]))
    for number, place in enumerate(places):
        for _ in range((0, 3, 1, 6)[number % 4]):
            note(writer, place, text="甲" * number)
    reader.pull()
    give(reader.person, *places[5:])  # two grants that count from one position, and scopes that lose and keep
    take(reader.person, *places[:2])
    note(writer, places[3])

    def told(most: int) -> list[dict[str, Any]]:
        found, cursor = [], reader.cursor
        while True:
            page = reader.page(most)
            found += page["ops"]
            reader.cursor = page["cursor"]
            if page["complete"]:
                reader.cursor = cursor
                return found

    assert told(limit) == told(500)
    assert {one["op"] for one in told(500)} == {"put", "scope_reset", "drop_scope"}
    assert reader.pull(limit).mirror() == reader.fresh()


def test_a_damaged_mirror_is_found_and_healed(li: Phone) -> None:
    record = note(li)
    note(li)
    li.pull()
    del li.rows["notes", record]
    assert li.verify() == {"status": "mismatch", "scopes": [f"enterprise:{A}"]}
    li.heal(f"enterprise:{A}", limit=1)
    assert li.verify() == {"status": "match"}
    note(li)
    assert li.verify() == {"status": "behind"}


def test_forged_and_borrowed_cursors_are_refused(li: Phone, wang: Phone) -> None:
    note(li)
    li.pull()
    wang.cursor = li.cursor
    with pytest.raises(Malformed):
        wang.page()
    assert li.cursor is not None
    for broken in ("x", "", "AAAA", li.cursor[:-2] + "zz", "é", "a" * 2000):
        li.cursor = broken or " "
        with pytest.raises(Malformed):
            li.page()


POISON = [
    r'{"title":"\ud800"}', r'{"title":"a\u0000b"}', '{"title":NaN}', '{"title":1e999}', '{"title":' + "9" * 5000 + "}",
    '{"title":"a","title":"b"}', '{"title":' + "[" * 200 + "]" * 200 + "}", '{"title":-1e400}', "[]", "null", "7", '"x"',
]  # fmt: skip


@pytest.mark.parametrize("poison", POISON, ids=range(len(POISON)))
def test_poison_is_quarantined_whole_beside_a_good_neighbour(li: Phone, poison: str) -> None:
    good = li.put(uuid7(), enterprise=str(A), title="好 🏭 𠮷")
    bad = json.dumps(li.put(uuid7()) | {"data": "POISON"}).replace('"POISON"', poison)
    body = f'{{"schema":1,"mutations":[{bad},{json.dumps(good)}]}}'
    results = li.push_raw(body.encode())["results"]
    assert [result["status"] for result in results] == ["quarantined", "applied"]
    assert results[0]["problem"]["errors"][0]["pointer"].split("/")[-1] in {"title", "data", "0", ""}
    assert li.push_raw(body.encode())["results"] == results
    assert li.pull().row(good["record"])["title"] == "好 🏭 𠮷"


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x"},
        {"id": None},
        {"record": 5},
        {"op": "patch"},
        {"base": "1"},
        {"base": -1},
        {"collection": 3},
        {"collection": "users"},
    ],
)
def test_a_misshapen_mutation_is_answered_and_kept(li: Phone, wrong: dict[str, object]) -> None:
    (result,) = li.push(li.put(uuid7(), enterprise=str(A), title="好") | wrong)
    assert result["status"] == "quarantined"
    assert len(li.pull().of("quarantine")) == 1


def test_edits_of_a_creation_that_waits_are_applied_after_it_in_order(li: Phone, wang: Phone) -> None:
    parent, child = str(uuid7()), str(uuid7())
    li.push(
        li.put(child, enterprise=str(A), title="子", note=parent), li.put(child, text="一"), li.put(child, text="二")
    )
    li.push(li.put(parent, enterprise=str(A), title="父"))
    assert wang.pull().row(child)["text"] == "二"
    assert {row["data"]["state"] for row in li.pull().of("quarantine")} == {"applied"}


def test_an_edit_refused_after_its_creation_was_applied_stays_for_the_desk(li: Phone) -> None:
    record = uuid7()
    results = li.push(li.put(record, enterprise=str(A), title="好"), li.put(record, title=7))
    assert [result["status"] for result in results] == ["applied", "quarantined"]
    assert [row["data"]["state"] for row in li.pull().of("quarantine")] == ["waiting"]
