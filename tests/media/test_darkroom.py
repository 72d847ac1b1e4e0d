"""Strangers' pictures are decoded where they can hurt nobody."""

from __future__ import annotations

import io
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from media import headers
from media.darkroom import Darkroom, DarkroomDown, Limits
from media.headers import NotAPicture
from media.watermark import Marks
from tests.media.scenes import camera_exif, encoded, photo_bytes, scene

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def darkroom() -> Iterator[Darkroom]:
    with Darkroom() as room:
        yield room


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_every_kind_of_picture_is_printed_in_three_sizes(darkroom: Darkroom, form: str) -> None:
    developed = darkroom.develop(encoded(scene(), form))

    sizes = {name: Image.open(io.BytesIO(copy)).size for name, copy in developed.prints.items()}
    assert (developed.width, developed.height) == (1600, 1200)
    assert sizes == {"large": (1280, 960), "medium": (640, 480), "small": (240, 180)}


@pytest.mark.parametrize("form", ["JPEG", "HEIF"])
def test_prints_stand_upright_and_carry_no_metadata(darkroom: Darkroom, form: str) -> None:
    developed = darkroom.develop(encoded(scene(), form, exif=camera_exif(orientation=6)))

    assert (developed.width, developed.height) == (1200, 1600)
    for copy in developed.prints.values():
        image = Image.open(io.BytesIO(copy))
        assert image.height > image.width
        assert not image.getexif()
        assert b"Exif" not in copy and b"HUAWEI" not in copy and "icc_profile" not in image.info


def test_a_small_picture_is_not_enlarged(darkroom: Darkroom) -> None:
    developed = darkroom.develop(encoded(scene(width=100, height=80)))
    assert {Image.open(io.BytesIO(copy)).size for copy in developed.prints.values()} == {(100, 80)}


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA", "I;16"])
def test_unusual_pixels_are_printed_too(darkroom: Darkroom, mode: str) -> None:
    grey16 = scene().convert("L").convert("I").point(lambda value: value * 257).convert("I;16")
    picture = grey16 if mode == "I;16" else scene().convert(mode)
    assert darkroom.develop(encoded(picture, "PNG")).prints


def test_what_the_camera_wrote_is_read(darkroom: Darkroom) -> None:
    exif = darkroom.develop(photo_bytes(software="Adobe Photoshop 25.1 (Windows)")).exif

    assert (exif.taken_at, exif.taken_at_zoned) == ("2026-11-22T08:40:00+08:00", True)
    assert (exif.lat, exif.lon) == (pytest.approx(31.92, abs=1e-6), pytest.approx(120.28, abs=1e-6))
    assert (exif.make, exif.model, exif.editor) == ("HUAWEI", "ALN-AL00", "Adobe Photoshop")


def test_a_picture_without_metadata_says_so(darkroom: Darkroom) -> None:
    assert darkroom.develop(encoded(scene())).exif.is_bare


def test_nonsense_in_the_metadata_reads_as_absent(darkroom: Darkroom) -> None:
    exif = camera_exif(taken="0000:00:00 99:99:99", place=None)
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2], gps[3], gps[4] = "N", (400.0, 0.0, 0.0), "E", (0.0, 0.0)
    exif[0x010F] = "evil\x00\x1b[31m\u202e"

    found = darkroom.develop(encoded(scene(), exif=exif)).exif

    assert (found.taken_at, found.lat, found.lon, found.make) == (None, None, None, "evil")


def huge_png(side: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10_000))
        + chunk(b"IEND", b"")
    )


def huge_webp(side: int) -> bytes:
    body = b"\x2f" + (side - 1 | side - 1 << 14).to_bytes(4, "little") + bytes(64)
    chunk = b"VP8L" + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)
    return b"RIFF" + (4 + len(chunk)).to_bytes(4, "little") + b"WEBP" + chunk


def animated(form: str) -> bytes:
    small = scene(width=160, height=120)
    return encoded(small, form, save_all=True, append_images=[small.rotate(180)])


GOOD = photo_bytes()
SMALL = encoded(scene(width=160, height=120))
HOSTILE = {
    "nothing": (b"", "unknown-kind"),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>" * 20, "unknown-kind"),
    "html": (b"<!doctype html><script>alert(1)</script>", "unknown-kind"),
    "gif": (encoded(scene(width=64, height=48), "GIF"), "unknown-kind"),
    "gif that is script": (b"GIF89a=1;alert(1)//", "unknown-kind"),
    "pdf": (b"%PDF-1.7\n" + GOOD, "unknown-kind"),
    "zip": (b"PK\x03\x04" + GOOD, "unknown-kind"),
    "half a JPEG": (GOOD[: len(GOOD) // 2], "truncated"),
    "JPEG header alone": (GOOD[:20], "truncated"),
    "JPEG of no size": (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "too-many-pixels"),
    "half a PNG": (encoded(scene(), "PNG")[:5000], "truncated"),
    "half a WebP": (encoded(scene(), "WEBP")[:5000], "truncated"),
    "half a HEIC": (encoded(scene(), "HEIF")[:-500], "truncated"),
    "animated WebP": (animated("WEBP"), "animated"),
    "animated PNG": (animated("PNG"), "animated"),
    "PNG bomb": (huge_png(20_000), "too-many-pixels"),
    "WebP bomb": (huge_webp(16_383), "too-many-pixels"),
    "AVIF": (encoded(scene(width=64, height=48), "AVIF"), "unknown-kind"),
    "scrambled JPEG": (GOOD[:700] + bytes(len(GOOD) - 702) + b"\xff\xd9", "truncated"),
    "scrambled PNG": (huge_png(100), "undecodable"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_at_once(darkroom: Darkroom, name: str) -> None:
    data, code = HOSTILE[name]
    darkroom.develop(SMALL)  # the child is up: what is measured is the refusal
    started = time.monotonic()
    try:
        darkroom.develop(data)
        refused = None
    except NotAPicture as refusal:
        refused = refusal.errors[0].code

    assert time.monotonic() - started < 1
    assert refused == code
    assert darkroom.develop(SMALL).prints


def test_a_picture_that_grows_beyond_its_limits_dies_alone() -> None:
    heavy = encoded(Image.new("RGB", (6_000, 6_000)), "PNG")
    with Darkroom(Limits(memory=160 << 20)) as small_room:
        with pytest.raises(NotAPicture) as refusal:
            small_room.develop(heavy)
        assert refusal.value.errors[0].code == "too-heavy"
        assert small_room.develop(GOOD).prints


GREEDY = """
import resource, sys
from media.darkroom import Darkroom
from media.headers import NotAPicture
with Darkroom() as room:
    try:
        room.develop(sys.stdin.buffer.read())
    except NotAPicture:
        pass
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_the_heaviest_pictures_let_in_stay_under_600_megabytes(form: str) -> None:
    side = 6_300 if form == "PNG" else 5_000
    heavy = encoded(
        Image.new("RGBA", (side, side), (9, 9, 9, 9)), form, **({"lossless": True} if form == "WEBP" else {})
    )
    asked = subprocess.run([sys.executable, "-c", GREEDY], input=heavy, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    assert int(asked.stdout) < 600 * 1024


def test_a_busy_machine_is_not_held_against_the_picture() -> None:
    slow = encoded(scene(width=5_000, height=4_900), "PNG", compress_level=1)
    with Darkroom(Limits(wall_seconds=0.05)) as room, pytest.raises(DarkroomDown):
        room.develop(slow)


def test_a_picture_that_eats_processor_time_is_cut_off() -> None:
    slow = encoded(scene(width=6_300, height=6_300).convert("RGBA"), "PNG", compress_level=1)
    with Darkroom(Limits(cpu_seconds=0)) as room, pytest.raises(NotAPicture) as refusal:
        room.develop(slow)
    assert refusal.value.errors[0].code == "too-heavy"


def test_the_parent_outlives_its_child() -> None:
    with Darkroom() as room:
        room.develop(GOOD)
        assert room._child is not None
        os.kill(room._child.pid, signal.SIGKILL)
        room._child.wait()
        assert room.develop(GOOD).prints


def test_every_cut_of_a_header_is_a_refusal_and_never_a_crash() -> None:
    for form in ("JPEG", "PNG", "WEBP", "HEIF"):
        data = encoded(scene(width=64, height=48), form)
        for length in range(min(len(data) - 16, 900)):
            with pytest.raises(NotAPicture):
                headers.read(data[:length])


def test_the_marked_copy_tells_its_story_in_chinese(darkroom: Darkroom) -> None:
    copy = darkroom.develop(GOOD).prints["large"]
    marks = Marks(
        ["时间 2026-11-22 08:40:00", "企业 江阴市华丰食品有限公司" * 6], "校验码 7K3M-9QXA", "https://example.cn/x"
    )

    image = Image.open(io.BytesIO(darkroom.mark(copy, marks)))

    assert image.size == (1280, 960)
    foot = image.crop((0, 960 - 200, 900, 960)).convert("L")
    assert foot.getextrema()[1] > 240  # white ink on the darkened panel
    plain = Image.open(io.BytesIO(copy)).crop((0, 960 - 200, 900, 960)).convert("L")
    assert sum(foot.histogram()[:90]) > sum(plain.histogram()[:90])


def test_a_strip_gets_its_panel_below(darkroom: Darkroom) -> None:
    copy = darkroom.develop(encoded(scene(width=1200, height=90))).prints["large"]
    image = Image.open(io.BytesIO(darkroom.mark(copy, Marks(["时间"], "码", "https://example.cn"))))
    assert image.height > 200
