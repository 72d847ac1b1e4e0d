"""The indicators once more, as simply as they can be said: every record is looked at, one after the other.

Written from the definitions and not from the code under test; it shares no condition with it.
"""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from inspections import reference
from inspections.models import Issue, JointParticipant, Segment, Supervision, Suspension, Visit, VisitPlan
from organizations.models import Assignment, Enterprise
from reports.periods import SHANGHAI, Period
from surveys.models import Response

Ids = set[Any]
Counted = dict[str, tuple[Any, Any]]
"""(numerator, denominator) by indicator; None where there is no denominator."""


def local(at: datetime) -> date:
    return at.astimezone(SHANGHAI).date()


def group_of(issue: Issue, group_by: str, lead: str | None = None) -> Any:
    return {
        "department": issue.lead_code if lead is None else lead,
        "region": issue.region_id,
        "park": issue.enterprise.industrial_park,
        "field_member": issue.reporter_id,
        "pilot_tier": issue.enterprise.pilot_tier,
        "designation_level": issue.enterprise.designation_level,
        "dimension": issue.category.dimension,
        "category": issue.category_id,
    }[group_by] or ""


class Tables:
    """Hits and cases by group and indicator; the total is under "*"."""

    def __init__(self, period: Period, now: datetime) -> None:
        self.period, self.now = period, now
        self.found: dict[Any, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))

    def count(self, group: Any, key: str, hit: bool | int) -> None:
        for one in (group, "*"):
            self.found[one][key][0] += int(hit)
            self.found[one][key][1] += 1

    def inside(self, at: datetime | None) -> bool:
        return at is not None and self.period.first <= local(at) <= self.period.last and at <= self.now


def of_issues(period: Period, now: datetime, group_by: str) -> dict[Any, Counted]:
    """By group; the total is under "*"."""
    told = Tables(period, now)
    calendar = reference.calendar()
    for issue in Issue.objects.select_related("enterprise", "category"):
        group = group_of(issue, group_by)
        of_work(told, issue, group)
        of_answer(told, issue, group, calendar)
    for segment in Segment.objects.select_related("issue__enterprise", "issue__category"):
        group = group_of(segment.issue, group_by, segment.lead_code)
        if told.inside(segment.acknowledge_due):
            at = segment.acknowledged_at
            told.count(group, "ack_timeliness", at is not None and at <= segment.acknowledge_due)
        if told.inside(segment.dispatched_at):
            told.count(group, "return_rate", segment.return_asked_at is not None)
    for step in Supervision.objects.select_related("issue__enterprise", "issue__category"):
        if step.card and told.inside(step.at):
            told.count(group_of(step.issue, group_by, step.lead_code), f"{step.card}_cards", True)
    return {group: {key: (n, d) for key, (n, d) in one.items()} for group, one in told.found.items()}


def of_work(told: Tables, issue: Issue, group: Any) -> None:
    """What an issue adds to the work of the period and to what fell due in it."""
    dead = issue.state in ("rejected", "merged", "withdrawn")
    if not issue.instant and not dead and at_work(issue, told.period, told.now):
        told.count(group, "workload", True)
    if not issue.instant and not dead and told.inside(issue.first_response_due):
        in_time = issue.first_response_at is not None and issue.first_response_at <= issue.first_response_due
        told.count(group, "response_rate", in_time)
    if fell_due(issue) and told.inside(issue.due):
        answered = issue.state in ("replied", "follow_up", "closed") and issue.replied_at is not None
        on_time = answered and issue.replied_at <= issue.due
        told.count(group, "closure_rate", issue.state == "closed")
        told.count(group, "on_time_rate", on_time)
        told.count(group, "overdue_rate", not on_time)
        told.count(group, "extension_rate", issue.extended)
        told.count(group, "rework_rate", issue.round > 1)


def of_answer(told: Tables, issue: Issue, group: Any, calendar: Any) -> None:
    """What an issue adds that was replied to or closed in the period."""
    if issue.state in ("replied", "follow_up", "closed") and not issue.instant and told.inside(issue.replied_at):
        between = days_after(local(issue.dispatched_at), local(issue.replied_at))
        days = sum(calendar.is_workday(day) for day in between)
        told.count(group, "handling_days", max(0, days - issue.paused_workdays))
    if issue.state != "closed" or not told.inside(issue.closed_at):
        return
    if issue.instant:
        told.count(group, "instant_answers", True)
        return
    told.count(group, "once_done_rate", issue.round == 1)
    if issue.satisfaction != "not_rated":
        told.count(group, "satisfaction_rate", "dis" not in issue.satisfaction)
    if issue.solved is not None:
        told.count(group, "solved_rate", issue.solved)


def at_work(issue: Issue, period: Period, now: datetime) -> bool:
    """New in the period, or there before it and still open when it began."""
    if issue.submitted_at > now or local(issue.submitted_at) > period.last:
        return False
    closed_before = issue.state == "closed" and issue.closed_at is not None and local(issue.closed_at) < period.first
    return local(issue.submitted_at) >= period.first or not closed_before


def fell_due(issue: Issue) -> bool:
    if issue.instant or issue.due is None:
        return False
    if issue.state == "suspended":
        return all(pause.since > issue.due for pause in Suspension.objects.filter(issue=issue, state="running"))
    return issue.state in ("dispatched", "in_progress", "return_pending", "replied", "follow_up", "closed")


def days_after(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range(1, (last - first).days + 1))


def possible(started: datetime, received: datetime) -> bool:
    """Nothing is received more than a day before it began, unless a clock is wrong."""
    return (started - received).total_seconds() <= 24 * 3600


class Field:
    """Visits, duties and questionnaires, looked at one by one."""

    def __init__(self, period: Period, now: datetime) -> None:
        self.period, self.now = period, now
        self.places = {one.id: one for one in Enterprise.objects.all()}
        self.went: set[tuple[UUID, UUID, date]] = set()
        for visit in Visit.objects.all():
            formed = Response.objects.filter(visit=visit.id).exclude(status__in=["draft", "returned"]).exists()
            sent = visit.status in ("submitted", "accepted") and visit.started_at <= now
            sent = sent and possible(visit.started_at, visit.submitted_at or visit.created_at)
            if visit.mode == "on_site" and sent and visit.check_in and formed:
                people = {visit.author_id} | {one.person_id for one in JointParticipant.objects.filter(visit=visit)}
                self.went |= {(person, visit.enterprise_id, local(visit.started_at)) for person in people}
        self.duties = [one for one in Assignment.objects.all() if self.counts(one)]

    def counts(self, duty: Assignment) -> bool:
        period = self.period
        return (
            duty.starts_on <= period.last
            and (duty.ends_on is None or duty.ends_on >= period.first)
            and (duty.revoked_at is None or local(duty.revoked_at) >= period.first)
        )

    def is_pilot(self, place: Enterprise) -> bool:
        return place.active and place.pilot_tier != ""

    def covered(self, duty: Assignment) -> list[Enterprise]:
        if duty.enterprise_id:
            return [self.places[duty.enterprise_id]]
        return [one for one in self.places.values() if self.is_pilot(one) and one.region_id == duty.region_id]

    def measured(self, group_by: str) -> dict[Any, Counted]:
        def by_place(person: Any, place: Any) -> Any:
            if group_by == "field_member":
                return person
            return (
                ""
                if place is None
                else getattr(place, {"region": "region_id", "park": "industrial_park"}.get(group_by, group_by))
            )

        found = self.grouped(by_place, member=group_by == "field_member")
        found["*"] = self.grouped(lambda person, place: "*", member=False)["*"]
        return found

    def grouped(self, group: Callable[[Any, Any], Any], *, member: bool) -> dict[Any, Counted]:
        within = {(who, where) for who, where, day in self.went if self.period.first <= day <= self.period.last}
        told: dict[Any, dict[str, tuple[Any, Any]]] = defaultdict(dict)
        wanted: dict[Any, Ids] = defaultdict(set)
        seen: dict[Any, Ids] = defaultdict(set)
        if member:
            for duty in self.duties:
                for place in self.covered(duty):
                    if self.is_pilot(place):
                        wanted[duty.person_id].add(place.id)
                        if (duty.person_id, place.id) in within:
                            seen[duty.person_id].add(place.id)
        else:
            for place in self.places.values():
                if self.is_pilot(place):
                    wanted[group(None, place)].add(place.id)
                    if any(where == place.id for _, where in within):
                        seen[group(None, place)].add(place.id)
        for key, places in wanted.items():
            told[key]["visit_coverage"] = (len(seen[key]), len(places))
        members: dict[Any, Ids] = defaultdict(set)
        for duty in self.duties:
            for place in self.covered(duty) or [None]:
                members[group(duty.person_id, place)].add(duty.person_id)
        made: dict[Any, int] = defaultdict(int)
        for who, where, day in self.went:
            if self.period.first <= day <= self.period.last:
                made[group(who, self.places[where])] += 1
        for key in {*members, *made}:
            told[key]["visits_per_member"] = (made[key], len(members[key]))
        owed: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        for (who, where), (quota, done) in self.quotas().items():
            place = self.places[where] if where else None
            owed[group(who, place)][0] += min(done, quota)
            owed[group(who, place)][1] += quota
        for key, (done, quota) in owed.items():
            told[key]["visit_completion"] = (done, quota)
        self.asked(told, group)
        return told

    def quotas(self) -> dict[Any, tuple[int, int]]:
        """Owed and done by (member, enterprise, or None for a role that owes a visit anywhere)."""
        summed: dict[Any, tuple[int, int]] = {}
        for role, months in (("liaison", 1), ("instructor", 3), ("observer", 6)):
            until = min(self.period.last, local(self.now))
            blocks = [one for one in self.blocks(months) if self.period.first <= one[1] <= until]
            best: dict[Any, int] = {}
            for duty in self.duties:
                if duty.role != role:
                    continue
                owed = sum(
                    duty.starts_on <= last
                    and (duty.ends_on is None or duty.ends_on >= last)
                    and (duty.revoked_at is None or local(duty.revoked_at) > last)
                    for _, last in blocks
                )
                places = [None] if role == "observer" else [one.id for one in self.covered(duty) if one.active]
                for place in places:
                    best[duty.person_id, place] = max(best.get((duty.person_id, place), 0), owed)
            for (who, place), owed in best.items():
                done = len(
                    {
                        (where, day)
                        for person, where, day in self.went
                        if person == who
                        and place in (None, where)
                        and blocks[:1]
                        and blocks[0][0] <= day <= blocks[-1][1]
                    }
                )
                if owed:
                    quota, before = summed.get((who, place, role)[:2], (0, 0))
                    summed[who, place] = (quota + owed, before + min(done, owed))
        return summed

    def blocks(self, months: int) -> list[tuple[date, date]]:
        found = []
        for year in (2025, 2026, 2027):
            for month in range(1, 13, months):
                last = month + months - 1
                found.append((date(year, month, 1), date(year, last, monthrange(year, last)[1])))
        return found

    def asked(self, told: dict[Any, dict[str, tuple[Any, Any]]], group: Callable[[Any, Any], Any]) -> None:
        pairs: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        for plan in VisitPlan.objects.exclude(state="cancelled").exclude(questionnaire=""):
            if self.period.first <= plan.due_to <= self.period.last and plan.due_to <= local(self.now):
                rows = Response.objects.filter(enterprise=plan.enterprise_id, questionnaire=plan.questionnaire)
                done = any(
                    plan.due_from <= local(row.started_at) <= plan.due_to
                    and row.status in ("submitted", "accepted")
                    and possible(row.started_at, row.submitted_at or row.received_at)
                    for row in rows
                )
                key = group(plan.person_id, self.places[plan.enterprise_id])
                pairs[key if key is not None else ""][0] += done
                pairs[key if key is not None else ""][1] += 1
        for key, (done, wanted) in pairs.items():
            told[key]["response_completion"] = (done, wanted)
        heard: dict[Any, list[int]] = defaultdict(lambda: [0, 0])
        for row in Response.objects.filter(questionnaire="observer", status__in=["submitted", "accepted"]):
            at = row.started_at
            if (
                self.period.first <= local(at) <= self.period.last
                and at <= self.now
                and row.answers["conflict"] == "no"
                and possible(at, row.submitted_at or row.received_at)
            ):
                key = group(row.author_id, self.places[row.enterprise_id])
                heard[key][0] += row.answers["aware"]
                heard[key][1] += row.answers["interviewed"]
        for key, (aware, asked) in heard.items():
            told[key]["policy_awareness"] = (aware, asked)
