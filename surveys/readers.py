"""How the answer to each type of question is read from JSON: as a value of :mod:`surveys.values`, or :data:`BAD`.

An answer that is absent, null, an empty text or an empty list is unanswered and never comes here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from surveys.values import Hidden, read_clock, read_date, read_moment

BAD: Any = Hidden()
"""An answer of the wrong type: a finding says so, and expressions see it as unanswered."""

Reader = Callable[[Any], Any]
_LARGEST = 2**53  # beyond it two phones may read different whole numbers


def read_text(raw: Any) -> Any:
    return raw if raw.__class__ is str else BAD


def read_integer(raw: Any) -> Any:
    kind = raw.__class__
    if (kind is int or (kind is float and raw.is_integer())) and -_LARGEST <= raw <= _LARGEST:
        return int(raw)
    return BAD


def read_decimal(raw: Any) -> Any:
    kind = raw.__class__
    if (kind is int and -_LARGEST <= raw <= _LARGEST) or (kind is float and math.isfinite(raw)):
        return raw
    return BAD


def read_code(raw: Any) -> Any:
    return raw if raw.__class__ is str and " " not in raw else BAD


def read_codes(raw: Any) -> Any:
    """A list of codes, or the codes in one text with spaces between them; none twice."""
    codes = tuple(raw.split()) if raw.__class__ is str else tuple(raw) if raw.__class__ is list else ()
    if not codes or not all(code.__class__ is str for code in codes) or len(set(codes)) != len(codes):
        return BAD
    return codes


def read_day(raw: Any) -> Any:
    day = read_date(raw) if raw.__class__ is str else None
    return BAD if day is None else day


def read_datetime(raw: Any) -> Any:
    moment = read_moment(raw) if raw.__class__ is str else None
    return BAD if moment is None else moment


def read_time(raw: Any) -> Any:
    return raw if raw.__class__ is str and read_clock(raw) is not None else BAD


def _coordinates(parts: list[Any]) -> bool:
    if not 2 <= len(parts) <= 4 or not all(isinstance(part, int | float) and math.isfinite(part) for part in parts):
        return False
    return bool(abs(parts[0]) <= 90 and abs(parts[1]) <= 180)


def _point(raw: str) -> str | None:
    try:
        parts = [float(part) for part in raw.split()]
    except ValueError:
        return None
    return " ".join(raw.split()) if _coordinates(parts) else None


def read_geopoint(raw: Any) -> Any:
    """``"lat lon altitude accuracy"``, or ``{"lat", "lon", "altitude"?, "accuracy_m"?, …}``; degrees and metres."""
    if raw.__class__ is str:
        return _point(raw) or BAD
    if raw.__class__ is not dict:
        return BAD
    parts = [raw.get("lat"), raw.get("lon"), raw.get("altitude") or 0, raw.get("accuracy_m") or 0]
    try:
        return " ".join(map(str, parts)) if _coordinates(parts) else BAD
    except OverflowError:
        return BAD


def _line(least: int) -> Reader:
    def read(raw: Any) -> Any:
        if raw.__class__ is not str:
            return BAD
        points = [_point(part) for part in raw.split(";") if part.strip()]
        if len(points) < least or None in points:
            return BAD
        return ";".join(point for point in points if point)

    return read


def read_file(raw: Any) -> Any:
    """The id of a photo record, or a file's name."""
    return raw if raw.__class__ is str and len(raw) <= 255 and "/" not in raw else BAD


def read_acknowledgement(raw: Any) -> Any:
    return "OK" if raw is True or raw == "OK" else BAD


READERS: dict[str, Reader] = {
    "text": read_text, "barcode": read_text, "note": read_text, "hidden": read_text,
    "integer": read_integer, "decimal": read_decimal, "range": read_decimal,
    "select_one": read_code, "select_multiple": read_codes, "rank": read_codes,
    "date": read_day, "datetime": read_datetime, "time": read_time,
    "geopoint": read_geopoint, "geotrace": _line(2), "geoshape": _line(3),
    "image": read_file, "audio": read_file, "video": read_file, "file": read_file,
    "acknowledge": read_acknowledgement, "calculate": read_text,
    "start": read_datetime, "end": read_datetime, "today": read_day,
    "deviceid": read_text, "username": read_text, "phonenumber": read_text, "email": read_text,
    "audit": read_file, "start-geopoint": read_geopoint, "background-audio": read_file,
    "group": read_text, "repeat": read_text,
}  # fmt: skip
"""By question type. ``calculate`` is read only for a calculation the server cannot repeat."""

FILES = frozenset({"image", "audio", "video", "file", "audit", "background-audio"})
