"""Reports that go out by the office's calendar: on the n-th working day after each period, to each what they may see.

What is due is written here; whoever joins the rooms puts it into the post in the transaction that takes it down as sent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.problems import Fault, Invalid, Problem
from core.texts import Text
from inspections import calendar
from journal import journal
from organizations import permissions
from organizations.models import Person
from organizations.permissions import permit
from reports import deliverables, periods, schemes
from reports.deliverables import Wanted
from reports.models import Mailing, Rhythm
from reports.periods import SHANGHAI, Period, day_of

log = logging.getLogger(__name__)
PATIENCE = timedelta(days=10)
"""A worker that was away this long leaves the period out."""
LATEST_WORKDAY = 20
MOST_PEOPLE = 200
FIELDS = ("title", "rhythm", "workday", "hour", "people", "active")


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes to one person: a few words, and the report as a file."""

    person: UUID
    address: str
    subject: str
    text: str
    name: str
    media_type: str
    content: bytes


def arrange(values: Mapping[str, Any], wanted: Wanted, *, by: Actor, at: datetime) -> Mailing:
    """A new mailing; it begins with the first period that ends from now on. Raises Invalid, Forbidden."""
    permit(by, "report.write")
    deliverables.check(wanted, by=by)
    row = Mailing(wanted=_kept(wanted), set_at=at, **{name: values[name] for name in FIELDS if name in values})
    _check(row)
    row.sent_for = _last(row, at).code
    return _save(row, {}, by=by, at=at, verb="mailing.arranged")


def change(row: Mailing, values: Mapping[str, Any], wanted: Wanted | None, *, by: Actor, at: datetime) -> Mailing:
    """Change what is sent, when, or to whom. Raises Invalid, Forbidden."""
    permit(by, "report.write")
    before = {name: getattr(row, name) for name in (*FIELDS, "wanted")}
    for name in FIELDS:
        if name in values:
            setattr(row, name, values[name])
    if wanted is not None:
        deliverables.check(wanted, by=by)
        row.wanted = _kept(wanted)
    _check(row)
    if row.rhythm != before["rhythm"]:
        row.sent_for = _last(row, at).code
    row.set_at = at
    return _save(row, before, by=by, at=at, verb="mailing.changed")


def cancel(row: Mailing, *, by: Actor, at: datetime) -> None:
    """Send it no more."""
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        journal.record([journal.Change("mailing.cancelled", "mailings", row.id, {"title": [row.title, None]})])
        row.delete()


def due(*, at: datetime) -> list[tuple[Mailing, Period]]:
    """What is to go out now, with the period it is about."""
    found: list[tuple[Mailing, Period]] = []
    for row in Mailing.objects.filter(active=True):
        period = _last(row, at)
        if row.sent_for < period.code:
            first = calendar.current().after(period.last, row.workday)
            begins = periods.midnight(first) + timedelta(hours=row.hour)
            if begins <= at <= begins + PATIENCE:
                found.append((row, period))
    return found


def write(row: Mailing, period: Period, *, at: datetime) -> list[Letter]:
    """The letters of a mailing. Each is made within what its reader may see; who may see nothing gets none."""
    wanted = deliverables.read(row.wanted, period)
    letters: list[Letter] = []
    files: dict[tuple[str, str], tuple[str, str, bytes]] = {}
    people = Person.objects.filter(pk__in=[UUID(one) for one in row.people], is_active=True).exclude(email="")
    for person in people.order_by("id"):
        by = permissions.caller(person.id, on=day_of(at), language=person.language)
        try:
            key = deliverables.reach(deliverables.check(wanted, by=by)), person.language
            if key not in files:
                files[key] = _file(wanted, by, at, person.language)
        except Problem as problem:
            log.warning("mailing %s of %s cannot be made for %s: %s", row.id, period.code, person.id, problem)
            continue
        subject = Text("{title}（{period}）", "{title} ({period})").fill(title=row.title, period=period.name)
        said = subject.of(person.language)
        letters.append(Letter(person.id, person.email, said, _text(row, period, at).of(person.language), *files[key]))
    return letters


def _file(wanted: Wanted, by: Actor, at: datetime, language: str) -> tuple[str, str, bytes]:
    file = deliverables.deliver(wanted, by=by, at=at, language=language)
    with file.content:
        return file.name, file.media_type, file.content.read()


def take(row: Mailing, period: Period, *, at: datetime) -> bool:
    """Take it down as sent; False when another worker has done so. To be called in the unit that posts the letters."""
    taken = Mailing.objects.filter(pk=row.pk, sent_for=row.sent_for).update(sent_for=period.code, sent_at=at)
    if taken:
        changes = {"sent_for": [row.sent_for, period.code]}
        journal.record([journal.Change("mailing.sent", "mailings", row.id, changes)])
    return bool(taken)


def _last(row: Mailing, at: datetime) -> Period:
    """The period of the mailing's rhythm that ended last."""
    return periods.containing(row.rhythm, day_of(at)).previous()


def _text(row: Mailing, period: Period, at: datetime) -> Text:
    made = at.astimezone(SHANGHAI)
    return Text(
        "附件为《{title}》（{period}），统计至{at}。仅含您有权查看的内容，请勿外传。",
        "Attached: {title} ({period}), as of {at}. It holds what you may see; please keep it to yourself.",
    ).fill(title=row.title, period=period.name, at=f"{made:%Y-%m-%d %H:%M}")


def _kept(wanted: Wanted) -> dict[str, Any]:
    if wanted.scheme:
        schemes.find(wanted.scheme)
    if wanted.dress == "json":
        raise Invalid.at("/format", "invalid-choice", Text("应为 csv、xlsx 或 docx", "One of csv, xlsx, docx"))
    return wanted.kept()


def _check(row: Mailing) -> None:
    faults: list[Fault] = []
    if not row.title.strip() or len(row.title) > 100:
        faults.append(Fault("/title", "required", Text("请写明名称（100字以内）", "A title of up to 100 characters")))
    if row.rhythm not in Rhythm.values:
        them = ", ".join(Rhythm.values)
        faults.append(Fault("/rhythm", "invalid-choice", Text("应为：{it}", "One of {it}").fill(it=them)))
    if not 1 <= row.workday <= LATEST_WORKDAY:
        faults.append(Fault("/workday", "range", Text("应在1到20之间", "From 1 to 20")))
    if not 0 <= row.hour <= 23:
        faults.append(Fault("/hour", "range", Text("应在0到23之间", "From 0 to 23")))
    faults += _strangers(row.people)
    if faults:
        raise Invalid(errors=faults)


def _strangers(people: Sequence[str]) -> list[Fault]:
    """A fault for everybody who cannot be written to."""
    if not people or len(people) > MOST_PEOPLE:
        return [Fault("/people", "required", Text("收件人1至200人", "From 1 to 200 people"))]
    known = {str(one) for one in Person.objects.filter(is_active=True).exclude(email="").values_list("pk", flat=True)}
    nobody = Text("无此人、已停用或没有邮箱", "Nobody, not active, or without a mail address")
    return [Fault(f"/people/{n}", "unknown", nobody) for n, one in enumerate(people) if one not in known]


def _save(row: Mailing, before: Mapping[str, Any], *, by: Actor, at: datetime, verb: str) -> Mailing:
    with journal.unit(by=by, at=at):
        new = row._state.adding
        row.save()
        told = {name: [before.get(name), getattr(row, name)] for name in (*FIELDS, "wanted")}
        changes = {name: pair for name, pair in told.items() if new or pair[0] != pair[1]}
        if changes:
            journal.record([journal.Change(verb, "mailings", row.id, changes)])
    return row


def next_day(row: Mailing, *, at: datetime) -> datetime:
    """When it goes out next."""
    running = periods.containing(row.rhythm, day_of(at))
    period = running if row.sent_for == running.previous().code else running.previous()
    first = calendar.current().after(period.last, row.workday)
    return periods.midnight(first) + timedelta(hours=row.hour)
