"""Deliveries: taken by lease, sent outside of any transaction, tried again for days, then given up."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q

from core.problems import NotFound
from core.tracing import named, request_id
from notifications import transports
from notifications.models import Delivery, Endpoint
from notifications.transports import Sent

log = logging.getLogger(__name__)
SCHEDULE = [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)] + [
    timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)
]
"""How long to wait after each failed attempt; after the last one the delivery is given up."""
LEASE = timedelta(minutes=2)
GIVE_UP_ON_ENDPOINT = timedelta(days=5)
BATCH = 20
PATIENCE = timedelta(minutes=1)
"""How long an endpoint that has just failed is left alone, lest its silence holds up everybody else's mail."""


def deliver(*, at: datetime) -> int:
    """Send what is due; gives how many attempts were made. Any number of workers may do this at once."""
    free = Q(leased_until=None) | Q(leased_until__lt=at)
    open_ones = Q(endpoint=None) | Q(endpoint__active=True)
    due = Delivery.objects.filter(free, open_ones, state="pending", next_at__lte=at).order_by("next_at")
    tried = 0
    for key in list(due.values_list("pk", flat=True)[:BATCH]):
        if Delivery.objects.filter(free, pk=key, state="pending", next_at__lte=at).update(leased_until=at + LEASE):
            delivery = Delivery.objects.select_related("endpoint").get(pk=key)
            with named(delivery.request or request_id.get()):
                _note(delivery, transports.send(delivery, at=at), at)
            tried += 1
    return tried


def _note(delivery: Delivery, sent: Sent, at: datetime) -> None:
    delivery.attempts += 1
    delivery.leased_until, delivery.last_status, delivery.last_error = None, sent.status, sent.error[:200]
    if sent.delivered:
        delivery.state, delivery.delivered_at = "delivered", at
    elif delivery.attempts > len(SCHEDULE):
        delivery.state = "dead"
    else:
        delivery.next_at = at + SCHEDULE[delivery.attempts - 1]
    delivery.save()
    log.info("delivery of %s %s", delivery.kind, delivery.state, extra={"told": {"delivery": str(delivery.pk)}})
    if delivery.endpoint_id is not None:
        _judge(delivery.endpoint_id, sent, at)


def _judge(endpoint: UUID, sent: Sent, at: datetime) -> None:
    """An endpoint that fails for days is switched off; 410 says so itself."""
    rows = Endpoint.objects.filter(pk=endpoint)
    if sent.delivered:
        rows.exclude(failing_since=None).update(failing_since=None)
        return
    rows.filter(failing_since=None).update(failing_since=at)
    waiting = Delivery.objects.filter(endpoint=endpoint, state="pending", attempts=0, next_at__lt=at + PATIENCE)
    waiting.update(next_at=at + PATIENCE)
    long_ago = Q(failing_since__lt=at - GIVE_UP_ON_ENDPOINT)
    gone = rows if sent.status == 410 else rows.filter(long_ago)
    gone.filter(active=True).update(active=False, disabled_at=at)


def replay(delivery: UUID, *, at: datetime) -> Delivery:
    """Send an event again, under the same id. Raises NotFound."""
    changed = Delivery.objects.filter(pk=delivery).update(state="pending", attempts=0, next_at=at, leased_until=None)
    if not changed:
        raise NotFound
    return Delivery.objects.get(pk=delivery)


def sweep(*, at: datetime, kept: timedelta = timedelta(days=90)) -> int:
    """Forget what was to be sent long ago, delivered or not."""
    count, _ = Delivery.objects.filter(created_at__lt=at - kept).delete()
    return count
