"""Three datums, one ground."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.coordinates import BD09, DATUMS, GCJ02, WGS84, Place, metres

JIANGYIN = Place(31.9200, 120.2840)
in_china = st.builds(Place, st.floats(20, 50), st.floats(75, 133), st.sampled_from(DATUMS))


def test_a_gcj02_point_of_jiangyin_read_as_wgs84_is_half_a_kilometre_off() -> None:
    shifted = JIANGYIN.to(GCJ02)

    assert 480 <= metres(JIANGYIN, Place(shifted.lat, shifted.lon, WGS84)) <= 510
    assert metres(JIANGYIN, shifted) < 0.01


def test_known_points_agree_with_published_conversions() -> None:
    tiananmen = Place(39.9087, 116.3975).to(GCJ02)
    assert (tiananmen.lat, tiananmen.lon) == (pytest.approx(39.910103, abs=2e-5), pytest.approx(116.403742, abs=2e-5))


@given(in_china, st.sampled_from(DATUMS))
def test_there_and_back_ends_within_a_metre(place: Place, crs: str) -> None:
    assert metres(place, place.to(crs)) < 1
    back = place.to(crs).to(place.crs)
    assert (back.lat, back.lon) == (pytest.approx(place.lat, abs=1e-5), pytest.approx(place.lon, abs=1e-5))


def test_outside_china_nothing_is_shifted() -> None:
    assert Place(48.8584, 2.2945).to(GCJ02) == Place(48.8584, 2.2945, GCJ02)


def test_distance_is_that_of_the_globe() -> None:
    assert metres(Place(0, 0), Place(0, 1)) == pytest.approx(111_195, rel=1e-3)
    assert metres(Place(90, 0), Place(-90, 0)) == pytest.approx(math.pi * 6_371_008.8, rel=1e-6)
    assert metres(JIANGYIN, JIANGYIN.to(BD09)) < 1


@pytest.mark.parametrize(
    ("lat", "lon", "crs"), [(91, 0, WGS84), (0, 181, WGS84), (math.nan, 0, WGS84), (0, math.inf, WGS84), (0, 0, "mars")]
)
def test_no_such_place(lat: float, lon: float, crs: str) -> None:
    with pytest.raises(ValueError, match="no such"):
        Place(lat, lon, crs)
