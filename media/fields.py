"""Reading what a phone wrote about a photo: every field checked, every fault with its pointer. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID

from core.coordinates import DATUMS
from core.problems import Fault, Invalid
from core.texts import Text
from media.headers import ACCEPTED

SUBJECTS = ("visit", "response", "issue", "issue_action")
REQUIRED = ("taken_at", "sha256", "size", "content_type")
FIXED_ONCE_STORED = ("sha256", "size", "content_type")
DIGEST = re.compile(r"[0-9a-f]{64}")
MAX_SIZE = 32 << 20
MAX_CAPTION = 500
LOCATION_KEYS = frozenset({"lat", "lon", "crs", "accuracy_m", "provider", "mock", "at"})

UNKNOWN = Text("没有这个字段", "There is no such field")
MISSING = Text("必填", "Required")
NOTHING_SHOWN = Text(
    "照片须关联走访、答卷、问题或处理记录之一", "A photo belongs to a visit, a response, an issue or an action"
)
NO_QUESTION = Text(
    "关联答卷时须写明题目,且不可单独填写", "A photo of a response names its question, and only such a photo does"
)
NOT_AN_ID = Text("应为 UUID", "Must be a UUID")
NOT_A_TIME = Text("应为带时区的 ISO 8601 时间", "Must be an ISO 8601 time with an offset")
NOT_A_DIGEST = Text("应为 64 位小写十六进制 SHA-256", "Must be a SHA-256 in 64 lower-case hex digits")
NOT_A_SIZE = Text("应为 1 到 {most} 之间的整数", "Must be a whole number from 1 to {most}").fill(most=MAX_SIZE)
NOT_A_KIND = Text("只接受 JPEG、PNG、WebP、HEIC 照片", "Only JPEG, PNG, WebP and HEIC pictures are accepted")
NOT_WORDS = Text("应为不超过 {most} 字的文字", "Must be text of at most {most} characters")
NOT_A_PLACE = Text("位置不正确", "Not a location")


class _Wrong(ValueError):
    """A value that cannot be read; the reason is told to the sender."""

    def __init__(self, code: str, detail: Text) -> None:
        super().__init__(code)
        self.code, self.detail = code, detail


def read(changes: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    """The typed values of the given fields; a new photo needs all required ones. Raises Invalid with every fault found."""
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in changes.items():
        reader = READERS.get(name)
        if reader is None:
            faults.append(Fault(f"/{name[:100].replace('~', '~0').replace('/', '~1')}", "unknown-field", UNKNOWN))
            continue
        if value is None:
            if name in REQUIRED:
                faults.append(Fault(f"/{name}", "required", MISSING))
            values[name] = None
            continue
        try:
            values[name] = reader(value)
        except _Wrong as wrong:
            faults.append(Fault(f"/{name}", wrong.code, wrong.detail))
    if new:
        faults += [Fault(f"/{name}", "required", MISSING) for name in REQUIRED if name not in changes]
    if faults:
        raise Invalid(errors=faults)
    return values


def check_subject(photo: Mapping[str, Any]) -> None:
    """What the whole record must show. Raises Invalid."""
    if not any(photo.get(name) for name in SUBJECTS):
        raise Invalid.at("", "subject-required", NOTHING_SHOWN)
    if bool(photo.get("response")) != bool(photo.get("question")):
        raise Invalid.at("/question", "question-of-response", NO_QUESTION)


def as_uuid(value: Any) -> UUID | None:
    """The id that a JSON value spells out in full, else None."""
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _uuid(value: Any) -> UUID:
    found = as_uuid(value)
    if found is None:
        raise _Wrong("not-an-id", NOT_AN_ID)
    return found


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment and moment.utcoffset() is not None and 1990 <= moment.year <= 2200:
            return moment
    except ValueError:
        pass
    raise _Wrong("not-a-time", NOT_A_TIME)


def _digest(value: Any) -> str:
    if isinstance(value, str) and DIGEST.fullmatch(value):
        return value
    raise _Wrong("not-a-digest", NOT_A_DIGEST)


def _size(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SIZE:
        return value
    raise _Wrong("not-a-size", NOT_A_SIZE)


def _kind(value: Any) -> str:
    if isinstance(value, str) and value in ACCEPTED:
        return value
    raise _Wrong("not-a-picture", NOT_A_KIND)


def _words(most: int) -> Callable[[Any], str]:
    def read_words(value: Any) -> str:
        if isinstance(value, str) and len(value) <= most and "\x00" not in value and _is_text(value):
            return value
        raise _Wrong("not-text", NOT_WORDS.fill(most=most))

    return read_words


def _is_text(value: str) -> bool:
    return not any(0xD800 <= ord(sign) < 0xE000 for sign in value)


def _place(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= LOCATION_KEYS:
        raise _Wrong("not-a-place", NOT_A_PLACE)
    lat, lon = _number(value.get("lat"), 90), _number(value.get("lon"), 180)
    found: dict[str, Any] = {"lat": lat, "lon": lon, "crs": value.get("crs", "wgs84")}
    accuracy, provider, mock = value.get("accuracy_m"), value.get("provider"), value.get("mock")
    if found["crs"] not in DATUMS or not (mock is None or isinstance(mock, bool)):
        raise _Wrong("not-a-place", NOT_A_PLACE)
    if accuracy is not None:
        found["accuracy_m"] = _number(accuracy, 1e6, least=0)
    if provider is not None:
        found["provider"] = _words(40)(provider)
    if mock is not None:
        found["mock"] = mock
    if value.get("at") is not None:
        found["at"] = _moment(value["at"]).isoformat()
    return found


def _number(value: Any, most: float, least: float | None = None) -> float:
    low = -most if least is None else least
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and low <= value <= most:
        return value
    raise _Wrong("not-a-place", NOT_A_PLACE)


READERS: dict[str, Callable[[Any], Any]] = {
    "visit": _uuid,
    "response": _uuid,
    "question": _words(200),
    "issue": _uuid,
    "issue_action": _uuid,
    "taken_at": _moment,
    "sha256": _digest,
    "size": _size,
    "content_type": _kind,
    "caption": _words(MAX_CAPTION),
    "location": _place,
}
