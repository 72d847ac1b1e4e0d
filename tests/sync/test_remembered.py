"""Reference data kept in memory must never outlive its tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import transaction

from core.actors import SYSTEM
from inspections import calendar, dossiers, rules
from inspections.routing import Rule
from journal import journal, upkeep
from journal.journal import Change
from journal.remembered import Remembered
from organizations import reference
from surveys import questionnaires, responses

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SOMEBODY = UUID("01a20000-0000-7000-8000-000000000001")
VISIT = Path("data/questionnaires/visit.xlsx")


@pytest.fixture(autouse=True)
def laid_down() -> None:
    reference.load(by=SYSTEM, at=NOW)
    rules.load(by=SYSTEM, at=NOW)


def everything() -> dict[str, Remembered[object]]:
    """All that is kept anywhere in the house."""
    found = {}
    for module in (dossiers, rules, responses):
        for name, one in vars(module).items():
            if isinstance(one, Remembered):
                found[f"{module.__name__}.{name}"] = one
    return found


def stale() -> list[str]:
    """What is kept and no longer what its tables say. Rows compare by key, so their contents are looked at."""
    return [name for name, one in everything().items() if seen(one.get()) != seen(one.read())]


def seen(kept: object) -> object:
    if isinstance(kept, dict):
        return {key: seen(value) for key, value in kept.items()}
    if isinstance(kept, list):
        return [seen(one) for one in kept]
    held = getattr(kept, "__dict__", None)
    return {key: value for key, value in held.items() if key[0] != "_"} if held and hasattr(kept, "pk") else kept


def edit_category() -> None:
    rules.put_category("skill_training", {"name": "技能培训与晋级"}, by=SYSTEM, at=NOW)


def write_rule() -> None:
    rule = Rule(5, "*", lead="HRSS", why="试行")
    row = rules.put(rule, by=SYSTEM, at=NOW)
    assert stale() == []
    rules.end(row.line, by=SYSTEM, at=NOW + timedelta(hours=1))


def publish_year() -> None:
    calendar.put_year(2029, off={date(2029, 1, 1): "元旦"}, makeup={}, official=True, by=SYSTEM, at=NOW)


def rename_department() -> None:
    reference.put_departments([{"code": "HRSS", "name": "人社局(改)"}], by=SYSTEM, at=NOW)


def found_region() -> None:
    reference.put_regions([{"code": "320281999", "name": "临港新区", "kind": "park"}], by=SYSTEM, at=NOW)


def publish_form() -> None:
    version = questionnaires.upload(VISIT.read_bytes(), by=SYSTEM, at=NOW)
    assert stale() == []
    questionnaires.publish(version.questionnaire_id, version.number, by=SYSTEM, at=NOW)
    assert stale() == []
    questionnaires.close(version.questionnaire_id, version.number, by=SYSTEM, at=NOW)


@pytest.mark.parametrize(
    "change", [edit_category, write_rule, publish_year, rename_department, found_region, publish_form]
)
def test_every_way_to_change_a_rule_is_seen_at_once(change: object) -> None:
    assert callable(change)
    assert stale() == [] and len(everything()) >= 7
    before = {name: seen(one.get()) for name, one in everything().items()}
    change()
    assert stale() == []
    if change is not publish_form and change is not write_rule:  # those end as they began
        assert before != {name: seen(one.get()) for name, one in everything().items()}


def test_a_unit_sees_its_own_changes_and_nobody_keeps_what_was_undone() -> None:
    kept = rules.categories.get()["skill_training"].name
    with pytest.raises(RuntimeError), transaction.atomic():
        with journal.unit(by=SYSTEM, at=NOW):
            edit_category()
            assert rules.categories.get()["skill_training"].name == "技能培训与晋级"
        assert rules.categories.get()["skill_training"].name == "技能培训与晋级"
        raise RuntimeError
    assert rules.categories.get()["skill_training"].name == kept


def test_ordinary_work_keeps_it_and_a_restore_does_not() -> None:
    kept = rules.categories.get()
    with journal.unit(by=SYSTEM, at=NOW):
        journal.record([Change("note.seen", "notes", SOMEBODY, {}, scope=f"user:{SOMEBODY}", document={})])
    assert rules.categories.get() is kept
    upkeep.begin_epoch(durable_until=None)
    assert rules.categories.get() is not kept
