"""What the responses to a questionnaire say together: counts, mean scores, alerts; of no group under five.

Each question and each score is a group of its own: those who answered it. :mod:`surveys.groups` says whom a sum may count.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.problems import NotFound
from organizations.permissions import Reach, permit, reach_of
from surveys.definition import Definition
from surveys.groups import SMALLEST_GROUP, Enterprises, Shown, shown
from surveys.models import Questionnaire, Response, ResponseStatus, Version

LATE_PAY = ("pay_on_time", "often_late")
LATE_PAY_LEAST, LATE_PAY_SHARE = 3, 0.05

Sums = defaultdict[str, dict[UUID, Any]]
Choose = Callable[[Shown], Enterprises]


@dataclass(slots=True)
class Summary:
    """What a group of responses says: how often each choice was taken, mean scores, alerts. None of it below five."""

    count: int | None
    suppressed: bool
    scores: dict[str, float] = field(default_factory=dict)
    choices: dict[str, dict[str, int]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class _Tally:
    """By enterprise: its region and how many answered; by question or dimension and enterprise: how many, and the sums."""

    region: dict[UUID, UUID] = field(default_factory=dict)
    people: Counter[UUID] = field(default_factory=Counter)
    scored: Sums = field(default_factory=lambda: defaultdict(dict))  # dimension -> enterprise -> [sum, count]
    answered: defaultdict[str, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    chosen: Sums = field(default_factory=lambda: defaultdict(dict))  # question -> enterprise -> Counter of codes


def summary(code: str, *, by: Actor, enterprise: UUID | None = None, region: UUID | None = None) -> Summary:
    """Sums over the submitted responses of the caller's places. Raises NotFound, Forbidden."""
    if not Questionnaire.objects.filter(pk=code).exists():
        raise NotFound
    permit(by, "questionnaire.read")
    tally = _tally(code, enterprise, region)

    def choose(found: Shown) -> Enterprises:
        return _asked_for(found, reach_of(by, "response.read"), tally.region, enterprise, region)

    counted = choose(shown(tally.people, tally.region))
    count = sum(tally.people[each] for each in counted)
    if count < SMALLEST_GROUP:
        return Summary(None, suppressed=True)
    return Summary(count, False, _scores(tally, choose), _choices(tally, choose), _alerts(tally, counted, count))


def _asked_for(
    found: Shown, reach: Reach, regions: dict[UUID, UUID], enterprise: UUID | None, region: UUID | None
) -> Enterprises:
    """The enterprises to count for this caller: whole regions where they hold them whole, else the large ones of theirs."""
    if enterprise is None and region is None and reach.everywhere:
        return found.everywhere
    own = frozenset(each for each in found.large if reach.covers(each, regions[each]))
    if enterprise is None:
        held = found.regions.keys() if reach.everywhere else reach.regions & found.regions.keys()
        return own.union(*(found.regions[each] for each in held if region in (None, each)))
    return own & {enterprise}


def _tally(code: str, enterprise: UUID | None, region: UUID | None) -> _Tally:
    rows = Response.objects.filter(questionnaire=code, status__in=(ResponseStatus.SUBMITTED, ResponseStatus.ACCEPTED))
    if enterprise:
        rows = rows.filter(enterprise=enterprise)
    if region:
        rows = rows.filter(enterprise__region=region)
    tally, questions = _Tally(), _choice_questions(code)
    columns = ("enterprise_id", "enterprise__region_id", "scores", "answers")
    for firm, place, scores, answers in rows.values_list(*columns).iterator(chunk_size=2_000):
        tally.region[firm] = place
        tally.people[firm] += 1
        for dimension, value in scores.items():
            sums = tally.scored[dimension].setdefault(firm, [0.0, 0])
            sums[0] += value
            sums[1] += 1
        for question in questions:
            codes = answers.get(question)
            codes = codes if isinstance(codes, list) else [codes] if isinstance(codes, str) and codes else []
            if codes:
                tally.answered[question][firm] += 1
                tally.chosen[question].setdefault(firm, Counter()).update(codes)
    return tally


def _choice_questions(code: str) -> list[str]:
    version = Version.objects.filter(questionnaire=code).order_by("-number").first()
    if version is None:
        return []
    questions = Definition(version.form).questions.values()
    return [
        each.name for each in questions if each.type in ("select_one", "select_multiple") and not each.place.repeats
    ]


def _scores(tally: _Tally, choose: Choose) -> dict[str, float]:
    means = {}
    for dimension, sums in tally.scored.items():
        people = {firm: count for firm, (_, count) in sums.items()}
        counted = choose(shown(people, tally.region))
        count = sum(people[firm] for firm in counted)
        if count >= SMALLEST_GROUP:
            means[dimension] = round(sum(sums[firm][0] for firm in counted) / count, 2)
    return means


def _choices(tally: _Tally, choose: Choose) -> dict[str, dict[str, int]]:
    told = {}
    for question, chosen in tally.chosen.items():
        counted = choose(shown(tally.answered[question], tally.region))
        total: Counter[str] = sum((chosen[firm] for firm in counted), Counter())
        if total:
            told[question] = dict(total.most_common())
    return told


def _alerts(tally: _Tally, counted: Enterprises, count: int) -> list[dict[str, Any]]:
    question, code = LATE_PAY
    late = sum(chosen[code] for firm, chosen in tally.chosen[question].items() if firm in counted)
    if late >= LATE_PAY_LEAST and late / count >= LATE_PAY_SHARE:
        return [{"code": "often-late-pay", "share": round(late / count * 100, 2)}]
    return []
