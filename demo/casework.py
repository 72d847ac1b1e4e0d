"""The life of an issue in the demo world, told as a plot: each step is asked for through the same verb as in production.

A plot is a generator. It yields what somebody does next and when, and is sent the issue as it stands afterwards.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from demo import stories, tempers
from demo.dice import Dice
from demo.hours import Span
from demo.people import Cast
from demo.tempers import Temper
from inspections import deadlines, guards
from inspections.deadlines import local_day
from inspections.models import Issue
from inspections.workflow import ENDED, OPEN, State
from organizations.roles import FIELD_ROLES

WAIT = ""
DESK, URGENT_DESK, HELPING = 15, 9, 14
"""When departments see to what they lead, to what cannot wait, and to what they assist in: few hours make large sets."""
MIDDAY, EVENING = 12, 17
"""When the office does."""
_CONTENT = {"very_satisfied": 30, "satisfied": 50, "fairly_satisfied": 15}
_DISCONTENT = {"dissatisfied": 4, "very_dissatisfied": 1}
_WORDS = {
    "very_satisfied": "非常满意",
    "satisfied": "满意",
    "fairly_satisfied": "基本满意",
    "dissatisfied": "不满意",
    "very_dissatisfied": "很不满意",
    "not_rated": "未作评价",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody does next; the action ``WAIT`` only lets time pass."""

    at: datetime
    who: UUID
    action: str
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    comment: str = ""
    """Said in the same breath."""


Plot = Generator[Step, Issue, None]
Part = Generator[Step, Issue, Issue]


class Casework:
    """Makes plots. It looks at the issue as it was last seen, never at the database."""

    def __init__(self, dice: Dice, span: Span, cast: Cast, known: dict[UUID, Issue]) -> None:
        self.dice, self.span, self.cast, self.known = dice, span, cast, known
        self._minutes = {code: dice.randrange(0, 60, 5) for code in sorted(cast.handlers)}

    def life(self, issue: Issue) -> Plot:
        """From the dispatch to the end, which may lie beyond the end of the world."""
        issue = yield from self._taking_on(issue)
        while issue.state == State.IN_PROGRESS:
            issue = yield from self._handling(issue)
            issue = yield from self._answering(issue)
            issue = yield from self._asking(issue)
            if issue.state == State.CLOSED and self.dice.happens(0.015):
                issue = yield from self._reopening(issue)
            if issue.state == State.DISPATCHED:
                issue = yield from self._taking_on(issue, returnable=False)

    # --- who, when, how -------------------------------------------------------------------------------------------

    def _temper(self, issue: Issue) -> Temper:
        return tempers.of(issue.lead_code).in_month(self.span.month_of(issue.updated_at))

    def _by_lead(self, issue: Issue, workdays: int, hour: int, action: str, text: str = "", /, **data: Any) -> Step:
        at = self.span.later(issue.updated_at, workdays, hour, self._minutes[issue.lead_code])
        return Step(at, self.cast.handlers[issue.lead_code], action, text, data)

    def _by_office(self, issue: Issue, workdays: int, hour: int, action: str, text: str = "", /, **data: Any) -> Step:
        return Step(self.span.later(issue.updated_at, workdays, hour), self.cast.office[0], action, text, data)

    def _desk(self, issue: Issue) -> int:
        return URGENT_DESK if issue.deadline_class_id == "E" else DESK

    # --- dispatched -----------------------------------------------------------------------------------------------

    def _taking_on(self, issue: Issue, *, returnable: bool = True) -> Part:
        """The lead acknowledges, in time or late, or wants to give it away."""
        if returnable and issue.deadline_class_id != "E" and self.dice.happens(0.08):
            issue = yield from self._returning(issue)
            if issue.state != State.DISPATCHED:
                return issue
        late = not self.dice.happens(self._temper(issue).prompt)
        step = self._by_lead(issue, self.dice.randint(2, 5) if late else 1, self._desk(issue), "acknowledge")
        in_touch = self.dice.happens(self._temper(issue).prompt)
        return (yield replace(step, comment=self.dice.choice(stories.CONTACT) if in_touch else ""))

    def _returning(self, issue: Issue) -> Part:
        other = self.dice.choice(
            [code for code in ("HRSS", "FTU", "MIIT", "SAMR", "EDU", "JUS") if code != issue.lead_code]
        )
        ground = self.dice.choice(stories.GROUNDS).format(other=other)
        second = bool(issue.returns)
        issue = yield self._by_lead(issue, 1, URGENT_DESK, "request_return", ground=ground, suggested_department=other)
        if second:
            return (yield self._by_office(issue, 0, MIDDAY, "adjudicate", lead=other))
        if self.dice.happens(0.4):
            issue = yield self._by_office(issue, 0, MIDDAY, "refuse_return", "职责分工明确,请继续办理。")
            return issue
        issue = yield self._by_office(issue, 0, MIDDAY, "approve_return")
        fate = self.dice.random()
        if fate < 0.25 and self._may_still_reject(issue):
            return (
                yield self._by_office(
                    issue, 0, EVENING, "reject", stories.REASONS["reject"], reason_code="out_of_scope"
                )
            )
        if fate < 0.6 and (master := self._like(issue)) is not None:
            return (yield self._by_office(issue, 0, EVENING, "merge", into=str(master.id)))
        assists = [code for code in ("FTU",) if code != other]
        of = issue.category.deadline_class_id
        issue = yield self._by_office(issue, 0, EVENING, "dispatch", lead=other, assists=assists, deadline_class=of)
        if self.dice.happens(0.15):
            return (yield from self._returning(issue))
        return issue

    def _may_still_reject(self, issue: Issue) -> bool:
        at = self.span.later(issue.updated_at, 0, EVENING)
        return at <= deadlines.due(self.span.calendar, issue.submitted_at, 1).at

    def _like(self, issue: Issue) -> Issue | None:
        """Another open issue of the same town that this one may be merged into."""
        for other in reversed(self.known.values()):
            if other.id != issue.id and other.region_id == issue.region_id and other.state in OPEN - {State.SUBMITTED}:
                return other
        return None

    # --- in progress ----------------------------------------------------------------------------------------------

    def _handling(self, issue: Issue) -> Part:
        """Perhaps a transfer, the assistants' opinions, perhaps more time or a pause."""
        if self.dice.happens(0.02) and not issue.lead_region_id:
            other = "FTU" if issue.lead_code != "FTU" else "HRSS"
            issue = yield self._by_office(issue, 0, EVENING, "transfer", lead=other, reason=stories.REASONS["transfer"])
            issue = yield from self._taking_on(issue, returnable=False)
        issue = yield from self._hearing(issue)
        of = issue.deadline_class_id
        if of in ("S", "C") and self.dice.happens(0.12 if of == "S" else 0.06):
            issue = yield from self._pausing(issue)
        elif of in ("B", "C", "S") and not issue.extended and self.dice.happens(0.09):
            issue = yield from self._extending(issue)
        return issue

    def _hearing(self, issue: Issue) -> Part:
        """Some assistants speak for themselves on the next day; the office asks the rest, and all in urgent cases, by phone."""
        speaking = [] if issue.deadline_class_id == "E" or issue.confidential else self._speaking(issue)
        times = {code: self.span.later(issue.updated_at, 1, HELPING, self._minutes[code]) for code in speaking}
        for code in sorted(speaking, key=lambda code: (times[code], code)):
            opinion = self.dice.choice(stories.OPINIONS)
            issue = yield Step(times[code], self.cast.handlers[code], "assist_opinion", opinion, {"department": code})
        if set(issue.assists) - set(speaking):
            issue = yield self._by_office(issue, 0, MIDDAY, "assist_opinion", stories.PHONED)
        return issue

    def _speaking(self, issue: Issue) -> list[str]:
        return [code for code in issue.assists if code in self.cast.handlers and self.dice.happens(0.15)]

    def _extending(self, issue: Issue) -> Part:
        wanted = self._by_lead(
            issue, 0, 15, "request_extension",
            workdays=self.dice.randint(1, max(1, issue.limit // 2)), reason=self.dice.choice(stories.EXTENSION),
        )  # fmt: skip
        if issue.due is None or self.span.left(wanted.at, issue.due) < 1:
            return issue
        return (yield wanted)

    def _pausing(self, issue: Issue) -> Part:
        """The lead asks for a pause and the office agrees; the server ends it on its last day."""
        reasons = ["statutory_procedure", "waiting_for_applicant", "waiting_for_superior"]
        until = self.span.calendar.after(local_day(issue.updated_at), self.dice.randint(4, 15))
        data = {"reason_code": self.dice.choice(reasons), "until": until.isoformat()}
        issue = yield self._by_lead(issue, 0, DESK, "suspend", **data)
        if self.dice.happens(0.15):
            return (yield self._by_office(issue, 0, EVENING, "refuse_suspension", reason="材料不足,请继续办理"))
        issue = yield self._by_office(issue, 0, EVENING, "suspend", **data)
        over = self.span.later(deadlines.close_of(until - timedelta(days=1)), 1, 9)
        return (yield Step(over, self.cast.office[0], WAIT))

    # --- the answer -----------------------------------------------------------------------------------------------

    def _answering(self, issue: Issue) -> Part:
        """The lead replies, the office reviews, until an answer is accepted."""
        issue = yield from self._replying(issue)
        while True:
            patience = self.dice.choice([0, 1, 1, 2])
            if self.dice.happens(self._temper(issue).sound):
                return (yield self._by_office(issue, patience, EVENING, "accept_reply"))
            reason = self.dice.choice(stories.REFUSED_REPLY)
            issue = yield self._by_office(issue, patience, EVENING, "reject_reply", reason=reason)
            issue = yield self._reply(issue, self.dice.randint(1, 2))

    def _replying(self, issue: Issue) -> Part:
        due = issue.due
        left = self.span.left(issue.updated_at, due) if due else 0
        steady = 0.99 if issue.deadline_class_id == "E" else self._temper(issue).steady
        if left >= 0 and self.dice.happens(steady):
            return (
                yield self._reply(issue, self.dice.choice([left, max(0, left - 1), self.dice.randint(0, max(0, left))]))
            )
        lateness = self.dice.among({1: 30, 2: 22, 3: 14, 5: 12, 7: 10, 9: 6, 13: 4, 20: 2})
        if lateness > 1 and self.dice.happens(0.7):
            issue = yield self._by_office(issue, max(0, left) + 1, MIDDAY, "urge", stories.REASONS["urge"])
            left = -1
        if lateness > 4 and self.dice.happens(0.7):
            issue = yield self._by_office(issue, 3, MIDDAY, "supervise", reason=stories.REASONS["supervise"])
            lateness -= 3
        return (yield self._reply(issue, max(0, left) + lateness))

    def _reply(self, issue: Issue, workdays: int) -> Step:
        outcome = self.dice.among({"solved": 72, "partly": 12, "explained": 12, "not_yet": 4})
        return self._by_lead(
            issue, workdays, DESK, "reply", self.dice.choice(stories.REPLIES[outcome]), outcome=outcome
        )

    # --- afterwards -----------------------------------------------------------------------------------------------

    def _asking(self, issue: Issue) -> Part:
        """Somebody asks the workers; the office closes, or has it done again."""
        content = self.dice.happens(self._temper(issue).liked)
        felt = self.dice.among(_CONTENT if content else _DISCONTENT)
        solved, method = (
            content and issue.outcome != "not_yet",
            self.dice.choice(["on_site", "phone", "phone", "message"]),
        )
        asker = self._asker(issue)
        if asker is not None and self.dice.happens(0.55):
            at = self.span.later(issue.updated_at, self.dice.randint(1, 4), 17, 40)
            said = self.dice.choice(stories.ASKED).format(word=_WORDS[felt])
            data = {"solved": solved, "satisfaction": felt, "method": method}
            issue = yield Step(at, asker, "follow_up", said, data)
        if not content and issue.reworks < 2 and self.dice.happens(0.45):
            return (yield self._by_office(issue, 1, MIDDAY, "rework", reason=self.dice.choice(stories.REWORK)))
        if self.dice.happens(0.06):
            for _ in range(guards.ATTEMPTS):
                issue = yield self._by_office(issue, 1, MIDDAY, "follow_up", solved=None, method="phone")
            return (
                yield self._by_office(issue, 2, MIDDAY, "close", satisfaction="not_rated", solved=None, method="phone")
            )
        return (yield self._by_office(issue, 1, MIDDAY, "close", satisfaction=felt, solved=solved, method=method))

    def _asker(self, issue: Issue) -> UUID | None:
        """The field member who reported it, else, unless it is confidential, the enterprise's liaison."""
        reporter = issue.reporter_id
        if reporter is not None and self.cast.caller(reporter).roles & FIELD_ROLES:
            return reporter
        return None if issue.confidential else self.cast.liaisons.get(issue.enterprise_id)

    def _reopening(self, issue: Issue) -> Part:
        lead, of = issue.lead_code, issue.deadline_class_id
        issue = yield self._by_office(issue, 6, MIDDAY, "reopen", new_facts=stories.REASONS["reopen"])
        return (yield self._by_office(issue, 0, EVENING, "dispatch", lead=lead, assists=[], deadline_class=of))


def has_ended(issue: Issue) -> bool:
    return issue.state in ENDED
