"""Lengths and areas of places walked with a phone, on a sphere, as JavaRosa measures them."""

from __future__ import annotations

import itertools
import math

from surveys.values import NAN

EARTH_RADIUS_M = 6_378_100.0
Point = tuple[float, float]


def read_points(raw: str) -> list[Point]:
    """The (latitude, longitude) pairs of a geopoint, geotrace or geoshape; empty when any of them is unreadable."""
    points: list[Point] = []
    for part in raw.split(";"):
        numbers = part.split()
        if not numbers:
            continue
        try:
            latitude, longitude = float(numbers[0]), float(numbers[1])
        except (IndexError, ValueError):
            return []
        if not (abs(latitude) <= 90 and abs(longitude) <= 180):
            return []
        points.append((latitude, longitude))
    return points


def distance(points: list[Point]) -> float:
    """Metres along the points; NaN with fewer than two, where JavaRosa says 0 and an empty place would pass for near."""
    if len(points) < 2:
        return NAN
    return sum(_between(start, end) for start, end in itertools.pairwise(points))


def _between(start: Point, end: Point) -> float:
    (lat1, lon1), (lat2, lon2) = start, end
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = (
        math.sin((phi2 - phi1) / 2) ** 2
        + math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def area(points: list[Point]) -> float:
    """Square metres enclosed; 0 with fewer than three corners."""
    if len(points) < 3:
        return 0.0
    total = 0.0
    for (lat1, lon1), (lat2, lon2) in zip(points, [*points[1:], points[0]], strict=True):
        total += math.radians(lon2 - lon1) * (2 + math.sin(math.radians(lat1)) + math.sin(math.radians(lat2)))
    return abs(total * EARTH_RADIUS_M**2 / 2)


def inside(point: Point, corners: list[Point]) -> bool:
    """Whether a point lies within a shape, by counting the edges east of it."""
    found = False
    for (lat1, lon1), (lat2, lon2) in zip(corners, [*corners[1:], *corners[:1]], strict=True):
        if (lat1 > point[0]) != (lat2 > point[0]) and point[1] < (lon2 - lon1) * (point[0] - lat1) / (
            lat2 - lat1
        ) + lon1:
            found = not found
    return found
