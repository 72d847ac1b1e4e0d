"""ODK Collect and its relatives over the same intake as our own phones: a submission becomes a push of one response and its photos.

Two addresses lead in: ``openrosa/key/<secret>/…``, and ``openrosa/…`` with HTTP Digest. Form list, forms and manifests are read;
submissions come as multipart, perhaps split over several requests that each repeat the XML. What Collect insists on: 204 to HEAD
before any guard, 201 or 202 and nothing else for success, a version header everywhere, no ``Location``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import segno
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.collect_doors import LIMIT, XML, View, entrance
from api.operations import OPERATIONS
from api.shapes import Identifier, Strict, String
from api.views import Noun
from core.ids import stable
from core.problems import Invalid, Malformed, NotFound, TooLarge
from core.texts import Text, negotiate
from journal.models import Head
from media import uploads
from media.storage import storage
from organizations import scanning
from organizations.models import Region
from organizations.permissions import Caller, visible_enterprises
from surveys import collect, externals, openrosa
from surveys.models import Submission, Version, VersionStatus
from surveys.openrosa import Instance, Listed
from sync import envelope
from sync.push import push

FILES = ("enterprises.csv", "regions.csv")

# --- forms ------------------------------------------------------------------------------------------------------------


@entrance
def form_list(request: HttpRequest, by: Caller, at: datetime, base: str) -> HttpResponse:
    """The questionnaires to fill in now."""
    rows = Version.objects.filter(status=VersionStatus.PUBLISHED, questionnaire__anonymous=False)
    if code := request.GET.get("formID"):
        rows = rows.filter(questionnaire=code)
    forms = [
        Listed(row.questionnaire_id, row.number, row.questionnaire.title, row.xform.encode(), bool(_needed(row)))
        for row in rows.select_related("questionnaire").defer("workbook", "form").order_by("questionnaire")
    ]
    return HttpResponse(openrosa.form_list(forms, base), content_type=XML)


def _needed(row: Version) -> list[str]:
    return [name for name in FILES if f"/{name}" in row.xform]


def _readable(code: str, number: int) -> Version:
    wanted = Version.objects.filter(questionnaire=code, number=number, questionnaire__anonymous=False)
    row = wanted.exclude(status=VersionStatus.DRAFT).first()
    if row is None:
        raise NotFound
    return row


@entrance
def xform(request: HttpRequest, by: Caller, at: datetime, base: str, code: str, number: int) -> HttpResponse:
    """A form's XML, the very bytes that its hash was taken over."""
    return HttpResponse(_readable(code, number).xform.encode(), content_type=XML)


@entrance
def manifest(request: HttpRequest, by: Caller, at: datetime, base: str, code: str, number: int) -> HttpResponse:
    """The choice lists that a form needs: the caller's enterprises, the regions."""
    files = {name: _choices(name, by) for name in _needed(_readable(code, number))}
    return HttpResponse(openrosa.manifest(files, f"{base}/files"), content_type=XML)


@entrance
def file(request: HttpRequest, by: Caller, at: datetime, base: str, name: str) -> HttpResponse:
    """One choice list."""
    if name not in FILES:
        raise NotFound
    return HttpResponse(_choices(name, by), content_type="text/csv; charset=utf-8")


def _choices(name: str, by: Caller) -> bytes:
    if name == "regions.csv":
        regions = Region.objects.order_by("code").values_list("code", "name", "code", "kind")
        return openrosa.choices_csv(("name", "label", "code", "kind"), regions)
    rows = visible_enterprises(by).filter(active=True).order_by("name", "id")
    return openrosa.choices_csv(externals.COLUMNS, externals.choices(rows))


# --- submissions ------------------------------------------------------------------------------------------------------


def _submit(request: HttpRequest, by: Caller, at: datetime, base: str) -> HttpResponse:
    """Take a submission, or one more piece of it: 201 when something new arrived, 202 when all of it was here already."""
    if request.method == "HEAD":
        return HttpResponse(status=204)
    try:
        parts = request.FILES
    except MultiPartParserError as error:
        raise Malformed(Text("无法读取提交内容", "The submission cannot be read")) from error
    main = parts.get("xml_submission_file")
    if main is None:
        raise Malformed(Text("缺少 xml_submission_file", "The part xml_submission_file is missing"))
    xml = main.read(openrosa.MAX_XML + 1)
    code, number, _, _ = openrosa.envelope(xml)
    version = collect.version_of(code, number)
    instance = openrosa.read_instance(xml, version.form)
    enterprise = _enterprise(instance)
    files: list[UploadedFile] = [
        part for name in parts for part in parts.getlist(name) if name != "xml_submission_file"
    ]
    for part in files:
        if (part.size or 0) > LIMIT:
            raise TooLarge(limits={"bytes": LIMIT})
    with transaction.atomic():
        row, new = collect.open_submission(
            instance.instance, xml, instance.id, instance.files, deprecated=instance.deprecated, by=by, at=at
        )
        if new:
            _push_response(instance, row, enterprise, by, at)
    arrived = [_keep(part, row, by, at) for part in files]
    said = Text("提交成功", "The submission was received").of(negotiate(request.headers.get("Accept-Language")))
    body = openrosa.message(said, "submit_success")
    return HttpResponse(body, status=201 if new or any(arrived) else 202, content_type=XML)


submission = entrance(_submit, submits=True)


def _enterprise(instance: Instance) -> str:
    try:
        return str(UUID(instance.enterprise))
    except ValueError:
        detail = Text("请选择走访企业", "Choose the enterprise")
        raise Invalid.at(f"/{openrosa.ENTERPRISE}", "required", detail) from None


def _push_response(instance: Instance, row: Submission, enterprise: str, by: Caller, at: datetime) -> None:
    """Hand the response to the intake of all phones: what breaks a rule waits in quarantine, whole. Raises Stale."""
    answers = instance.answers
    times = {name: _time(answers, question) for name, question in (("started_at", "start"), ("ended_at", "end"))}
    data: dict[str, Any] = {"answers": answers, "status": "submitted", "version": instance.version}
    base = _revision(row.response) if instance.deprecated else None
    if base is None:  # new, or the correction of what waits in quarantine
        data |= {
            "enterprise": enterprise,
            "questionnaire": instance.code,
            "started_at": times["started_at"] or at.isoformat(),
        }
        if times["ended_at"]:
            data["ended_at"] = times["ended_at"]
    told = _mutate("responses", row.response, instance.instance, data, by, at, base=base)
    if instance.deprecated and told.get("problem", {}).get("type", "").endswith("already-submitted"):
        raise collect.Stale


def _time(answers: Mapping[str, Any], question: str) -> str | None:
    value = answers.get(question)
    return value if isinstance(value, str) and envelope.moment(value) else None


def _revision(record: UUID) -> int | None:
    """The revision an edit rests on: Collect edits what it was shown last, and shows no revisions."""
    return (
        Head.objects.filter(collection="responses", record=record, deleted=False)
        .values_list("revision", flat=True)
        .first()
    )


def _mutate(
    collection: str, record: UUID, key: str, data: dict[str, Any], by: Caller, at: datetime, *, base: int | None = None
) -> dict[str, Any]:
    raw = {
        "id": str(stable("openrosa", f"{collection}/{key}")), "collection": collection, "record": str(record), "op": "put",
        "base": base, "data": data, "at": at.isoformat(),
    }  # fmt: skip
    batch = envelope.Batch(None, None, [envelope.asked(orjson.loads(orjson.dumps(raw)))])
    told: dict[str, Any] = orjson.loads(push(batch, by=by, at=at, operations=OPERATIONS))["results"][0]
    return told


def _keep(part: UploadedFile, row: Submission, by: Caller, at: datetime) -> bool:
    """Keep a file: a picture the form asks for becomes a photo of the response; anything else is set aside, never lost."""
    name = str(part.name)
    digest = hashlib.sha256()
    for piece in part.chunks():
        digest.update(piece)
    sha256 = digest.hexdigest()
    question = row.expected.get(name)
    if name in row.received and row.received[name]["sha256"] != sha256:
        name, question = f"{name} ({sha256[:8]})", None  # the first to come under a name keeps it
    if name in row.received:
        return False
    photo = stable("photos", f"openrosa/{row.instance}/{name}")
    outcome = {"sha256": sha256, "size": part.size, "kept": "photo" if question else collect.ASIDE}
    try:
        if question is None:
            raise Invalid
        data = {
            "response": str(row.response), "question": question, "taken_at": row.at.isoformat(), "sha256": sha256,
            "size": part.size, "content_type": part.content_type or "image/jpeg",
        }  # fmt: skip
        _mutate("photos", photo, f"{row.instance}/{name}/{sha256}", data, by, at)
        _store(part, photo, sha256, name, by, at)
    except Invalid:
        outcome["kept"] = collect.ASIDE
        _set_aside(part, sha256)
    return collect.received(row.instance, name, outcome)


def _store(part: UploadedFile, photo: UUID, sha256: str, name: str, by: Caller, at: datetime) -> None:
    upload = uploads.create(photo=photo, sha256=sha256, length=part.size or 0, filename=name, by=by, at=at)
    if not upload.stored_at:
        part.seek(0)
        uploads.append(upload, part.read, at_offset=0, expected=part.size, checksum=None, by=by, at=at)


def _set_aside(part: UploadedFile, sha256: str) -> None:
    part.seek(0)
    content = part.read()
    scanning.check(content)
    storage().put(collect.aside_key(sha256), content)


# --- keys -------------------------------------------------------------------------------------------------------------


class KeyInput(Strict):
    person = Identifier()
    name = String(max_length=100, required=False)


class KeyShape(serializers.Serializer[Any]):
    device = serializers.UUIDField(help_text="revoke it like any device")
    url = serializers.CharField(help_text="the server address for Collect; shown once")
    username = serializers.CharField(help_text="for HTTP Digest")
    password = serializers.CharField()
    settings = serializers.CharField(help_text="what the QR code holds")
    qr = serializers.CharField(help_text="the QR code as SVG")


class Keys(Noun):
    @extend_schema(request=KeyInput, responses={201: KeyShape}, operation_id="issue_collect_key")
    def post(self, request: Request) -> Response:
        """Let a person's ODK Collect in: an address with a secret, and the QR code that sets Collect up."""
        wanted = self.read(KeyInput)
        issued = collect.issue(wanted["person"], name=wanted.get("name", ""), by=self.by, at=self.at)
        url = request.build_absolute_uri(f"/api/v1/openrosa/key/{issued.secret}")
        code = openrosa.settings_code(url)
        told = {"device": issued.key.device_id, "url": url, "username": issued.key.username, "password": issued.secret}
        return Response(told | {"settings": code, "qr": segno.make(code).svg_inline(scale=4)}, status=201)


def _both(route: str, view: View, name: str) -> list[Any]:
    return [
        path(f"openrosa/key/<str:secret>/{route}", view, name=f"openrosa-key-{name}"),
        path(f"openrosa/{route}", view, name=f"openrosa-{name}"),
    ]


urlpatterns = [
    path("openrosa/keys", Keys.as_view(), name="openrosa-keys"),
    *_both("formList", form_list, "forms"),
    *_both("forms/<str:code>/<int:number>.xml", xform, "form"),
    *_both("forms/<str:code>/<int:number>/manifest", manifest, "manifest"),
    *_both("files/<str:name>", file, "file"),
    *_both("submission", submission, "submission"),
]
