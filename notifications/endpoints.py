"""Endpoints that events are sent to: entered, changed, their secrets rotated."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_bytes
from typing import Any
from uuid import UUID, uuid4

from core.actors import Actor
from core.ids import uuid7
from core.problems import Fault, Invalid, NotFound
from core.texts import Text
from journal import journal
from notifications import addresses, transports
from notifications.events import SENT
from notifications.models import Delivery, Endpoint
from organizations.permissions import permit

FIELDS = ("transport", "url", "kinds", "description", "active")
OVERLAP = timedelta(hours=24)


def create(values: Mapping[str, Any], *, by: Actor, at: datetime) -> Endpoint:
    """A new endpoint with a secret of our making. Raises Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "webhook.write")
        _check(values)
        row = Endpoint(id=uuid7(), secret=_secret(), created_at=at, **values)
        row.save(force_insert=True)
        _note("webhook.created", row, {name: [None, getattr(row, name)] for name in FIELDS})
        return row


def change(key: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> Endpoint:
    """Change an endpoint; switched on again, it starts with a clean slate. Raises NotFound, Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        row = _locked(key, by)
        _check(values)
        changed = {name: [getattr(row, name), value] for name, value in values.items() if getattr(row, name) != value}
        for name in changed:
            setattr(row, name, values[name])
        if "active" in changed and row.active:
            row.failing_since = row.disabled_at = None
        row.save()
        _note("webhook.changed", row, changed)
        return row


def rotate(key: UUID, *, by: Actor, at: datetime) -> Endpoint:
    """A new secret; for a day both sign. Raises NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        row = _locked(key, by)
        row.old_secret, row.old_secret_until, row.secret = row.secret, at + OVERLAP, _secret()
        row.save()
        _note("webhook.secret_rotated", row, {})
        return row


def remove(key: UUID, *, by: Actor, at: datetime) -> None:
    """Forget an endpoint and what was sent to it. Raises NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        row = _locked(key, by)
        _note("webhook.removed", row, {"url": [row.url, None]})
        row.delete()


def ping(key: UUID, *, by: Actor, at: datetime) -> Delivery:
    """Queue an event that says nothing, to try an endpoint. Raises NotFound, Forbidden."""
    permit(by, "webhook.write")
    row = Endpoint.objects.filter(pk=key).first()
    if row is None:
        raise NotFound
    told = {"type": "ping", "timestamp": at.isoformat(), "data": {}, "text": "三员通:连接测试 ping"}
    return Delivery.objects.create(endpoint=row, event=uuid4(), kind="ping", payload=told, created_at=at, next_at=at)


def _locked(key: UUID, by: Actor) -> Endpoint:
    permit(by, "webhook.write")
    row = Endpoint.objects.select_for_update().filter(pk=key).first()
    if row is None:
        raise NotFound
    return row


def _check(values: Mapping[str, Any]) -> None:
    strange = [
        Fault(f"/kinds/{at}", "unknown", Text("没有此事件", "There is no such event"))
        for at, kind in enumerate(values.get("kinds", ()))
        if kind != "*" and kind not in SENT
    ]
    if "url" in values:
        try:
            addresses.check(values["url"], transports.allowed_networks())
        except Invalid as problem:
            strange += problem.errors
    if strange:
        raise Invalid(errors=strange)


def _secret() -> str:
    return "whsec_" + base64.b64encode(token_bytes(32)).decode()


def _note(verb: str, row: Endpoint, changed: dict[str, Any]) -> None:
    journal.record([journal.Change(verb, "webhooks", row.id, changed)])
