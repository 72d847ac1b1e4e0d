"""Looking at a picture and printing copies of it. Pure; runs only in the child process of ``media.darkroom``."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageCms, ImageOps

from media.exif import Exif
from media.exif import read as read_exif
from media.headers import CONTENT_TYPES
from media.likeness import likeness
from media.scans import is_complete

SIZES = {"small": 240, "medium": 640, "large": 1280}
QUALITY = 82
PILLOW_FORMATS = {"jpeg": ["JPEG", "MPO"], "png": ["PNG"], "webp": ["WEBP"], "heif": ["HEIF"]}
TWICE_DECODED = 50_000_000
"""Pixels of a progressive file up to which a second decoding fits under the child's limits; no phone takes such pictures."""
UPRIGHT_BY_DECODER = frozenset({"heif"})


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture looked at: its upright size in pixels, capture facts, likeness hash, JPEG copies by name, and whether the
    file holds all of it.
    """

    width: int
    height: int
    exif: Exif
    likeness: int | None
    prints: dict[str, bytes]
    complete: bool = True


def develop(data: bytes, kind: str, sizes: dict[str, int] = SIZES) -> Developed:
    """Decode once and print each size (longest side in pixels), upright, in sRGB, with all metadata left behind.

    A picture smaller than a size is printed as it is, never enlarged. Raises what Pillow raises.
    """
    if kind == "heif":
        _teach_heif()
    Image.MAX_IMAGE_PIXELS = None  # the header check and the child's limits are the bound
    with Image.open(io.BytesIO(data), formats=PILLOW_FORMATS[kind]) as image:
        exif = read_exif(image)
        profile = image.info.get("icc_profile")
        if kind in UPRIGHT_BY_DECODER:
            image.load()  # the size is known only now that it is turned
        stored_width, stored_height = image.size
        largest = max(sizes.values())
        turned = kind not in UPRIGHT_BY_DECODER and image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
        if kind == "jpeg":
            image.draft("RGB", (largest, largest))
        upright = image if kind in UPRIGHT_BY_DECODER else ImageOps.exif_transpose(image)
        picture = _srgb(_flat(_reduced(upright, largest)), profile)
        affordable = not image.info.get("progressive") or stored_width * stored_height <= TWICE_DECODED
        complete = kind != "jpeg" or not affordable or is_complete(data, image, (largest, largest))
    prints = {}
    for name, side in sorted(sizes.items(), key=lambda item: -item[1]):
        picture = _reduced(picture, side)
        prints[name] = jpeg(picture)
    width, height = (stored_height, stored_width) if turned else (stored_width, stored_height)
    return Developed(width, height, exif, likeness(picture), prints, complete)


def jpeg(picture: Image.Image) -> bytes:
    """The pixels alone as a JPEG: no EXIF, no profile, no comment."""
    clean = Image.new("RGB", picture.size)
    clean.paste(picture)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _reduced(image: Image.Image, side: int) -> Image.Image:
    if max(image.size) <= side:
        return image
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    elif image.mode in ("1", "P"):
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _flat(image: Image.Image) -> Image.Image:
    """RGB, CMYK or grey without transparency or more than 8 bits a channel."""
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        paper = Image.new("RGBA", image.size, "white")
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("RGB")
    return image if image.mode in ("RGB", "CMYK") else image.convert("RGB")


def _srgb(image: Image.Image, profile: object) -> Image.Image:
    """Phones photograph in wide colour; browsers and printers of an office assume sRGB."""
    if isinstance(profile, bytes) and profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


@cache
def _teach_heif() -> None:
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.options.THUMBNAILS = False
    pillow_heif.register_heif_opener()


__all__ = ["CONTENT_TYPES", "SIZES", "Developed", "develop", "jpeg"]
