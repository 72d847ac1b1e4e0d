"""What an action carries: its text and its ``data``, held against the fields that the workflow table names. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from core.problems import Fault
from core.texts import Text
from inspections.workflow import Field, Row

LONGEST_LIST = 50
_CODE = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check(row: Row, text: Any, data: Any, *, departments: Collection[str], classes: Collection[str]) -> list[Fault]:
    """What is wrong with the text and data of an asked action; pointers start at ``/text`` and ``/data``."""
    faults = _text_faults(row, text)
    if data is None:
        data = {}
    if not isinstance(data, Mapping):
        return [*faults, Fault("/data", "type", Text("应为对象", "This should be an object"))]
    fields = {field.name: field for field in row.fields}
    faults += [
        Fault(
            f"/data/{name}",
            "unknown-field",
            Text("“{action}”没有此字段", "“{action}” has no such field").fill(action=row.label),
        )
        for name in data
        if name not in fields
    ]
    for field in row.fields:
        if field.name not in data or (data[field.name] is None and field.kind != "bool_or_null"):
            if field.required:
                faults.append(
                    Fault(
                        f"/data/{field.name}",
                        "required",
                        Text("“{action}”需要此字段", "“{action}” needs this field").fill(action=row.label),
                    )
                )
        elif (why := _value_fault(field, data[field.name], departments, classes)) is not None:
            faults.append(Fault(f"/data/{field.name}", *why))
    return faults


def _text_faults(row: Row, text: Any) -> list[Fault]:
    if text is not None and not isinstance(text, str):
        return [Fault("/text", "type", Text("应为文字", "This should be text"))]
    if text is not None and (problem := unfit(text)) is not None:
        return [Fault("/text", *problem)]
    if row.text and not (text or "").strip():
        return [
            Fault("/text", "required", Text("“{action}”需要文字说明", "“{action}” needs a text").fill(action=row.label))
        ]
    return []


def unfit(text: str, longest: int = 4000) -> tuple[str, Text] | None:
    """Why a text cannot be kept: too long, or characters no database may hold. None when it can."""
    if len(text) > longest:
        return "too-long", Text("最多 {n} 字", "At most {n} characters").fill(n=longest)
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        return "bad-character", Text("含有无法保存的字符", "It holds a character that cannot be kept")
    return None


_KINDS: Mapping[str, tuple[type | tuple[type, ...], Text]] = {
    "text": (str, Text("应为文字", "This should be text")),
    "department": (str, Text("应为部门代码", "This should be a department code")),
    "departments": (list, Text("应为部门代码列表", "This should be a list of department codes")),
    "deadline_class": (str, Text("应为时限类别", "This should be a deadline class")),
    "choice": (str, Text("应为选项代码", "This should be the code of a choice")),
    "code": (str, Text("应为原因代码", "This should be the code of a reason")),
    "bool": (bool, Text("应为 true 或 false", "This should be true or false")),
    "bool_or_null": ((bool, type(None)), Text("应为 true、false 或 null", "This should be true, false or null")),
    "int": (int, Text("应为整数", "This should be a whole number")),
    "date": (str, Text("应为日期(年-月-日)", "This should be a date (year-month-day)")),
    "issue": (str, Text("应为记录编号(UUID)", "This should be a record's UUID")),
    "person": (str, Text("应为人员编号(UUID)", "This should be a person's UUID")),
    "record": (str, Text("应为记录编号(UUID)", "This should be a record's UUID")),
    "records": (list, Text("应为记录编号列表", "This should be a list of record UUIDs")),
}


def _value_fault(
    field: Field, value: Any, departments: Collection[str], classes: Collection[str]
) -> tuple[str, Text] | None:
    """The code and the words for what is wrong with one value, or None."""
    kind, wanted = _KINDS[field.kind]
    if not isinstance(value, kind) or (field.kind == "int" and isinstance(value, bool)):
        return "type", wanted
    listed: list[Any] = value if isinstance(value, list) else [value]
    if len(listed) > LONGEST_LIST:
        return "too-long", Text("最多 {n} 项", "At most {n} entries").fill(n=LONGEST_LIST)
    if field.kind in ("issue", "person", "record", "records") and not all(map(_is_uuid, listed)):
        return "type", wanted
    if field.kind == "date" and not _is_date(value):
        return "type", wanted
    if field.kind == "code" and not _CODE.fullmatch(value):
        return "type", wanted
    if field.kind == "text":
        if not value.strip():
            return "required", Text("不能为空", "This must not be empty")
        return unfit(value, 1000)
    if field.kind in ("department", "departments") and not all(
        isinstance(one, str) and one in departments for one in listed
    ):
        return "unknown", Text("没有此部门", "There is no such department")
    if field.kind == "deadline_class" and value not in classes:
        return "unknown", Text("没有此时限类别", "There is no such deadline class")
    if field.choices and value not in field.choices:
        return "not-a-choice", Text("应为以下之一:{choices}", "This should be one of {choices}").fill(
            choices=", ".join(field.choices)
        )
    return None


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(UUID(value))
    except ValueError:
        return False


def _is_date(value: str) -> bool:
    try:
        return len(value) == len("2026-01-01") and bool(date.fromisoformat(value))
    except ValueError:
        return False
