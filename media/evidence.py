"""What speaks against a photo, in words: warnings for people to weigh, never a refusal. Pure.

A finding is ``{"code", …particulars}``; the sentence is made when it is told, in the reader's language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.coordinates import GCJ02, Place, metres
from core.texts import EN, ZH, Text
from media.exif import Exif

SHANGHAI = ZoneInfo("Asia/Shanghai")
CLOCK_SLACK = timedelta(minutes=10)
VISIT_SLACK = timedelta(minutes=30)
LATE = timedelta(days=14)
CHECK_IN_REACH_M = 300.0
ENTERPRISE_REACH_M = 1_000.0
EXIF_REACH_M = 300.0

SENTENCES: dict[str, Text] = {
    "undecodable": Text("照片内容无法解码,未生成缩略图", "The picture cannot be decoded; there are no smaller copies"),
    "incomplete": Text(
        "照片在拍摄后被截断,部分画面缺失", "The picture was cut off before it was sent; part of it is missing"
    ),
    "type-differs": Text(
        "登记的类型是 {claimed},文件实为 {found}", "Declared as {claimed}, the file is in fact {found}"
    ),
    "size-differs": Text(
        "登记的大小是 {claimed} 字节,文件实为 {found} 字节", "Declared {claimed} bytes, it has {found}"
    ),
    "no-metadata": Text(
        "照片没有拍摄信息,可能是截图或转发的图片", "No capture data: perhaps a screenshot or a forwarded picture"
    ),
    "edited-with": Text("照片经过 {editor} 处理", "The picture went through {editor}"),
    "not-from-camera": Text("要求现场拍摄,但照片没有相机信息", "A camera picture was asked for; this names no camera"),
    "time-differs": Text(
        "照片内记录的拍摄时间是 {exif},与登记时间相差 {minutes} 分钟",
        "The file says it was taken at {exif}, {minutes} minutes from the time recorded",
    ),
    "taken-in-future": Text(
        "登记的拍摄时间晚于收到时间 {minutes} 分钟", "Taken {minutes} minutes after it was received"
    ),
    "taken-long-before": Text("拍摄 {days} 天后才上报", "Reported {days} days after it was taken"),
    "outside-visit": Text("拍摄时间不在走访时段内(相差 {minutes} 分钟)", "Taken {minutes} minutes outside the visit"),
    "no-location": Text("照片没有位置", "The photo has no location"),
    "far-from-check-in": Text("拍摄位置距签到点 {metres} 米", "Taken {metres} m from the check-in"),
    "far-from-enterprise": Text("拍摄位置距企业 {metres} 米", "Taken {metres} m from the enterprise"),
    "location-differs": Text(
        "照片内的位置与登记的位置相差 {metres} 米", "The file's own location is {metres} m from the one recorded"
    ),
    "datum-mistaken": Text(
        "登记的位置疑似把 GCJ-02 坐标当作 WGS-84(偏 {metres} 米)",
        "The location recorded looks like a GCJ-02 point called WGS-84 ({metres} m off)",
    ),
    "mock-location": Text("位置疑似由模拟定位软件产生", "The location seems to come from a mock provider"),
    "used-before": Text(
        "同一张照片已在 {count} 条其他记录中使用", "The very same picture is used by {count} other records"
    ),
    "looks-like": Text("与 {count} 张其他记录的照片几乎相同", "Nearly identical to {count} pictures of other records"),
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the floor above knows of the visit that a photo belongs to; None where it knows nothing."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    check_in: Mapping[str, Any] | None = None
    camera_only: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A photo as recorded, beside the file as found. ``exif`` None: the file could not be looked at."""

    taken_at: datetime
    received_at: datetime
    location: Mapping[str, Any] | None
    content_type: str
    size: int
    found_type: str
    found_size: int
    exif: Exif | None
    complete: bool = True
    enterprise: Mapping[str, Any] | None = None
    circumstances: Circumstances = field(default_factory=Circumstances)
    same: int = 0
    alike: int = 0


def weigh(claim: Claim) -> list[dict[str, Any]]:
    """All findings, in the order of SENTENCES."""
    found = [*_about_file(claim), *_about_time(claim), *_about_place(claim), *_about_use(claim)]
    order = list(SENTENCES)
    return sorted(found, key=lambda finding: order.index(finding["code"]))


def told(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Findings as documents carry them: the code, the particulars, the sentence in both languages."""
    sentences = [SENTENCES[finding["code"]].fill(**finding) for finding in findings]
    return [
        {**finding, "detail": {ZH: sentence.of(ZH), EN: sentence.of(EN)}}
        for finding, sentence in zip(findings, sentences, strict=True)
    ]


def _about_file(claim: Claim) -> Iterable[dict[str, Any]]:
    if {claim.content_type, claim.found_type} not in ({claim.found_type}, {"image/heic", "image/heif"}):
        yield {"code": "type-differs", "claimed": claim.content_type, "found": claim.found_type}
    if claim.size != claim.found_size:
        yield {"code": "size-differs", "claimed": claim.size, "found": claim.found_size}
    if claim.exif is None:
        yield {"code": "undecodable"}
        return
    if not claim.complete:
        yield {"code": "incomplete"}
    if claim.exif.is_bare:
        yield {"code": "no-metadata"}
    if claim.exif.editor:
        yield {"code": "edited-with", "editor": claim.exif.editor}
    if claim.circumstances.camera_only and not (claim.exif.make or claim.exif.model):
        yield {"code": "not-from-camera"}


def _about_time(claim: Claim) -> Iterable[dict[str, Any]]:
    if claim.exif and claim.exif.taken_at:
        written = datetime.fromisoformat(claim.exif.taken_at)
        moment = written if written.tzinfo else written.replace(tzinfo=SHANGHAI)
        gap = abs(moment - claim.taken_at)
        if gap > CLOCK_SLACK:
            yield {"code": "time-differs", "exif": claim.exif.taken_at, "minutes": _minutes(gap)}
    if claim.taken_at - claim.received_at > CLOCK_SLACK:
        yield {"code": "taken-in-future", "minutes": _minutes(claim.taken_at - claim.received_at)}
    if claim.received_at - claim.taken_at > LATE:
        yield {"code": "taken-long-before", "days": (claim.received_at - claim.taken_at).days}
    start, end = claim.circumstances.started_at, claim.circumstances.ended_at
    before = start - claim.taken_at if start else timedelta(0)
    after = claim.taken_at - end if end else timedelta(0)
    if max(before, after) > VISIT_SLACK:
        yield {"code": "outside-visit", "minutes": _minutes(max(before, after))}


def _about_place(claim: Claim) -> Iterable[dict[str, Any]]:
    exif = claim.exif
    own = Place(exif.lat, exif.lon) if exif and exif.lat is not None and exif.lon is not None else None
    recorded = _place(claim.location)
    here = recorded or own
    if here is None:
        yield {"code": "no-location"}
        return
    if claim.location and (claim.location.get("mock") or claim.location.get("accuracy_m") == 0):
        yield {"code": "mock-location"}
    if own and recorded:
        yield from _two_places(own, recorded, _slack(claim.location))
    slack = _slack(claim.location)
    check_in = _place(claim.circumstances.check_in)
    if check_in and (gap := metres(here, check_in)) > CHECK_IN_REACH_M + slack + _slack(claim.circumstances.check_in):
        yield {"code": "far-from-check-in", "metres": round(gap)}
    enterprise = _place(claim.enterprise)
    if enterprise and (gap := metres(here, enterprise)) > ENTERPRISE_REACH_M + slack:
        yield {"code": "far-from-enterprise", "metres": round(gap)}


def _two_places(own: Place, recorded: Place, slack: float) -> Iterable[dict[str, Any]]:
    gap = metres(own, recorded)
    if gap <= EXIF_REACH_M + slack:
        return
    mistaken = recorded.crs != GCJ02 and metres(own, Place(recorded.lat, recorded.lon, GCJ02)) <= 100 + slack
    yield {"code": "datum-mistaken" if mistaken else "location-differs", "metres": round(gap)}


def _about_use(claim: Claim) -> Iterable[dict[str, Any]]:
    if claim.same:
        yield {"code": "used-before", "count": claim.same}
    if claim.alike:
        yield {"code": "looks-like", "count": claim.alike}


def _place(location: Mapping[str, Any] | None) -> Place | None:
    if not location:
        return None
    try:
        return Place(float(location["lat"]), float(location["lon"]), location.get("crs") or "wgs84")
    except (KeyError, TypeError, ValueError):
        return None


def _slack(location: Mapping[str, Any] | None) -> float:
    """Metres by which a location may be off by its own account; nobody is excused beyond half a kilometre."""
    accuracy = (location or {}).get("accuracy_m")
    return min(500.0, float(accuracy)) if isinstance(accuracy, int | float) else 0.0


def _minutes(gap: timedelta) -> int:
    return round(gap.total_seconds() / 60)
