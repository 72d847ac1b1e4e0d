"""The whole demo world, in order of time and in one transaction: an interrupted load leaves nothing behind."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.db import transaction

from core.actors import SYSTEM
from core.problems import Problem
from demo import canteen, firms, people
from demo.album import Album
from demo.casework import WAIT, Casework, Plot, Step
from demo.dice import Dice
from demo.fieldwork import Day, Fieldwork
from demo.hours import HALF_A_YEAR, Agenda, Span, first_of_month, moment
from demo.people import Cast
from inspections import actions, escalation, rules
from inspections.actions import ActionRequest
from inspections.dossiers import Desk
from inspections.models import Issue, Visit
from inspections.workflow import State
from organizations import reference
from organizations.models import Enterprise, Person
from organizations.permissions import Caller
from reports import schemes
from surveys import questionnaires
from surveys.models import Response

FORMS = Path(__file__).resolve().parent.parent / "data" / "questionnaires"
SWEEP = object()
SETTING_UP = timedelta(days=14)
"""How long before the first month everything is there."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """How much there is in the world that was made."""

    enterprises: int
    people: int
    visits: int
    responses: int
    issues: int


def is_empty() -> bool:
    """Whether the database holds nobody and nothing that a demo world could disturb."""
    return not Person.objects.exists() and not Enterprise.objects.exists()


def make(
    *, seed: int, today: date, scale: int, hashed: str, months: int = HALF_A_YEAR, say: Say = lambda line: None
) -> Made:
    """Make the world as it stands on the morning of ``today``, with so many whole months before the running one.

    ``hashed`` is the hash of everybody's password.
    """
    gc.disable()  # hundreds of thousands of short-lived rows, no cycles worth looking for: a fifth of the time
    try:
        with transaction.atomic():
            return _Making(seed, today, scale, months, say).run(hashed)
    finally:
        gc.enable()


class _Making:
    def __init__(self, seed: int, today: date, scale: int, months: int, say: Say) -> None:
        self.seed, self.scale, self.say = seed, scale, say
        self.agenda = Agenda()
        self.known: dict[UUID, Issue] = {}
        self.keys = self.dice("keys")
        self.founded = moment(first_of_month(today, months) - SETTING_UP, 8, 30)
        reference.load(by=SYSTEM, at=self.founded)
        rules.load(by=SYSTEM, at=self.founded)
        schemes.load_cadences(by=SYSTEM, at=self.founded)
        schemes.load_defaults(by=SYSTEM, at=self.founded)
        self.desk = Desk()
        self.span = Span(today, self.desk.calendar, months)

    def dice(self, part: str) -> Dice:
        return Dice(self.seed, part)

    def run(self, hashed: str) -> Made:
        found = firms.found(self.dice("firms"), scale=self.scale, by=SYSTEM, at=self.founded)
        cast = people.gather(
            self.dice("people"), found, hashed=hashed, by=SYSTEM, at=self.founded, since=self.founded.date()
        )
        office = cast.caller(cast.office[0])
        for workbook in sorted(FORMS.glob("*.xlsx")):
            version = questionnaires.upload(workbook.read_bytes(), by=office, at=self.founded)
            questionnaires.publish(version.questionnaire_id, version.number, by=office, at=self.founded)
        self.say(f"{len(found)} enterprises, {Person.objects.count()} people, the questionnaires")
        fieldwork = Fieldwork(self.dice("fieldwork"), self.span, cast, found, self.desk)
        fieldwork.plan(self.agenda, by=office, at=self.founded)
        canteen.invite(self.agenda, self.dice("canteen"), self.span, found)
        self._live(cast, fieldwork, Album(self.dice("album"), self.span))
        return Made(
            Enterprise.objects.count(), Person.objects.count(), Visit.objects.count(), Response.objects.count(),
            Issue.objects.count(),
        )  # fmt: skip

    def _live(self, cast: Cast, fieldwork: Fieldwork, album: Album) -> None:
        """Day after day, whatever the agenda says, up to this morning."""
        office, self.lunches = cast.caller(cast.office[0]), self.dice("lunches")
        casework = Casework(self.dice("casework"), self.span, cast, self.known)
        for day in self.span.workdays(self.span.first, self.span.today):
            self.agenda.put(moment(day, 8), None, SWEEP)
        month = ""
        for at, who, items in self.agenda.until(self.span.end):
            if month != (month := at.strftime("%Y-%m")):
                self.say(month)
            if who is None:
                self._by_itself(items, office, at)
                continue
            for outdoors in [item for item in items if isinstance(item, Day)]:
                for issue in fieldwork.live(outdoors, at=at):
                    self.known[issue.id] = issue
                    if issue.state == State.DISPATCHED:
                        self._ask(casework.life(issue), issue.id, None)
                album.add(outdoors, by=cast.caller(who), at=at)
            moves = [item for item in items if isinstance(item, _Move)]
            if moves:
                self._act(moves, cast, who, at)

    def _by_itself(self, items: Sequence[object], office: Caller, at: datetime) -> None:
        """What nobody signed in does: the server's own sweep in the morning, workers at lunch."""
        for item in items:
            if isinstance(item, canteen.Lunch):
                canteen.answer(item, self.lunches, office=office, at=at)
            else:
                escalation.sweep(at=at)

    def _act(self, moves: Sequence[_Move], cast: Cast, who: UUID, at: datetime) -> None:
        """What one person does at one time, in one set; then every plot is asked how it goes on.

        A refusal is a mistake of a plot's (the tests allow none); it ends that plot and not the world.
        """
        refused: set[UUID] = set()
        asked = [move for move in moves if move.step.action != WAIT]
        requests = [
            ActionRequest(move.issue, move.step.action, move.step.text, move.step.data, id=self.keys.key(at))
            for move in asked
        ]
        requests += [
            ActionRequest(move.issue, "comment", move.step.comment, id=self.keys.key(at))
            for move in asked
            if move.step.comment
        ]
        outcomes = actions.act(requests, by=cast.caller(who), at=at, desk=self.desk) if requests else []
        for request, outcome in zip(requests, outcomes, strict=True):
            if isinstance(outcome, Problem):
                self.say(f"refused: {request.action} at {at}: {outcome.detail} {outcome.errors}")
                refused.add(request.issue)
            else:
                self.known[outcome.id] = outcome
        self.known |= Issue.objects.in_bulk([move.issue for move in moves if move.step.action == WAIT])
        for move in [move for move in moves if move.issue not in refused]:
            self._ask(move.plot, move.issue, self.known[move.issue])

    def _ask(self, plot: Plot, key: UUID, issue: Issue | None) -> None:
        """Let a plot go on with the issue as it stands; None starts it."""
        try:
            step = next(plot) if issue is None else plot.send(issue)
        except StopIteration:
            return
        self.agenda.put(step.at, step.who, _Move(plot, key, step))


@dataclass(frozen=True, slots=True)
class _Move:
    """The next step of one issue's plot."""

    plot: Plot
    issue: UUID
    step: Step
