"""Other systems that report issues through us (12345, 12351 …): each has a code, and a key of which we keep the digest."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.actors import SYSTEM, Actor
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Invalid, NotFound
from core.texts import Text
from inspections import issues
from inspections.models import Issue
from inspections.rulebook import Channel
from journal import journal
from organizations.models import Enterprise
from organizations.permissions import permit


def create(code: str, name: str, *, by: Actor, at: datetime) -> tuple[Channel, str]:
    """A new channel and its key, told this once. Raises Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "channel.write")
        if Channel.objects.filter(code=code).exists():
            raise Invalid.at("/code", "taken", Text("该渠道已存在", "This channel exists already"))
        key = token_urlsafe(32)
        row = Channel(id=uuid7(), code=code, name=name, digest=_digest(key), created_at=at)
        row.save(force_insert=True)
        journal.record([journal.Change("channel.created", "channels", row.id, {"code": [None, code]})])
        return row, key


def end(channel: UUID, *, by: Actor, at: datetime) -> None:
    """From now on its key opens nothing; its issues stay. Raises NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "channel.write")
        if not Channel.objects.filter(pk=channel, active=True).update(active=False):
            raise NotFound
        journal.record([journal.Change("channel.ended", "channels", channel, {"active": [True, False]})])


def known_by(key: str) -> Channel | None:
    """The channel that a key belongs to."""
    digest = _digest(key)
    row = Channel.objects.filter(digest=digest, active=True).first()
    return row if row is not None and hmac.compare_digest(row.digest, digest) else None


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()


def report(channel: Channel, values: Mapping[str, Any], *, at: datetime) -> Issue:
    """An issue of a channel, routed at once; a case reported before answers the issue it became.

    ``values``: category, description, uscc of the enterprise, case_no. Nobody's name is taken. Raises Invalid.
    """
    with journal.unit(by=SYSTEM, at=at):
        case_no = str(values.get("case_no") or "")
        if case_no and (known := reported(channel).filter(external_case_no=case_no).first()) is not None:
            return known
        enterprise = Enterprise.objects.filter(uscc=str(values.get("uscc") or "").upper(), active=True).first()
        if enterprise is None:
            detail = Text("没有此信用代码的企业", "No enterprise has this credit code")
            raise Invalid.at("/attribute/uscc", "unknown", detail)
        told = {
            "enterprise": str(enterprise.id),
            "category": values.get("category"),
            "description": values.get("description"),
            "external_channel": channel.code,
            "external_case_no": case_no or None,
        }
        return issues.submit(Draft(uuid7(), told), by=SYSTEM, at=at)


def reported(channel: Channel) -> QuerySet[Issue]:
    """What a channel has reported itself; all that it may read."""
    return Issue.objects.filter(external_channel=channel.code, reporter=None)
