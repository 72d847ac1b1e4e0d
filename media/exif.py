"""What a camera wrote beside the pixels: when, where, with what. Read in the child process, trusted by nobody."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta, timezone
from math import isfinite
from typing import Any

from PIL import ExifTags, Image

MAX_WORDS = 120
EDITORS = (
    ("photoshop", "Adobe Photoshop"),
    ("lightroom", "Adobe Lightroom"),
    ("gimp", "GIMP"),
    ("snapseed", "Snapseed"),
    ("picsart", "PicsArt"),
    ("vsco", "VSCO"),
    ("pixlr", "Pixlr"),
    ("canva", "Canva"),
    ("meitu", "美图秀秀 Meitu"),
    ("美图", "美图秀秀 Meitu"),
    ("xingtu", "醒图 Xingtu"),
    ("醒图", "醒图 Xingtu"),
    ("b612", "B612"),
    ("faceu", "FaceU"),
    ("imagemagick", "ImageMagick"),
    ("paint.net", "Paint.NET"),
    ("affinity", "Affinity Photo"),
    ("acdsee", "ACDSee"),
)
XMP_TOOL = re.compile(rb"(?:xmp:CreatorTool|stEvt:softwareAgent)(?:=\"|>)([^\"<]{1,200})")
OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


@dataclass(frozen=True, slots=True)
class Exif:
    """Capture facts; None where the file does not say.

    ``taken_at`` is ISO 8601, with an offset only if the file gave one (``taken_at_zoned``); without, it
    is the camera's wall clock. ``lat``/``lon`` are WGS-84 degrees, ``error_m`` the claimed accuracy,
    ``located_at`` the satellites' own UTC time. ``editor`` names known editing software.
    """

    taken_at: str | None = None
    taken_at_zoned: bool = False
    lat: float | None = None
    lon: float | None = None
    error_m: float | None = None
    located_at: str | None = None
    make: str | None = None
    model: str | None = None
    software: str | None = None
    editor: str | None = None

    def document(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def is_bare(self) -> bool:
        """Neither time nor place nor camera: a screenshot, a forwarded or a scrubbed picture."""
        return self.taken_at is None and self.lat is None and self.make is None and self.model is None


def read(image: Image.Image) -> Exif:
    """The capture facts of an opened picture; whatever is malformed reads as absent."""
    try:
        exif = image.getexif()
        detail, gps = dict(exif.get_ifd(ExifTags.IFD.Exif)), dict(exif.get_ifd(ExifTags.IFD.GPSInfo))
    except (ValueError, TypeError, KeyError, OSError, SyntaxError, OverflowError):
        return Exif()
    taken_at, zoned = _taken(exif, detail)
    software = _words(exif.get(ExifTags.Base.Software))
    lat, lon = _degrees(gps, 2, 1, "S", 90), _degrees(gps, 4, 3, "W", 180)
    if lat is None or lon is None or (lat == 0 and lon == 0):
        lat = lon = None
    return Exif(
        taken_at=taken_at,
        taken_at_zoned=zoned,
        lat=lat,
        lon=lon,
        error_m=_ratio(gps.get(31)),
        located_at=_satellite_time(gps),
        make=_words(exif.get(ExifTags.Base.Make)),
        model=_words(exif.get(ExifTags.Base.Model)),
        software=software,
        editor=_editor(software, _words(detail.get(ExifTags.Base.HostComputer)), *_xmp_tools(image)),
    )


def _words(value: object) -> str | None:
    """One printable line out of whatever a camera put into a text field."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    if "\x00" in value:
        value = value.split("\x00", 1)[0]
    line = "".join(sign for sign in value if sign.isprintable() and not 0xD800 <= ord(sign) < 0xE000)
    return line.strip()[:MAX_WORDS] or None


def _taken(exif: Any, detail: dict[int, Any]) -> tuple[str | None, bool]:
    written = _words(detail.get(ExifTags.Base.DateTimeOriginal)) or _words(exif.get(ExifTags.Base.DateTime))
    try:
        moment = datetime.strptime((written or "")[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone is a field of its own
    except ValueError:
        return None, False
    zone = OFFSET.fullmatch(_words(detail.get(ExifTags.Base.OffsetTimeOriginal)) or "")
    if zone is None:
        return moment.isoformat(), False
    shift = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (-1 if zone[1] == "-" else 1)
    if abs(shift) >= timedelta(hours=24):
        return moment.isoformat(), False
    return moment.replace(tzinfo=timezone(shift)).isoformat(), True


def _ratio(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if isfinite(number) else None


def _degrees(gps: dict[int, Any], value: int, reference: int, negative: str, limit: int) -> float | None:
    parts = gps.get(value)
    if not isinstance(parts, tuple | list) or len(parts) != 3:
        return None
    degrees, minutes, seconds = (_ratio(part) for part in parts)
    if degrees is None or minutes is None or seconds is None:
        return None
    angle = degrees + minutes / 60 + seconds / 3600
    if not 0 <= angle <= limit:
        return None
    return round(-angle if (_words(gps.get(reference)) or "").upper() == negative else angle, 7)


def _satellite_time(gps: dict[int, Any]) -> str | None:
    day, clock = _words(gps.get(29)), gps.get(7)
    if day is None or not isinstance(clock, tuple | list) or len(clock) != 3:
        return None
    parts = [_ratio(part) for part in clock]
    try:
        midnight = datetime.strptime(day, "%Y:%m:%d").replace(tzinfo=UTC)
        hours, minutes, seconds = (part for part in parts if part is not None)
        return (midnight + timedelta(hours=hours, minutes=minutes, seconds=int(seconds))).isoformat()
    except (ValueError, OverflowError):
        return None


def _xmp_tools(image: Image.Image) -> list[str | None]:
    packet = image.info.get("xmp", b"")
    return [_words(tool) for tool in XMP_TOOL.findall(packet[:200_000])] if isinstance(packet, bytes) else []


def _editor(*programs: str | None) -> str | None:
    for program in filter(None, programs):
        for sign, name in EDITORS:
            if sign in program.lower():
                return name
    return None
