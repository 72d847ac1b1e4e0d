"""Points on the ground in the three datums that Chinese phones report, and metres between them.

``wgs84`` is what satellites and EXIF mean, ``gcj02`` what domestic maps are required to show, ``bd09``
Baidu's further shift of it. Around Jiangyin a GCJ-02 point read as WGS-84 lands some 500 m away, so
nothing may be compared before it has been brought to WGS-84. Angles are degrees, distances metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, atan2, cos, isfinite, pi, radians, sin, sqrt

WGS84, GCJ02, BD09 = "wgs84", "gcj02", "bd09"
DATUMS = (WGS84, GCJ02, BD09)

EARTH_RADIUS_M = 6_371_008.8
KRASOVSKY_A = 6_378_245.0
KRASOVSKY_E2 = 0.006_693_421_622_965_943
BAIDU_PI = pi * 3000.0 / 180.0


@dataclass(frozen=True, slots=True)
class Place:
    """A point in one datum; ``lat`` −90 … 90, ``lon`` −180 … 180. Raises ValueError for anything else."""

    lat: float
    lon: float
    crs: str = WGS84

    def __post_init__(self) -> None:
        if not (isfinite(self.lat) and isfinite(self.lon) and abs(self.lat) <= 90 and abs(self.lon) <= 180):
            raise ValueError(f"no such place: {self.lat!r}, {self.lon!r}")
        if self.crs not in DATUMS:
            raise ValueError(f"no such datum: {self.crs!r}")

    def wgs84(self) -> Place:
        """The same point in the canonical datum, right to a few centimetres."""
        if self.crs == WGS84:
            return self
        lat, lon = _bd09_to_gcj02(self.lat, self.lon) if self.crs == BD09 else (self.lat, self.lon)
        return Place(*_gcj02_to_wgs84(lat, lon))

    def to(self, crs: str) -> Place:
        """The same point in another datum."""
        if crs == self.crs:
            return self
        origin = self.wgs84()
        if crs == WGS84:
            return origin
        lat, lon = _wgs84_to_gcj02(origin.lat, origin.lon)
        return Place(lat, lon, GCJ02) if crs == GCJ02 else Place(*_gcj02_to_bd09(lat, lon), BD09)


def metres(one: Place, other: Place) -> float:
    """Great-circle distance between two points, whatever their datums."""
    a, b = one.wgs84(), other.wgs84()
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2, radians(b.lon - a.lon) / 2
    chord = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord)))


def _is_shifted(lat: float, lon: float) -> bool:
    """Domestic maps shift points inside this box and leave the rest of the world alone."""
    return 0.8293 <= lat <= 55.8271 and 72.004 <= lon <= 137.8347


def _wgs84_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    if not _is_shifted(lat, lon):
        return lat, lon
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    curvature = 1 - KRASOVSKY_E2 * sin(radians(lat)) ** 2
    meridian = KRASOVSKY_A * (1 - KRASOVSKY_E2) / (curvature * sqrt(curvature))
    parallel = KRASOVSKY_A / sqrt(curvature) * cos(radians(lat))
    return lat + north * 180.0 / (meridian * pi), lon + east * 180.0 / (parallel * pi)


def _gcj02_to_wgs84(lat: float, lon: float) -> tuple[float, float]:
    """No closed form exists; the shift changes so slowly that repeated correction converges at once."""
    if not _is_shifted(lat, lon):
        return lat, lon
    guess_lat, guess_lon = lat, lon
    for _ in range(8):
        shifted_lat, shifted_lon = _wgs84_to_gcj02(guess_lat, guess_lon)
        guess_lat, guess_lon = guess_lat + lat - shifted_lat, guess_lon + lon - shifted_lon
    return guess_lat, guess_lon


def _gcj02_to_bd09(lat: float, lon: float) -> tuple[float, float]:
    radius = sqrt(lon * lon + lat * lat) + 0.00002 * sin(lat * BAIDU_PI)
    angle = atan2(lat, lon) + 0.000003 * cos(lon * BAIDU_PI)
    return radius * sin(angle) + 0.006, radius * cos(angle) + 0.0065


def _bd09_to_gcj02(lat: float, lon: float) -> tuple[float, float]:
    x, y = lon - 0.0065, lat - 0.006
    radius = sqrt(x * x + y * y) - 0.00002 * sin(y * BAIDU_PI)
    angle = atan2(y, x) - 0.000003 * cos(x * BAIDU_PI)
    return radius * sin(angle), radius * cos(angle)
