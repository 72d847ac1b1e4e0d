"""Regions and departments: the coded reference data that every phone holds."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
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


FOLDER = Path(__file__).resolve().parent.parent / "data" / "reference"
ALIASES = {"320281400": ["城东街道", "城东"], "320281404": ["临港街道", "临港"]}
"""Names in yearbooks that the official list does not have."""


def load(*, by: Actor, at: datetime) -> None:
    """Lay down the regions and departments that ship with the project; those that are there already stay as they are."""
    with journal.unit(by=by, at=at):
        known = set(Region.objects.values_list("code", flat=True)) | set(
            Department.objects.values_list("code", flat=True)
        )
        regions = [
            {
                "code": row["code"],
                "name": row["name_zh"],
                "name_en": row["name_en"],
                "kind": row["kind"],
                "aliases": ALIASES.get(row["code"], []),
                "note": row["note"],
            }
            for row in _shipped("regions")
        ]
        departments = [
            {"code": row["code"], "name": row["name_zh"], "name_en": row["name_en"], "duties": row["duties_zh"]}
            for row in _shipped("departments")
        ]
        put_regions([row for row in regions if row["code"] not in known], by=by, at=at)
        put_departments([row for row in departments if row["code"] not in known], by=by, at=at)


def _shipped(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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
