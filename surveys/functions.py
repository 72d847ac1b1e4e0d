"""The functions an expression may call: XPath 1.0's, JavaRosa's and OpenRosa's.

Each entry of :data:`FUNCTIONS` takes values (see :mod:`surveys.values`) and returns one, whatever it is given. Those that
need the form, the row or the clock are built in :mod:`surveys.expressions`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

from surveys import geometry, patterns
from surveys.values import (
    NAN,
    Day,
    Moment,
    calendar_time,
    number,
    read_clock,
    read_date,
    read_moment,
    text,
    truth,
    values,
)

MANY = 1_000
MAX_TEXT = 100_000
"""A calculation that doubles a text a few dozen times over would otherwise fill any memory."""


class NotEvaluable(Exception):
    """The server does not hold what the expression asks for, so it must not judge by it."""


class Function(NamedTuple):
    """How many arguments a function takes, and the function."""

    least: int
    most: int
    run: Callable[..., Any]


def matches(value: Any, source: Any) -> bool:
    """``regex``: the whole text must match, as in JavaRosa (Enketo is content with a part of it)."""
    try:
        held = patterns.matches(text(value), text(source))
    except patterns.BadPattern as error:
        raise NotEvaluable from error
    if held is None:
        raise NotEvaluable
    return held


def chosen(value: Any, code: Any) -> bool:
    """``selected``: whether the code is among those chosen."""
    if isinstance(value, tuple):
        return text(code) in value
    return text(code) in text(value).split()


def _items(value: Any) -> tuple[str, ...] | list[str]:
    return value if isinstance(value, tuple) else text(value).split()


def _item_at(value: Any, index: Any) -> str:
    """``selected-at``: counts from 0; '' beyond the end (JavaRosa too; Enketo refuses)."""
    items, at = _items(value), number(index)
    return items[int(at)] if 0 <= at < len(items) else ""


def _date(value: Any) -> Any:
    """``date``: from ISO text or a day number; a time of day is cut off; '' when it is no date."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raw = text(value)
        found = read_date(raw) or read_moment(raw)
        if found is None:
            return ""
        value = found
    return Day(math.floor(value)) if math.isfinite(value) else ""


def _moment(value: Any) -> Any:
    """``date-time``: from ISO text or a day number; '' when it is neither."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raw = text(value)
        found = read_moment(raw) or read_date(raw)
        return "" if found is None else Moment(found)
    return Moment(value) if math.isfinite(value) else ""


def _decimal_time(value: Any) -> float:
    raw = text(value)
    clock = read_clock(raw)
    if clock is None:
        moment = read_moment(raw)
        return NAN if moment is None else moment - math.floor(moment)
    return clock


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def _format_date(value: Any, layout: Any) -> str:
    """``format-date`` and ``format-date-time``: names of months and weekdays are English on every phone language."""
    days = _moment(value)
    moment = calendar_time(days) if days != "" else None
    if moment is None:
        return ""
    parts = {
        "Y": f"{moment.year:04d}", "y": f"{moment.year % 100:02d}", "m": f"{moment.month:02d}", "n": str(moment.month),
        "b": _MONTHS[moment.month - 1], "d": f"{moment.day:02d}", "e": str(moment.day), "H": f"{moment.hour:02d}",
        "h": str(moment.hour), "M": f"{moment.minute:02d}", "S": f"{moment.second:02d}",
        "3": f"{moment.microsecond // 1000:03d}", "a": _WEEKDAYS[moment.weekday()], "%": "%",
    }  # fmt: skip
    return re.sub("%(.)", lambda found: parts.get(found[1], found[0]), text(layout))


def _round(value: Any, places: Any = 0) -> float:
    """``round``: halves away from zero with places given (JavaRosa), upwards without (XPath 1.0)."""
    figure, digits = number(value), number(places)
    if not math.isfinite(figure) or not math.isfinite(digits):
        return figure
    if not digits:
        return float(math.floor(figure + 0.5))
    try:
        step = Decimal(1).scaleb(-max(-15, min(15, int(digits))))
        return float(Decimal(repr(float(figure))).quantize(step, ROUND_HALF_UP))
    except InvalidOperation:
        return figure


def _int(value: Any) -> float:
    figure = number(value)
    return float(math.trunc(figure)) if math.isfinite(figure) else NAN


def _numeric(run: Callable[..., float]) -> Callable[..., float]:
    """A function of numbers that answers NaN where mathematics has none."""

    def guarded(*arguments: Any) -> float:
        try:
            result = run(*map(number, arguments))
        except (ValueError, OverflowError, ZeroDivisionError):
            return NAN
        return result if isinstance(result, int | float) else NAN

    return guarded


def _substr(value: Any, start: Any, end: Any = None) -> str:
    """``substr``: from ``start`` up to before ``end``, counted from 0, negative from the end."""
    if value.__class__ is str and start.__class__ is int and end.__class__ is int and 0 <= start <= end:
        return str(value[start:end])
    raw, begin = text(value), number(start)
    stop = number(end) if end is not None else math.inf
    if begin != begin or stop != stop:
        return ""
    bounds = [int(max(-len(raw), min(len(raw), bound))) for bound in (begin, stop)]
    return raw[bounds[0] : bounds[1]]


def _translate(value: Any, old: Any, new: Any) -> str:
    before, after = text(old), text(new)
    table: dict[int, str | None] = {}
    for index, sign in enumerate(before):
        table.setdefault(ord(sign), after[index] if index < len(after) else None)
    return text(value).translate(table)


def _before(value: Any, part: Any) -> str:
    raw, sign = text(value), text(part)
    return raw[: max(0, raw.find(sign))] if sign else ""


def _after(value: Any, part: Any) -> str:
    return text(value).partition(text(part))[2] if text(part) else text(value)


def _concat(*parts: Any) -> str:
    return _joined("", parts)


def _join(glue: Any, *parts: Any) -> str:
    return _joined(text(glue), parts)


def _joined(glue: str, parts: tuple[Any, ...]) -> str:
    joined = glue.join([text(part) for part in values(parts)])
    if len(joined) > MAX_TEXT:
        raise NotEvaluable
    return joined


def _sum(*arguments: Any) -> float:
    """``sum``: unanswered rows count as nothing (JavaRosa; XPath 1.0 would answer NaN)."""
    return sum(number(value) for value in values(arguments) if value != "")


def _least(*arguments: Any) -> float:
    """``min``: unanswered rows are left out, as in JavaRosa; NaN over nothing."""
    return min((number(value) for value in values(arguments) if value != ""), default=NAN)


def _most(*arguments: Any) -> float:
    return max((number(value) for value in values(arguments) if value != ""), default=NAN)


def _checklist(least: Any, most: Any, *answers: Any) -> bool:
    return _weighted(least, most, *(part for answer in values(answers) for part in (answer, 1)))


def _weighted(least: Any, most: Any, *pairs: Any) -> bool:
    """``weighted-checklist``: whether the weights of the true answers add up to a number between the bounds (−1: open)."""
    flat = values(pairs)
    total = sum(number(weight) for answer, weight in zip(flat[::2], flat[1::2], strict=False) if truth(answer))
    return (number(least) == -1 or total >= number(least)) and (number(most) == -1 or total <= number(most))


def _digest(value: Any, algorithm: Any, encoding: Any = "base64") -> str:
    name = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}.get(
        text(algorithm)
    )
    if name is None:
        raise NotEvaluable
    digest = hashlib.new(name, text(value).encode(errors="replace"), usedforsecurity=False).digest()
    return digest.hex() if text(encoding) == "hex" else base64.b64encode(digest).decode()


def _decode(value: Any) -> str:
    try:
        return base64.b64decode(text(value), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _points(*arguments: Any) -> list[geometry.Point]:
    return geometry.read_points(";".join(text(value) for value in values(arguments)))


def _geofence(point: Any, shape: Any) -> bool:
    points = _points(point)
    return bool(points) and geometry.inside(points[0], _points(shape))


def _log(figure: float) -> float:
    return math.log(figure) if figure else -math.inf


def _not(value: Any) -> bool:
    return not truth(value)


FUNCTIONS: dict[str, Function] = {
    "true": Function(0, 0, lambda: True),
    "false": Function(0, 0, lambda: False),
    "not": Function(1, 1, _not),
    "boolean": Function(1, 1, truth),
    "boolean-from-string": Function(1, 1, lambda value: text(value) in ("true", "1")),
    "number": Function(1, 1, number),
    "int": Function(1, 1, _int),
    "string": Function(1, 1, text),
    "date": Function(1, 1, _date),
    "date-time": Function(1, 1, _moment),
    "decimal-date-time": Function(1, 1, lambda value: number(_moment(value)) + 0.0),
    "decimal-time": Function(1, 1, _decimal_time),
    "format-date": Function(2, 2, _format_date),
    "format-date-time": Function(2, 2, _format_date),
    "selected": Function(2, 2, chosen),
    "selected-at": Function(2, 2, _item_at),
    "count-selected": Function(1, 1, lambda value: len(_items(value))),
    "count": Function(1, 1, lambda value: len(value) if isinstance(value, list) else 1),
    "count-non-empty": Function(1, 1, lambda *rows: sum(value != "" for value in values(rows))),
    "sum": Function(1, 1, _sum),
    "min": Function(1, MANY, _least),
    "max": Function(1, MANY, _most),
    "concat": Function(1, MANY, _concat),
    "join": Function(1, MANY, _join),
    "substr": Function(2, 3, _substr),
    "substring-before": Function(2, 2, _before),
    "substring-after": Function(2, 2, _after),
    "string-length": Function(1, 1, lambda value: len(text(value))),
    "normalize-space": Function(1, 1, lambda value: " ".join(text(value).split())),
    "translate": Function(3, 3, _translate),
    "contains": Function(2, 2, lambda value, part: text(part) in text(value)),
    "starts-with": Function(2, 2, lambda value, part: text(value).startswith(text(part))),
    "ends-with": Function(2, 2, lambda value, part: text(value).endswith(text(part))),
    "regex": Function(2, 2, matches),
    "round": Function(1, 2, _round),
    "abs": Function(1, 1, _numeric(abs)),
    "floor": Function(1, 1, _numeric(lambda figure: float(math.floor(figure)))),
    "ceiling": Function(1, 1, _numeric(lambda figure: float(math.ceil(figure)))),
    "pow": Function(2, 2, _numeric(lambda base, power: math.pow(base, power))),
    "sqrt": Function(1, 1, _numeric(math.sqrt)),
    "exp": Function(1, 1, _numeric(math.exp)),
    "exp10": Function(1, 1, _numeric(lambda power: math.pow(10, power))),
    "log": Function(1, 1, _numeric(_log)),
    "log10": Function(1, 1, _numeric(math.log10)),
    "sin": Function(1, 1, _numeric(math.sin)),
    "cos": Function(1, 1, _numeric(math.cos)),
    "tan": Function(1, 1, _numeric(math.tan)),
    "asin": Function(1, 1, _numeric(math.asin)),
    "acos": Function(1, 1, _numeric(math.acos)),
    "atan": Function(1, 1, _numeric(math.atan)),
    "atan2": Function(2, 2, _numeric(math.atan2)),
    "pi": Function(0, 0, lambda: math.pi),
    "checklist": Function(3, MANY, _checklist),
    "weighted-checklist": Function(4, MANY, _weighted),
    "digest": Function(2, 3, _digest),
    "base64-decode": Function(1, 1, _decode),
    "distance": Function(1, MANY, lambda *places: geometry.distance(_points(*places))),
    "area": Function(1, 1, lambda *places: geometry.area(_points(*places))),
    "geofence": Function(2, 2, _geofence),
}
