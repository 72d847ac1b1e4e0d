"""Small random worlds, written straight into the tables: plausible in shape, wild in their times."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from core.actors import SYSTEM
from inspections import copies, reference, rules
from inspections.models import Issue, JointParticipant, Segment, Supervision, Suspension, Visit, VisitPlan
from inspections.rulebook import IssueCategory
from organizations.models import Assignment, Department, Enterprise, Person, Region
from organizations.reference import put_departments, put_regions
from reports import schemes
from reports.periods import SHANGHAI, Period
from surveys.models import Attendance, Questionnaire, Response
from tests import scenery

NOW = datetime(2026, 8, 20, 12, tzinfo=SHANGHAI)
FIRST = datetime(2026, 4, 1, tzinfo=SHANGHAI)
DAYS = 150
STATES = ("submitted", "dispatched", "in_progress", "return_pending", "suspended", "replied", "follow_up", "closed",
          "closed", "closed", "rejected", "merged", "withdrawn")  # fmt: skip
SATISFACTIONS = ("very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied", "not_rated")


def settle() -> None:
    """What all worlds share: reference data, questionnaires, cadences."""
    scenery.stage(furnish)


def furnish() -> None:
    """The same, laid down where no test is running."""
    put_regions([_coded(row, "kind") for row in reference.table("regions")], by=SYSTEM, at=NOW)
    put_departments([_coded(row) for row in reference.table("departments")], by=SYSTEM, at=NOW)
    rules.load(by=SYSTEM, at=NOW)
    schemes.load_cadences(by=SYSTEM, at=NOW)
    for code in ("visit", "observer"):
        Questionnaire.objects.create(code=code, title=code, created_at=NOW)


def _coded(row: dict[str, str], *more: str) -> dict[str, Any]:
    return {"code": row["code"], "name": row["name_zh"], "name_en": row["name_en"]} | {name: row[name] for name in more}


def clear() -> None:
    for model in (
        Attendance,
        JointParticipant,
        Response,
        Supervision,
        Suspension,
        Segment,
        Issue,
        Visit,
        VisitPlan,
        Assignment,
    ):
        model.objects.all().delete()
    Enterprise.objects.all().delete()
    Person.objects.all().delete()


class World:
    """One world from one seed."""

    def __init__(self, seed: int, period: Period, *, issues: int = 25, visits: int = 20) -> None:
        self.random, self.period = Random(seed), period
        self.regions = list(Region.objects.order_by("code")[:3])
        self.departments = list(Department.objects.filter(code__in=["HRSS", "EDU", "EMB"]).order_by("code"))
        self.categories = [*IssueCategory.objects.order_by("number")[9:14], IssueCategory.objects.get(code="other")]
        self.enterprises = [self._enterprise(n) for n in range(7)]
        self.people = [Person.objects.create(username=f"p{n}", name=f"三员{n}", id=self.id()) for n in range(5)]
        for _ in range(9):
            self._assignment()
        for _ in range(issues):
            self._issue()
        for _ in range(visits):
            self._visit()
        for _ in range(8):
            self._plan()
        copies.mend()  # as the verbs would have left it; what they leave is told in test_attendance

    def id(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def moment(self) -> datetime:
        """Any time, with a liking for the edges of days and of the period."""
        edge = timedelta(seconds=self.random.choice([-1, 0, 1]))
        if self.random.random() < 0.25:
            return (self.random.choice([self.period.start, self.period.end]) + edge).astimezone(UTC)
        at = FIRST + timedelta(days=self.random.randrange(DAYS), minutes=self.random.randrange(1440))
        if self.random.random() < 0.2:
            at = at.replace(hour=0, minute=0) + edge
        return at.astimezone(UTC)

    def maybe(self, value: Any, odds: float = 0.5) -> Any:
        return value if self.random.random() < odds else None

    def near(self, at: datetime) -> datetime:
        """A little before, at, or after."""
        return at + timedelta(hours=self.random.choice([-200, -48, -3, 0, 1, 40, 150]))

    def _enterprise(self, number: int) -> Enterprise:
        pick = self.random.choice
        return Enterprise.objects.create(
            id=self.id(), name=f"企业{number}", region=pick(self.regions), industrial_park=pick(["", "生物医药园", "跨境园"]),
            pilot_tier=pick(["", "city", "town", "enterprise"]), designation_level=pick(["", "national", "wuxi"]),
            active=self.random.random() < 0.85,
        )  # fmt: skip

    def _assignment(self) -> None:
        place: dict[str, Any] = {}
        role = self.random.choice(["liaison", "instructor", "observer"])
        kind = self.random.choice(
            ["enterprise", "enterprise", "region", "city"]
            if role == "observer"
            else ["enterprise", "enterprise", "region"]
        )
        if kind != "city":
            place[kind] = self.random.choice(self.enterprises if kind == "enterprise" else self.regions)
        first = self.moment().date()
        ends = self.maybe(first + timedelta(days=self.random.randrange(120)))
        Assignment.objects.create(
            id=self.id(), person=self.random.choice(self.people), role=role, ends_on=ends,
            starts_on=self.random.choice([date(2026, 1, 1), first]), revoked_at=self.maybe(self.moment(), 0.15), **place,
        )  # fmt: skip

    def _issue(self) -> None:
        pick, state = self.random.choice, self.random.choice(STATES)
        enterprise, submitted, dispatched, due = pick(self.enterprises), self.moment(), self.moment(), self.moment()
        replied = self.near(due) if state in ("replied", "follow_up", "closed") else None
        lead = pick(self.departments) if state != "submitted" else None
        town = lead is not None and self.random.random() < 0.2
        master = Issue.objects.order_by("id").first() if state == "merged" else None
        if state == "merged" and master is None:
            state = "rejected"
        ended = state in ("submitted", "rejected", "withdrawn", "merged")
        issue = Issue.objects.create(
            id=self.id(), enterprise=enterprise, region=enterprise.region, category=pick(self.categories), description="……",
            reporter=self.maybe(pick(self.people), 0.9), submitted_at=submitted, state=state,
            lead_code="" if lead is None else enterprise.region.code if town else lead.code, master=master,
            deadline_class_id="B", dispatched_at=min(dispatched, replied or dispatched), due=due if not ended else self.maybe(due, 0.2),
            first_response_due=self.maybe(due), first_response_at=self.maybe(self.near(due)), replied_at=replied,
            closed_at=self.moment() if state == "closed" else None, instant=state == "closed" and self.random.random() < 0.15,
            satisfaction=pick(SATISFACTIONS) if state == "closed" else "", solved=pick([True, False, None]) if state == "closed" else None,
            round=pick([1, 1, 1, 2, 3]), extended=self.random.random() < 0.2, paused_workdays=pick([0, 0, 0, 2, 30]), updated_at=NOW,
        )  # fmt: skip
        if state == "suspended":
            Suspension.objects.create(
                id=self.id(), issue=issue, reason_code="seasonal_window", until=date(2026, 9, 1), state="running",
                asked_at=submitted, since=self.near(due),
            )  # fmt: skip
        for number in range(1, self.random.randrange(3)):
            self._segment(issue, number)
        for _ in range(self.random.choice([0, 0, 1, 2])):
            Supervision.objects.create(
                id=self.id(), issue=issue, segment=1, lead_code=issue.lead_code or "HRSS", level=1,
                card=pick(["", "yellow", "red"]), cause="urged", at=self.moment(),
            )  # fmt: skip

    def issue_with_segment(self, at: datetime) -> None:
        """One dispatched issue and the segment that goes with it, both to be answered within the period."""
        firm = self.enterprises[0]
        issue = Issue.objects.create(
            id=self.id(), enterprise=firm, region=firm.region, category=self.categories[0], description="……",
            submitted_at=at, state="dispatched", lead_code="HRSS", deadline_class_id="B", dispatched_at=at, due=at,
            first_response_due=at, updated_at=at,
        )  # fmt: skip
        Segment.objects.create(
            id=self.id(), issue=issue, number=1, round=1, how="office", lead_code="HRSS", deadline_class_id="B",
            dispatched_at=at, acknowledge_due=at, due=at, region=issue.region,
        )  # fmt: skip

    def _segment(self, issue: Issue, number: int) -> None:
        acknowledge_due = self.moment()
        asked = self.maybe(self.moment(), 0.3)
        Segment.objects.create(
            id=self.id(), issue=issue, number=number, round=1, how="office", lead_code=self.random.choice(self.departments).code,
            deadline_class_id="B", dispatched_at=self.moment(), acknowledge_due=acknowledge_due,
            acknowledged_at=self.maybe(self.near(acknowledge_due), 0.8), due=self.moment(), return_asked_at=asked,
            return_result=self.random.choice(["", "approved", "refused", "adjudicated"]) if asked else "",
        )  # fmt: skip

    def _visit(self) -> None:
        pick = self.random.choice
        author, started, enterprise = pick(self.people), self.moment(), pick(self.enterprises)
        joint = self.random.sample(self.people, self.random.choice([0, 0, 1, 2]))
        visit = Visit.objects.create(
            id=self.id(), enterprise=enterprise, author=author, mode=pick(["on_site", "on_site", "on_site", "phone"]),
            started_at=started, participants=[str(one.id) for one in joint], check_in=self.maybe({"lat": 31.9, "lon": 120.3}, 0.9),
            status=pick(["submitted", "submitted", "accepted", "draft", "returned"]), **self._received(started, "created_at"),
        )  # fmt: skip
        JointParticipant.objects.bulk_create(
            [JointParticipant(id=self.id(), visit=visit, person=one) for one in joint if one != author]
        )
        for _ in range(pick([0, 1, 1, 2])):
            asked = self.random.randrange(0, 12)
            Response.objects.create(
                id=self.id(), enterprise=enterprise, visit=self.maybe(visit.id, 0.9), version=1,
                questionnaire_id=pick(["visit", "visit", "observer"]), author=author,
                status=pick(["submitted", "submitted", "accepted", "draft", "returned"]), started_at=started,
                **self._received(started, "received_at"),
                answers={"interviewed": asked, "aware": self.random.randrange(asked + 1), "conflict": pick(["yes", "no", "no"])},
            )  # fmt: skip

    def _received(self, started: datetime, column: str) -> dict[str, datetime | None]:
        """When the server saw it first and when it was submitted; some phones have a clock that is days ahead."""
        seen = started + timedelta(hours=self.random.choice([0, 0, 0, 1, 40, -23, -24, -25, -400]))
        return {column: seen, "submitted_at": self.maybe(seen + timedelta(hours=self.random.choice([0, 2, 30])))}

    def _plan(self) -> None:
        first = self.moment().astimezone(SHANGHAI).date()
        VisitPlan.objects.create(
            id=self.id(), enterprise=self.random.choice(self.enterprises), person=self.maybe(self.random.choice(self.people)),
            questionnaire=self.random.choice(["visit", "observer", ""]), due_from=first,
            due_to=first + timedelta(days=self.random.randrange(40)), state=self.random.choice(["planned", "done", "cancelled"]),
        )  # fmt: skip
