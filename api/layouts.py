"""The layout of the supervision bulletin over REST: fetch it, edit it in Word, send it back."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.shapes import Strict
from api.views import Noun
from core.problems import Invalid, TooLarge
from core.texts import Text
from reports import bulletins, layouts


class LayoutUpload(Strict):
    file = serializers.FileField(help_text="a DOCX with the tags of the layout that ships")


class BulletinLayout(Noun):
    def get_parsers(self) -> list[BaseParser]:
        return [MultiPartParser()]

    @extend_schema(responses={(200, bulletins.MEDIA_TYPE): OpenApiTypes.BINARY}, operation_id="read_bulletin_layout")
    def get(self, request: Request) -> HttpResponse:
        """The layout in use: the office's own, or the one that ships."""
        content = layouts.current() or layouts.shipped()
        headers = {
            "Content-Disposition": 'attachment; filename="bulletin-layout.docx"',
            "X-Content-Type-Options": "nosniff",
        }
        return HttpResponse(content, content_type=bulletins.MEDIA_TYPE, headers=headers)

    @extend_schema(
        request={"multipart/form-data": LayoutUpload}, responses={204: None}, operation_id="replace_bulletin_layout"
    )
    def post(self, request: Request) -> Response:
        """Use this layout from now on; it is tried out on a sample first."""
        file: Any = request.FILES.get("file")
        if file is None or set(request.data) != {"file"}:
            raise Invalid.at("/file", "required", Text("请上传一个 file", "Send one file"))
        content = file.read(layouts.LARGEST + 1)
        if len(content) > layouts.LARGEST:
            raise TooLarge(limits={"bytes": layouts.LARGEST})
        layouts.replace(content, by=self.by, at=self.at)
        return Response(status=204)

    @extend_schema(responses={204: None}, operation_id="restore_bulletin_layout")
    def delete(self, request: Request) -> Response:
        """Go back to the layout that ships."""
        layouts.restore(by=self.by, at=self.at)
        return Response(status=204)


urlpatterns = [path("reports/layouts/bulletin", BulletinLayout.as_view(), name="report-layout")]
