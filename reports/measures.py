"""How the indicators about issues are counted: a basis of records, and of those the ones that count.

Every basis is one aggregate query however many indicators rest on it, and the same conditions give the ids behind a
number. All are plain Django conditions, so both engines count the same. Records belong to exactly one group of each
grouping, so a total is the sum of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F, Model, Q, QuerySet

from inspections.models import Issue, Segment, Supervision, Suspension
from inspections.workflow import ENDED, State
from reports.cadences import Cadence
from reports.periods import Period

ANSWERED = (State.REPLIED.value, State.FOLLOW_UP.value, State.CLOSED.value)
"""States in which the last reply stands: a refused one has gone back to the department."""
ON_THE_CLOCK = (
    State.DISPATCHED.value,
    State.IN_PROGRESS.value,
    State.RETURN_PENDING.value,
    State.SUSPENDED.value,
    *ANSWERED,
)
NO_WORK = (State.REJECTED.value, State.MERGED.value, State.WITHDRAWN.value)
SATISFIED = ("very_satisfied", "satisfied", "fairly_satisfied")
RATED = (*SATISFIED, "dissatisfied", "very_dissatisfied")

ALL = Q()
ANSWERED_IN_TIME = Q(state__in=ANSWERED, replied_at__lte=F("due"))
LATE = ~Q(state__in=ANSWERED) | Q(replied_at__isnull=True) | Q(replied_at__gt=F("due"))


@dataclass(frozen=True, slots=True)
class Window:
    """A period as far as it has come by ``at``: what falls due later today has not fallen due yet.

    ``cadences`` are those that visits are owed by, if not by today's.
    """

    period: Period
    at: datetime
    cadences: tuple[Cadence, ...] | None = None

    def within(self, column: str) -> Q:
        """Instants of the period that are not ahead of us."""
        return Q(**{f"{column}__gte": self.period.start, f"{column}__lt": self.period.end, f"{column}__lte": self.at})


@dataclass(frozen=True, slots=True)
class Basis:
    """The records an indicator starts from, by the column ``time`` that puts them into a period and that an index orders.

    ``prefix`` is the path to their issue, ``own`` what they know of it themselves.
    """

    model: type[Model]
    time: str
    when: Callable[[Window], Q]
    prefix: str = ""
    own: tuple[str, ...] = ()

    def records(self, window: Window) -> QuerySet[Model]:
        return self.model._default_manager.filter(self.when(window)).order_by()


def _fell_due(window: Window) -> Q:
    """Due in the period by now. While a pause runs that began before the due time, the due time is still to move.

    Pauses that run are few, so they are asked for once: a question for each issue keeps PostgreSQL to one process.
    """
    paused = Suspension.objects.filter(state="running", since__lte=F("issue__due")).order_by().values("issue_id")
    on_the_clock = Q(state__in=[state for state in ON_THE_CLOCK if state != State.SUSPENDED])
    return window.within("due") & Q(instant=False) & (on_the_clock | (Q(state=State.SUSPENDED) & ~Q(pk__in=paused)))


def _closed(window: Window) -> Q:
    return window.within("closed_at") & Q(state=State.CLOSED, instant=False)


def _new(window: Window) -> Q:
    return window.within("submitted_at") & Q(instant=False) & ~Q(state__in=NO_WORK)


def _carried(window: Window) -> Q:
    """Reported before the period and still open when it began."""
    start = window.period.start
    still_open = ~Q(state__in=sorted(ENDED)) | Q(state=State.CLOSED, closed_at__gte=start)
    return Q(submitted_at__lt=start, submitted_at__lte=window.at, instant=False) & still_open


OF_SEGMENT = ("region_id", "reporter_id")
BASES: Mapping[str, Basis] = {
    "due": Basis(Issue, "due", _fell_due),
    "closed": Basis(Issue, "closed_at", _closed),
    "new": Basis(Issue, "submitted_at", _new),
    "carried": Basis(Issue, "submitted_at", _carried),
    "replied": Basis(
        Issue, "replied_at", lambda window: window.within("replied_at") & Q(state__in=ANSWERED, instant=False)
    ),
    "instant": Basis(
        Issue, "closed_at", lambda window: window.within("closed_at") & Q(state=State.CLOSED, instant=True)
    ),
    "to_contact": Basis(
        Issue,
        "first_response_due",
        lambda window: window.within("first_response_due") & Q(instant=False) & ~Q(state__in=NO_WORK),
    ),
    "to_acknowledge": Basis(
        Segment, "acknowledge_due", lambda window: window.within("acknowledge_due"), "issue__", OF_SEGMENT
    ),
    "dispatched": Basis(Segment, "dispatched_at", lambda window: window.within("dispatched_at"), "issue__", OF_SEGMENT),
    "supervised": Basis(Supervision, "at", lambda window: window.within("at"), "issue__"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """Numerator and denominator of an indicator: conditions on one basis. ``denominator`` None: a plain count."""

    basis: str
    numerator: Q
    denominator: Q | None = ALL
    parts: Mapping[str, Q] = field(default_factory=dict)


MEASURES: Mapping[str, Measure] = {
    "ack_timeliness": Measure("to_acknowledge", Q(acknowledged_at__lte=F("acknowledge_due"))),
    "response_rate": Measure("to_contact", Q(first_response_at__lte=F("first_response_due"))),
    "closure_rate": Measure("due", Q(state=State.CLOSED)),
    "on_time_rate": Measure("due", ANSWERED_IN_TIME),
    "overdue_rate": Measure("due", LATE),
    "extension_rate": Measure("due", Q(extended=True)),
    "rework_rate": Measure("due", Q(round__gte=2)),
    "return_rate": Measure(
        "dispatched",
        Q(return_asked_at__isnull=False),
        parts={
            "approved": Q(return_asked_at__isnull=False, return_result="approved"),
            "refused": Q(return_asked_at__isnull=False, return_result="refused"),
            "adjudicated": Q(return_asked_at__isnull=False, return_result="adjudicated"),
        },
    ),
    "satisfaction_rate": Measure("closed", Q(satisfaction__in=SATISFIED), Q(satisfaction__in=RATED)),
    "solved_rate": Measure("closed", Q(solved=True), Q(solved__isnull=False)),
    "once_done_rate": Measure("closed", Q(round=1)),
    "yellow_cards": Measure("supervised", Q(card="yellow"), None),
    "red_cards": Measure("supervised", Q(card="red"), None),
    "instant_answers": Measure("instant", ALL, None),
}
"""All indicators that are shares or counts of one basis. ``workload`` and ``handling_days`` are made in tallies."""
