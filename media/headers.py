"""What a file claims to be, read from its first bytes and its frame without decoding a pixel.

This runs in the process that serves requests, so it allocates nothing that the file asks for: Pillow's
WebP reader, for one, reserves the whole canvas on opening. Anything that passes here is still only
decoded in a child process (``media.darkroom``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.problems import Fault, Invalid
from core.texts import Text

CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "heif": "image/heic"}
ACCEPTED = frozenset({*CONTENT_TYPES.values(), "image/heif"})
MAX_SIDE = 20_000
MAX_PIXELS = {"jpeg": 120_000_000, "png": 40_000_000, "webp": 25_000_000, "heif": 50_000_000}

STILL_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
MOVING_HEIF_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})
MAX_BOXES = 4_000


class Bytes(Protocol):
    """Bytes, a memory map, or anything sliced and searched like them."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes: ...
    def rfind(self, wanted: bytes, start: int = ..., /) -> int: ...


class NotAPicture(Invalid):
    """The bytes are no still picture of a kind we keep; the fault's code says which test failed."""

    kind = "not-a-picture"
    title = Text("不是可接受的照片", "Not a picture that can be accepted")


@dataclass(frozen=True, slots=True)
class Header:
    """The kind (a key of CONTENT_TYPES) and the stored size in pixels, before any rotation."""

    kind: str
    width: int
    height: int

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.kind]


def read(data: Bytes) -> Header:
    """The header of a whole file. Raises NotAPicture with one of the codes in REASONS."""
    start = data[0:16]
    try:
        if start[:3] == b"\xff\xd8\xff":
            header = _jpeg(data)
        elif start[:8] == b"\x89PNG\r\n\x1a\n":
            header = _png(data)
        elif start[:4] == b"RIFF" and start[8:12] == b"WEBP":
            header = _webp(data)
        elif start[4:8] == b"ftyp":
            header = _heif(data)
        else:
            raise refusal("unknown-kind")
    except IndexError:
        raise refusal("truncated") from None
    if not (0 < header.width <= MAX_SIDE and 0 < header.height <= MAX_SIDE):
        raise refusal("too-many-pixels")
    if header.width * header.height > MAX_PIXELS[header.kind]:
        raise refusal("too-many-pixels")
    return header


REASONS = {
    "unknown-kind": Text("文件不是 JPEG、PNG、WebP 或 HEIC 照片", "The file is not a JPEG, PNG, WebP or HEIC picture"),
    "truncated": Text("照片文件不完整或已损坏", "The picture file is incomplete or damaged"),
    "animated": Text("不接受动图,请上传静态照片", "Animations are not accepted, only still pictures"),
    "too-many-pixels": Text("照片的像素尺寸超出上限", "The picture has more pixels than can be accepted"),
    "undecodable": Text("照片内容无法解码", "The picture cannot be decoded"),
    "too-heavy": Text(
        "照片解码所需的内存或时间超出上限", "Decoding the picture takes more memory or time than allowed"
    ),
}


def refusal(code: str) -> NotAPicture:
    """The refusal for one of the REASONS, pointing at the file as a whole."""
    return NotAPicture(REASONS[code], errors=[Fault("", code, REASONS[code])])


def _exactly(data: Bytes, start: int, length: int) -> bytes:
    found = data[start : start + length]
    if len(found) < length:
        raise IndexError
    return found


def _number(data: Bytes, start: int, length: int) -> int:
    return int.from_bytes(_exactly(data, start, length), "big")


def _jpeg(data: Bytes) -> Header:
    """Walk the segments to the frame header, then to the scan; a scan with no end marker after it was cut off."""
    place, size = 2, (0, 0)
    for _ in range(MAX_BOXES):
        if _exactly(data, place, 1) != b"\xff":
            raise refusal("truncated")
        marker = _number(data, place + 1, 1)
        if marker == 0xFF:
            place += 1
            continue
        if marker in JPEG_BARE_MARKERS:
            place += 2
            continue
        length = _number(data, place + 2, 2)
        if marker in JPEG_FRAMES:
            size = _number(data, place + 7, 2), _number(data, place + 5, 2)
        if marker == 0xDA:
            if data.rfind(b"\xff\xd9", place) < 0:
                raise refusal("truncated")
            return Header("jpeg", *size)
        if marker == 0xD9 or length < 2:
            raise refusal("truncated")
        place += 2 + length
    raise refusal("truncated")


def _png(data: Bytes) -> Header:
    if _exactly(data, 12, 4) != b"IHDR":
        raise refusal("truncated")
    header = Header("png", _number(data, 16, 4), _number(data, 20, 4))
    place, pixels_seen = 8, False
    while True:
        length, kind = _number(data, place, 4), _exactly(data, place + 4, 4)
        if kind == b"acTL":
            raise refusal("animated")
        if kind == b"IEND":
            break
        if kind == b"IDAT" and not pixels_seen:
            pixels_seen = True
            if data.rfind(b"IEND", place) < 0:
                raise refusal("truncated")
            break
        place += 12 + length
    if not pixels_seen:
        raise refusal("truncated")
    return header


def _webp(data: Bytes) -> Header:
    def little(start: int, length: int) -> int:
        return int.from_bytes(_exactly(data, start, length), "little")

    if little(4, 4) + 8 > len(data):
        raise refusal("truncated")
    form = _exactly(data, 12, 4)
    if form == b"VP8X":
        if little(20, 1) & 0x02:
            raise refusal("animated")
        return Header("webp", little(24, 3) + 1, little(27, 3) + 1)
    if form == b"VP8L":
        bits = little(21, 4)
        return Header("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if form == b"VP8 ":
        return Header("webp", little(26, 2) & 0x3FFF, little(28, 2) & 0x3FFF)
    raise refusal("unknown-kind")


def _boxes(data: Bytes, start: int, end: int) -> list[tuple[bytes, int, int]]:
    """The boxes of an ISO container between two offsets, as (name, start of content, end)."""
    found: list[tuple[bytes, int, int]] = []
    while start + 8 <= end and len(found) < MAX_BOXES:
        length, name, content = _number(data, start, 4), _exactly(data, start + 4, 4), start + 8
        if length == 1:
            length, content = _number(data, start + 8, 8), start + 16
        elif length == 0:
            length = end - start
        if length < content - start or start + length > end:
            raise refusal("truncated")
        found.append((name, content, start + length))
        start += length
    return found


def _heif(data: Bytes) -> Header:
    top = _boxes(data, 0, len(data))
    _, content, end = top[0]
    brands = {_exactly(data, content, 4)} | {data[place : place + 4] for place in range(content + 8, end, 4)}
    if _exactly(data, content, 4) in MOVING_HEIF_BRANDS:
        raise refusal("animated")
    if not brands & STILL_HEIF_BRANDS or b"avif" in brands:
        raise refusal("unknown-kind")
    sizes = [
        (_number(data, at + 4, 4), _number(data, at + 8, 4))
        for name, start, stop in top
        if name == b"meta"
        for inner, inner_start, inner_stop in _boxes(data, start + 4, stop)
        if inner == b"iprp"
        for group, group_start, group_stop in _boxes(data, inner_start, inner_stop)
        if group == b"ipco"
        for prop, at, _stop in _boxes(data, group_start, group_stop)
        if prop == b"ispe"
    ]
    if not sizes or b"mdat" not in {name for name, _, _ in top}:
        raise refusal("truncated")
    return Header("heif", *max(sizes, key=lambda size: size[0] * size[1]))
