"""Row 42: a migration runs while the previous code is still serving, so each one only adds what that code need not know.

Judged in two ways: the operations of every migration after an app's first, and the code of the first release itself,
that is its models, reading and writing in the tables as they are now.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, models
from django.db.backends.utils import CursorWrapper
from django.db.migrations import Migration
from django.db.migrations import operations as ops
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState, StateApps
from django.db.models import NOT_PROVIDED

from tests.privacy.test_register import ROOMS
from tests.world import World

OURS = {*ROOMS, "config"}
HARMLESS = (
    ops.CreateModel,
    ops.AddIndex,
    ops.RemoveIndex,
    ops.RemoveConstraint,
    ops.AlterModelOptions,
    ops.AlterModelManagers,
    ops.RunPython,
)

KEPT_TO_ALREADY = {
    "a_supervision_has_each_version_once": "the previous code counts versions too; two at the same instant got one number",
}
"""Constraints that the previous code runs into only where it would have done harm, and why."""


def later(loader: MigrationLoader) -> list[Migration]:
    """The migrations of our rooms that run on an installation which exists already, in order."""
    plan = [key for leaf in loader.graph.leaf_nodes() for key in loader.graph.forwards_plan(leaf)]
    found = [loader.get_migration(*key) for key in dict.fromkeys(plan)]
    return [one for one in found if one.app_label in OURS and not one.initial]


def columns(state: ProjectState, app: str, model: str) -> dict[str, models.Field[object, object]]:
    return {field.name: field for field in state.apps.get_model(app, model)._meta.local_fields}


def narrowed(old: models.Field[object, object], new: models.Field[object, object]) -> str:
    """What the old code could write and the new column would refuse; empty when nothing."""
    kinds = [field.db_type(connection) for field in (old, new)]
    lengths = [field.max_length or 0 for field in (old, new)]
    if kinds[0] != kinds[1] and not (old.get_internal_type() == new.get_internal_type() and lengths[0] <= lengths[1]):
        return f"another type, {kinds[0]} → {kinds[1]}"
    if old.null and not new.null:
        return "no longer null"
    return "newly unique" if new.unique and not old.unique else ""


def faults(migration: Migration, state: ProjectState) -> Iterator[str]:
    """What of a migration the previous code would stumble over; ``state`` is moved on past it."""
    made = {one.name.lower() for one in migration.operations if isinstance(one, ops.CreateModel)}
    for operation in migration.operations:
        before = state.clone()
        operation.state_forwards(migration.app_label, state)
        where = f"{migration}: {operation.describe()}"
        if isinstance(operation, HARMLESS):
            continue
        if isinstance(operation, ops.AddConstraint) and operation.constraint.name in KEPT_TO_ALREADY:
            continue
        model = str(getattr(operation, "model_name", "")).lower()
        if model in made:
            continue
        if isinstance(operation, ops.AddField):
            field = operation.field
            if (
                not field.null
                and not field.db_default is not NOT_PROVIDED
                and not isinstance(field, models.ManyToManyField)
            ):
                yield f"{where}: neither null nor with a default in the database"
        elif isinstance(operation, ops.AlterField):
            old, new = (columns(each, migration.app_label, model)[operation.name] for each in (before, state))
            if why := narrowed(old, new):
                yield f"{where}: {why}"
        else:
            yield f"{where}: not something that the previous code survives"


def test_row_42_no_migration_takes_from_the_code_that_is_still_running(db: None) -> None:
    loader = MigrationLoader(connection)
    found = []
    for migration in later(loader):
        state = loader.project_state((migration.app_label, migration.name), at_end=False)
        found += list(faults(migration, state))
    assert found == []


@pytest.mark.parametrize(
    "operation",
    [
        ops.RemoveField("visit", "summary"),
        ops.RenameField("visit", "summary", "outcome"),
        ops.DeleteModel("Visit"),
        ops.RenameModel("Visit", "Call"),
        ops.AddField("visit", "mood", models.CharField(max_length=10, default="")),
        ops.AlterField("visit", "summary", models.CharField(max_length=10)),
        ops.AlterField("visit", "ended_at", models.DateTimeField()),
        ops.AddConstraint("visit", models.CheckConstraint(condition=models.Q(mode="phone"), name="all_by_phone")),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_row_42_a_migration_that_would_break_running_code_is_named(db: None, operation: ops.base.Operation) -> None:
    loader = MigrationLoader(connection)
    breaking = type("Breaking", (Migration,), {"operations": [operation]})("9999_breaking", "inspections")
    assert list(faults(breaking, loader.project_state()))


def first_release(loader: MigrationLoader) -> StateApps:
    """The models as the code of the first release knows them."""
    firsts = [key for key in loader.graph.nodes if key[0] in OURS and key[1] == "0001_initial"]
    return loader.project_state(firsts).apps


def test_row_42_the_first_releases_models_read_and_write_the_tables_of_today(world: World) -> None:
    phone = world.phone(of=world.liaison)
    visit = phone.starts_visit(world.bakery)
    phone.reports_issue(visit, category="wage_arrears", workers_affected=12)
    phone.comes_online()
    old, seen = first_release(MigrationLoader(connection)), 0
    for model in old.get_models():
        if model._meta.app_label not in OURS:
            continue
        row = model._base_manager.first()
        if row is not None:
            row.save(force_update=True)
            seen += 1
    assert seen > 15


def test_row_42_what_the_first_release_does_not_name_fills_itself(db: None) -> None:
    loader = MigrationLoader(connection)
    old, now = first_release(loader), loader.project_state().apps
    with connection.cursor() as cursor:
        for model in old.get_models():
            if model._meta.app_label not in OURS:
                continue
            known = {field.column for field in model._meta.local_fields}
            today = now.get_model(model._meta.app_label, model.__name__)
            assert demanding(cursor, today._meta.db_table) - known == set()


def demanding(cursor: CursorWrapper, table: str) -> set[str]:
    """The columns that a row must be given a value for."""
    if connection.vendor == "sqlite":
        cursor.execute(f"PRAGMA table_info({table})")
        return {name for _, name, _, needed, default, _ in cursor.fetchall() if needed and default is None}
    cursor.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND is_nullable = 'NO' "
        "AND column_default IS NULL AND is_identity = 'NO'", [table]
    )  # fmt: skip
    return {name for (name,) in cursor.fetchall()}
