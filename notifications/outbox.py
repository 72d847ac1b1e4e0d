"""The outbox: the journal, read in order. What it tells is written in the transaction that moves the reader's position.

So every entry is told at least once and, by its id, at most once to each: messages to people, deliveries to endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import orjson
from django.conf import settings

from core.actors import SYSTEM
from core.texts import Text
from inspections.deadlines import local_day
from inspections.documents import moment
from inspections.models import ConferenceTask, Issue, Visit
from inspections.workflow import STATE_NAMES, State
from journal import journal, rows
from journal.models import Entry, Unit
from notifications import credentials
from notifications.events import ASSISTS, AUTHOR, CHARGED, LEAD, OFFICE, RED, REPORTER, SENT, TELLINGS, Telling
from notifications.models import Delivery, Endpoint, Message, Reader, Transport
from notifications.quiet import next_loud_moment
from organizations.models import Person
from organizations.permissions import live_assignments
from organizations.roles import Role

BATCH = 500
HEARD = SENT | TELLINGS.keys() | credentials.TITLES.keys()
STALE = timedelta(days=3)
NAMESPACE = UUID("2f3a6f9e-6f0c-5d3c-8f57-8c4f0a4b7c11")


def read(*, at: datetime) -> int:
    """Tell what the next entries of the journal have to say; gives how many entries were read."""
    known, _ = Reader.objects.get_or_create(id=1)
    if not Entry.objects.filter(version__gt=known.position).exists():
        return 0
    with journal.unit(by=SYSTEM, at=at):
        reader = Reader.objects.select_for_update().get(id=1)
        entries = _next_entries(reader.position)
        if not entries:
            return 0
        fresh = [entry for entry in entries if entry.verb in HEARD]
        fresh = [entry for entry in fresh if entry.at >= at - STALE]
        _tell(fresh, at)
        reader.position = entries[-1].version
        reader.save(update_fields=["position"])
        return len(entries)


def _next_entries(position: int) -> list[Entry]:
    """Whole units after a position, of about a batch of entries."""
    found = list(Entry.objects.filter(version__gt=position).order_by("version", "id")[:BATCH])
    if len(found) == BATCH:
        rest = Entry.objects.filter(version=found[-1].version, id__gt=found[-1].id).order_by("id")
        found += list(rest)
    return found


@dataclass(slots=True)
class _Audience:
    """Who holds which desk today."""

    leads: dict[str, set[UUID]]
    office: set[UUID]

    @classmethod
    def today(cls, at: datetime) -> _Audience:
        leads: dict[str, set[UUID]] = {}
        office: set[UUID] = set()
        held = live_assignments(local_day(at)).filter(
            role__in=(Role.HANDLER, Role.TOWN_OFFICER, Role.OFFICE), person__is_active=True
        )
        columns = ("role", "department__code", "region__code", "person")
        people: Iterable[tuple[str, str | None, str | None, UUID]] = held.values_list(*columns)
        for role, department, region, person in people:
            if role == Role.OFFICE:
                office.add(person)
            else:
                leads.setdefault(department or region or "", set()).add(person)
        return cls(leads | {"OFFICE": leads.get("OFFICE", set()) | office}, office)

    def of(self, telling: Telling, issue: Issue, task: ConferenceTask | None) -> set[UUID]:
        found: set[UUID] = set()
        for circle in telling.to:
            if circle == LEAD:
                found |= self.leads.get(issue.lead_code, set())
            elif circle == ASSISTS:
                found.update(*(self.leads.get(code, set()) for code in issue.assists))
            elif circle == CHARGED and task is not None:
                found |= self.leads.get(task.department.code, set())
            elif circle == OFFICE:
                found |= self.office
            elif circle == REPORTER and issue.reporter_id:
                found.add(issue.reporter_id)
        return found


def _tell(entries: list[Entry], at: datetime) -> None:
    changes = {entry.id: orjson.loads(entry.changes) for entry in entries}
    subjects = {entry.id: _issue_of(entry, changes[entry.id]) for entry in entries}
    issues = Issue.objects.select_related("category", "enterprise", "region").in_bulk(
        {one for one in subjects.values() if one}
    )
    visits = Visit.objects.in_bulk(_named(entries, "visits"))
    tasks = ConferenceTask.objects.select_related("department").in_bulk(_named(entries, "conference_tasks"))
    audience, endpoints = _Audience.today(at), list(Endpoint.objects.filter(active=True))
    requests = _requests(entries)
    messages: list[Message] = []
    deliveries: list[Delivery] = []
    mails: list[Delivery] = []
    for entry in entries:
        issue = issues.get(subjects[entry.id]) if subjects[entry.id] else None
        if issue is not None:
            task, telling = tasks.get(entry.record), TELLINGS.get(entry.verb)
            if entry.verb == "issue.warned" and issue.colour == "red":
                telling = RED
            if telling is not None:
                people = audience.of(telling, issue, task) - {entry.person}
                told = [_message(entry, person, telling.title, issue, task) for person in sorted(people)]
                messages += told
                mailed = [_mail(one, telling.title, issue, task, at) for one in told if telling.mailed]
                mails += _caused(mailed, requests[entry.version])
            wanted = [_delivery(entry, issue, task, one, at) for one in endpoints if _wants(one, entry.verb)]
            deliveries += _caused(wanted, requests[entry.version])
        elif (
            entry.collection == "visits"
            and (visit := visits.get(entry.record)) is not None
            and AUTHOR in TELLINGS[entry.verb].to
        ):
            messages.append(_visit_message(entry, visit))
    accounts = credentials.messages(entries, namespace=NAMESPACE)
    messages += accounts
    mails += [_account_mail(one, at) for one in accounts]
    _post(messages)
    _send_out(deliveries + _addressed(mails), at)


def _send_out(deliveries: list[Delivery], at: datetime) -> None:
    """Put them into the outbox, each once."""
    columns = (
        "id", "endpoint_id", "person_id", "event", "kind", "payload", "state", "attempts", "created_at", "next_at", "last_error",
        "request",
    )  # fmt: skip
    rows.insert(
        Delivery,
        columns,
        [
            (d.id, d.endpoint_id, d.person_id, d.event, d.kind, d.payload, d.state, 0, at, d.next_at, "", d.request)
            for d in deliveries
        ],
        ignore=True,
    )


def _caused(deliveries: list[Delivery], request: str) -> list[Delivery]:
    for delivery in deliveries:
        delivery.request = request
    return deliveries


def _requests(entries: list[Entry]) -> dict[int, str]:
    """By position, the name of the request that wrote it."""
    return dict(Unit.objects.filter(version__in={entry.version for entry in entries}).values_list("version", "request"))


def _named(entries: list[Entry], collection: str) -> list[UUID]:
    return [entry.record for entry in entries if entry.collection == collection]


def _addressed(mails: list[Delivery]) -> list[Delivery]:
    """The mails of those who have an address, if the installation sends any; one query."""
    if not mails or not settings.EMAIL_HOST:
        return []
    people = Person.objects.filter(pk__in={mail.person_id for mail in mails}, is_active=True).exclude(email="")
    addresses: dict[UUID | None, str] = dict(people.values_list("pk", "email"))
    sendable = [mail for mail in mails if mail.person_id in addresses]
    for mail in sendable:
        mail.payload["address"] = addresses[mail.person_id]
    return sendable


def _issue_of(entry: Entry, changes: Mapping[str, Any]) -> UUID | None:
    if entry.collection == "issues":
        return entry.record
    told = changes.get("issue")
    return UUID(told[1]) if entry.collection in ("issue_actions", "conference_tasks") and told else None


def _wants(endpoint: Endpoint, verb: str) -> bool:
    return verb in SENT and ("*" in endpoint.kinds or verb in endpoint.kinds)


def _message(entry: Entry, person: UUID, title: Text, issue: Issue, task: ConferenceTask | None) -> Message:
    where = (
        Text("保密问题", "confidential") if issue.confidential else Text(issue.enterprise.name, issue.enterprise.name)
    )
    body = Text("{where} · {category} · {state} · 期限 {due}", "{where} · {category} · {state} · due {due}").fill(
        where=where,
        category=Text(issue.category.name, issue.category.name_en or issue.category.name),
        state=STATE_NAMES[State(issue.state)],
        due=_due(issue, task),
    )
    return Message(
        id=uuid5(NAMESPACE, f"{entry.id}/{person}"), person_id=person, kind=entry.verb, title=_both(title), body=_both(body),
        issue=issue.id, at=entry.at,
    )  # fmt: skip


def _due(issue: Issue, task: ConferenceTask | None) -> str:
    return task.due.isoformat() if task else (moment(issue.due) or "—")[:16].replace("T", " ")


def _mail(message: Message, title: Text, issue: Issue, task: ConferenceTask | None, at: datetime) -> Delivery:
    """A message as a mail, by day: it leaves the network, so it says no more than the kind of thing and where to look."""
    text = f"{title} {title.en}\n{_words(issue, task)}\n编号 {issue.id}\n\n{settings.PUBLIC_URL}"
    return Delivery(
        id=uuid5(message.id, "mail"),
        person_id=message.person_id,
        event=message.id,
        kind=message.kind,
        payload={"subject": f"三员通:{title}", "text": text},
        state="pending",
        next_at=next_loud_moment(at),
    )


def _account_mail(message: Message, at: datetime) -> Delivery:
    """To whoever may be the victim of somebody at their account, so at any hour."""
    title, body = message.title, message.body
    text = f"{title['zh']} {title['en']}\n{body['zh']}\n{body['en']}\n\n{settings.PUBLIC_URL}"
    return Delivery(
        id=uuid5(message.id, "mail"), person_id=message.person_id, event=message.id, kind=message.kind,
        payload={"subject": f"三员通:{title['zh']}", "text": text}, state="pending", next_at=at,
    )  # fmt: skip


def _words(issue: Issue, task: ConferenceTask | None) -> str:
    """Category, town and due time; of a confidential issue not the town."""
    where = "保密问题" if issue.confidential else issue.region.name
    return f"{issue.category.name} · {where} · 期限 {_due(issue, task)}"


def _visit_message(entry: Entry, visit: Visit) -> Message:
    comment = Text(visit.review_comment, visit.review_comment)
    return Message(
        id=uuid5(NAMESPACE, f"{entry.id}/{visit.author_id}"), person_id=visit.author_id, kind=entry.verb,
        title=_both(TELLINGS[entry.verb].title), body=_both(comment), visit=visit.id, at=entry.at,
    )  # fmt: skip


def _both(text: Text) -> dict[str, str]:
    return {"zh": str(text), "en": text.en}


def _post(messages: list[Message]) -> None:
    names = ("id", "person_id", "kind", "title", "body", "issue", "visit", "at", "read_at")
    rows.insert(Message, names, [tuple(getattr(one, name) for name in names) for one in messages], ignore=True)
    journal.record([told(one, "message.sent") for one in messages])


def told(message: Message, verb: str) -> journal.Change:
    """The journal's entry of a message: it lives in its reader's scope."""
    document = {
        "kind": message.kind,
        "title": message.title["zh"],
        "title_en": message.title["en"],
        "body": message.body["zh"],
        "body_en": message.body["en"],
        "issue": str(message.issue) if message.issue else None,
        "visit": str(message.visit) if message.visit else None,
        "at": moment(message.at),
        "read_at": moment(message.read_at),
    }
    changes = {"read_at": [None, moment(message.read_at)]} if message.read_at else {"kind": [None, message.kind]}
    return journal.Change(verb, "messages", message.id, changes, journal.user_scope(message.person_id), document)


def _delivery(entry: Entry, issue: Issue, task: ConferenceTask | None, endpoint: Endpoint, at: datetime) -> Delivery:
    event = uuid5(NAMESPACE, f"{entry.id}")
    robot = endpoint.transport == Transport.WECOM
    told = _line(entry.verb, issue, task) if robot else payload(entry, issue, task)
    return Delivery(
        endpoint=endpoint, event=event, kind=entry.verb, payload=told, state="pending",
        next_at=next_loud_moment(at) if robot else at,
    )  # fmt: skip


def payload(entry: Entry, issue: Issue, task: ConferenceTask | None = None) -> dict[str, Any]:
    """What another system is told: codes and times, nothing that anybody wrote and nobody's name."""
    told = {
        "issue": str(issue.id),
        "state": issue.state,
        "category": issue.category_id,
        "region": issue.region.code,
        "enterprise": None if issue.confidential else str(issue.enterprise_id),
        "lead": issue.lead_code or None,
        "assists": issue.assists,
        "deadline_class": issue.deadline_class_id,
        "due": moment(issue.due),
        "colour": issue.colour,
        "round": issue.round,
    }
    if task is not None:
        told["task"] = {"id": str(task.id), "department": task.department.code, "due": task.due.isoformat()}
    return {"type": entry.verb, "timestamp": moment(entry.at), "data": told}


def _line(verb: str, issue: Issue, task: ConferenceTask | None) -> dict[str, str]:
    """One line for a group of people; its end tells two lines about one thing from one line sent twice."""
    title = TELLINGS[verb].title if verb in TELLINGS else Text("新上报", "Submitted")
    return {"text": f"**{title}** {_words(issue, task)} · {str(issue.id)[-6:]}"}
