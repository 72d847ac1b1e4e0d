"""Whether two pictures show the same thing: a 64-bit perceptual hash and the distance between two.

The hash is the sign pattern of the 64 lowest frequencies of a 32 × 32 grey copy (a discrete cosine
transform), so scaling, recompressing and small changes of light move few bits. Two unrelated
photos differ in about 32 bits. Hashes are split into four bands of 16 bits: two hashes that differ in at
most seven bits differ in at most one bit of some band, which is what the index in the database asks for.
"""

from __future__ import annotations

from functools import cache
from math import cos, pi
from statistics import median

from PIL import Image

SIDE, KEPT = 32, 8
BANDS, BAND_BITS = 4, 16
NEAR = 7
FLAT = 4.0


def likeness(image: Image.Image) -> int | None:
    """The hash as an unsigned 64-bit number; None for a picture without contrast, which resembles every other."""
    grey = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    rows = [grey.crop((0, y, SIDE, y + 1)).tobytes() for y in range(SIDE)]
    mean = sum(map(sum, rows)) / SIDE**2
    if (sum((value - mean) ** 2 for row in rows for value in row) / SIDE**2) ** 0.5 < FLAT:
        return None
    waves = _waves()
    across = [[sum(map(float.__mul__, wave, map(float, row))) for wave in waves] for row in rows]
    columns = list(zip(*across, strict=True))
    found = [sum(map(float.__mul__, wave, column)) for wave in waves for column in columns]
    middle = median(found[1:])
    return sum(1 << place for place, strength in enumerate(found) if place and strength > middle)


def distance(one: int, other: int) -> int:
    """How many of the 64 bits differ."""
    return (one ^ other).bit_count()


def bands(hash_: int) -> tuple[int, ...]:
    """The four 16-bit parts, lowest first."""
    return tuple(hash_ >> BAND_BITS * band & 0xFFFF for band in range(BANDS))


def neighbours(band: int) -> list[int]:
    """The band itself and the sixteen that differ from it in one bit."""
    return [band, *(band ^ 1 << bit for bit in range(BAND_BITS))]


def signed(hash_: int) -> int:
    """As databases store it: a signed 64-bit integer."""
    return hash_ - (1 << 64) if hash_ >> 63 else hash_


def unsigned(stored: int) -> int:
    return stored & (1 << 64) - 1


@cache
def _waves() -> list[list[float]]:
    return [[cos(pi * (2 * place + 1) * turn / (2 * SIDE)) for place in range(SIDE)] for turn in range(KEPT)]
