"""Webhooks over REST: where events go, with a log of every delivery."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.issue_shapes import made
from api.pagination import page
from api.shapes import Flag, Strict, String
from api.views import Noun
from core.problems import NotFound
from inspections.documents import moment
from notifications import deliveries, endpoints
from notifications.events import SENT
from notifications.models import Delivery, Endpoint, Transport

KINDS = serializers.ListField(
    child=String(max_length=48), min_length=1, max_length=50, help_text=f"* or some of: {', '.join(sorted(SENT))}"
)


class WebhookInput(Strict):
    url = String(max_length=500)
    kinds = KINDS
    transport = serializers.ChoiceField(choices=Transport.choices, required=False)
    description = String(max_length=200, required=False, allow_blank=True)
    active = Flag(required=False)


class WebhookShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    transport = serializers.ChoiceField(choices=Transport.choices)
    url = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    description = serializers.CharField()
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)
    disabled_at = serializers.DateTimeField(allow_null=True)


class WebhookSecret(WebhookShape):
    secret = serializers.CharField(help_text="shown this once; signs as Standard Webhooks say")


class WebhookPage(serializers.Serializer[Any]):
    results = WebhookShape(many=True)
    next = serializers.CharField(allow_null=True)


DeliveryShape = made(
    "WebhookDelivery",
    {
        "id": serializers.UUIDField(),
        "event": serializers.CharField(),
        "kind": serializers.CharField(),
        "state": serializers.CharField(help_text="pending, delivered or dead"),
        "attempts": serializers.IntegerField(),
        "created_at": serializers.DateTimeField(),
        "next_at": serializers.DateTimeField(),
        "delivered_at": serializers.DateTimeField(allow_null=True),
        "last_status": serializers.IntegerField(allow_null=True),
        "last_error": serializers.CharField(allow_null=True),
        "payload": serializers.DictField(),
    },
)


class DeliveryPage(serializers.Serializer[Any]):
    results = DeliveryShape(many=True)
    next = serializers.CharField(allow_null=True)


class DeliveryFilter(Strict):
    state = serializers.RegexField("^(pending|delivered|dead)$", required=False)


def rendered(rows: Any) -> list[dict[str, Any]]:
    return [_one(row) for row in rows]


def _one(row: Endpoint) -> dict[str, Any]:
    return {
        "id": row.id,
        **{name: getattr(row, name) for name in endpoints.FIELDS},
        "created_at": moment(row.created_at),
        "failing_since": moment(row.failing_since),
        "disabled_at": moment(row.disabled_at),
    }


def _delivery(row: Delivery) -> dict[str, Any]:
    return {
        "id": row.id,
        "event": f"evt_{row.event}",
        "kind": row.kind,
        "state": row.state,
        "attempts": row.attempts,
        "created_at": moment(row.created_at),
        "next_at": moment(row.next_at),
        "delivered_at": moment(row.delivered_at),
        "last_status": row.last_status,
        "last_error": row.last_error or None,
        "payload": row.payload,
    }


class Webhooks(Noun):
    @extend_schema(responses=WebhookPage, operation_id="list_webhooks")
    def get(self, request: Request) -> Response:
        """Every endpoint, without its secret."""
        return page(request, Endpoint.objects.all(), ("created_at", "id"), rendered)

    @extend_schema(request=WebhookInput, responses={201: WebhookSecret}, operation_id="create_webhook")
    def post(self, request: Request) -> Response:
        """Enter an endpoint; the answer is the only one that holds its secret."""
        row = endpoints.create(self.read(WebhookInput), by=self.by, at=self.at)
        return Response(_one(row) | {"secret": row.secret}, status=201)


class OneWebhook(Noun):
    @extend_schema(responses=WebhookShape, operation_id="read_webhook")
    def get(self, request: Request, key: UUID) -> Response:
        """One endpoint."""
        return self.shown(_one(_endpoint(key)))

    @extend_schema(request=WebhookInput, responses=WebhookShape, operation_id="change_webhook")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change an endpoint, or switch it on again. Takes ``If-Match``."""
        self.match(_one(_endpoint(key)))
        return self.shown(_one(endpoints.change(key, self.read(WebhookInput, partial=True), by=self.by, at=self.at)))

    @extend_schema(responses={204: None}, operation_id="delete_webhook")
    def delete(self, request: Request, key: UUID) -> Response:
        """Forget an endpoint."""
        endpoints.remove(key, by=self.by, at=self.at)
        return Response(status=204)


class WebhookRotation(Noun):
    @extend_schema(request=None, responses=WebhookSecret, operation_id="rotate_webhook_secret")
    def post(self, request: Request, key: UUID) -> Response:
        """A new secret; the old one signs beside it for a day."""
        row = endpoints.rotate(key, by=self.by, at=self.at)
        return Response(_one(row) | {"secret": row.secret})


class WebhookPing(Noun):
    @extend_schema(request=None, responses={202: DeliveryShape}, operation_id="ping_webhook")
    def post(self, request: Request, key: UUID) -> Response:
        """Queue an event that says nothing."""
        return Response(_delivery(endpoints.ping(key, by=self.by, at=self.at)), status=202)


class WebhookDeliveries(Noun):
    @extend_schema(parameters=[DeliveryFilter], responses=DeliveryPage, operation_id="list_webhook_deliveries")
    def get(self, request: Request, key: UUID) -> Response:
        """What was sent to an endpoint, newest first."""
        rows = Delivery.objects.filter(endpoint=_endpoint(key), **self.query(DeliveryFilter))
        return page(request, rows, ("-created_at", "id"), lambda found: [_delivery(row) for row in found])


class WebhookReplay(Noun):
    @extend_schema(request=None, responses={202: DeliveryShape}, operation_id="replay_webhook_delivery")
    def post(self, request: Request, key: UUID, delivery: UUID) -> Response:
        """Send an event again under the same id."""
        if not Delivery.objects.filter(endpoint=_endpoint(key), pk=delivery).exists():
            raise NotFound
        return Response(_delivery(deliveries.replay(delivery, at=self.at)), status=202)


def _endpoint(key: UUID) -> Endpoint:
    row = Endpoint.objects.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


urlpatterns = [
    path("webhooks", Webhooks.as_view(), name="webhooks"),
    path("webhooks/<uuid:key>", OneWebhook.as_view(), name="webhook"),
    path("webhooks/<uuid:key>/secret", WebhookRotation.as_view(), name="webhook-secret"),
    path("webhooks/<uuid:key>/ping", WebhookPing.as_view(), name="webhook-ping"),
    path("webhooks/<uuid:key>/deliveries", WebhookDeliveries.as_view(), name="webhook-deliveries"),
    path("webhooks/<uuid:key>/deliveries/<uuid:delivery>/replay", WebhookReplay.as_view(), name="webhook-replay"),
]
