"""The anonymous questionnaire of one enterprise, behind the address of its QR code: a plain page, or JSON.

Nobody signs in; neither address nor device nor position is read or kept.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from api.forms import page_of, read_page
from api.negotiation import ParsedByType
from api.parsing import StrictJSONParser
from api.shapes import Strict
from api.views import Noun
from core.problems import Invalid
from core.texts import negotiate
from surveys import anonymous
from surveys.models import Version
from surveys.problems import BadAnswers

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class AnonymousAnswers(Strict):
    answers = serializers.JSONField(help_text="question: value")


class PublicForm(serializers.Serializer[Any]):
    questionnaire = serializers.CharField()
    version = serializers.IntegerField()
    enterprise = serializers.CharField(help_text="its name")
    form = serializers.DictField()


class Taken(serializers.Serializer[Any]):
    status = serializers.CharField()


class PublicQuestionnaire(Noun):
    authentication_classes = ()
    parser_classes = (StrictJSONParser, FormParser)
    content_negotiation_class = ParsedByType

    @extend_schema(
        responses={200: PublicForm, (200, "text/html"): OpenApiTypes.STR},
        operation_id="open_public_questionnaire",
        auth=[],
    )
    def get(self, request: Request, token: str) -> Response | HttpResponse:
        """The questionnaire: a page for browsers, the compiled form for ``Accept: application/json``."""
        row, version = anonymous.behind(token, at=self.at)
        if not self._wants_page():
            told = {"questionnaire": row.questionnaire_id, "version": version.number}
            return Response(told | {"enterprise": row.enterprise.name, "form": version.form}, headers=_HEADERS)
        return self._page(version)

    @extend_schema(
        request=AnonymousAnswers,
        responses={
            201: Taken,
            (201, "text/html"): OpenApiTypes.STR,
            (422, "text/html"): OpenApiTypes.STR,
            (422, "application/problem+json"): OpenApiTypes.OBJECT,
        },
        operation_id="answer_public_questionnaire",
        auth=[],
    )
    def post(self, request: Request, token: str) -> Response | HttpResponse:
        """Answer it. Answers to questions that do not apply are dropped."""
        _, version = anonymous.behind(token, at=self.at)
        if not self._is_page():
            body = self.read(AnonymousAnswers)
            anonymous.take(token, body["answers"], at=self.at)
            return Response({"status": "received"}, status=201, headers=_HEADERS)
        answers = read_page(version.form, request._request.POST)
        try:
            anonymous.take(token, answers, at=self.at)
        except BadAnswers as problem:
            return self._page(version, answers, problem)
        return self._page(version, done=True)

    def _wants_page(self) -> bool:
        return "text/html" in self.request.headers.get("Accept", "")

    def _is_page(self) -> bool:
        return str(self.request.content_type).startswith("application/x-www-form-urlencoded")

    def _page(
        self,
        version: Version,
        given: dict[str, Any] | None = None,
        problem: Invalid | None = None,
        *,
        done: bool = False,
    ) -> HttpResponse:
        language = negotiate(self.request.headers.get("Accept-Language"))
        faults = {
            each.pointer.rsplit("/", 1)[-1]: each.detail.of(language) for each in (problem.errors if problem else ())
        }
        context = page_of(version.form, language, given, faults) | {"done": done, "refused": problem is not None}
        status = 422 if problem else 201 if done else 200
        response = render(self.request._request, "questionnaire.html", context, status=status)
        for name, value in _HEADERS.items():
            response[name] = value
        return response


urlpatterns = [
    path("public/questionnaires/<str:token>", PublicQuestionnaire.as_view(), name="public-questionnaire"),
]
