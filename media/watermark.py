"""The marked copy of a photo: when, where, whose, by whom, and a code by which it can be checked.

Chinese text is set in Noto Sans SC, which a package brings along. Runs only in the child process.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pylopdf_fonts_zh_cn
import segno
from PIL import Image, ImageDraw, ImageFont

from media.pictures import jpeg

MIN_WIDTH = 640
PANEL = (0, 0, 0, 150)
INK = (255, 255, 255, 255)
QR_BORDER = 2


@dataclass(frozen=True, slots=True)
class Marks:
    """The lines to print, top down; the short check code; the link that the QR code holds."""

    lines: Sequence[str]
    code: str
    link: str


def marked(data: bytes, marks: Marks) -> bytes:
    """A JPEG of one of our own prints with a panel along its foot; a narrow one is enlarged, so that it can be read."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as opened:
        picture = opened.convert("RGB")
    if picture.width < MIN_WIDTH:
        picture = picture.resize((MIN_WIDTH, max(1, round(picture.height * MIN_WIDTH / picture.width))))
    unit = max(16, picture.width // 46)
    font = ImageFont.truetype(str(pylopdf_fonts_zh_cn.sans_path()), unit)
    square = _qr(marks.link, unit * 6)
    room = picture.width - square.width - unit * 3
    rows = [row for line in [*marks.lines, marks.code] for row in wrapped(line, font, room)]
    step = round(unit * 1.4)
    height = max(len(rows) * step, square.height) + unit * 2
    canvas = _with_foot(picture, height)
    panel = Image.new("RGBA", (canvas.width, height), PANEL)
    ink = ImageDraw.Draw(panel)
    for place, row in enumerate(rows):
        ink.text((unit, unit + place * step - unit // 5), row, font=font, fill=INK)
    panel.paste(square, (panel.width - square.width - unit, height - square.height - unit))
    foot = (0, canvas.height - height, canvas.width, canvas.height)
    darkened = Image.alpha_composite(canvas.crop(foot).convert("RGBA"), panel)
    canvas.paste(darkened.convert("RGB"), foot[:2])
    return jpeg(canvas)


def wrapped(line: str, font: ImageFont.FreeTypeFont, room: float) -> Iterator[str]:
    """The line cut into rows that fit; Chinese breaks between any two characters."""
    row = ""
    for sign in line:
        if row and font.getlength(row + sign) > room:
            yield row
            row = ""
        row += sign
    yield row


def _with_foot(picture: Image.Image, height: int) -> Image.Image:
    """A panoramic strip would vanish under its own panel: it gets the panel below instead."""
    if height * 2 <= picture.height:
        return picture
    taller = Image.new("RGB", (picture.width, picture.height + height))
    taller.paste(picture)
    return taller


def _qr(link: str, side: int) -> Image.Image:
    code = segno.make(link, error="m", micro=False)
    modules = code.symbol_size(scale=1, border=QR_BORDER)[0]
    out = io.BytesIO()
    code.save(out, kind="png", scale=max(2, side // modules), border=QR_BORDER)
    return Image.open(out).convert("RGB")
