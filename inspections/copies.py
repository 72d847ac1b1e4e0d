"""What is kept a second time so that a year's report need not go and look, held against what it was copied from.

The verbs keep it in step; this is for whoever doubts that (``manage.py feed check`` and ``repair``), and for the hours in
which an older release still writes into newer tables. Nothing here is anybody's doing, so the journal has no entry of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from inspections import documents
from inspections.models import Issue, Segment, Visit
from journal.upkeep import Finding
from surveys import attendance
from surveys.attendance import Presence
from surveys.models import Attendance, Response

STEP = 500


def check() -> Iterator[Finding]:
    """Visits whose attendance is not what follows from them and their forms, and segments that name other people's issue."""
    for visit, wanted, found in _apart(Visit.objects.all()):
        yield Finding("attendance", f"visits/{visit}", str(len(wanted)), str(len(found)))
    for visit in sorted(set(_orphans().values_list("visit", flat=True))):
        yield Finding("attendance", f"visits/{visit}", "0", "of no visit")
    for segment, issue in _segments().values_list("pk", "issue_id"):
        yield Finding("segment", f"issues/{issue}", found=str(segment))


def mend(*, since: datetime | None = None) -> int:
    """Put all of it right, or what visits received and issues dispatched from ``since`` on say; gives how many were wrong."""
    visits, segments = Visit.objects.all(), _segments()
    if since is not None:
        visits, segments = visits.filter(_touched(since)), segments.filter(dispatched_at__gte=since)
    mended = 0
    for visit, wanted, _ in list(_apart(visits)):
        with transaction.atomic():
            Attendance.objects.filter(visit=visit).delete()
            attendance.add(sorted(wanted))
        mended += 1
    if since is None:
        mended += _orphans().delete()[0]
    of_issue = Issue.objects.filter(pk=OuterRef("issue"))
    return mended + Segment.objects.filter(pk__in=segments.values("pk")).update(
        region=Subquery(of_issue.values("region")), reporter=Subquery(of_issue.values("reporter"))
    )


def _touched(since: datetime) -> Q:
    """Visits that have come since then, or a form of which has."""
    forms = Response.objects.filter(Q(received_at__gte=since) | Q(submitted_at__gte=since), visit__isnull=False)
    return Q(created_at__gte=since) | Q(submitted_at__gte=since) | Q(pk__in=forms.values("visit"))


def _apart(visits: QuerySet[Visit]) -> Iterator[tuple[UUID, set[Presence], set[Presence]]]:
    """Visits whose rows are not those that should be: what should be, and what is."""
    ids = visits.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=STEP)
    while some := list(islice(ids, STEP)):
        forms = Response.objects.filter(visit__in=some, status__in=attendance.SUBMITTED)
        formed = set(forms.values_list("visit", flat=True))
        found: dict[UUID, set[Presence]] = defaultdict(set)
        for row in Attendance.objects.filter(visit__in=some).values_list(*attendance.COLUMNS):
            found[row[0]].add(Presence(*row))
        for visit in Visit.objects.filter(pk__in=some):
            wanted = set(_of(visit)) if visit.pk in formed else set()
            if wanted != found[visit.pk]:
                yield visit.pk, wanted, found[visit.pk]


def _of(visit: Visit) -> list[Presence]:
    """Rows from before a submission's time was kept go by when they were first seen."""
    received = documents.moment(visit.submitted_at or visit.created_at)
    return attendance.of(visit.pk, documents.visit(visit) | {"submitted_at": received})


def _orphans() -> QuerySet[Attendance]:
    return Attendance.objects.filter(~Exists(Visit.objects.filter(pk=OuterRef("visit"))))


def _segments() -> QuerySet[Segment]:
    """Segments that name another region or reporter than their issue."""
    nobody = Q(reporter__isnull=True, issue__reporter__isnull=False) | Q(
        issue__reporter__isnull=True, reporter__isnull=False
    )
    other = Q(region__isnull=True) | ~Q(region=F("issue__region")) | nobody
    return Segment.objects.filter(other | Q(reporter__isnull=False) & ~Q(reporter=F("issue__reporter")))
