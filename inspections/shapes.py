"""The shape of what a phone or a form sends: each field's type and range, by itself. Pure.

A reader takes a JSON value and gives the Python value that the table holds, or raises Unfit. ``read`` goes over a whole
record and collects every fault with its pointer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from core.ids import parsed
from core.problems import Fault
from core.texts import Text

Reader = Callable[[Any], Any]
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BAD = re.compile("[\0\ud800-\udfff]")
_EARLIEST, _LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
REQUIRED = Text("必填", "This is required")
UNKNOWN_FIELD = Text("没有此字段", "There is no such field")


class Unfit(ValueError):
    """A value that its field cannot hold; ``under`` points further inside it."""

    def __init__(self, code: str, detail: Text, under: str = "") -> None:
        super().__init__(detail)
        self.code, self.detail, self.under = code, detail, under


@dataclass(frozen=True, slots=True)
class Shape:
    """How one field is read, whether a new record needs it, and what null stands for in the table.

    ``implied`` is what a new record has that does not say it; null is no value of such a field either.
    """

    reader: Reader
    required: bool = False
    empty: Any = None
    implied: Any = None


def read(changes: Mapping[str, Any], shapes: Mapping[str, Shape], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """Clean values by field name, and what is wrong with the rest."""
    clean: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in changes.items():
        shape = shapes.get(name)
        if shape is None:
            faults.append(Fault(f"/{pointed(name)}", "unknown-field", UNKNOWN_FIELD))
        elif value is None:
            if shape.required or shape.implied is not None:
                faults.append(Fault(f"/{name}", "required", REQUIRED))
            else:
                clean[name] = shape.empty() if callable(shape.empty) else shape.empty
        else:
            try:
                clean[name] = shape.reader(value)
            except Unfit as unfit:
                faults.append(Fault(f"/{name}{unfit.under}", unfit.code, unfit.detail))
    if new:
        faults += [
            Fault(f"/{name}", "required", REQUIRED)
            for name, shape in shapes.items()
            if shape.required and name not in changes
        ]
        implied = {name: shape.implied for name, shape in shapes.items() if shape.implied is not None}
        clean |= {name: value for name, value in implied.items() if name not in changes}
    return clean, faults


def pointed(name: str) -> str:
    """A name as a token of a JSON pointer, safe to be written anywhere."""
    return _BAD.sub("\ufffd", name).replace("~", "~0").replace("/", "~1")[:100]


@lru_cache(maxsize=64)
def text(longest: int, *, shortest: int = 0) -> Reader:
    """Characters that every database holds, at most ``longest`` of them."""
    too_long = Text("最多 {n} 字", "At most {n} characters").fill(n=longest)
    too_short = Text("至少 {n} 字", "At least {n} characters").fill(n=shortest)

    def reader(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit("type", Text("应为文字", "This should be text"))
        if len(value) > longest:
            raise Unfit("too-long", too_long)
        if _BAD.search(value):
            raise Unfit("bad-character", Text("含有无法保存的字符", "It holds a character that cannot be kept"))
        if len(value.strip()) < shortest:
            raise Unfit("too-short", too_short)
        return value

    return reader


def choice(codes: tuple[str, ...]) -> Reader:
    """One of some codes."""
    wanted = Text("应为以下之一:{codes}", "This should be one of {codes}").fill(codes=", ".join(codes))

    def reader(value: Any) -> str:
        if not isinstance(value, str):
            raise Unfit("type", Text("应为文字", "This should be text"))
        if value not in codes:
            raise Unfit("not-a-choice", wanted)
        return value

    return reader


def identifier(value: Any) -> UUID:
    """The id of a record."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise Unfit("type", Text("应为记录编号(UUID)", "This should be a record's UUID"))
    return parsed(value)


def identifiers(value: Any) -> list[UUID]:
    """Up to fifty different ids."""
    if not isinstance(value, list) or len(value) > 50:
        raise Unfit("type", Text("应为编号列表(最多 50 个)", "This should be a list of at most 50 ids"))
    found = []
    for at, one in enumerate(value):
        try:
            found.append(identifier(one))
        except Unfit as unfit:
            raise Unfit(unfit.code, unfit.detail, f"/{at}") from None
    return list(dict.fromkeys(found))


def instant(value: Any) -> datetime:
    """A moment with its offset, in this or the last century."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        found = None
    if found is None:
        raise Unfit("type", Text("应为带时区的 ISO 8601 时间", "This should be an ISO 8601 time with its offset"))
    if found.tzinfo is None:
        raise Unfit("no-offset", Text("时间缺少时区", "The time lacks its offset"))
    if not _EARLIEST <= found <= _LATEST:
        raise Unfit("out-of-range", Text("时间不合理", "The time is not plausible"))
    return found


def day(value: Any) -> date:
    """A day of the calendar."""
    try:
        if isinstance(value, str) and len(value) == 10:
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Unfit("type", Text("应为日期(年-月-日)", "This should be a date (year-month-day)"))


@lru_cache(maxsize=64)
def whole(least: int, most: int) -> Reader:
    """A whole number in a range."""
    wanted = Text("应在 {least} 与 {most} 之间", "This should lie between {least} and {most}").fill(
        least=least, most=most
    )

    def reader(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise Unfit("type", Text("应为整数", "This should be a whole number"))
        if not least <= value <= most:
            raise Unfit("out-of-range", wanted)
        return value

    return reader


@lru_cache(maxsize=64)
def number(least: float, most: float) -> Reader:
    """A finite number in a range."""
    wanted = Text("应在 {least} 与 {most} 之间", "This should lie between {least} and {most}").fill(
        least=least, most=most
    )

    def reader(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Unfit("type", Text("应为数字", "This should be a number"))
        if not least <= value <= most:
            raise Unfit("out-of-range", wanted)
        return float(value)

    return reader


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("type", Text("应为 true 或 false", "This should be true or false"))
    return value


def record(shapes: Mapping[str, Shape]) -> Reader:
    """An object whose fields have shapes of their own; kept as it was sent."""

    def reader(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unfit("type", Text("应为对象", "This should be an object"))
        _, faults = read(value, shapes, new=True)
        if faults:
            raise Unfit(faults[0].code, faults[0].detail, faults[0].pointer)
        return value

    return reader
