"""What field members and guidance stations do in the demo world: who goes where on which day, and what they bring back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from core.drafts import Draft
from core.problems import Problem
from demo import answers, stories
from demo.dice import Dice
from demo.firms import Firm
from demo.hours import Agenda, Span, first_of_month, moment
from demo.people import Cast
from inspections import actions, issues, visits
from inspections.actions import ActionRequest
from inspections.dossiers import Desk
from inspections.models import Issue, VisitPlan
from journal import journal
from organizations.permissions import Caller
from surveys import responses

STARTS = ((8, 40), (10, 20), (13, 40), (15, 10))
MORE_TO_SAY = {0: 49, 1: 36, 2: 12, 3: 3}
"""How many issues a visit brings back."""
INSTANT, WITHDRAWN = "instant", "withdrawn"


@dataclass(frozen=True, slots=True)
class Outing:
    """One visit that somebody is to make; ``kind`` is the questionnaire that is filled in."""

    firm: Firm
    kind: str
    plan: UUID | None = None
    companions: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class Day:
    """A person's working day in the field, pushed in one go in the evening."""

    person: UUID
    day: date
    outings: tuple[Outing, ...]


class Fieldwork:
    """Plans the days, and lives them when they come."""

    def __init__(self, dice: Dice, span: Span, cast: Cast, firms: Sequence[Firm], desk: Desk) -> None:
        self.dice, self.span, self.cast, self.firms, self.desk = dice, span, cast, firms, desk
        self._days: dict[tuple[UUID, date], list[Outing]] = defaultdict(list)

    # --- planning -------------------------------------------------------------------------------------------------

    def plan(self, agenda: Agenda, *, by: Caller, at: datetime) -> None:
        """Put the office's visit plans and everybody's days on the agenda."""
        plans: list[VisitPlan] = []
        for month in self.span.months(ahead=1):
            for firm in self.firms:
                plans += self._monthly(firm, month)
                if firm.tier and month.month % 3 == 1:
                    plans += self._quarterly(firm, month)
        for half in sorted({self.span.first, max(self.span.first, first_of_month(self.span.today, 2))}):
            plans += [plan for person, town in self.cast.observers for plan in self._observations(person, town, half)]
        for person, town in self.cast.stations:
            self._counter(person, town)
        visits.plan(plans, by=by, at=at)
        for (person, day), outings in sorted(self._days.items(), key=lambda entry: (entry[0][1], str(entry[0][0]))):
            for start in range(0, len(outings), len(STARTS)):
                evening = moment(day, 17, 35 + 5 * (start > 0))
                agenda.put(evening, person, Day(person, day, tuple(outings[start : start + len(STARTS)])))

    def _monthly(self, firm: Firm, month: date) -> list[VisitPlan]:
        last = first_of_month(month, -1) - timedelta(days=1)
        plan = self._planned(firm, self.cast.liaisons[firm.id], "visit", month, last)
        grown = firm.town.diligence + 0.015 * self.span.month_of(moment(month, 12))
        if self.dice.happens(min(0.98, grown)):
            companion = self.cast.instructors.get(firm.id)
            joint = (companion,) if companion and self.dice.happens(0.12) else ()
            self._go(self.cast.liaisons[firm.id], firm, "visit", month, last, plan.id, joint)
        return [plan]

    def _quarterly(self, firm: Firm, month: date) -> list[VisitPlan]:
        last = first_of_month(month, -3) - timedelta(days=1)
        plan = self._planned(firm, self.cast.instructors[firm.id], "visit", month, last)
        if self.dice.happens(0.84):
            self._go(self.cast.instructors[firm.id], firm, "visit", month, last, plan.id)
        return [plan]

    def _observations(self, person: UUID, town: str, half: date) -> list[VisitPlan]:
        last, plans = first_of_month(half, -4) - timedelta(days=1), []
        for firm in [firm for firm in self.firms if firm.town.code == town and firm.tier][:4]:
            plan = self._planned(firm, person, "observer", half, last)
            plans.append(plan)
            if self.dice.happens(0.6):
                self._go(person, firm, "observer", half, last, plan.id)
        return plans

    def _counter(self, person: UUID, town: str) -> None:
        """A guidance station takes in a few problems of small firms every month."""
        near = [firm for firm in self.firms if firm.town.code == town]
        for month in self.span.months():
            last = first_of_month(month, -1) - timedelta(days=1)
            for _ in range(self.dice.randint(2, 4)):
                self._go(person, self.dice.choice(near), "sme_problems", month, last)

    def _planned(self, firm: Firm, person: UUID, questionnaire: str, first: date, last: date) -> VisitPlan:
        key = self.dice.key(moment(first, 8))
        return VisitPlan(
            id=key, enterprise_id=firm.id, person_id=person, questionnaire=questionnaire, due_from=first, due_to=last
        )

    def _go(
        self, person: UUID, firm: Firm, kind: str, first: date, last: date,
        plan: UUID | None = None, companions: tuple[UUID, ...] = (),
    ) -> None:  # fmt: skip
        day = self.dice.choice(self.span.workdays(first, last))
        self._days[person, day].append(Outing(firm, kind, plan, companions))

    # --- the day --------------------------------------------------------------------------------------------------

    def live(self, day: Day, *, at: datetime) -> list[Issue]:
        """Push a day's visits, answers and issues in one unit, as a phone does; gives the issues, routed."""
        by, batch = self.cast.caller(day.person), _Batch()
        for outing, start in zip(day.outings, STARTS, strict=False):
            started = moment(day.day, *start) + timedelta(minutes=self.dice.randrange(0, 25))
            if outing.kind == "sme_problems":
                self._receive(batch, outing.firm, started)
            else:
                self._visit(batch, outing, started)
        with journal.unit(by=by, at=at):
            if batch.visits:
                _stand(visits.put(batch.visits, by=by, at=at))
            _stand(responses.put(batch.responses, by=by, at=at))
            if batch.issues:
                _stand(issues.put(batch.issues, by=by, at=at))
            if batch.actions:
                _stand(actions.act(batch.actions, by=by, at=at, desk=self.desk))
            if batch.issues:
                issues.route([draft.id for draft in batch.issues], at=at, desk=self.desk)
        reported = [draft.id for draft in batch.issues]
        return list(Issue.objects.filter(pk__in=reported).order_by("id")) if reported else []

    def _visit(self, batch: _Batch, outing: Outing, started: datetime) -> None:
        firm, dice, visit = outing.firm, self.dice, self.dice.key(started)
        ended = started + timedelta(minutes=dice.randint(35, 75))
        check_in = self._check_in(firm, started) if outing.kind == "observer" or dice.happens(0.86) else None
        observing = outing.kind == "observer"
        count = 0 if observing and dice.happens(0.6) else dice.among(MORE_TO_SAY)
        found = [self._problem() for _ in range(count)]
        day = started.date()
        said = (
            answers.of_observation(dice, firm, day) if observing else answers.of_visit(dice, firm, day, found, check_in)
        )
        batch.visits.append(
            Draft(
                visit,
                {
                    "enterprise": str(firm.id),
                    "visit_plan": str(outing.plan) if outing.plan else None,
                    "mode": "on_site" if check_in else said.get("mode", "meeting"),
                    "started_at": started.isoformat(),
                    "ended_at": ended.isoformat(),
                    "participants": [str(person) for person in outing.companions],
                    "check_in": check_in,
                    "interviewee": dice.choice(stories.INTERVIEWED),
                    "summary": dice.choice(stories.OBSERVED if observing else stories.SUMMARIES),
                    "status": "submitted",
                },
                claimed_at=ended,
            )
        )
        batch.responses.append(self._response(firm, outing.kind, said, started, ended, visit))
        for category, description in found:
            batch.issues.append(self._issue(firm, category, description, ended, visit))
            if dice.happens(0.012):
                batch.actions.append(
                    ActionRequest(batch.issues[-1].id, "withdraw", stories.WITHDRAWN, id=dice.key(ended))
                )

    def _receive(self, batch: _Batch, firm: Firm, started: datetime) -> None:
        """Somebody of a small firm at the counter: answered at once, or reported."""
        dice, ended = self.dice, started + timedelta(minutes=15)
        category, description = self._problem()
        answered = dice.happens(0.4)
        said = answers.of_small_firm(dice, firm, started.date(), category, description, answered=answered)
        batch.responses.append(self._response(firm, "sme_problems", said, started, ended, None))
        issue = self._issue(firm, category, description, ended, None)
        issue.changes["confidential"] = said["confidential"] == "yes"
        if "case_12345" in said:
            issue.changes |= {"external_channel": "12345", "external_case_no": said["case_12345"]}
        batch.issues.append(issue)
        if answered:
            text = dice.choice(stories.ANSWERED_NOW)
            batch.actions.append(ActionRequest(issue.id, "answer_now", text, id=dice.key(ended)))

    def _check_in(self, firm: Firm, at: datetime) -> dict[str, Any]:
        """Some metres from the gate, now and then from the wrong gate."""
        reach = 0.0004 if self.dice.happens(0.96) else 0.012
        return {
            "lat": round(firm.lat + self.dice.uniform(-reach, reach), 6),
            "lon": round(firm.lon + self.dice.uniform(-reach, reach), 6),
            "crs": "wgs84",
            "accuracy_m": round(self.dice.uniform(4, 38), 1),
            "provider": "gps",
            "mock": False,
            "at": at.isoformat(),
        }

    def _problem(self) -> tuple[str, str]:
        category = self.dice.among(stories.CATEGORIES)
        return category, self.dice.choice(stories.PROBLEMS[category]).format(n=self.dice.randint(2, 40))

    def _response(
        self, firm: Firm, code: str, said: answers.Answers, started: datetime, ended: datetime, visit: UUID | None
    ) -> Draft:
        changes = {
            "enterprise": str(firm.id),
            "visit": str(visit) if visit else None,
            "questionnaire": code,
            "version": 1,
            "answers": said,
            "started_at": started.isoformat(),
            "ended_at": ended.isoformat(),
            "status": "submitted",
        }
        return Draft(self.dice.key(ended), changes, claimed_at=ended)

    def _issue(self, firm: Firm, category: str, description: str, at: datetime, visit: UUID | None) -> Draft:
        dice = self.dice
        changes: dict[str, Any] = {
            "enterprise": str(firm.id),
            "visit": str(visit) if visit else None,
            "category": category,
            "description": description,
            "severity": dice.among({"low": 15, "normal": 60, "high": 20, "urgent": 5}),
            "workers_affected": dice.randint(1, 40) if dice.happens(0.8) else None,
            "confidential": dice.happens(0.02),
            "occurred_at": (at - timedelta(days=dice.randint(1, 30))).isoformat(),
        }
        if category == "work_safety":
            changes |= {"immediate_danger": dice.happens(0.15), "special_equipment": dice.happens(0.15)}
        return Draft(dice.key(at), changes, claimed_at=at)


class _Batch:
    """What a phone has in its outbox in the evening."""

    def __init__(self) -> None:
        self.visits: list[Draft] = []
        self.responses: list[Draft] = []
        self.issues: list[Draft] = []
        self.actions: list[ActionRequest] = []


def _stand(outcomes: Sequence[object]) -> None:
    """The demo world makes no mistakes: a refusal is one of ours."""
    for outcome in outcomes:
        if isinstance(outcome, Problem):
            raise RuntimeError(f"the demo world was refused: {outcome.detail} {outcome.errors}") from outcome
