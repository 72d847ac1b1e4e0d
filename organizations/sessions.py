"""Sessions: a sign-in at a device, the refresh tokens that descend from it, and how it all ends.

A refresh token rotates once: the request that sets ``used_at`` makes the successor. Shown again by a phone that
lost the answer, it gives the same successor; shown after that successor was used, somebody has a copy, and the
session is over. Everything is looked up anew at each request, so ending a session, switching a person off or
revoking a device works at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from core.actors import Actor
from core.problems import NotFound, Problem
from core.texts import Text
from journal import counter, journal
from journal.models import Feed
from journal.prepared import Statement, table
from organizations import consoles
from organizations.models import Device, Person, RefreshToken, Session

LONGEST = timedelta(days=180)
"""How long tokens are renewed; then somebody shows their password again. What a phone holds stays on it meanwhile."""
MOST = 200
"""Live sessions of one person; the next sign-in ends the oldest."""


class SessionEnded(Problem):
    """The token is no longer good; sign in again."""

    kind = "session-ended"
    status = 401
    title = Text("登录已失效，请重新登录", "The session has ended, please sign in again")


class DeviceRevoked(Problem):
    """The device was signed off: it empties itself."""

    kind = "device-revoked"
    status = 401
    title = Text("该设备已被注销", "This device has been revoked")

    def __init__(self) -> None:
        super().__init__(wipe=True)


@dataclass(frozen=True, slots=True)
class Issued:
    """A refresh token handed out, with whom and what it is bound to."""

    token: RefreshToken
    session: UUID
    device: Device
    person: Person


@dataclass(frozen=True, slots=True)
class Live:
    """A session that is good right now; ``feed`` are the columns of the feed row at the same instant, if there is one."""

    session: UUID
    device: UUID
    person: UUID
    name: str
    language: str
    feed: tuple[Any, ...] | None


def begin(person: Person, device: Device, *, at: datetime, lifetime: timedelta) -> Issued:
    """Open a session for a person known by password or by enrollment code."""
    by = Actor(person=person.id, device=device.id, language=person.language)
    with journal.unit(by=by, at=at):
        _make_room(person.id, by=by, at=at)
        session = Session.objects.create(device=device, started_at=at)
        token = RefreshToken.objects.create(session=session, issued_at=at, expires_at=at + lifetime)
        told = {"device": [None, str(device.id)]}
        journal.record([journal.Change("session.begun", "sessions", session.id, told, by=by)])
    return Issued(token, session.id, device, person)


def rotate(jti: UUID, *, at: datetime, lifetime: timedelta, device: UUID | None = None) -> Issued:
    """The successor of a refresh token: one, however many ask at once.

    ``device`` is the phone that asks, if it said so; a token shown by another phone than its own is a copy, and the
    session is over. Raises ``SessionEnded``, ``DeviceRevoked``.
    """
    with transaction.atomic():
        token = RefreshToken.objects.select_related("session__device__person").filter(pk=jti).first()
        if token is None:
            raise SessionEnded
        _refuse_dead(token, at)
        own = device in (None, token.session.device_id, token.session.device.hardware)
        if own and RefreshToken.objects.filter(pk=jti, used_at=None).update(used_at=at):
            expires = min(at + lifetime, token.session.started_at + LONGEST)
            successor = RefreshToken.objects.create(session=token.session, issued_at=at, expires_at=expires)
            RefreshToken.objects.filter(pk=jti).update(successor=successor)
            Device.objects.filter(pk=token.session.device_id).update(last_seen_at=at)
            return _issued(token, successor)
        followed = RefreshToken.objects.select_related("successor").get(pk=jti).successor
        if own and followed is not None and followed.used_at is None:
            return _issued(token, followed)
    end(token.session_id, reason="reuse" if own else "copied", by=Actor(person=token.session.device.person_id), at=at)
    raise SessionEnded


def live(session: UUID) -> Live:
    """The session as it stands, in one plain query, for every request asks. Raises ``SessionEnded``, ``DeviceRevoked``."""
    native = connection.features.has_native_uuid_field
    row = _LIVE.first(session if native else session.hex)
    if row is None:
        raise SessionEnded
    ended, wiped, active, device, person, name, language, *feed = row
    if wiped is not None:
        raise DeviceRevoked
    if ended is not None or not active:
        raise SessionEnded
    if not native:
        device, person = UUID(device), UUID(person)
    return Live(session, device, person, name, language, None if feed[0] is None else tuple(feed))


_LIVE = Statement(
    "live_session",
    "SELECT s.revoked_at, d.revoked_at, p.is_active, d.id, p.id, p.name, p.language, "
    + ", ".join(f"f.{name}" for name in counter.COLUMNS)
    + f" FROM {table(Session)} s JOIN {table(Device)} d ON d.id = s.device_id JOIN {table(Person)} p ON p.id = d.person_id "
    f"LEFT JOIN {table(Feed)} f ON f.id = 1 WHERE s.id = %s",
)
"""The session, and the feed with it: nearly every phone that asks has seen everything, and then this was the only query."""


def end(session: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """End one session; ending an ended one does nothing."""
    _end(Q(pk=session), reason=reason, by=by, at=at)


def end_all(
    person: UUID, *, reason: str, by: Actor, at: datetime, device: UUID | None = None, keep: UUID | None = None
) -> None:
    """End every session of a person, at phones and at the console, but ``keep``; or those at one device."""
    with journal.unit(by=by, at=at):
        _end(Q(device=device) if device else Q(device__person=person) & ~Q(pk=keep), reason=reason, by=by, at=at)
        if device is None:
            consoles.end_all(person, reason=reason, by=by, at=at, keep=keep)


def end_chosen(person: UUID, chosen: Collection[UUID], *, by: Actor, at: datetime) -> None:
    """End some of a person's own sessions, at phones or at the console. Raises ``NotFound`` if one is not theirs."""
    with journal.unit(by=by, at=at):
        phones = set(open_of(person, at=at).values_list("pk", flat=True)) & set(chosen)
        desks = set(consoles.live(person, at=at).values_list("pk", flat=True)) & set(chosen)
        if phones | desks != set(chosen):
            raise NotFound
        _end(Q(pk__in=phones), reason="chosen", by=by, at=at)
        consoles.end(desks, reason="chosen", by=by, at=at)


def open_of(person: UUID, *, at: datetime) -> QuerySet[Any]:
    """The sessions at phones that a person could go on with, the oldest first; ``renewed_at`` says when they last did."""
    unused = RefreshToken.objects.filter(session=OuterRef("pk"), used_at=None, expires_at__gt=at)
    found = Session.objects.filter(Exists(unused), device__person=person, revoked_at=None, device__revoked_at=None)
    return found.annotate(renewed_at=Max("tokens__issued_at")).order_by("started_at", "pk")


def _make_room(person: UUID, *, by: Actor, at: datetime) -> None:
    oldest = list(open_of(person, at=at).values_list("pk", flat=True))[: -(MOST - 1)]
    if oldest:
        _end(Q(pk__in=oldest), reason="too many", by=by, at=at)


def sweep(*, at: datetime, kept: timedelta = timedelta(days=30)) -> int:
    """Forget sessions all of whose tokens expired long ago; gives how many rows went."""
    stale = Session.objects.exclude(tokens__expires_at__gt=at - kept).filter(started_at__lt=at - kept)
    return stale.delete()[0]


def _end(where: Q, *, reason: str, by: Actor, at: datetime) -> None:
    with journal.unit(by=by, at=at):
        ended = list(Session.objects.filter(where, revoked_at=None).values_list("pk", flat=True))
        Session.objects.filter(pk__in=ended).update(revoked_at=at, reason=reason)
        journal.record([journal.Change("session.ended", "sessions", key, {"reason": [None, reason]}) for key in ended])


def _refuse_dead(token: RefreshToken, at: datetime) -> None:
    device = token.session.device
    if device.revoked_at is not None:
        raise DeviceRevoked
    if token.session.revoked_at is not None or token.expires_at <= at or not device.person.is_active:
        raise SessionEnded


def _issued(token: RefreshToken, successor: RefreshToken) -> Issued:
    device = token.session.device
    return Issued(successor, token.session_id, device, device.person)
