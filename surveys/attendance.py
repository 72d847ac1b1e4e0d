"""Who was at the visits that count, kept as rows while visits and their forms come in.

A visit counts when it is on site, checked in, submitted, not dated ahead of its coming, and has a submitted form
(``domain.md`` §4). Whether it has one would be two million questions in a year's report; so the answer is written down
when a form is submitted, and again when its visit is edited or sent back. Visits are a table further up: what is known of
one here is its document. ``inspections.copies`` holds these rows against visits and forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import Q

from core.ids import BY_NUMBER, parsed
from journal import journal, rows
from journal.heads import Key
from surveys.models import Attendance, Response

SUBMITTED = ("submitted", "accepted")
"""The statuses of visits and of forms that count."""
AHEAD = timedelta(days=1)
"""How far a phone's clock may be ahead of ours."""
COLUMNS = ("visit", "person", "enterprise", "began")
Document = Mapping[str, Any]


class Presence(NamedTuple):
    """A row of :class:`Attendance` that is to be."""

    visit: UUID
    person: UUID
    enterprise: UUID
    began: datetime


def key(visit: UUID) -> Key:
    return "visits", visit


def countable() -> Q:
    """What a visit must be to count, as far as its own columns say."""
    return Q(mode="on_site", status__in=SUBMITTED, check_in__isnull=False)


def of(visit: UUID, told: Document | None) -> list[Presence]:
    """Who is counted for a visit with this document, once it has a form; nobody where the visit does not count, or is gone."""
    if told is None or told.get("status") not in SUBMITTED or told["mode"] != "on_site" or told["check_in"] is None:
        return []
    received = told["submitted_at"]
    began = datetime.fromisoformat(told["started_at"])
    if datetime.fromisoformat(received) < began - AHEAD:
        return []
    people = {parsed(told["author"]), *map(parsed, told["participants"])}
    return [Presence(visit, person, parsed(told["enterprise"]), began) for person in sorted(people, key=BY_NUMBER)]


def formed(responses: Iterable[Response]) -> None:
    """These responses were written: the visits of the submitted ones have a form. The visits' heads should be fetched."""
    visits = {row.visit for row in responses if row.visit is not None and row.status in SUBMITTED}
    counted = journal.looked_up("attendance")
    first: list[Presence] = []
    again: list[Presence] = []
    for visit in sorted(visits, key=BY_NUMBER):
        made_here = not journal.head(key(visit)).stored and visit not in counted
        (first if made_here else again).extend(of(visit, _document(visit)))
        counted[visit] = True
    rows.insert(Attendance, COLUMNS, first)
    add(again)


def visited(documents: Mapping[UUID, Document]) -> None:
    """These visits were written that did not count before: who was there is counted where a form came first."""
    found = [one for visit, told in documents.items() for one in of(visit, told)]
    wanted = {one.visit for one in found}
    if wanted:
        have = set(Response.objects.filter(visit__in=wanted, status__in=SUBMITTED).values_list("visit", flat=True))
        add(one for one in found if one.visit in have)


def sent_back(visit: UUID) -> None:
    """A visit or one of its forms counts no longer: neither does the visit, unless another of its forms does.

    Call it when the row is written and the visit's head is locked; gives up what it finds no ground for.
    """
    stands = of(visit, _document(visit))
    if not stands or not Response.objects.filter(visit=visit, status__in=SUBMITTED).exists():
        Attendance.objects.filter(visit=visit).delete()


def add(found: Iterable[Presence]) -> None:
    """A second form of a visit changes nothing: its rows stand and are right, because they went when it was sent back."""
    rows.insert(Attendance, COLUMNS, list(found), ignore=True)


def _document(visit: UUID) -> Document | None:
    told: Document | None = orjson.loads(journal.head(key(visit)).document)
    return told
