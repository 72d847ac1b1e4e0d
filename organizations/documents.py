"""What phones hold of places: plain functions from a row to its sync document (``sync-protocol.md`` §4).

Every readable field is present, null when empty. Nothing here is personal: everybody in the scope may see it all.
"""

from __future__ import annotations

from typing import Any

from organizations.models import Department, Enterprise, Region

Document = dict[str, Any]


def region(row: Region) -> Document:
    return {
        "code": row.code,
        "name": row.name,
        "name_en": row.name_en or None,
        "kind": row.kind,
        "aliases": row.aliases,
        "valid_from": row.valid_from.isoformat() if row.valid_from else None,
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
    }


def department(row: Department) -> Document:
    return {
        "code": row.code,
        "name": row.name,
        "name_en": row.name_en or None,
        "duties": row.duties or None,
        "active": row.active,
    }


def enterprise(row: Enterprise) -> Document:
    return {
        "name": row.name,
        "uscc": row.uscc,
        "region": str(row.region_id),
        "address": row.address or None,
        "location": row.location,
        "industry": row.industry or None,
        "ownership": row.ownership or None,
        "size": row.size or None,
        "employees": row.employees,
        "pilot_tier": row.pilot_tier or None,
        "designation_level": row.designation_level or None,
        "sample_cluster": row.sample_cluster or None,
        "industrial_park": row.industrial_park or None,
        "brands": row.brands,
        "active": row.active,
    }
