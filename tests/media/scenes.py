"""Pictures made on the spot: scenes with structure, so that likeness and compression behave as with real photos."""

from __future__ import annotations

import io
import random
from functools import cache
from hashlib import sha256
from typing import Any

from PIL import Image, ImageDraw


def scene(seed: int = 1, width: int = 1600, height: int = 1200) -> Image.Image:
    """A reproducible picture of coloured shapes; different seeds show different things."""
    dice = random.Random(seed)
    image = Image.new("RGB", (200, 150), tuple(dice.randrange(256) for _ in "rgb"))
    brush = ImageDraw.Draw(image)
    for _ in range(40):
        x, y = dice.randrange(190), dice.randrange(140)
        box = [x, y, x + dice.randrange(5, 70), y + dice.randrange(5, 60)]
        draw = brush.rectangle if dice.random() < 0.6 else brush.ellipse
        draw(box, fill=tuple(dice.randrange(256) for _ in "rgb"))
    return image.resize((width, height), Image.Resampling.BICUBIC)


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    if form == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
        if isinstance(options.get("exif"), Image.Exif):
            options["exif"] = options["exif"].tobytes()
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def camera_exif(
    *,
    taken: str = "2026:11:22 08:40:00",
    offset: str | None = "+08:00",
    place: tuple[float, float] | None = (31.92, 120.28),
    orientation: int = 1,
    software: str | None = None,
) -> Image.Exif:
    """The metadata a phone writes."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "HUAWEI", "ALN-AL00", orientation
    if software:
        exif[0x0131] = software
    detail = exif.get_ifd(0x8769)
    detail[0x9003] = taken
    if offset:
        detail[0x9011] = offset
    if place:
        gps = exif.get_ifd(0x8825)
        for (reference, value), sign, angle in (((1, 2), "N", place[0]), ((3, 4), "E", place[1])):
            degrees, minutes = int(angle), int(angle % 1 * 60)
            gps[reference], gps[value] = sign, (float(degrees), float(minutes), round(angle * 3600 % 60, 4))
    return exif


@cache
def photo_bytes(seed: int = 1, **options: Any) -> bytes:
    """A JPEG as a phone takes it."""
    return encoded(scene(seed), "JPEG", quality=88, exif=camera_exif(**options))


def digest(data: bytes) -> str:
    return sha256(data).hexdigest()
