"""Enterprises from a table of the office: CSV or XLSX in, a verdict for every row out.

The first row names the columns in Chinese or by field name. A row whose credit code is known changes that
enterprise, another creates one. Faulty rows are reported and hinder no others.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.ids import uuid7
from core.problems import Fault, Invalid
from core.texts import Text
from organizations import enterprises, scanning
from organizations.enterprises import NO_REGION, Draft
from organizations.models import Enterprise
from organizations.roles import Designation, Ownership, PilotTier, Size

MOST_ROWS = 5_000
MOST_BYTES = 5_000_000
MOST_UNPACKED = 60_000_000
COLUMNS = {
    "企业名称": "name", "名称": "name", "统一社会信用代码": "uscc", "信用代码说明": "uscc_override", "镇街": "region",
    "所属镇街": "region", "地址": "address", "行业": "industry", "所有制": "ownership", "规模": "size",
    "职工人数": "employees", "试点层级": "pilot_tier", "命名层级": "designation_level", "样本集群": "sample_cluster",
    "特色园区": "industrial_park", "品牌": "brands", "启用": "active", "纬度": "lat", "经度": "lon", "坐标系": "crs",
}  # fmt: skip
KNOWN = frozenset(COLUMNS.values())
LABELS = {
    "ownership": {label: value for value, label in Ownership.choices},
    "size": {label: value for value, label in Size.choices},
    "pilot_tier": {label: value for value, label in PilotTier.choices}
    | {"市": "city", "镇": "town", "企": "enterprise"},
    "designation_level": {label: value for value, label in Designation.choices},
}
TRUE, FALSE = {"是", "true", "1", "yes"}, {"否", "false", "0", "no"}
UNREADABLE = Text("不是可读的 CSV 或 XLSX 表格", "Is not a readable CSV or XLSX table")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one row. ``row`` counts as the spreadsheet does: the header is row 1."""

    row: int
    status: str  # created, changed, unchanged, failed
    enterprise: UUID | None
    name: str
    faults: tuple[Fault, ...]


def run(content: bytes, *, by: Actor, at: datetime) -> list[Verdict]:
    """Apply a table. Raises ``Invalid`` when it is no table at all or names unknown columns, ``Forbidden``."""
    scanning.check(content)
    rows = list(_rows(content))
    regions = enterprises.known_regions()
    codes = {str(values.get("uscc") or "").upper().replace(" ", "") for _, values in rows} - {""}
    known = dict(Enterprise.objects.filter(uscc__in=codes).values_list("uscc", "id"))
    drafts = [(number, _draft(values, regions, known)) for number, values in rows]
    enterprises.put([draft for _, draft in drafts], by=by, at=at)
    return [_verdict(number, draft) for number, draft in drafts]


def _verdict(number: int, draft: Draft) -> Verdict:
    status = "failed" if draft.faults else "created" if draft.new else "changed" if draft.changed else "unchanged"
    key = None if draft.faults and draft.new else draft.id
    return Verdict(number, status, key, str(draft.values.get("name") or ""), tuple(draft.faults))


def _draft(values: dict[str, Any], regions: Mapping[str, UUID], known: Mapping[str | None, UUID]) -> Draft:
    faults: list[Fault] = []
    word = values.pop("region", None)
    if word is not None:
        values["region_id"] = regions.get(str(word).strip().casefold())
        if values["region_id"] is None:
            faults.append(Fault("/region", "unknown", NO_REGION))
            del values["region_id"]
    code = str(values.get("uscc") or "").upper().replace(" ", "")
    key = known.get(code)
    draft = Draft(_typed(values), key or uuid7(), new=key is None)
    draft.faults += faults
    return draft


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """Cells as the fields want them; what cannot be turned is left for the checks to refuse."""
    found = {name: value for name, value in values.items() if name not in ("lat", "lon", "crs")}
    for name, labels in LABELS.items():
        if name in found:
            found[name] = labels.get(str(found[name]), found[name])
    for name in ("name", "uscc", "address", "industry", "sample_cluster", "industrial_park"):
        if name in found:
            found[name] = str(found[name])
    if "employees" in found:
        found["employees"] = _number(found["employees"])
    if "brands" in found:
        found["brands"] = [word.strip() for word in str(found["brands"]).replace("；", ";").split(";") if word.strip()]
    if "active" in found:
        word = str(found["active"]).strip().lower()
        found["active"] = True if word in TRUE else False if word in FALSE else found["active"]
    if "lat" in values or "lon" in values:
        found["location"] = {
            "lat": _number(values.get("lat")),
            "lon": _number(values.get("lon")),
            "crs": values.get("crs", "wgs84"),
        }
    return found


def _number(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        try:
            return int(value) if value.strip().lstrip("-").isdigit() else float(value)
        except ValueError:
            return value
    return value


def _rows(content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """Non-empty rows with their number, keyed by field name; empty cells are left out."""
    if len(content) > MOST_BYTES:
        raise Invalid.at("/file", "too-large", Text("文件太大", "The file is too large"))
    table = _sheet(content) if content[:2] == b"PK" else _csv(content)
    header = [str(cell or "").strip() for cell in next(table, [])]
    names = [COLUMNS.get(word, word) for word in header]
    if "name" not in names and "uscc" not in names:
        raise Invalid.at("/file", "columns", UNREADABLE)
    if strange := [word for word, name in zip(header, names, strict=True) if word and name not in KNOWN]:
        detail = Text("不认识的列：{names}", "Unknown columns: {names}").fill(names=", ".join(strange)[:200])
        raise Invalid.at("/file", "columns", detail)
    for number, cells in enumerate(table, start=2):
        if number > MOST_ROWS + 1:
            raise Invalid.at(
                "/file", "too-many-rows", Text("最多 {most} 行", "At most {most} rows").fill(most=MOST_ROWS)
            )
        values = {name: cell for name, cell in zip(names, cells, strict=False) if name and cell not in (None, "")}
        if values:
            yield number, values


def _csv(content: bytes) -> Iterator[list[Any]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        try:
            yield from csv.reader(io.StringIO(text), strict=True)
        except csv.Error:
            break
        return
    raise Invalid.at("/file", "unreadable", UNREADABLE)


def _sheet(content: bytes) -> Iterator[list[Any]]:
    from openpyxl import load_workbook  # slow to load, and only needed when a table comes in

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > MOST_UNPACKED:
                raise Invalid.at("/file", "too-large", Text("表格解开后太大", "The table is too large when unpacked"))
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()
        for cells in sheet.iter_rows(max_row=MOST_ROWS + 2, max_col=100, values_only=True):
            yield list(cells)
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, AttributeError, TypeError, OSError, SyntaxError):
        raise Invalid.at("/file", "unreadable", UNREADABLE) from None
