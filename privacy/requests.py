"""What people may ask about their own data, and what the office does about it. Each step is in the audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from core.actors import Actor
from core.problems import Conflict, Fault, Invalid, NotFound
from core.texts import Text
from journal import journal
from organizations import people
from organizations.models import Person
from organizations.permissions import Caller, Subject, permit, scope
from privacy import dossiers, erasure
from privacy.models import Kind, Request, RequestState

DAYS_TO_ANSWER: Final = 15
CORRECTABLE: Final = ("name", "phone", "email")


class AlreadySettled(Conflict):
    """The request was settled before."""

    kind = "request-settled"
    title = Text("该申请已办结", "This request has been settled")


class NotGranted(Conflict):
    """There is nothing to hand out: the request is not one for access, or was not granted."""

    kind = "request-not-granted"
    title = Text("该申请不是查阅申请,或尚未同意", "This is no request for access, or it was not granted")


def ask(
    kind: str, person: UUID, *, reason: str = "", wanted: Mapping[str, str] | None = None, by: Actor, at: datetime
) -> Request:
    """Somebody asks for themselves, or the office notes what they asked on paper. Raises ``Forbidden``, ``NotFound``, ``Invalid``."""
    wanted = dict(wanted or {})
    with journal.unit(by=by, at=at):
        permit(by, "privacy.request", Subject(owner=person))
        if not Person.objects.filter(pk=person).exclude(username__startswith=erasure.MARK).exists():
            raise NotFound
        if faults := _faults(kind, wanted):
            raise Invalid(errors=faults)
        due = timezone.localdate(at) + timedelta(days=DAYS_TO_ANSWER)
        row = Request.objects.create(
            kind=kind, person_id=person, reason=reason, wanted=wanted, asked_at=at, asked_by=by.person, due_on=due
        )
        told = {"kind": [None, kind], "person": [None, str(person)], "fields": [None, sorted(wanted)]}
        journal.record([journal.Change("privacy.asked", "privacy_requests", row.pk, told)])
    return row


def settle(key: UUID, *, grant: bool, answer: str, by: Actor, at: datetime) -> Request:
    """The office does what was asked, or says why not. Raises ``Forbidden``, ``NotFound``, ``AlreadySettled``, ``Invalid``."""
    with journal.unit(by=by, at=at):
        row = Request.objects.select_for_update().filter(pk=key).first()
        if row is None:
            raise NotFound
        permit(by, "privacy.settle")
        if row.state != RequestState.OPEN:
            raise AlreadySettled(state=row.state)
        if not grant and not answer.strip():
            raise Invalid.at("/answer", "required", Text("不予办理须说明理由", "A refusal needs its reason"))
        if grant:
            _carry_out(row, by, at)
        row.state = RequestState.GRANTED if grant else RequestState.REFUSED
        row.answer, row.settled_at, row.settled_by = answer, at, by.person
        row.save(update_fields=["state", "answer", "settled_at", "settled_by"])
        told = {"state": [RequestState.OPEN.value, row.state.value]}
        journal.record([journal.Change("privacy.settled", "privacy_requests", row.pk, told)])
    return row


def hand_out(key: UUID, *, by: Caller, at: datetime) -> dict[str, Any]:
    """Everything about the person, once access was granted; that it was handed out is noted. Raises ``NotFound``, ``NotGranted``."""
    with journal.unit(by=by, at=at):
        row = visible(by).filter(pk=key).first()
        if row is None:
            raise NotFound
        if row.kind != Kind.ACCESS or row.state != RequestState.GRANTED:
            raise NotGranted
        told = {"person": [None, str(row.person_id)]}
        journal.record([journal.Change("privacy.handed_out", "privacy_requests", row.pk, told)])
        return dossiers.compile_for(row.person_id)


def visible(by: Caller) -> QuerySet[Request]:
    """One's own requests; for the office all."""
    return Request.objects.filter(scope(by, "privacy.request", enterprise=None, owner="person"))


def _carry_out(row: Request, by: Actor, at: datetime) -> None:
    if row.kind == Kind.ERASURE:
        erasure.erase(row.person_id, by=by, at=at)
        Request.objects.filter(person=row.person_id).exclude(wanted={}).update(wanted={})
        row.wanted = {}
    elif row.kind == Kind.CORRECTION:
        people.change(row.person_id, row.wanted, by=by, at=at)


def _faults(kind: str, wanted: Mapping[str, str]) -> list[Fault]:
    if kind != Kind.CORRECTION:
        unknown = Text("只有更正申请才有更正内容", "Only a correction has wanted values")
        return [Fault(f"/wanted/{name}", "unknown", unknown) for name in wanted]
    if not wanted:
        return [Fault("/wanted", "required", Text("请填写更正内容", "Say what is to be corrected"))]
    detail = Text("只能更正姓名、电话、邮箱", "Only name, phone and email can be corrected")
    return [Fault(f"/wanted/{name}", "unknown", detail) for name in wanted if name not in CORRECTABLE]
