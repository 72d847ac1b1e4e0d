"""Compressed bodies, both ways, with a bound on what a few bytes may grow into."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator

import zstandard
from django.http import HttpRequest, HttpResponse

from core.problems import Malformed, TooLarge
from core.texts import Text

WORTHWHILE = 600
CHUNK = 256 * 1024
MOST_MEMBERS = 50
"""A body of very many empty members would be work without end."""


class UnsupportedCoding(Malformed):
    kind = "content-coding-unsupported"
    status = 415
    title = Text("不支持的内容编码", "The content coding is not supported")


def body(request: HttpRequest, *, most: int, too_large: TooLarge) -> bytes:
    """The request's body, unpacked; never more than ``most`` bytes are held. Raises ``too_large``, Malformed."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > most:
        raise too_large
    coding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        raw = b"".join(_pieces(request, most + 1))
        if len(raw) > most:
            raise too_large
        return raw
    if coding not in ("gzip", "x-gzip"):
        raise UnsupportedCoding
    return _gunzip(request, most, too_large)


def in_chunks(request: HttpRequest) -> bool:
    """Whether the body does not say how long it is, as those that a phone's library compresses while it sends."""
    return "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()


def reader(request: HttpRequest) -> Callable[[int], bytes]:
    """How to read a body; Django itself sees none in chunks."""
    read: Callable[[int], bytes] = request.META["wsgi.input"].read if in_chunks(request) else request.read
    return read


def _pieces(request: HttpRequest, most: int) -> Iterator[bytes]:
    """The body up to ``most`` bytes, as it comes."""
    read = reader(request)
    while most > 0 and (piece := read(most)):
        yield piece
        most -= len(piece)


def _gunzip(request: HttpRequest, most: int, too_large: TooLarge) -> bytes:
    """All members of the body, which gzip joins to one content (RFC 1952, 2.2)."""
    unpacker = zlib.decompressobj(wbits=31)
    unpacked, members, read = bytearray(), 1, reader(request)
    try:
        while chunk := unpacker.unused_data or unpacker.unconsumed_tail or read(CHUNK):
            if unpacker.eof:
                unpacker, members = zlib.decompressobj(wbits=31), members + 1
                if members > MOST_MEMBERS:
                    raise too_large
            unpacked += unpacker.decompress(chunk, most + 1 - len(unpacked))
            if len(unpacked) > most:
                raise too_large
    except zlib.error as error:
        raise Malformed(Text("gzip 内容已损坏", "The gzip content is damaged")) from error
    if not unpacker.eof:
        raise Malformed(Text("gzip 内容不完整", "The gzip content is cut short"))
    return bytes(unpacked)


def answer(request: HttpRequest, content: bytes, *, content_type: str = "application/json") -> HttpResponse:
    """A response in the best coding that the client takes."""
    accepted = request.headers.get("Accept-Encoding", "")
    coding = None
    if len(content) > WORTHWHILE:
        if _takes(accepted, "zstd"):
            content, coding = zstandard.ZstdCompressor(level=1).compress(content), "zstd"
        elif _takes(accepted, "gzip"):
            content, coding = gzip.compress(content, compresslevel=1, mtime=0), "gzip"
    response = HttpResponse(content, content_type=content_type)
    response["Vary"] = "Accept-Encoding, Accept-Language"
    response["Cache-Control"] = "no-store"
    if coding:
        response["Content-Encoding"] = coding
    return response


def _takes(accepted: str, coding: str) -> bool:
    for part in accepted.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name == coding:
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
