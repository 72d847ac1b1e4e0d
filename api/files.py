"""Sending a stored file so that a browser can neither guess its type nor run it: ranges, tags, nosniff."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from api import negotiation

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
Read = Callable[[int, int], Iterator[bytes]]
GUARDS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-site",
    "Accept-Ranges": "bytes",
    "Vary": "Authorization",
}


def send(
    request: HttpRequest, read: Read, *, size: int, content_type: str, tag: str, filename: str, attachment: bool
) -> HttpResponseBase:
    """The file, the wanted range of it, or 304. ``read`` gives the bytes from a start up to an end (exclusive)."""
    place = "attachment" if attachment else "inline"
    headers = GUARDS | {
        "ETag": f'"{tag}"',
        "Content-Disposition": f'{place}; filename="{filename}"',
        "Cache-Control": "no-store" if attachment else "private, max-age=86400, immutable",
    }
    if negotiation.has(request, f'"{tag}"'):
        return HttpResponse(status=304, headers=headers)
    span = _span(request, size, tag)
    if span == (0, 0):
        return HttpResponse(status=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = span or (0, size)
    headers["Content-Length"] = str(end - start)
    if span:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    status = 206 if span else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, content_type=content_type, headers=headers)
    return StreamingHttpResponse(read(start, end), status=status, content_type=content_type, headers=headers)


def _span(request: HttpRequest, size: int, tag: str) -> tuple[int, int] | None:
    """The one range asked for; None for the whole, (0, 0) for a range that the file does not have."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or asked[0] == "bytes=-" or request.headers.get("If-Range", f'"{tag}"') != f'"{tag}"':
        return None
    first, last = asked[1], asked[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1 if last else size)
    return (start, end) if start < end else (0, 0)
