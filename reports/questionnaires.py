"""How the indicators about questionnaires are counted: those planned and answered, and what observers heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from inspections.models import PlanState, VisitPlan
from reports.clocks import possible, received
from reports.groups import Sight
from reports.measures import Window
from reports.periods import day_of
from reports.tallies import Tallies, Tally
from surveys.models import Response

KEYS = ("response_completion", "policy_awareness")
READ = ("policy_awareness",)
"""Those whose forms are read to know which of them count."""
DONE = ("submitted", "accepted")
OBSERVER_FORM = "observer"

OF_PLACE: Mapping[str, str] = {
    "region": "enterprise__region_id",
    "park": "enterprise__industrial_park",
    "pilot_tier": "enterprise__pilot_tier",
    "designation_level": "enterprise__designation_level",
}


def tallies(window: Window, group_by: str, sight: Sight, keys: Iterable[str]) -> tuple[Tallies, dict[str, Tally]]:
    """Tallies by group and of the whole, for the indicators about questionnaires among ``keys``."""
    found: Tallies = defaultdict(dict)
    whole: dict[str, Tally] = {}
    for key in KEYS:
        if key not in set(keys):
            continue
        counted = _planned(window, group_by, sight) if key == "response_completion" else _heard(window, group_by, sight)
        whole[key] = Tally(0, 0)
        for group, tally in counted.items():
            found[group][key] = tally
            whole[key] += tally
    return found, whole


def plans(window: Window, sight: Sight) -> QuerySet[VisitPlan]:
    """Questionnaires wanted of enterprises by a day of the period that has come."""
    until = min(window.period.last, day_of(window.at))
    return VisitPlan.objects.filter(seen(sight, "person"), due_to__gte=window.period.first, due_to__lte=until).exclude(
        Q(state=PlanState.CANCELLED) | Q(questionnaire="")
    )


def answered() -> Exists:
    """Whether a plan's questionnaire was submitted of its enterprise within its days."""
    rows = Response.objects.filter(
        enterprise=OuterRef("enterprise"),
        questionnaire=OuterRef("questionnaire"),
        status__in=DONE,
        started_at__date__gte=OuterRef("due_from"),
        started_at__date__lte=OuterRef("due_to"),
    )
    return Exists(received(rows, "received_at").filter(possible()))


def observations(window: Window, sight: Sight) -> QuerySet[Response]:
    """Observers' forms of the period."""
    rows = Response.objects.filter(
        seen(sight, "author"), window.within("started_at"), questionnaire=OBSERVER_FORM, status__in=DONE
    )
    return received(rows, "received_at").filter(possible())


def path(group_by: str, key: str) -> str:
    """The path of a grouping from a plan or an observer's form."""
    return OF_PLACE.get(group_by, "person_id" if key == "response_completion" else "author_id")


def evidence(
    window: Window, group_by: str, key: str, side: str, group: Any, sight: Sight, *, whole: bool
) -> QuerySet[Any]:
    """The plans or the observers' forms behind a number; of the forms those whose answers are :func:`heard`."""
    rows: QuerySet[Any]
    if key == "response_completion":
        rows = plans(window, sight)
        if side == "numerator":
            rows = rows.filter(answered())
    else:
        rows = observations(window, sight)
    if whole:
        return rows
    way = path(group_by, key)
    if group == "":
        return rows.filter(Q(**{f"{way}__isnull": True}) if way.endswith("_id") else Q(**{way: ""}))
    return rows.filter(**{way: group})


def _planned(window: Window, group_by: str, sight: Sight) -> dict[Any, Tally]:
    rows = (
        plans(window, sight)
        .order_by()
        .values(group=F(path(group_by, "response_completion")))
        .annotate(wanted=Count("pk"), done=Count("pk", filter=answered()))
    )
    return {row["group"]: Tally(row["done"], row["wanted"]) for row in rows}


def heard(answers: Mapping[str, Any]) -> tuple[int, int] | None:
    """Workers who knew of the reform and workers asked; None of a conflict of interest, or when nobody was asked."""
    asked, aware = _whole(answers.get("interviewed")), _whole(answers.get("aware"))
    return None if answers.get("conflict") == "yes" or not asked else (min(aware, asked), asked)


def _heard(window: Window, group_by: str, sight: Sight) -> dict[Any, Tally]:
    """Observers' forms are few, so their answers are read."""
    found: dict[Any, Tally] = defaultdict(lambda: Tally(0, 0))
    rows = observations(window, sight).order_by().values_list(path(group_by, "policy_awareness"), "answers")
    for group, answers in rows.iterator(chunk_size=500):
        if said := heard(answers):
            found[group] += Tally(*said)
    return found


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def seen(sight: Sight, member: str) -> Q:
    """The condition on records of enterprises that a caller may count; ``member`` is the path to whoever made them."""
    if sight.everything:
        return Q()
    found = Q(pk__in=[])
    if sight.regions:
        found |= Q(enterprise__region__in=sorted(sight.regions))
    if sight.person:
        found |= Q(**{member: sight.person})
    return found
