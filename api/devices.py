"""Devices and enrollment codes over REST."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any
from uuid import UUID

import orjson
import segno
from django.conf import settings
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page
from api.shapes import Flag, Identifier, Strict
from api.views import Noun
from core.problems import NotFound
from organizations import devices, enrollments
from organizations.models import Device


class DeviceShape(serializers.Serializer[Any]):
    """``id`` is the binding of a phone to a person, ``hardware`` the phone's own id; for its first person they agree."""

    id = serializers.UUIDField()
    hardware = serializers.UUIDField()
    person = serializers.UUIDField()
    name = serializers.CharField()
    platform = serializers.CharField()
    app_version = serializers.CharField()
    bound_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField(allow_null=True)
    last_push_at = serializers.DateTimeField(
        allow_null=True, help_text="work handed in after this is lost by a revocation"
    )
    revoked_at = serializers.DateTimeField(allow_null=True)


class DevicePage(serializers.Serializer[Any]):
    results = DeviceShape(many=True)
    next = serializers.CharField(allow_null=True)


class DeviceFilter(Strict):
    person = Identifier(required=False)
    revoked = Flag(required=False)


class EnrollmentInput(Strict):
    person = Identifier()


class EnrollmentShape(serializers.Serializer[Any]):
    """``code`` is shown this once; ``qr`` is an SVG of ``{"url", "code"}``."""

    id = serializers.UUIDField()
    person = serializers.UUIDField()
    code = serializers.CharField()
    expires_at = serializers.DateTimeField()
    qr = serializers.CharField()


def rendered(rows: Iterable[Device]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in _FIELDS} | {"person": row.person_id} for row in rows]


_FIELDS = (
    "id",
    "hardware",
    "name",
    "platform",
    "app_version",
    "bound_at",
    "last_seen_at",
    "last_push_at",
    "revoked_at",
)


class Devices(Noun):
    @extend_schema(parameters=[DeviceFilter], responses=DevicePage, operation_id="list_devices")
    def get(self, request: Request) -> Response:
        """The caller's devices; for the office everybody's."""
        asked = self.query(DeviceFilter)
        rows = devices.visible(self.by)
        if "person" in asked:
            rows = rows.filter(person=asked["person"])
        if "revoked" in asked:
            rows = rows.filter(revoked_at__isnull=not asked["revoked"])
        return page(request, rows, ("id",), rendered)


class OneDevice(Noun):
    @extend_schema(responses=DeviceShape, operation_id="read_device")
    def get(self, request: Request, key: UUID) -> Response:
        """One device, with the time of its last push."""
        return self.shown(rendered([self._row(key)])[0])

    @extend_schema(responses={204: None}, operation_id="revoke_device")
    def delete(self, request: Request, key: UUID) -> Response:
        """Sign the device off: it is told to wipe at its next request."""
        devices.revoke(self._row(key).id, by=self.by, at=self.at)
        return Response(status=204)

    def _row(self, key: UUID) -> Device:
        row = devices.visible(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return row


class Enrollments(Noun):
    @extend_schema(request=EnrollmentInput, responses={201: EnrollmentShape}, operation_id="issue_enrollment")
    def post(self, request: Request) -> Response:
        """A single-use code, good for minutes, that signs a phone in as this person."""
        values = self.read(EnrollmentInput)
        invitation = enrollments.issue(values["person"], by=self.by, at=self.at)
        row = invitation.enrollment
        told = {
            "id": row.id,
            "person": row.person_id,
            "code": invitation.code,
            "expires_at": row.expires_at,
            "qr": qr(invitation.code),
        }
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


def qr(code: str) -> str:
    """What a phone scans: the server's address and the code, as SVG."""
    out = BytesIO()
    content = orjson.dumps({"url": settings.PUBLIC_URL, "code": code}).decode()
    segno.make(content, error="m").save(out, kind="svg", scale=6, xmldecl=False)
    return out.getvalue().decode()


urlpatterns = [
    path("devices", Devices.as_view(), name="devices"),
    path("devices/<uuid:key>", OneDevice.as_view(), name="device"),
    path("enrollments", Enrollments.as_view(), name="enrollments"),
]
