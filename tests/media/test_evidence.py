"""What speaks against a photo is said in words, and nothing is said of an honest one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.coordinates import GCJ02, Place
from core.texts import EN, ZH
from media.evidence import SENTENCES, Circumstances, Claim, told, weigh
from media.exif import Exif

TAKEN = datetime(2026, 11, 22, 0, 40, tzinfo=UTC)
SPOT = {"lat": 31.92, "lon": 120.28, "crs": "wgs84", "accuracy_m": 10.0}
HONEST = Claim(
    taken_at=TAKEN,
    received_at=TAKEN + timedelta(hours=6),
    location=SPOT,
    content_type="image/jpeg",
    size=1000,
    found_type="image/jpeg",
    found_size=1000,
    exif=Exif("2026-11-22T08:40:00+08:00", True, 31.92, 120.28, make="HUAWEI", model="ALN"),
    enterprise={"lat": 31.921, "lon": 120.281, "crs": "wgs84"},
    circumstances=Circumstances(TAKEN - timedelta(hours=1), TAKEN + timedelta(hours=1), SPOT),
)


def codes(**changes: Any) -> list[str]:
    return [finding["code"] for finding in weigh(replace(HONEST, **changes))]


def moved(metres_north: float, **more: Any) -> dict[str, Any]:
    return {**SPOT, "lat": 31.92 + metres_north / 111_195, **more}


def shifted() -> dict[str, Any]:
    """The spot as a Chinese map gives it."""
    there = Place(31.92, 120.28).to(GCJ02)
    return {**SPOT, "lat": there.lat, "lon": there.lon}


EXIF = HONEST.exif
assert EXIF is not None


def test_nothing_is_said_of_an_honest_photo() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"exif": Exif()}, ["no-metadata"]),
        ({"exif": None}, ["undecodable"]),
        ({"exif": replace(EXIF, editor="Adobe Photoshop")}, ["edited-with"]),
        ({"exif": replace(EXIF, taken_at="2026-11-21T08:40:00+08:00")}, ["time-differs"]),
        ({"exif": replace(EXIF, taken_at="2026-11-22T08:40:00", taken_at_zoned=False)}, []),
        ({"exif": replace(EXIF, lat=31.93)}, ["location-differs"]),
        ({"found_type": "image/png"}, ["type-differs"]),
        ({"content_type": "image/heif", "found_type": "image/heic"}, []),
        ({"size": 999}, ["size-differs"]),
        ({"received_at": TAKEN - timedelta(hours=1)}, ["taken-in-future"]),
        ({"received_at": TAKEN + timedelta(days=20)}, ["taken-long-before"]),
        ({"circumstances": Circumstances(TAKEN + timedelta(hours=2))}, ["outside-visit"]),
        ({"circumstances": Circumstances(TAKEN - timedelta(hours=5), TAKEN - timedelta(hours=3))}, ["outside-visit"]),
        ({"circumstances": Circumstances(check_in=moved(900))}, ["far-from-check-in"]),
        ({"circumstances": Circumstances(check_in=shifted() | {"crs": "gcj02"})}, []),
        ({"circumstances": Circumstances(check_in=shifted())}, ["far-from-check-in"]),
        (
            {"circumstances": Circumstances(camera_only=True), "exif": replace(EXIF, make=None, model=None)},
            ["not-from-camera"],
        ),
        ({"enterprise": moved(1500)}, ["far-from-enterprise"]),
        ({"enterprise": None}, []),
        ({"location": {**SPOT, "mock": True}}, ["mock-location"]),
        ({"location": {**SPOT, "accuracy_m": 0}}, ["mock-location"]),
        ({"location": shifted()}, ["far-from-check-in", "datum-mistaken"]),
        ({"location": shifted() | {"crs": "gcj02"}}, []),
        ({"location": None, "exif": replace(EXIF, lat=None, lon=None)}, ["no-location"]),
        ({"same": 2}, ["used-before"]),
        ({"alike": 1}, ["looks-like"]),
    ],
)
def test_each_warning_is_given_where_it_belongs(changes: dict[str, Any], expected: list[str]) -> None:
    assert codes(**changes) == expected


def test_a_poor_fix_excuses_some_distance_but_not_any() -> None:
    assert codes(circumstances=Circumstances(check_in=moved(500, accuracy_m=300))) == []
    assert codes(circumstances=Circumstances(check_in=moved(5000, accuracy_m=99999))) == ["far-from-check-in"]


def test_findings_are_told_in_both_languages() -> None:
    (finding,) = told(weigh(replace(HONEST, circumstances=Circumstances(check_in=moved(900)))))
    assert finding["detail"][ZH] == "拍摄位置距签到点 900 米"
    assert finding["detail"][EN] == "Taken 900 m from the check-in"


def test_every_sentence_can_be_told() -> None:
    everything = {
        "claimed": 1, "found": 2, "editor": "X", "exif": "t", "minutes": 1, "days": 1, "metres": 1, "count": 1,
    }  # fmt: skip
    assert all(told([{"code": code, **everything}]) for code in SENTENCES)
