"""The three calls of the sync protocol. Plain views: the hottest paths of the house go without a serializer."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from threading import Lock
from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from api import compression, parsing
from api.doors import door
from api.operations import OPERATIONS
from core.problems import Invalid, Malformed
from core.texts import Text
from journal import counter
from organizations.permissions import Caller
from sync import cursors, envelope, verify
from sync.problems import MOST_BYTES, BatchTooLarge
from sync.pull import MOST_ROWS
from sync.pull import pull as pull_page
from sync.push import push as push_batch

DEFAULT_ROWS = 500
KEY = settings.SECRET_KEY.encode()
LANE = Lock()
"""A push is work for the processor, of which a process of Python uses one: two at once only pass the interpreter to and fro, each
while it holds the feed. One after the other they took a tenth less of it, and the slowest waited less."""


@door("POST")
def push(request: HttpRequest, by: Caller, at: datetime) -> HttpResponse:
    """Apply a batch of mutations, each exactly once."""
    body = compression.body(request, most=MOST_BYTES, too_large=BatchTooLarge())
    with LANE:
        answer = push_batch(envelope.read(body), by=by, at=at, operations=OPERATIONS)
    return compression.answer(request, answer)


@door("GET")
def pull(request: HttpRequest, by: Caller, at: datetime) -> HttpResponse:
    """The next page of what this device has not seen."""
    page = pull_page(
        by=by,
        owner=_device(by),
        cursor=_sealed_anew(request.GET.get("cursor"), _device(by)),
        limit=_limit(request.GET.get("limit")),
        scope=request.GET.get("scope"),
        key=KEY,
        at=at,
        seen=counter.feed_of(by.feed) if by.feed else None,
    )
    return compression.answer(request, page)


@door("POST")
def verify_mirror(request: HttpRequest, by: Caller, at: datetime) -> HttpResponse:
    """Whether this device holds exactly the live records of its scopes."""
    document = parsing.loads(compression.body(request, most=MOST_BYTES, too_large=BatchTooLarge()))
    if not isinstance(document, dict) or not isinstance(document.get("cursor"), str):
        raise Invalid.at("/cursor", "required", Text("请提供拉取完成时的游标", "Give the cursor of the completed pull"))
    told = verify.verify(
        by=by,
        owner=_device(by),
        cursor=_sealed_anew(document["cursor"], _device(by)),
        claimed=verify.claims(document.get("scopes", {})),
        key=KEY,
    )
    return compression.answer(request, orjson.dumps(told))


def _device(by: Caller) -> UUID:
    assert by.device is not None
    return by.device


def _sealed_anew(cursor: Any, owner: UUID) -> Any:
    """A cursor from before the server's key was replaced, under the present key; any other as it is."""
    for former in settings.SECRET_KEY_FALLBACKS if isinstance(cursor, str) else ():
        with suppress(cursors.BadCursor):
            state = cursors.unseal(cursor, owner=owner, key=former.encode())
            return cursors.seal(state, owner=owner, key=KEY)
    return cursor


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_ROWS
    if not text.isascii() or not text.isdigit() or int(text[:9]) == 0:
        raise Malformed(Text("limit 应为正整数", "limit must be a positive whole number"))
    return min(int(text[:9]), MOST_ROWS)


urlpatterns = [
    path("sync/push", push, name="sync-push"),
    path("sync/pull", pull, name="sync-pull"),
    path("sync/verify", verify_mirror, name="sync-verify"),
]
