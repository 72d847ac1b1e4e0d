"""The running number of the supervision bulletin 第N期: counted from one in every year, given once to a period."""

from __future__ import annotations

from datetime import datetime

from core.actors import Actor
from core.ids import stable
from core.problems import Conflict
from core.texts import Text
from journal import journal
from organizations.permissions import permit
from reports.models import BulletinNumber
from reports.periods import Period
from reports.sequences import take_next


class NotOver(Conflict):
    """A bulletin of a period that still runs is a draft."""

    kind = "not-over"
    title = Text("期间尚未结束，通报不能编号", "The period is not over; its bulletin gets no number yet")


def give(period: Period, *, by: Actor, at: datetime) -> BulletinNumber:
    """The number of the period's bulletin: the one it has, or the next of its year. Raises NotOver, Forbidden."""
    permit(by, "report.write")
    if at < period.end:
        raise NotOver
    with journal.unit(by=by, at=at):
        year = period.last.year

        def number(following: int) -> tuple[BulletinNumber, bool]:
            given = {"year": year, "number": following, "given_at": at}
            return BulletinNumber.objects.get_or_create(period=period.code, defaults=given)

        row, new = take_next(lambda: BulletinNumber.objects.filter(year=year), "number", number)
        if new:
            told = {"period": [None, period.code], "year": [None, year], "number": [None, row.number]}
            journal.record([journal.Change("bulletin.numbered", "bulletins", stable("bulletins", period.code), told)])
    return row


def line(period: Period) -> Text:
    """The line below the bulletin's title; of one without a number it says that it is a draft."""
    row = BulletinNumber.objects.filter(period=period.code).first()
    if row is None:
        return Text("督查通报〔{year}〕（送审稿）", "Supervision bulletin {year} (draft)").fill(year=period.last.year)
    return Text("督查通报〔{year}〕第{number}期", "Supervision bulletin {year}, no. {number}").fill(
        year=row.year, number=row.number
    )
