"""The working calendar as the database knows it, and what moves when a year is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from uuid import UUID

from core.actors import Actor
from core.ids import stable
from core.problems import Fault, Invalid
from core.texts import Text
from inspections import deadlines, documents, tables
from inspections.deadlines import Calendar, Year
from inspections.models import ENDED_STATES, Issue, Segment
from inspections.rulebook import CalendarDay, CalendarYear, DeadlineClass
from journal import journal
from organizations.changes import plain
from organizations.permissions import permit


@dataclass(frozen=True, slots=True)
class Moved:
    """One issue whose due time the new calendar moves."""

    issue: UUID
    lead: str
    old: datetime
    new: datetime


def current() -> Calendar:
    """The calendar as it stands; two small queries, and no work when nothing changed."""
    days: dict[int, dict[str, list[date]]] = {}
    for year, kind, day in CalendarDay.objects.values_list("year_id", "kind", "day"):
        days.setdefault(year, {}).setdefault(kind, []).append(day)
    years = tuple(
        Year(
            year,
            official,
            frozenset(days.get(year, {}).get("off", ())),
            frozenset(days.get(year, {}).get("makeup", ())),
        )
        for year, official in CalendarYear.objects.order_by("year").values_list("year", "official")
    )
    return _built(years)


@lru_cache(maxsize=4)
def _built(years: tuple[Year, ...]) -> Calendar:
    return Calendar(years)


def put_year(
    year: int,
    *,
    off: Mapping[date, str],
    makeup: Mapping[date, str],
    official: bool,
    source: str = "",
    by: Actor,
    at: datetime,
) -> list[Moved]:
    """Replace a year and recompute the due times that reach it; gives what moved. Raises Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "calendar.write")
        _check(year, off, makeup)
        CalendarYear.objects.update_or_create(
            year=year, defaults={"official": official, "source": source, "imported_at": at}
        )
        CalendarDay.objects.filter(year_id=year).delete()
        tables.add(
            CalendarDay(day=day, year_id=year, kind=kind, name=name)
            for kind, days in (("off", off), ("makeup", makeup))
            for day, name in sorted(days.items())
        )
        journal.record(
            [
                journal.Change(
                    "calendar.published" if official else "calendar.changed",
                    "calendar_years",
                    stable("calendar_years", str(year)),
                    {"official": [None, official], "off": [None, sorted(off)], "makeup": [None, sorted(makeup)]},
                    ruling=True,
                )
            ]
        )
        return recompute(current(), since=date(year, 1, 1), at=at)


def _check(year: int, off: Mapping[date, str], makeup: Mapping[date, str]) -> None:
    faults = []
    if not 2000 <= year <= 2100:
        faults.append(Fault("/year", "out-of-range", Text("年份应在 2000 与 2100 之间", "A year from 2000 to 2100")))
    for name, days in (("off", off), ("makeup", makeup)):
        faults += [
            Fault(
                f"/{name}/{at}",
                "wrong-year",
                Text("{day} 不在 {year} 年", "{day} is not in {year}").fill(day=day, year=year),
            )
            for at, day in enumerate(days)
            if day.year != year
        ]
    for at, day in enumerate(makeup):
        if day in off:
            faults.append(Fault(f"/makeup/{at}", "contradiction", Text("同一天既放假又上班", "Both off and worked")))
        elif day.weekday() < 5:
            faults.append(
                Fault(f"/makeup/{at}", "not-a-weekend", Text("调休上班日应为周末", "A make-up day is a weekend day"))
            )
    if faults:
        raise Invalid(errors=faults)


def recompute(calendar: Calendar, *, since: date, at: datetime) -> list[Moved]:
    """Set the due times of open issues again that reach past a day. Nothing else is touched."""
    reach = deadlines.close_of(since)
    found = Issue.objects.exclude(state__in=ENDED_STATES).filter(due__gte=reach).exclude(dispatched_at=None)
    issues = list(found.order_by("id").select_for_update(of=("self",)))
    classes = DeadlineClass.objects.in_bulk()
    moved, changes = [], []
    segments = {(s.issue_id, s.number): s for s in Segment.objects.filter(issue__in=issues, ended_at=None)}
    touched = []
    for issue in issues:
        before = issue.due, issue.provisional_due, issue.acknowledge_due
        if issue.due is None or issue.dispatched_at is None or issue.deadline_class_id is None:
            continue
        clocks(issue, calendar, classes[issue.deadline_class_id])
        if before == (issue.due, issue.provisional_due, issue.acknowledge_due):
            continue
        segment = segments.get((issue.id, issue.segment))
        if segment is not None:
            segment.due, segment.acknowledge_due = issue.due, issue.acknowledge_due or segment.acknowledge_due
        touched.append(issue)
        issue.updated_at = at
        if before[0] and before[0] != issue.due:
            moved.append(Moved(issue.id, issue.lead_code, before[0], issue.due))
        told = {
            "due": [plain(before[0]), plain(issue.due)],
            "provisional_due": [before[1], issue.provisional_due],
        }
        scope = documents.issue_scope(issue)
        changes.append(
            journal.Change(
                "issue.due_moved", "issues", issue.id, told, scope, documents.issue(issue) if scope else None
            )
        )
    tables.put(touched)
    tables.put(segments[key] for key in ((i.id, i.segment) for i in touched) if key in segments)
    journal.record(changes)
    return moved


def clocks(issue: Issue, calendar: Calendar, of: DeadlineClass) -> None:
    """Set all due times of a dispatched issue from its dispatch, its class and its allowance."""
    if issue.dispatched_at is None:
        return
    due = deadlines.due(calendar, issue.dispatched_at, issue.allowance)
    issue.due, issue.provisional_due = due.at, due.provisional
    issue.original_due = deadlines.due(calendar, issue.dispatched_at, issue.limit).at
    issue.acknowledge_due = deadlines.due(calendar, issue.dispatched_at, of.acknowledge_workdays).at
    issue.first_response_due = deadlines.due(calendar, issue.dispatched_at, of.first_response_workdays).at


def years() -> Iterable[CalendarYear]:
    """Every year with its days, for people who look after them."""
    return CalendarYear.objects.prefetch_related("days").order_by("year")
