"""Workers answer without a name, at lunch, by the code on the canteen's wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from demo import answers
from demo.dice import Dice
from demo.firms import Firm
from demo.hours import Agenda, Span, moment
from organizations.permissions import Caller
from surveys import anonymous

PLACES, TOO_FEW = 10, 4
"""In so many enterprises; in one of them fewer answer than may be shown."""


@dataclass(frozen=True, slots=True)
class Lunch:
    """One enterprise's lunch hour with the questionnaire, and how many take part."""

    firm: Firm
    workers: int


def invite(agenda: Agenda, dice: Dice, span: Span, firms: Sequence[Firm]) -> None:
    """Put the lunches of the last weeks on the agenda."""
    days = [day for day in span.workdays(span.first, span.today) if day < span.today][-40:]
    for number, firm in enumerate(firms[:PLACES]):
        workers = TOO_FEW if number == PLACES - 1 else dice.randint(9, 16)
        agenda.put(moment(dice.choice(days), 12, 5), None, Lunch(firm, workers))


def answer(lunch: Lunch, dice: Dice, *, office: Caller, at: datetime) -> None:
    """The office hangs up the code; one worker after the other answers."""
    link = anonymous.link("worker_satisfaction", lunch.firm.id, by=office, at=at)
    for number in range(lunch.workers):
        said = answers.of_worker(dice, lunch.firm, at.date())
        anonymous.take(link.token, said, at=at + timedelta(minutes=1 + number))
