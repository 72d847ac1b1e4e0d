"""Sixty invented enterprises in a 2+8+N cluster, or a multiple of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.actors import Actor
from demo.dice import Dice
from demo.names import Names
from demo.places import INDUSTRIES, TOWNS, Town
from organizations import enterprises, reference, uscc
from organizations.roles import Designation, Ownership, PilotTier, Size

_OWNERSHIP = {"private": 66, "foreign": 12, "joint": 10, "state_owned": 8, "collective": 4}
_STAFF = {"micro": (6, 20), "small": (20, 290), "medium": (300, 990), "large": (1000, 6800)}
_ROADS = (
    "澄杨路",
    "长山大道",
    "滨江东路",
    "海港大道",
    "暨阳路",
    "锡澄路",
    "芙蓉大道",
    "环镇北路",
    "工业园路",
    "镇澄路",
)
_LINES = {
    "textile": "纺织行业工匠联盟",
    "metallurgy": "冶金行业安全互助",
    "machinery": "机械行业技能共享",
    "garments": "服装行业女工关爱",
}
_DESIGNATED = (Designation.NATIONAL, Designation.PROVINCIAL, Designation.WUXI, Designation.JIANGYIN, Designation.TOWN)


@dataclass(frozen=True, slots=True)
class Firm:
    """An enterprise as the rest of the demo world needs to know it."""

    id: UUID
    name: str
    uscc: str
    town: Town
    lat: float
    lon: float
    industry: str
    ownership: str
    employees: int
    tier: str


def found(dice: Dice, *, scale: int, by: Actor, at: datetime) -> list[Firm]:
    """Enter the enterprises into the register, through the verb that the office's import uses."""
    regions = reference.region_ids([town.code for town in TOWNS])
    names, made = Names(dice), list[Firm]()
    drafts = []
    for number, town in enumerate(_places(scale)):
        draft, firm = _invent(dice, names, number, town, regions[town.code], at)
        drafts.append(draft)
        made.append(firm)
    for start in range(0, len(drafts), enterprises.BATCH):
        enterprises.put(drafts[start : start + enterprises.BATCH], by=by, at=at)
    if faulty := [draft for draft in drafts if draft.faults]:
        raise ValueError(f"the demo world invents enterprises that the register refuses: {faulty[0].faults}")
    return made


def _places(scale: int) -> Iterator[Town]:
    """The towns of all enterprises, dealt in turn, so that the cluster's slots are spread."""
    for _ in range(scale):
        left = {town.code: town.share for town in TOWNS}
        while any(left.values()):
            for town in TOWNS:
                if left[town.code]:
                    left[town.code] -= 1
                    yield town


def _invent(
    dice: Dice, names: Names, number: int, town: Town, region: UUID, at: datetime
) -> tuple[enterprises.Draft, Firm]:
    slot = "2" if number < 2 else "8" if number < 10 else "N"
    industry = dice.choice(town.industries)
    ownership = dice.among(_OWNERSHIP)
    size = dice.among({"large": 3, "medium": 1} if slot != "N" else {"large": 2, "medium": 5, "small": 6, "micro": 1})
    employees = dice.randint(*_STAFF[size])
    tier = PilotTier.CITY if slot != "N" else dice.among({"town": 4, "enterprise": 4, "": 2})
    lat, lon = round(town.lat + dice.uniform(-0.018, 0.018), 6), round(town.lon + dice.uniform(-0.022, 0.022), 6)
    code = credit_code(dice)
    key, name = dice.key(at), names.firm(dice.choice(INDUSTRIES[industry]), ownership, size)
    values = {
        "name": name,
        "uscc": code,
        "region_id": region,
        "address": f"江阴市{town.park[:2]}{dice.choice(_ROADS)}{dice.randint(1, 399)}号",
        "location": {"lat": lat, "lon": lon, "crs": "wgs84"},
        "industry": industry,
        "ownership": Ownership(ownership).value,
        "size": Size(size).value,
        "employees": employees,
        "pilot_tier": str(tier),
        "designation_level": _designation(dice, number, str(tier)),
        "sample_cluster": slot,
        "industrial_park": town.park if dice.happens(0.7) else "",
        "brands": _brands(dice, town, industry, name) if tier else [],
    }
    firm = Firm(key, name, code, town, lat, lon, industry, ownership, employees, str(tier))
    return enterprises.Draft(values, key, new=True), firm


def _designation(dice: Dice, number: int, tier: str) -> str:
    if number < 2:
        return Designation.NATIONAL.value
    if not tier:
        return ""
    return str(dice.among(dict(zip((*_DESIGNATED[1:], ""), (2, 4, 6, 6, 4), strict=True))))


def _brands(dice: Dice, town: Town, industry: str, name: str) -> list[str]:
    """What the place and the trade are known for: the town's brand, the line's, and perhaps the firm's own."""
    found = [f"一镇一品:{town.brand}"] if dice.happens(0.5) else []
    if industry in _LINES and dice.happens(0.4):
        found.append(f"一行一品:{_LINES[industry]}")
    if dice.happens(0.25):
        found.append(f"一企一品:{name[2:4]}班组")
    return found


def credit_code(dice: Dice) -> str:
    """A code that nobody has, right in its check character (GB 32100-2015)."""
    body = "91320281MA" + "".join(dice.choice(uscc.ALPHABET) for _ in range(7))
    return body + uscc.check_character(body)
