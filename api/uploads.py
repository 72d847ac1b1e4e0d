"""``uploads/``: tus 1.0.0 with creation, creation-with-upload, checksum, expiration and termination.

The body of a request is read here and nowhere else, piece by piece, and never held in memory whole.
https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import binascii
import io
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import wraps
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import path
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from api import compression, errors
from api.doors import View, door
from api.parsing import loads, read_body
from core.problems import Fault, Invalid, Malformed, Problem
from core.texts import Text
from media import direct, uploads
from media.fields import DIGEST, NOT_AN_ID, as_uuid, read
from media.models import Upload
from media.spool import ALGORITHMS, Busy, Checksum, WrongChecksum
from organizations.permissions import Caller

VERSION = "1.0.0"
DRAINED = 4 << 20
MOST_AT_ONCE = 16  # chunks that one device may be sending to this process
DIRECT_LIMIT = 10_000  # bytes of a request for a link
CHUNK = "application/offset+octet-stream"
ABILITIES = {
    "Tus-Version": VERSION,
    "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
    "Tus-Max-Size": str(uploads.MAX_BYTES),
    "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
}


class WrongVersion(Problem):
    """The client speaks another version of tus, or none."""

    kind = "tus-version"
    status = 412
    title = Text("不支持的 tus 协议版本", "This version of the tus protocol is not supported")


class TooManyAtOnce(Busy):
    """The device is sending more chunks at once than any phone has a use for; each holds a thread."""

    kind = "too-many-at-once"
    title = Text("同一设备同时上传的分块过多,请稍后重试", "This device is sending too many chunks at once, please wait")


_sending: Counter[UUID | None] = Counter()
_counting = threading.Lock()


@contextmanager
def _one_of_few(device: UUID | None) -> Iterator[None]:
    with _counting:
        if _sending[device] >= MOST_AT_ONCE:
            raise TooManyAtOnce()
        _sending[device] += 1
    try:
        yield
    finally:
        with _counting:
            _sending[device] -= 1
            if not _sending[device]:
                del _sending[device]


def tus(view: View) -> View:
    """What every tus answer has in common: the version, told even with a refusal, and the method in disguise."""

    @csrf_exempt
    @wraps(view)
    def enter(request: HttpRequest, **route: UUID) -> HttpResponseBase:
        request.method = request.headers.get("X-HTTP-Method-Override", str(request.method)).upper()
        if request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=204, headers=ABILITIES)
        elif request.headers.get("Tus-Resumable") != VERSION:
            response = errors.page(request, WrongVersion(supported=[VERSION]))
            response["Tus-Version"] = VERSION
        else:
            response = view(request, **route)
            if response.status_code >= 400:
                _drain(request)
        response["Tus-Resumable"] = VERSION
        return response

    return enter


@tus
@door("POST")
def begin(request: HttpRequest, by: Caller, at: datetime) -> HttpResponse:
    """Create an upload; a body is its first chunk."""
    told = _metadata(request)
    length = _count(request, "Upload-Length")
    checksum = _checksum(request)
    upload = uploads.create(photo=told.photo, sha256=told.sha256, length=length, filename=told.filename, by=by, at=at)
    reached = upload.length if upload.stored_at else 0
    expected, read = _body(request)
    if expected != 0 and not upload.stored_at:
        _is_chunk(request)
        reached = _first_chunk(upload, read, expected, checksum, by=by, at=at)
    response = HttpResponse(status=201, headers={"Location": f"{request.path.rstrip('/')}/{upload.id}"})
    return _told(response, upload, reached)


@tus
@door("HEAD", "PATCH", "DELETE")
def continue_(request: HttpRequest, by: Caller, at: datetime, upload: UUID) -> HttpResponse:
    """Ask how far an upload has come, add a chunk, or give it up."""
    found = uploads.get(upload, by=by, at=at)
    if request.method == "DELETE":
        uploads.terminate(found)
        return HttpResponse(status=204)
    if request.method == "HEAD":
        response = HttpResponse(headers={"Cache-Control": "no-store", "Upload-Length": str(found.length)})
        response["Upload-Metadata"] = _retold(found)
        return _told(response, found, uploads.offset(found, by=by, at=at))
    _is_chunk(request)
    at_offset, checksum = _count(request, "Upload-Offset"), _checksum(request)
    expected, read = _body(request)
    with _one_of_few(by.device):
        reached = uploads.append(found, read, at_offset=at_offset, expected=expected, checksum=checksum, by=by, at=at)
    return _told(HttpResponse(status=204), found, reached)


def _first_chunk(
    upload: Upload,
    read: Callable[[int], bytes],
    expected: int | None,
    checksum: Checksum | None,
    *,
    by: Caller,
    at: datetime,
) -> int:
    """A spoilt first chunk takes its upload with it, for its sender does not know the address yet."""
    try:
        with _one_of_few(by.device):
            return uploads.append(upload, read, at_offset=0, expected=expected, checksum=checksum, by=by, at=at)
    except WrongChecksum:
        uploads.terminate(upload)
        raise


def _drain(request: HttpRequest) -> None:
    """Take in the rest of a refused chunk: a connection closed over unread bytes may swallow the refusal itself."""
    expected, read = _body(request)
    if expected is not None and expected <= DRAINED:
        with suppress(OSError):
            while read(1 << 18):
                pass


def _told(response: HttpResponse, upload: Upload, reached: int) -> HttpResponse:
    response["Upload-Offset"] = str(reached)
    response["Upload-Expires"] = http_date(upload.expires_at.timestamp())
    return response


class _Metadata:
    """What ``Upload-Metadata`` must say and may say."""

    def __init__(self, pairs: dict[str, bytes]) -> None:
        faults = []
        try:
            self.photo = UUID(pairs.get("photo", b"").decode("ascii"))
        except ValueError:
            faults.append(_fault("photo", Text("应为照片记录的 UUID", "Must be the UUID of the photo record")))
        self.sha256 = pairs.get("sha256", b"").decode("ascii", "replace").lower()
        if not DIGEST.fullmatch(self.sha256):
            faults.append(_fault("sha256", Text("应为十六进制 SHA-256", "Must be a SHA-256 in hex")))
        name = pairs.get("filename", b"").decode("utf-8", "replace")
        self.filename = "".join(sign for sign in name if sign.isprintable())
        if faults:
            raise Malformed(Text("Upload-Metadata 不完整", "Upload-Metadata is incomplete"), errors=faults)


def _fault(name: str, detail: Text) -> Fault:
    return Fault(f"/Upload-Metadata/{name}", "required", detail)


def _metadata(request: HttpRequest) -> _Metadata:
    pairs: dict[str, bytes] = {}
    for part in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = part.strip().partition(" ")
        pairs[key] = _base64(value, "Upload-Metadata")
    return _Metadata(pairs)


def _retold(upload: Upload) -> str:
    told = {"photo": str(upload.photo), "sha256": upload.sha256, "filename": upload.filename}
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items() if value)


def _count(request: HttpRequest, header: str) -> int:
    value = request.headers.get(header, "")
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        detail = Text("{header} 应为非负整数", "{header} must be a whole number, not negative").fill(header=header)
        raise Malformed(detail, errors=[Fault(f"/{header}", "not-a-number", detail)])
    return int(value)


def _checksum(request: HttpRequest) -> Checksum | None:
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return None
    algorithm, _, value = given.partition(" ")
    if algorithm not in ALGORITHMS:
        detail = Text("不支持的校验算法", "The checksum algorithm is not supported")
        raise Malformed(detail, errors=[Fault("/Upload-Checksum", "unknown-algorithm", detail)])
    return Checksum(algorithm, _base64(value, "Upload-Checksum"))


def _base64(value: str, header: str) -> bytes:
    try:
        return b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        detail = Text("{header} 应为 Base64", "{header} must be Base64").fill(header=header)
        raise Malformed(detail, errors=[Fault(f"/{header}", "not-base64", detail)]) from None


def _is_chunk(request: HttpRequest) -> None:
    if request.content_type != CHUNK:
        raise errors.UnsupportedMedia(accepted=[CHUNK])


def _body(request: HttpRequest) -> tuple[int | None, Callable[[int], bytes]]:
    """How long the body says it is, and how to read it; None when it comes in pieces of unknown number."""
    length = None if compression.in_chunks(request) else int(request.META.get("CONTENT_LENGTH") or 0)
    return length, compression.reader(request)


@door("POST")
def begin_direct(request: HttpRequest, by: Caller, at: datetime) -> HttpResponseBase:
    """``{"photo", "sha256", "size"}`` → a link that takes the bytes into the bucket, where the store has such links."""
    told = loads(
        read_body(io.BytesIO(request.read(DIRECT_LIMIT + 1)), request.META.get("CONTENT_LENGTH"), DIRECT_LIMIT)
    )
    if not isinstance(told, dict):
        raise Malformed()
    values = read({name: told.get(name) for name in ("sha256", "size")}, new=False)
    photo = as_uuid(told.get("photo"))
    if photo is None:
        raise Invalid.at("/photo", "not-an-id", NOT_AN_ID)
    ticket = direct.begin(photo=photo, sha256=values["sha256"], length=values["size"], filename="", by=by, at=at)
    answer = {
        "upload": str(ticket.upload.id),
        "stored": ticket.url is None,
        "url": ticket.url,
        "headers": ticket.headers,
        "complete": f"/api/v1/uploads/{ticket.upload.id}/complete",
    }
    return JsonResponse(answer, status=201, headers={"Cache-Control": "no-store"})


@door("POST")
def complete_direct(request: HttpRequest, by: Caller, at: datetime, upload: UUID) -> HttpResponseBase:
    """The bytes are in the bucket: have them checked and kept. Safe to repeat."""
    found = direct.complete(uploads.get(upload, by=by, at=at), by=by, at=at)
    return JsonResponse({"upload": str(found.id), "stored": True})


urlpatterns = [
    path("uploads/direct", begin_direct, name="direct-uploads"),
    path("uploads/<uuid:upload>/complete", complete_direct, name="direct-upload"),
    path("uploads/", begin, name="uploads"),
    path("uploads", begin, name="uploads"),
    path("uploads/<uuid:upload>", continue_, name="upload"),
]
