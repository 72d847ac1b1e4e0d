"""Photos that nobody took: coloured shapes with the metadata of a phone, different for every number. Pure."""

from __future__ import annotations

import io
from datetime import datetime
from random import Random

from PIL import Image, ImageDraw


def jpeg(number: int, *, taken_at: datetime, lat: float, lon: float, width: int = 1280, height: int = 960) -> bytes:
    """A JPEG of some hundred kilobytes, the same for the same number, time and place."""
    dice = Random(number)
    image = Image.new("RGB", (160, 120), _colour(dice))
    brush = ImageDraw.Draw(image)
    for _ in range(36):
        x, y = dice.randrange(150), dice.randrange(110)
        box = (x, y, x + dice.randrange(6, 60), y + dice.randrange(6, 50))
        draw = brush.rectangle if dice.random() < 0.6 else brush.ellipse
        draw(box, fill=_colour(dice))
    out = io.BytesIO()
    large = image.resize((width, height), Image.Resampling.BICUBIC)
    large.save(out, "JPEG", quality=88, exif=_exif(taken_at, lat, lon))
    return out.getvalue()


def _colour(dice: Random) -> tuple[int, int, int]:
    return dice.randrange(256), dice.randrange(256), dice.randrange(256)


def _exif(taken_at: datetime, lat: float, lon: float) -> Image.Exif:
    """What a phone writes: make and model, when (with its offset), where (north and east)."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "HUAWEI", "ALN-AL00", 1
    detail = exif.get_ifd(0x8769)
    detail[0x9003] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
    offset = taken_at.strftime("%z")
    detail[0x9011] = f"{offset[:3]}:{offset[3:]}"
    gps = exif.get_ifd(0x8825)
    for reference, letter, angle in ((1, "N", lat), (3, "E", lon)):
        minutes = int(angle % 1 * 60)
        gps[reference] = letter
        gps[reference + 1] = (float(int(angle)), float(minutes), round(angle * 3600 % 60, 4))
    return exif
