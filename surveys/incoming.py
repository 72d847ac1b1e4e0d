"""The fields of a response as a phone sends them, read by themselves: the shape, not the meaning. Pure.

Written out rather than composed because it runs for every response of every push.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from core.ids import parsed
from core.problems import Fault
from core.texts import Text

FIELDS = ("enterprise", "visit", "questionnaire", "version", "answers", "started_at", "ended_at", "status")
REQUIRED = frozenset(FIELDS) - {"visit", "ended_at"}
STATUSES = frozenset({"draft", "submitted"})
IMPLIED = {"status": "draft"}
"""What a new response is that does not say it."""
MAX_ANSWER_BYTES = 1_000_000

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_WRONG = {
    "required": Text("必填", "This is required"),
    "unknown-field": Text("没有此字段", "There is no such field"),
    "id": Text("应为记录编号(UUID)", "This should be a record's UUID"),
    "code": Text("应为问卷编号", "This should be a questionnaire's code"),
    "version": Text("应为版本号", "This should be a version number"),
    "answers": Text("应为对象", "This should be an object"),
    "too-large": Text("答案过大", "The answers are too large"),
    "bad-character": Text("含有无法保存的字符", "It holds a character that cannot be kept"),
    "time": Text("应为带时区的 ISO 8601 时间", "This should be an ISO 8601 time with its offset"),
    "status": Text("应为 draft 或 submitted", "This should be draft or submitted"),
}


class _Wrong(ValueError):
    pass


def read(changes: Mapping[str, Any], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """Clean values by field, ``answers_text`` (JSON) beside ``answers``; and what is wrong with the rest."""
    clean: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in changes.items():
        try:
            reader = _READERS.get(name)
            if reader is None:
                raise _Wrong("unknown-field")
            if value is None and name in REQUIRED:
                raise _Wrong("required")
            clean[name] = None if value is None else reader(value)
        except _Wrong as wrong:
            faults.append(_fault(name, str(wrong)))
    if "answers" in clean:
        clean["answers"], clean["answers_text"] = clean["answers"]
    if new:
        absent = [name for name in FIELDS if name in REQUIRED and name not in changes]
        faults += [_fault(name, "required") for name in absent if name not in IMPLIED]
        clean |= {name: IMPLIED[name] for name in absent if name in IMPLIED}
    return clean, faults


def _fault(name: str, wrong: str) -> Fault:
    pointer = "".join(sign if sign.isprintable() else "�" for sign in name[:100]).replace("~", "~0").replace("/", "~1")
    code = "type" if wrong in ("id", "code", "version", "answers", "time", "status") else wrong
    return Fault(f"/{pointer}", code, _WRONG[wrong])


def _id(value: Any) -> UUID:
    if value.__class__ is not str or not _UUID.fullmatch(value):
        raise _Wrong("id")
    return parsed(value)


def _code(value: Any) -> str:
    if value.__class__ is not str or not 0 < len(value) <= 100 or "\0" in value:
        raise _Wrong("code")
    return str(value)


def _version(value: Any) -> int:
    if value.__class__ is str and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if value.__class__ is not int or not 0 < value < 2**31:
        raise _Wrong("version")
    return int(value)


def _answers(value: Any) -> tuple[dict[str, Any], str]:
    if not isinstance(value, dict):
        raise _Wrong("answers")
    try:
        packed = orjson.dumps(value)
    except (TypeError, RecursionError) as error:  # unpaired surrogates, numbers beyond 64 bits, bottomless nesting
        raise _Wrong("bad-character") from error
    if len(packed) > MAX_ANSWER_BYTES:
        raise _Wrong("too-large")
    if b"\\u0000" in packed and _has_nul(value):
        raise _Wrong("bad-character")
    return value, packed.decode()


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


def _time(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value) if value.__class__ is str and len(value) <= 40 else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None or not _EARLIEST <= found <= _LATEST:
        raise _Wrong("time")
    return found


def _status(value: Any) -> str:
    if value.__class__ is not str or value not in STATUSES:
        raise _Wrong("status")
    return str(value)


_READERS = {
    "enterprise": _id,
    "visit": _id,
    "questionnaire": _code,
    "version": _version,
    "answers": _answers,
    "started_at": _time,
    "ended_at": _time,
    "status": _status,
}
