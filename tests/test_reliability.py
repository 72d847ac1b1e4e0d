"""The table of faults and attacks: each of its 59 rows has a test named after it, or a test told here that holds it.

A test is named `test_row_<number>_…`, or `test_rows_<a>_and_<b>_…` where two rows are one story.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.services import ROOT

ROWS = range(1, 60)
TOLD: dict[int, tuple[str, ...]] = {
    1: ("tests/sync/test_engine.py::test_the_same_mutation_again_has_one_effect_and_one_answer",),
    2: (
        "tests/sync/test_interleavings.py::test_the_same_batch_twice_at_once_has_one_effect_and_one_answer",
        "tests/sync/test_engine.py::test_the_same_mutation_twice_in_one_batch_is_one",
    ),
    3: ("tests/sync/test_engine.py::test_a_mutation_id_with_other_content_is_refused_and_kept",),
    4: (
        "tests/sync/test_simulator.py::test_worlds_full_of_faults_heal",
        "tests/sync/test_engine.py::test_edits_of_a_creation_that_waits_are_applied_after_it_in_order",
    ),
    6: ("tests/sync/test_engine.py::test_a_child_waits_for_its_parent_and_is_applied_by_itself",),
    7: (
        "tests/sync/test_engine.py::test_edits_of_different_fields_merge",
        "tests/sync/test_engine.py::test_edits_of_the_same_field_keep_both_values_for_a_person_to_choose",
    ),
    8: ("tests/sync/test_crashpoints.py::test_a_push_interrupted_anywhere_is_the_same_push",),
    9: (
        "tests/services/test_services.py::test_a_durable_server_keeps_what_it_acknowledged_through_a_kill",
        "tests/services/test_trouble.py::test_row_13_a_restart_of_the_database_under_load_is_a_503_for_a_while",
    ),
    12: ("tests/media/test_keeping.py::test_a_full_disk_is_507_and_leaves_nothing_half",),
    16: ("tests/sync/test_interleavings.py::test_a_pull_beside_an_open_push_neither_waits_nor_skips",),
    17: (
        "tests/sync/test_feed.py::test_a_reader_meets_every_record_that_concurrent_writers_committed",
        "tests/sync/test_interleavings.py::test_two_units_at_once_get_two_positions_in_the_order_they_commit",
    ),
    19: (
        "tests/sync/test_upkeep.py::test_old_tombstones_go_and_whoever_was_away_that_long_starts_over",
        "tests/sync/test_upkeep.py::test_after_a_restore_everyone_starts_over_and_old_devices_are_promised_only_what_was_restored",
        "tests/sync/test_restore.py::test_the_drill",
    ),
    20: ("tests/sync/test_engine.py::test_changes_between_pages_are_neither_skipped_nor_left_behind",),
    21: ("tests/sync/test_engine.py::test_a_late_grant_brings_the_whole_scope_and_a_revocation_drops_it",),
    22: (
        "tests/sync/test_engine.py::test_a_late_grant_brings_the_whole_scope_and_a_revocation_drops_it",
        "tests/api/test_desks.py::test_what_was_done_before_an_assignment_ended_is_let_in_by_the_office_alone",
    ),
    23: ("tests/api/test_sign_in.py::test_a_revoked_device_is_told_to_wipe",),
    26: ("tests/sync/test_upkeep.py::test_nothing_is_received_before_the_last_backup_even_when_the_clock_goes_back",),
    27: (
        "tests/reports/test_periods.py::test_the_last_evening_belongs_to_the_period_and_midnight_to_the_next",
        "tests/sync/test_upkeep.py::test_one_instant_in_two_zones_has_one_digest",
    ),
    29: ("tests/sync/test_engine.py::test_poison_is_quarantined_whole_beside_a_good_neighbour",),
}
"""Rows whose tests have names of their own, because they tell several rows at once: the tests that hold them."""


@cache
def written() -> dict[str, str]:
    """Every test function by ``path::name``, and its name."""
    found = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[f"{path.relative_to(ROOT)}::{node.name}"] = node.name
    return found


def rows_of(name: str) -> Iterator[int]:
    """The rows that a test is named after."""
    found = re.match(r"test_rows?_(\d+(?:_(?:and_)?\d+)*)_", name)
    if found:
        yield from (int(number) for number in re.findall(r"\d+", found[1]))


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_its_test(row: int) -> None:
    named = [reference for reference, name in written().items() if row in rows_of(name)]
    told = [reference for reference in TOLD.get(row, ()) if reference in written()]
    assert told == list(TOLD.get(row, ())), "a test named here is gone"
    assert named or told, f"row {row} of the table has no test"
