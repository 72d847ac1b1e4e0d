"""``photos/{id}`` and its variants, short-lived links to them, and the page behind the code on a marked copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import errors, files
from api.doors import door, open_door
from api.views import Noun
from core.problems import Forbidden, NotFound, Problem, Unavailable
from core.texts import Text
from inspections import photographs
from media import checking, photos, renditions
from media.models import Blob, BytesState, Photo, PrintState
from media.storage import LINK_SECONDS, mark_key, original_key, print_key, storage
from organizations import sessions
from organizations.permissions import Caller, Subject, allowed, caller

VARIANTS = ("original", "large", "medium", "small", "watermark")
SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic", "image/heif": "heic"}
SALT = "photo link"


class NotMadeYet(Unavailable):
    """The variant is about to be made; ask again."""

    kind = "not-made-yet"
    routine = True
    title = Text("正在生成,请稍后再试", "It is being made, please ask again shortly")


class PhotoShape(serializers.Serializer[Any]):
    """A photo record. ``exif`` and ``chain`` are for those who may see the original, ``likenesses`` for the office; else null."""

    id = serializers.UUIDField()
    enterprise = serializers.UUIDField()
    visit = serializers.UUIDField(allow_null=True)
    response = serializers.UUIDField(allow_null=True)
    question = serializers.CharField(allow_null=True)
    issue = serializers.UUIDField(allow_null=True)
    issue_action = serializers.UUIDField(allow_null=True)
    taken_at = serializers.DateTimeField()
    received_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    size = serializers.IntegerField()
    content_type = serializers.CharField()
    caption = serializers.CharField(allow_null=True)
    location = serializers.DictField(allow_null=True)
    author = serializers.UUIDField(
        allow_null=True, help_text="of a reported issue's photo: to its author and the office"
    )
    device = serializers.UUIDField(allow_null=True, help_text="told to whoever is told the author")
    bytes = serializers.ChoiceField(choices=BytesState.values)
    findings = serializers.ListField(child=serializers.DictField())
    code = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    variants = serializers.DictField(child=serializers.CharField())
    exif = serializers.DictField(allow_null=True)
    likenesses = serializers.ListField(child=serializers.DictField(), allow_null=True)
    chain = serializers.DictField(
        allow_null=True,
        help_text="its link in its device's chain: number, record, previous, digest; for those who may see the original",
    )


class PhotoView(Noun):
    @extend_schema(operation_id="read_photo", responses=PhotoShape)
    def get(self, request: Request, photo: UUID) -> Response:
        return self.shown(_told(photographs.visible(photo, by=self.by), self.by))


def _told(photo: Photo, by: Caller) -> dict[str, Any]:
    blob = Blob.objects.filter(pk=photo.sha256).first()
    original = photos.may_see_original(photo, by=by)
    office = allowed(by, "photo.original", Subject(enterprise=photo.enterprise_id))
    named = original or not renditions.shows_a_report(photo)
    ready = [name for name in VARIANTS if _is_ready(photo, blob, name) and (original or name != "original")]
    return {
        "id": str(photo.id),
        **photos.document(photo),
        "author": str(photo.author_id) if named else None,
        "device": str(photo.device) if named and photo.device else None,
        "width": blob.width if blob else None,
        "height": blob.height if blob else None,
        "variants": {name: f"/api/v1/photos/{photo.id}/{name}" for name in ready},
        "exif": blob.exif if blob and original else None,
        "likenesses": photo.likenesses if office else None,
        "chain": checking.link(photo) if original else None,
    }


def _is_ready(photo: Photo, blob: Blob | None, variant: str) -> bool:
    if blob is None or photo.bytes != BytesState.STORED:
        return False
    if variant == "original":
        return True
    return bool(photo.marked) if variant == "watermark" else blob.prints == PrintState.MADE


@dataclass(frozen=True, slots=True)
class _File:
    """Where a variant lies and how it is told."""

    key: str
    content_type: str
    tag: str
    filename: str
    original: bool


@door("GET", "HEAD")
def variant(request: HttpRequest, by: Caller, at: datetime, photo: UUID, variant: str) -> HttpResponseBase:
    """The bytes of a variant; with ``?link`` a link to them that works without signing in for five minutes."""
    row = photographs.visible(photo, by=by)
    found = _file(row, variant, by)
    if "link" not in request.GET:
        return _sent(request, row, found, by, at)
    token = signing.dumps({"photo": str(photo), "variant": variant, "session": str(by.session)}, salt=SALT)
    direct = storage().link(found.key, content_type=found.content_type, filename=found.filename)
    wants_direct = request.GET["link"] == "direct" and direct is not None
    if wants_direct and found.original:
        photos.opened(row, by=by, at=at)
    url = direct if wants_direct else f"{settings.PUBLIC_URL}/api/v1/photos/links/{token}"
    expires_at = photos.shown(at + timedelta(seconds=LINK_SECONDS))
    return JsonResponse({"url": url, "expires_at": expires_at}, headers={"Cache-Control": "no-store"})


@open_door
def link(request: HttpRequest, token: str) -> HttpResponseBase:
    """A file by its short-lived link; session and rights are looked at again, so a link dies with either."""
    at = timezone.now()
    try:
        told = signing.loads(token, salt=SALT, max_age=LINK_SECONDS)
        live = sessions.live(UUID(told["session"]))
    except (signing.BadSignature, sessions.SessionEnded, sessions.DeviceRevoked):
        raise NotFound from None
    by = caller(live.person, on=timezone.localdate(at), device=live.device)
    row = photographs.visible(UUID(told["photo"]), by=by)
    return _sent(request, row, _file(row, told["variant"], by), by, at)


def _file(photo: Photo, variant: str, by: Caller) -> _File:
    """Raises NotFound, Forbidden for originals, NotMadeYet."""
    if variant not in VARIANTS or photo.bytes != BytesState.STORED:
        raise NotFound
    blob = Blob.objects.get(pk=photo.sha256)
    name = f"{photo.code}-{variant}"
    if variant == "original":
        if not photos.may_see_original(photo, by=by):
            raise Forbidden(Text("原图仅限产改办和拍摄人查看", "Originals are for the office and their author"))
        kind = blob.content_type
        return _File(original_key(blob.sha256), kind, blob.sha256, f"{name}.{SUFFIXES[kind]}", original=True)
    if not _is_ready(photo, blob, variant):
        raise NotFound if blob.prints == PrintState.REFUSED else NotMadeYet
    if variant == "watermark":
        key, tag = mark_key(photo.id, photo.marked), f"{photo.id}-{photo.marked}"
    else:
        key, tag = print_key(blob.sha256, variant), f"{blob.sha256}-{variant}"
    return _File(key, "image/jpeg", tag, f"{name}.jpg", original=False)


def _sent(request: HttpRequest, photo: Photo, file: _File, by: Caller, at: datetime) -> HttpResponseBase:
    size = storage().size(file.key)
    if size is None:
        raise NotFound
    if file.original and request.method == "GET":
        photos.opened(photo, by=by, at=at)
    return files.send(
        request,
        lambda start, end: storage().read(file.key, start, end),
        size=size,
        content_type=file.content_type,
        tag=file.tag,
        filename=file.filename,
        attachment=file.original,
    )


@door("GET")
def check(request: HttpRequest, by: Caller, at: datetime, code: str) -> HttpResponseBase:
    """What the code on a marked copy stands for, and whether picture and record are as they came."""
    photo, verdict = checked(code, by)
    return JsonResponse({**verdict.told(), "photo": _told(photo, by)}, headers={"Cache-Control": "no-store"})


@open_door
def check_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """The same as a page, for somebody of the office who scans the QR code with a browser signed in to the console."""
    at, user = timezone.now(), request.user
    if not user.is_authenticated:
        return HttpResponseRedirect(f"/console/login/?next={request.path}")
    by = caller(user.pk, on=timezone.localdate(at), name=user.name)
    try:
        photo, verdict = checked(code, by)
    except Problem as problem:
        return errors.page(request, problem)
    shown = {"photo": photo, "verdict": verdict, "told": _told(photo, by)}
    page = render(request, "api/photo_check.html", shown)
    page["Cache-Control"] = "no-store"
    return page


def checked(code: str, by: Caller) -> tuple[Photo, checking.Verdict]:
    """The photo of a check code, as typed with or without dashes, and the verdict on it. Raises NotFound."""
    found = Photo.objects.filter(code=code.replace("-", "").upper()).values_list("pk", flat=True).first()
    if found is None:
        raise NotFound
    photo = photographs.visible(found, by=by)
    return photo, checking.check(photo)


urlpatterns = [
    path("photos/check/<str:code>", check, name="photo-check"),
    path("photos/links/<str:token>", link, name="photo-link"),
    path("photos/<uuid:photo>", PhotoView.as_view(), name="photo"),
    path("photos/<uuid:photo>/<str:variant>", variant, name="photo-variant"),
]
