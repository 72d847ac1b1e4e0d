"""Personal information over REST: the register, what is due, what people ask about their own data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request as HTTPRequest
from rest_framework.response import Response

from api.pagination import page
from api.rendering import dumps
from api.shapes import Flag, Identifier, Strict, String, Whole
from api.views import Noun
from core.problems import NotFound
from core.texts import Text
from organizations.permissions import Caller
from privacy import requests, retention
from privacy.models import Kind, Request, RequestState
from privacy.register import REGISTER


class KeptShape(serializers.Serializer[Any]):
    """One category of personal information, in the caller's language."""

    category = serializers.CharField()
    name = serializers.CharField()
    fields_kept = serializers.ListField(child=serializers.CharField(), help_text="table.field")
    purpose = serializers.CharField()
    basis = serializers.CharField()
    seen_by = serializers.CharField()
    days = serializers.IntegerField(allow_null=True, help_text="null: as long as the record it belongs to")
    since = serializers.CharField(help_text="from when the days count")
    ending = serializers.CharField(help_text="what happens then")


class KeptList(serializers.Serializer[Any]):
    results = KeptShape(many=True)


class PeriodInput(Strict):
    days = Whole(min_value=0, max_value=36500)


class DueShape(serializers.Serializer[Any]):
    category = serializers.CharField()
    days = serializers.IntegerField(allow_null=True)
    own = serializers.BooleanField(help_text="whether the office has set its own number of days")
    count = serializers.IntegerField(
        allow_null=True, help_text="rows whose time has ended; null where another sweep does it"
    )


class DueList(serializers.Serializer[Any]):
    results = DueShape(many=True)


class PrivacyRequestShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    person = serializers.UUIDField()
    reason = serializers.CharField(allow_null=True)
    wanted = serializers.DictField(child=serializers.CharField(), help_text="corrected fields, with correction")
    asked_at = serializers.DateTimeField()
    due_on = serializers.DateField(help_text="the last day to answer")
    state = serializers.ChoiceField(choices=RequestState.choices)
    answer = serializers.CharField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class PrivacyRequestPage(serializers.Serializer[Any]):
    results = PrivacyRequestShape(many=True)
    next = serializers.CharField(allow_null=True)


class PrivacyRequestFilter(Strict):
    state = serializers.ChoiceField(choices=RequestState.choices, required=False)
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)
    person = Identifier(required=False)


class WantedShape(Strict):
    name = String(max_length=50, required=False)
    phone = String(max_length=30, required=False, allow_blank=True)
    email = String(max_length=254, required=False, allow_blank=True)


class PrivacyRequestInput(Strict):
    kind = serializers.ChoiceField(choices=Kind.choices)
    person = Identifier(required=False, help_text="the caller unless the office notes somebody else's request")
    reason = String(max_length=1000, required=False, allow_blank=True)
    wanted = WantedShape(required=False)


class Settlement(Strict):
    grant = Flag()
    answer = String(max_length=1000, required=False, allow_blank=True)


def rendered(rows: Iterable[Request]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "person": row.person_id,
            "reason": row.reason or None,
            "wanted": row.wanted,
            "asked_at": row.asked_at,
            "due_on": row.due_on,
            "state": row.state,
            "answer": row.answer or None,
            "settled_at": row.settled_at,
        }
        for row in rows
    ]


class Register(Noun):
    @extend_schema(responses=KeptList, operation_id="read_privacy_register")
    def get(self, request: HTTPRequest) -> Response:
        """What is kept of people: where, why, how long, who sees it, how it goes."""

        def said(text: Text) -> str:
            return text.of(self.by.language)

        days = retention.periods()
        rows = [
            {
                "category": kept.category,
                "name": said(kept.name),
                "fields_kept": list(kept.fields),
                "purpose": said(kept.purpose),
                "basis": said(kept.basis),
                "seen_by": said(kept.seen_by),
                "days": days[kept.category],
                "since": said(kept.since),
                "ending": said(kept.ending),
            }
            for kept in REGISTER
        ]
        return Response({"results": rows})


class Category(Noun):
    @extend_schema(request=PeriodInput, responses={204: None}, operation_id="set_privacy_period")
    def put(self, request: HTTPRequest, category: str) -> Response:
        """Keep a category for the office's own number of days."""
        retention.set_period(category, self.read(PeriodInput)["days"], by=self.by, at=self.at)
        return Response(status=204)


class Retention(Noun):
    @extend_schema(responses=DueList, operation_id="read_privacy_retention")
    def get(self, request: HTTPRequest) -> Response:
        """What would be let go now; nothing is."""
        rows = [
            {"category": due.category, "days": due.days, "own": due.own, "count": due.count}
            for due in retention.report(at=self.at)
        ]
        return Response({"results": rows})


class PrivacyRequests(Noun):
    @extend_schema(
        parameters=[PrivacyRequestFilter], responses=PrivacyRequestPage, operation_id="list_privacy_requests"
    )
    def get(self, request: HTTPRequest) -> Response:
        """One's own requests, newest first; for the office all."""
        rows = requests.visible(self.by).filter(**self.query(PrivacyRequestFilter))
        return page(request, rows, ("-asked_at", "id"), rendered)

    @extend_schema(
        request=PrivacyRequestInput, responses={201: PrivacyRequestShape}, operation_id="ask_privacy_request"
    )
    def post(self, request: HTTPRequest) -> Response:
        """Ask to see, correct or erase one's own data; the office may note what somebody asked on paper."""
        values = self.read(PrivacyRequestInput)
        person = values.get("person") or UUID(str(self.by.person))

        def answer() -> Response:
            row = requests.ask(
                values["kind"],
                person,
                reason=values.get("reason", ""),
                wanted=values.get("wanted"),
                by=self.by,
                at=self.at,
            )
            return self.shown(rendered([row])[0], 201)

        return self.once(answer)


class OnePrivacyRequest(Noun):
    @extend_schema(responses=PrivacyRequestShape, operation_id="read_privacy_request")
    def get(self, request: HTTPRequest, key: UUID) -> Response:
        """One request."""
        row = requests.visible(self.by).filter(pk=key).first()
        if row is None:
            raise NotFound
        return self.shown(rendered([row])[0])

    @extend_schema(request=Settlement, responses=PrivacyRequestShape, operation_id="settle_privacy_request")
    def patch(self, request: HTTPRequest, key: UUID) -> Response:
        """Do what was asked, or refuse it with the reason."""
        values = self.read(Settlement)
        row = requests.settle(key, grant=values["grant"], answer=values.get("answer", ""), by=self.by, at=self.at)
        return self.shown(rendered([row])[0])


class Dossier(Noun):
    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT}, operation_id="read_privacy_dossier")
    def get(self, request: HTTPRequest, key: UUID) -> HttpResponse:
        """Everything about the person as one file, once access was granted."""
        return handed_out(key, by=self.by, at=self.at)


def handed_out(key: UUID, *, by: Caller, at: datetime) -> HttpResponse:
    """The file of a request that was granted, to be saved. Raises ``NotFound``, ``NotGranted``."""
    body = dumps(requests.hand_out(key, by=by, at=at))
    headers = {"Content-Disposition": 'attachment; filename="personal-data.json"', "Cache-Control": "no-store"}
    return HttpResponse(body, content_type="application/json", headers=headers)


urlpatterns = [
    path("privacy/register", Register.as_view(), name="privacy-register"),
    path("privacy/register/<slug:category>", Category.as_view(), name="privacy-category"),
    path("privacy/retention", Retention.as_view(), name="privacy-retention"),
    path("privacy/requests", PrivacyRequests.as_view(), name="privacy-requests"),
    path("privacy/requests/<uuid:key>", OnePrivacyRequest.as_view(), name="privacy-request"),
    path("privacy/requests/<uuid:key>/file", Dossier.as_view(), name="privacy-dossier"),
]
