"""Whether the picture in a JPEG is all there. Pure; runs only in the child process of ``media.darkroom``.

A file that was cut off and then given an end marker passes every other test: decoders fill the rest with grey and say
nothing. Two things give it away. A decoder never reads past the last block of a scan, so data slipped in between the
scan and its end marker changes the picture only if blocks were missing. And the scans of a progressive file
refine each coefficient down to its last bit, unless the later scans are gone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

from PIL import Image, ImageChops

END, SCAN, PROGRESSIVE = 0xD9, 0xDA, 0xC2
MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
FILLER = bytes([0x5A, 0xA5, 0x13, 0xC8, 0x36, 0x71]) * 700
"""Looks like entropy-coded data to a decoder, and holds no marker."""


def is_complete(data: bytes, decoded: Image.Image, size: tuple[int, int]) -> bool:
    """``decoded`` is the picture as it was read from ``data`` with ``draft("RGB", size)``."""
    end = _end_of_scans(data)
    if end is None or not _is_refined(data):
        return False
    with Image.open(io.BytesIO(b"".join((data[:end], FILLER, data[end:]))), formats=["JPEG", "MPO"]) as longer:
        longer.draft("RGB", size)
        if longer.size != decoded.size or longer.mode != decoded.mode:
            return True  # nothing to compare, nothing to accuse it of
        return ImageChops.difference(longer, decoded).getbbox() is None


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each marker segment as (marker, start of its content, end), the end marker last; entropy-coded data is passed over."""
    place = 2
    while (found := MARKER.search(data, place)) is not None:
        marker, start = data[found.start() + 1], found.end()
        if marker == END:
            yield marker, found.start(), start
            return
        place = start + int.from_bytes(data[start : start + 2], "big")
        yield marker, start + 2, place


def _end_of_scans(data: bytes) -> int | None:
    return next((start for marker, start, _ in _segments(data) if marker == END), None)


def _is_refined(data: bytes) -> bool:
    """Whether a progressive file has every scan that it needs; any other file has only one kind of scan."""
    components: set[int] = set()
    reached: dict[tuple[int, int], int] = {}
    for marker, start, _ in _segments(data):
        if marker == PROGRESSIVE:
            count = int.from_bytes(data[start + 5 : start + 6])
            components = set(data[start + 6 : start + 6 + 3 * count : 3])
        elif marker == SCAN and components:
            count = int.from_bytes(data[start : start + 1])
            spectrum = data[start + 1 + 2 * count : start + 4 + 2 * count]
            if len(spectrum) < 3:
                return False  # cut off within its own header
            first, last, bits = spectrum
            for component in data[start + 1 : start + 1 + 2 * count : 2]:
                reached |= dict.fromkeys(((component, place) for place in range(first, last + 1)), bits & 15)
    return all((component, 0) in reached for component in components) and not any(reached.values())
