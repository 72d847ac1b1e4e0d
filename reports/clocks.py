"""Records dated ahead of the moment we received them: a phone's clock was wrong, and no figure counts them.

They stay as they were sent; a report says how many it left out, and a register lists them so that they can be put right.
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.functions import Coalesce

from core.texts import Text
from inspections.models import DATED_AHEAD, Visit
from reports.groups import Sight
from reports.measures import Window
from surveys.attendance import AHEAD, countable

Row = TypeVar("Row", bound=Model)


def possible(started: str = "started_at") -> Q:
    """What holds of every record that can be true; to be asked of rows that know when they were :func:`received`."""
    return Q(received__gte=F(started) - AHEAD)


def received(rows: QuerySet[Row], first_seen: str) -> QuerySet[Row]:
    """The rows with ``received``: when they were first submitted, or first seen where that is not known."""
    known: QuerySet[Row] = rows.alias(received=Coalesce("submitted_at", first_seen))
    return known


def doubtful(window: Window, sight: Sight) -> QuerySet[Visit]:
    """Visits that would count, had they not been here more than a day before they say that they began.

    That they were here before at all is asked apart: those few have an index.
    """
    period = window.period
    begun = Visit.objects.filter(countable(), DATED_AHEAD, started_at__gte=period.start, started_at__lt=period.end)
    rows = received(begun, "created_at")
    seen = Q() if sight.everything else Q(author=sight.person) | Q(enterprise__region__in=sorted(sight.regions))
    return rows.filter(~possible(), seen)


def finding(count: int) -> Text:
    return Text(
        "{count}次走访的日期晚于接收时间一天以上（手机时钟有误），未计入，见存疑走访清单",
        "{count} visits are dated more than a day after they were received (a wrong clock): not counted, see the register",
    ).fill(count=count)
