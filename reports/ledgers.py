"""The ledgers of guidance stations 产改指导站台账: what they released, whom they advised, what they took in and answered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from core.actors import Actor
from core.problems import Fault, Invalid, NotFound
from core.texts import EN, Text
from inspections.models import ENDED_STATES, Issue
from journal import journal
from organizations.models import Assignment, Region
from organizations.permissions import Subject, permit, reach_of
from organizations.roles import Role
from reports.fieldwork import held
from reports.figures import TOTAL
from reports.groups import Sight
from reports.measures import NO_WORK, Window
from reports.models import LedgerLine, Service
from reports.periods import Period, day_of
from reports.tables import Cell, Column, Table


def enter(
    *, region: UUID, kind: str, day: date, subject: str, people: int, note: str, by: Actor, at: datetime
) -> LedgerLine:
    """A line in the ledger of a town's station. Raises Forbidden for another town's, Invalid at each field that will not do."""
    if not Region.objects.filter(pk=region).exists():
        raise Invalid.at("/region", "unknown", Text("没有这个镇街", "There is no such town"))
    permit(by, "ledger.write", Subject(region=region))
    faults: list[Fault] = []
    if kind not in Service.values:
        them = ", ".join(Service.values)
        faults.append(Fault("/kind", "invalid-choice", Text("应为：{it}", "One of {it}").fill(it=them)))
    if not subject.strip() or len(subject) > 200:
        faults.append(
            Fault("/subject", "required", Text("请写明事项（200字以内）", "Say what it was, in 200 characters"))
        )
    if day > day_of(at):
        faults.append(Fault("/day", "ahead", Text("日期尚未到来", "This day has not come yet")))
    if faults:
        raise Invalid(errors=faults)
    with journal.unit(by=by, at=at):
        row = LedgerLine.objects.create(
            region_id=region,
            kind=kind,
            day=day,
            subject=subject.strip(),
            people=people,
            note=note.strip(),
            entered_at=at,
            entered_by=by.person,
        )
        told = {"kind": kind, "day": day.isoformat(), "subject": row.subject, "people": people, "region": str(region)}
        changes = {name: [None, value] for name, value in told.items()}
        journal.record([journal.Change("ledger.entered", "ledger-lines", row.id, changes)])
    return row


def withdraw(key: UUID, *, by: Actor, at: datetime) -> None:
    """The line counts no longer; it stays on record. Raises NotFound for one that the caller does not see."""
    row = visible(by).filter(pk=key).first()
    if row is None:
        raise NotFound
    permit(by, "ledger.write", Subject(region=row.region_id))
    with journal.unit(by=by, at=at):
        if LedgerLine.objects.filter(pk=key, withdrawn_at=None).update(withdrawn_at=at):
            changes = {"withdrawn_at": [None, at.isoformat()]}
            journal.record([journal.Change("ledger.withdrawn", "ledger-lines", key, changes)])


def visible(by: Actor) -> QuerySet[LedgerLine]:
    """The lines that the caller may read: a station its town's, a town its own, the office all."""
    reach = reach_of(by, "ledger.read")
    rows = LedgerLine.objects.order_by("day", "id")
    return rows if reach.everywhere else rows.filter(region__in=sorted(reach.regions))


def tables(period: Period, *, sight: Sight, at: datetime, language: str) -> list[Table]:
    """The year-end sheet of all stations, and the lines behind its counts of releases and consultations."""
    lines = LedgerLine.objects.filter(
        _of_towns("region", sight), withdrawn_at=None, day__gte=period.first, day__lte=period.last
    )
    return [_summary(period, lines, sight, at, language), _listed(period, lines, language)]


def _of_towns(path: str, sight: Sight) -> Q:
    return Q() if sight.everything else Q(**{f"{path}__in": sorted(sight.regions)})


def _summary(period: Period, lines: QuerySet[LedgerLine], sight: Sight, at: datetime, language: str) -> Table:
    taken_in = _taken_in(period, sight, at)
    done: dict[tuple[UUID, str], tuple[int, int]] = {
        (region, kind): (count, people or 0)
        for region, kind, count, people in lines.order_by()
        .values_list("region", "kind")
        .annotate(count=Count("pk"), people=Sum("people"))
    }
    named = {region for region, _ in done} | set(taken_in) | set(_staffed(period, sight))
    counted: list[tuple[str, list[int]]] = []
    for town in Region.objects.filter(pk__in=named).order_by("code"):
        releases, reached = done.get((town.id, Service.POLICY_RELEASE.value), (0, 0))
        talks, advised = done.get((town.id, Service.CONSULTATION.value), (0, 0))
        name = town.name_en if language == EN and town.name_en else town.name
        counted.append((name, [releases, reached, talks, advised, *taken_in.get(town.id, (0, 0, 0, 0))]))
    rows: list[Sequence[Cell]] = [(name, *numbers) for name, numbers in counted]
    sums = [sum(column) for column in zip(*(numbers for _, numbers in counted), strict=True)] or [0] * len(_COLUMNS)
    return Table(
        key=f"stations-{period.code}",
        title=Text("产改指导站服务台账", "Ledger of guidance stations"),
        tab=Text("指导站汇总", "Stations"),
        columns=(Column("region", Text("镇街（园区）", "Town"), width=20), *_COLUMNS),
        rows=rows,
        total=(TOTAL, *sums),
        unit=Text("次、人次、件", "times, people, issues"),
        period=period.name,
        measure=Text("问题征集按上报时间", "problems by the time they were reported"),
        notes=(
            Text(
                "问题征集：指导站工作人员在期内上报的问题；即办：当场答复；已销号：已由部门办结。",
                "Problems: issues that station staff reported in the period; answered at once: on the spot; closed: by a department.",
            ),
        ),
    )


_RELEASES, _TALKS, _PROBLEMS = (
    Text("政策发布", "Policy releases"),
    Text("咨询服务", "Consultations"),
    Text("问题征集", "Problems taken in"),
)
_COLUMNS = (
    Column("releases", Text("场次", "times"), kind="count", group=_RELEASES, width=9),
    Column("reached", Text("人次", "people"), kind="count", group=_RELEASES, width=9),
    Column("talks", Text("场次", "times"), kind="count", group=_TALKS, width=9),
    Column("advised", Text("人次", "people"), kind="count", group=_TALKS, width=9),
    Column("problems", Text("征集", "taken in"), kind="count", group=_PROBLEMS, width=9),
    Column("instant", Text("即办", "answered at once"), kind="count", group=_PROBLEMS, width=12),
    Column("closed", Text("已销号", "closed"), kind="count", group=_PROBLEMS, width=9),
    Column("open", Text("在办", "open"), kind="count", group=_PROBLEMS, width=9),
)


def _taken_in(period: Period, sight: Sight, at: datetime) -> dict[UUID, tuple[int, int, int, int]]:
    """Problems by town: taken in, answered at once, closed, open. Whoever was station staff in the period reported them."""
    staff = _assigned(period).values("person")
    own = (
        Q() if sight.everything else Q(region__in=sorted(sight.regions), confidential=False) | Q(reporter=sight.person)
    )
    rows = (
        Issue.objects.filter(own, Window(period, at).within("submitted_at"), ~Q(state__in=NO_WORK), reporter__in=staff)
        .order_by()
        .values_list("region")
        .annotate(
            taken=Count("pk"),
            at_once=Count("pk", filter=Q(instant=True)),
            done=Count("pk", filter=Q(instant=False, state="closed")),
            left=Count("pk", filter=~Q(state__in=ENDED_STATES)),
        )
    )
    return {region: (taken, instant, closed, left) for region, taken, instant, closed, left in rows}


def _assigned(period: Period) -> QuerySet[Assignment]:
    return held(period, [Role.STATION_STAFF])


def _staffed(period: Period, sight: Sight) -> list[UUID]:
    """Towns that have a station, also those that did nothing."""
    staff = _assigned(period).exclude(region=None).filter(_of_towns("region", sight))
    found: list[Any] = list(staff.order_by().values_list("region", flat=True).distinct())
    return found


def _listed(period: Period, lines: QuerySet[LedgerLine], language: str) -> Table:
    grouped: dict[str, Text] = defaultdict(lambda: Text("", ""))
    grouped |= {value: label for value, label in Service.choices if isinstance(label, Text)}
    return Table(
        key=f"stations-{period.code}-lines",
        title=Text("产改指导站服务明细", "Lines of the ledgers"),
        tab=Text("指导站明细", "Lines"),
        columns=(
            Column("day", Text("日期", "Day"), kind="date", width=12),
            Column("region", Text("镇街（园区）", "Town"), width=20),
            Column("kind", Text("类别", "Kind"), width=14),
            Column("subject", Text("事项", "Subject"), width=48),
            Column("people", Text("服务人次", "People"), kind="count", width=10),
            Column("note", Text("说明", "Note"), width=40),
        ),
        rows=[
            (
                line.day,
                line.region.name_en if language == EN and line.region.name_en else line.region.name,
                grouped[line.kind],
                line.subject,
                line.people,
                line.note,
            )
            for line in lines.select_related("region").order_by("day", "id")
        ],
        period=period.name,
    )
