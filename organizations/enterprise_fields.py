"""What an enterprise may say of itself: one checker a field. Gives clean values and every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import TextChoices

from core.coordinates import DATUMS
from core.problems import Fault
from core.texts import Text
from organizations import uscc
from organizations.roles import Designation, Ownership, PilotTier, Size

WRONG_TYPE = Text("类型不对", "Has the wrong type")


class Bad(ValueError):
    """A value that a checker refuses: a stable code and the reason."""

    def __init__(self, code: str, detail: Text) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


Checker = Callable[[Any], Any]


def text(limit: int, *, required: bool = False) -> Checker:
    """A sentence of at most ``limit`` characters, stripped; null counts as empty."""

    def check(value: Any) -> str:
        if value is None:
            value = ""
        if not isinstance(value, str):
            raise Bad("type", WRONG_TYPE)
        value = str(value).strip()
        if required and not value:
            raise Bad("required", Text("必填", "Is required"))
        if len(value) > limit:
            raise Bad("too-long", Text("最多 {limit} 个字", "At most {limit} characters").fill(limit=limit))
        return str(value)

    return check


def one_of(choices: type[TextChoices]) -> Checker:
    """A code of the list; null counts as empty."""

    def check(value: Any) -> str:
        if value in (None, ""):
            return ""
        if value not in choices.values:
            allowed = ", ".join(choices.values)
            raise Bad("choice", Text("只能是：{allowed}", "Must be one of: {allowed}").fill(allowed=allowed))
        return str(value)

    return check


def whole(most: int) -> Checker:
    """A whole number from 0, or null."""

    def check(value: Any) -> int | None:
        if value in (None, ""):
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
            raise Bad(
                "range", Text("应为 0 到 {most} 的整数", "Must be a whole number from 0 to {most}").fill(most=most)
            )
        return int(value)

    return check


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Bad("type", WRONG_TYPE)
    return value


def identifier(value: Any) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise Bad("type", Text("应为 UUID", "Must be a UUID")) from None


def words(value: Any) -> list[str]:
    """A list of up to twenty names."""
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > 20:
        raise Bad("type", Text("应为最多 20 项的列表", "Must be a list of at most 20"))
    return [text(100, required=True)(word) for word in value]


def place(value: Any) -> dict[str, Any] | None:
    """``{"lat", "lon", "crs"}`` in degrees, or null."""
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"lat", "lon", "crs"}:
        raise Bad("type", Text("应有 lat、lon、crs 三项", "Must have lat, lon and crs"))
    lat, lon = value["lat"], value["lon"]
    if any(isinstance(degree, bool) or not isinstance(degree, int | float) for degree in (lat, lon)):
        raise Bad("type", WRONG_TYPE)
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Bad("range", Text("经纬度超出范围", "Latitude or longitude out of range"))
    if value["crs"] not in DATUMS:
        raise Bad(
            "choice", Text("坐标系只能是：{allowed}", "crs must be one of: {allowed}").fill(allowed=", ".join(DATUMS))
        )
    return {"lat": float(lat), "lon": float(lon), "crs": value["crs"]}


def credit_code(value: Any) -> str | None:
    """The code in capitals without spaces; its check character is judged with the override beside it."""
    code = text(18)(value).upper().replace(" ", "")
    if code and not uscc.is_shaped(code):
        raise Bad("uscc-shape", Text("统一社会信用代码格式不对", "Is not shaped like a unified social credit code"))
    return code or None


FIELDS: dict[str, Checker] = {
    "name": text(200, required=True),
    "uscc": credit_code,
    "uscc_override": text(300),
    "region_id": identifier,
    "address": text(300),
    "location": place,
    "industry": text(60),
    "ownership": one_of(Ownership),
    "size": one_of(Size),
    "employees": whole(10_000_000),
    "pilot_tier": one_of(PilotTier),
    "designation_level": one_of(Designation),
    "sample_cluster": text(20),
    "industrial_park": text(100),
    "brands": words,
    "active": flag,
}
REQUIRED = ("name", "region_id")


def check(values: Mapping[str, Any], *, new: bool) -> tuple[dict[str, Any], list[Fault]]:
    """Clean values and faults; pointers name the fields as callers know them (``/region`` for ``region_id``)."""
    clean: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        checker = FIELDS.get(name)
        if checker is None:
            faults.append(Fault(f"/{name}", "unknown", Text("没有这个字段", "There is no such field")))
            continue
        try:
            clean[name] = checker(value)
        except Bad as bad:
            faults.append(Fault(pointer(name), bad.code, bad.detail))
    for name in REQUIRED if new else ():
        if name not in values:
            faults.append(Fault(pointer(name), "required", Text("必填", "Is required")))
    return clean, faults


def pointer(name: str) -> str:
    return "/" + name.removesuffix("_id")


def check_code(code: str | None, override: str) -> list[Fault]:
    """A wrong check character is accepted only with a recorded reason, for genuine codes exist that fail it."""
    if not code or uscc.is_valid(code) or override:
        return []
    detail = Text(
        "校验位不对；确属真实代码的，请在 uscc_override 中说明",
        "The check character is wrong; if the code is genuine, say why in uscc_override",
    )
    return [Fault("/uscc", "uscc-check", detail)]
