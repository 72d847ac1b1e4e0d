"""Merging field by field and row by row: examples, and properties that hold for whatever is drawn."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.merge import Past, merge, merge_rows, same

MINE, OTHER = UUID(int=1), UUID(int=2)
NAMES = st.sampled_from(["title", "text", "count", "when"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "好"]))
EDITS = st.dictionaries(NAMES, VALUES)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Past], dict[str, Any]]:
    """A record's changes by several devices, and the document they led to."""
    document: dict[str, Any] = {}
    past = []
    for revision in range(1, draw(st.integers(1, 6)) + 1):
        edit = draw(EDITS)
        past.append(
            Past(revision, draw(st.sampled_from([MINE, OTHER, None])), {name: document.get(name) for name in edit})
        )
        document |= edit
    return past, document


@given(histories(), EDITS, st.integers(0, 6))
def test_every_field_is_applied_or_kept_beside_what_stands(
    history: tuple[list[Past], dict[str, Any]], edit: dict[str, Any], base: int
) -> None:
    past, document = history
    merged = merge(edit, document, past, base=base, device=MINE)
    clashing = {clash.field: clash for clash in merged.clashes}
    assert merged.changes.keys() | clashing.keys() == edit.keys()
    assert not merged.changes.keys() & clashing.keys()
    for name, clash in clashing.items():
        assert clash.yours == edit[name] and clash.kept == document.get(name)
        assert not same(clash.yours, clash.kept)
        assert base < clash.kept_revision <= len(past)
        assert past[clash.kept_revision - 1].device != MINE
        assert name in past[clash.kept_revision - 1].before


@given(histories(), EDITS, st.integers(0, 6))
def test_a_field_clashes_only_if_another_device_changed_it_since(
    history: tuple[list[Past], dict[str, Any]], edit: dict[str, Any], base: int
) -> None:
    past, document = history
    rivals = {name for one in past if one.revision > base and one.device != MINE for name in one.before}
    merged = merge(edit, document, past, base=base, device=MINE)
    assert {clash.field for clash in merged.clashes} == {
        name for name in edit if name in rivals and not same(edit[name], document.get(name))
    }
    assert merged.foreign == any(one.revision > base and one.device != MINE for one in past)


@given(histories(), EDITS)
def test_an_edit_of_the_newest_revision_never_clashes(
    history: tuple[list[Past], dict[str, Any]], edit: dict[str, Any]
) -> None:
    past, document = history
    assert merge(edit, document, past, base=len(past), device=MINE).clashes == []


@given(histories(), EDITS)
def test_ones_own_history_never_clashes(history: tuple[list[Past], dict[str, Any]], edit: dict[str, Any]) -> None:
    past, document = history
    own = [Past(one.revision, MINE, one.before) for one in past]
    assert merge(edit, document, own, base=0, device=MINE).clashes == []


@given(histories(), EDITS, st.integers(0, 6))
def test_an_unknown_base_overwrites_nothing_of_others(
    history: tuple[list[Past], dict[str, Any]], edit: dict[str, Any], base: int
) -> None:
    past, document = history
    merged = merge(edit, document, past, base=base, device=MINE, known_base=False)
    last = {name: one.device for one in past for name in one.before}
    for name, value in merged.changes.items():
        assert last.get(name, MINE) == MINE or same(value, document.get(name))


# --- rows of repeat groups --------------------------------------------------------------------------------------

ROWS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2))


def group(rows: dict[str, int]) -> dict[str, Any]:
    return {"g": [{"_id": key, "v": value} for key, value in rows.items()]}


@given(ROWS, ROWS, ROWS)
def test_rows_merge_like_fields(origin: dict[str, int], kept: dict[str, int], yours: dict[str, int]) -> None:
    merged = merge_rows(group(origin), group(kept), group(yours))
    fights = {
        key
        for key in origin.keys() | kept.keys() | yours.keys()
        if len({origin.get(key), kept.get(key), yours.get(key)}) == 3
        or (origin.get(key) != kept.get(key) and origin.get(key) != yours.get(key) and kept.get(key) != yours.get(key))
    }
    if fights:
        assert merged is None
        return
    assert merged is not None
    expected = {
        key: (kept if origin.get(key) == yours.get(key) else yours).get(key) for key in kept.keys() | yours.keys()
    }
    found = {row["_id"]: row["v"] for row in merged.get("g", [])}
    assert found == {key: value for key, value in expected.items() if value is not None}


@given(ROWS, ROWS)
def test_whoever_changed_nothing_takes_the_others_rows(origin: dict[str, int], theirs: dict[str, int]) -> None:
    assert same(merge_rows(group(origin), group(theirs), group(origin)), group(theirs))
    taken = merge_rows(group(origin), group(origin), group(theirs))
    assert taken is not None
    assert {row["_id"]: row["v"] for row in taken["g"]} == theirs


def test_two_people_each_add_a_row_and_change_one() -> None:
    origin = {"name": "x", "g": [{"_id": 1, "v": 1}, {"_id": 2, "v": 2}]}
    kept = {"name": "x", "g": [{"_id": 1, "v": 10}, {"_id": 2, "v": 2}, {"_id": 3, "v": 3}]}
    yours = {"name": "y", "g": [{"_id": 1, "v": 1}, {"_id": 2, "v": 20}, {"_id": 4, "v": 4}]}
    assert merge_rows(origin, kept, yours) == {
        "name": "y", "g": [{"_id": 1, "v": 10}, {"_id": 2, "v": 20}, {"_id": 3, "v": 3}, {"_id": 4, "v": 4}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "rows",
    [[1, 2], [{"v": 1}], [{"_id": 1}, {"_id": 1}], "text", None, [{"_id": {}}]],
    ids=["no objects", "no id", "an id twice", "no list", "nothing", "an odd id"],
)
def test_what_is_no_group_of_rows_is_one_value(rows: Any) -> None:
    assert merge_rows({"g": [{"_id": 1, "v": 0}]}, {"g": [{"_id": 1, "v": 1}]}, {"g": rows}) is None or rows is None


def test_the_same_row_changed_twice_is_a_conflict_of_the_whole_field() -> None:
    merged = merge(
        {"answers": group({"a": 2})},
        {"answers": group({"a": 1})},
        [Past(2, OTHER, {"answers": group({"a": 0})})],
        base=1,
        device=MINE,
    )
    assert [clash.field for clash in merged.clashes] == ["answers"]
    assert merged.changes == {}


def test_ones_own_rows_do_not_fight_each_other_beside_somebody_elses() -> None:
    """Two offline edits of one row, while somebody else added another: the second is no rival of the first."""
    theirs = Past(2, OTHER, {"answers": group({})})
    first = merge({"answers": group({"a": 1})}, {"answers": group({"x": 9})}, [theirs], base=1, device=MINE)
    assert first.changes == {"answers": group({"x": 9, "a": 1})}
    mine = Past(3, MINE, {"answers": group({"x": 9})})
    second = merge(
        {"answers": group({"a": 2})}, {"answers": group({"x": 9, "a": 1})}, [theirs, mine], base=1, device=MINE
    )
    assert second.clashes == []
    assert second.changes == {"answers": group({"x": 9, "a": 2})}


# --- equality ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ("2026-11-20T12:00:00+08:00", "2026-11-20T04:00:00+00:00", True),
        ("2026-11-20T12:00:00+08:00", "2026-11-20T12:00:00+00:00", False),
        ("2026-11-20", "2026-11-20 ", False),
        ([1, [2]], [1, [2]], True),
        ([1, 2], [2, 1], False),
        ({"a": 1, "b": {"c": "é"}}, {"b": {"c": "é"}, "a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ("é", "e\u0301", False),
    ],
)
def test_equality_of_values(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is same(other, one) is equal


settings.register_profile("sync", deadline=None)
settings.load_profile("sync")


def test_rows_of_a_choice_that_the_phone_did_not_know_of_stay() -> None:
    """The phone chose ``yours``, which brought back row b; before it pulled, it wrote the group from its old mirror."""
    a, b, c = ({"_id": name, "v": 1} for name in "abc")
    written = Past(3, MINE, {"g": {"rows": [a]}}, sent=False)
    merged = merge({"g": {"rows": [a, c]}}, {"g": {"rows": [a, b]}}, [written], base=2, device=MINE)
    assert merged.changes == {"g": {"rows": [a, b, c]}} and merged.foreign and not merged.clashes

    sent = Past(3, MINE, {"g": {"rows": [a]}})
    own = merge({"g": {"rows": [a, c]}}, {"g": {"rows": [a, b]}}, [sent], base=2, device=MINE)
    assert own.changes == {"g": {"rows": [a, c]}} and not own.foreign


def test_the_own_chain_wins_over_a_choice_that_cannot_be_merged() -> None:
    chosen = Past(3, MINE, {"title": "kept"}, sent=False)
    merged = merge({"title": "later"}, {"title": "yours"}, [chosen], base=2, device=MINE)
    assert merged.changes == {"title": "later"} and not merged.clashes
