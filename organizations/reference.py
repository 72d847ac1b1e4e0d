"""Regions and departments: the coded reference data that every phone holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from core.actors import Actor
from core.ids import stable
from core.problems import NotFound
from core.texts import Text
from journal import journal
from organizations import changes, documents
from organizations.models import Department, Region
from organizations.permissions import permit

Row = TypeVar("Row", Region, Department)
REGION_FIELDS = ("code", "name", "name_en", "kind", "aliases", "note", "valid_from", "valid_to")
DEPARTMENT_FIELDS = ("code", "name", "name_en", "duties", "leader", "active")


def put_regions(rows: Sequence[Mapping[str, Any]], *, by: Actor, at: datetime) -> list[Region]:
    """Create or update regions, each known by its ``code``; rows that change nothing are not recorded."""
    return _put(Region, "region", REGION_FIELDS, rows, by=by, at=at)


def put_departments(rows: Sequence[Mapping[str, Any]], *, by: Actor, at: datetime) -> list[Department]:
    """Create or update departments, each known by its ``code``."""
    return _put(Department, "department", DEPARTMENT_FIELDS, rows, by=by, at=at)


def _put(
    model: type[Row], noun: str, fields: Sequence[str], rows: Sequence[Mapping[str, Any]], *, by: Actor, at: datetime
) -> list[Row]:
    with journal.unit(by=by, at=at):
        permit(by, f"{noun}.write")
        known = {row.code: row for row in model.objects.select_for_update().filter(code__in=[r["code"] for r in rows])}
        found: list[Row] = []
        told: list[journal.Change] = []
        for values in rows:
            values = {name: value for name, value in values.items() if name in fields}
            row = known.get(values["code"])
            verb = f"{noun}.changed"
            if row is None:
                row = model(id=stable(f"{noun}s", values["code"]), **values)
                known[row.code], verb = row, f"{noun}.created"
                changed = changes.of_creation(row, fields)
            else:
                changed = changes.assign(row, values)
            found.append(row)
            if changed:
                row.save(force_insert=verb.endswith("created"))
                told.append(journal.Change(verb, f"{noun}s", row.id, changed, journal.SHARED, _document(row)))
        journal.record(told)
    return found


def _document(row: Region | Department) -> dict[str, Any]:
    return documents.region(row) if isinstance(row, Region) else documents.department(row)


def region_ids(codes: Sequence[str]) -> dict[str, UUID]:
    """Ids by code; raises ``NotFound`` when one is unknown."""
    found = dict(Region.objects.filter(code__in=codes).values_list("code", "id"))
    if absent := sorted(set(codes) - found.keys()):
        raise NotFound(Text("没有这些镇街代码：{codes}", "No such region codes: {codes}").fill(codes=", ".join(absent)))
    return found
