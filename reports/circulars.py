"""What the office sends out: the bulletin of a period and the list of issues to be pressed, from the same numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from core.texts import EN, ZH, Text
from inspections import calendar
from inspections.deadlines import RED_AFTER, Calendar, local_day
from inspections.models import Issue, Suspension
from inspections.workflow import STATE_NAMES, WITH_DEPARTMENT, State
from reports import adjustments, groups, numbers, sentences, supervision, trends
from reports.bulletins import Bulletin
from reports.expressions import EPOCH
from reports.groups import WHOLE_CITY, Sight
from reports.measures import ANSWERED, BASES, Window
from reports.periods import Period, day_of
from reports.sentences import NamedProblem
from reports.tables import Cell, Column, Table

MOST = 5_000
ISSUER = Text("江阴市产业工人队伍建设改革领导小组办公室", "Office of the industrial workforce reform, Jiangyin")
ADDRESSEES = Text("各镇街（园区），各成员单位：", "To all towns and member units:")


def bulletin(period: Period, *, at: datetime, language: str = ZH) -> Bulletin:
    """The supervision bulletin of a period, compared with the one before and the same of last year."""
    reports = [
        supervision.report(period, group_by, sight=WHOLE_CITY, at=at, compare=supervision.COMPARED, language=language)
        for group_by in ("department", "region")
    ]
    return sentences.compose(
        reports[0],
        reports[1],
        named(period, at=at, language=language),
        day=day_of(at),
        number=numbers.line(period),
        issuer=ISSUER,
        addressees=ADDRESSEES,
        drawings=trends.drawings(reports, at=at),
        corrections=_corrections(period, at, language),
    )


def _corrections(period: Period, at: datetime, language: str) -> Table | None:
    """What has changed about frozen periods of departments and towns; None when nothing has."""
    lines = [
        line
        for group_by in ("department", "region")
        for line in adjustments.since(period, group_by, sight=WHOLE_CITY, at=at, language=language)
        if line["group"]["code"] != adjustments.WHOLE
    ]
    return adjustments.brief(lines, period) if lines else None


def named(period: Period, *, at: datetime, language: str = ZH) -> list[NamedProblem]:
    """Issues open and late by more than five working days when the period ends (or now), the latest first.

    Confidential ones are never among them. Those that fell due before the period are: what nobody has done does not leave the
    bulletin by growing old.
    """
    days, until = calendar.current(), _until(period, at)
    late, _ = _late(so_far(period), at, WHOLE_CITY)
    rows = [row for row in late if _days_late(days, row, until) > RED_AFTER]
    leads = groups.named("department", {row.lead_code for row in rows}, language)
    return [
        NamedProblem(
            number=number(row),
            category=_in(language, row.category.name, row.category.name_en),
            lead=leads[row.lead_code][1],
            region=_in(language, row.region.name, row.region.name_en),
            days_late=_days_late(days, row, until),
        )
        for row in rows
    ]


def so_far(period: Period) -> Period:
    """The period with all days before it."""
    return replace(period, first=EPOCH)


def number(issue: Issue) -> str:
    """What people call an issue on paper."""
    return named_by(issue.id, issue.submitted_at)


def named_by(key: UUID, submitted_at: datetime) -> str:
    """The same from what it is made of: the day it was reported and the end of its id."""
    return f"{day_of(submitted_at):%Y%m%d}-{key.hex[-6:].upper()}"


_PRESSING = (
    Column("number", Text("编号", "Number"), width=18),
    Column("region", Text("镇街（园区）", "Town"), width=14),
    Column("enterprise", Text("企业", "Enterprise"), width=24),
    Column("category", Text("类别", "Category"), width=14),
    Column("description", Text("问题", "Issue"), width=48),
    Column("lead", Text("牵头单位", "Lead"), width=20),
    Column("dispatched", Text("派单", "Dispatched"), kind="instant", group=Text("时间", "Times"), width=16),
    Column("due", Text("期限", "Due"), kind="instant", group=Text("时间", "Times"), width=16),
    Column("state", Text("状态", "State"), group=Text("进展", "Progress"), width=10),
    Column("late", Text("超期工作日", "Working days late"), kind="count", group=Text("进展", "Progress"), width=10),
    Column("level", Text("督办层级", "Level"), kind="count", group=Text("进展", "Progress"), width=8),
)


_NOTES = (
    Text("保密问题不列入本清单。", "Confidential issues are not on this list."),
    Text(
        "是否反馈、超期天数截至期末（期间未结束的截至制表时），状态和层级为制表时的情况。",
        "Open and late as of the end of the period, or as of now while it runs; state and level as of now.",
    ),
)
_CUT = Text(
    "共{all}件，本清单只列到期最早的{most}件。", "There are {all}; only the {most} that fell due first are listed."
)


def pressing(period: Period, *, sight: Sight, at: datetime, language: str = ZH, with_earlier: bool = False) -> Table:
    """The supervision list: every issue that fell due in the period and was open at its end (or is now), with how late it was.

    ``with_earlier`` adds those that fell due before it, as the list needs that people are pressed by. State and level are today's.
    """
    days, until = calendar.current(), _until(period, at)
    rows, in_all = _late(so_far(period) if with_earlier else period, at, sight)
    notes = [*_NOTES, _CUT.fill(all=in_all, most=MOST)] if in_all > len(rows) else _NOTES
    measure = Text("期内到期、截至期末尚未反馈", "fell due in the period and still open at its end")
    if with_earlier:
        measure = Text("截至期末已到期且尚未反馈（含往期）", "fell due by the end of the period and still open then")
    leads = groups.named("department", {row.lead_code for row in rows}, language)
    cells: list[Sequence[Cell]] = [
        (
            number(row),
            _in(language, row.region.name, row.region.name_en),
            row.enterprise.name,
            _in(language, row.category.name, row.category.name_en),
            row.description,
            leads[row.lead_code][1],
            row.dispatched_at,
            row.due,
            STATE_NAMES[State(row.state)],
            _days_late(days, row, until),
            row.level,
        )
        for row in rows
    ]
    return Table(
        key=f"pressing-{period.code}",
        title=Text("产改问题督办清单", "Supervision list"),
        columns=_PRESSING,
        rows=cells,
        unit=Text("件、工作日", "items, working days"),
        period=period.name,
        measure=measure,
        notes=tuple(notes),
    )


def _late(period: Period, at: datetime, sight: Sight) -> tuple[list[Issue], int]:
    """Issues that fell due in the period and were with a department, not replied to, at its end, or are so now if it runs.

    Those that fell due first, up to MOST, and how many there are. They are asked for in parts, for each part has an index.
    """
    due = Issue.objects.filter(BASES["due"].when(Window(period, at)), sight.of_issues(""), confidential=False)
    parts = [due.filter(state__in=sorted(state.value for state in WITH_DEPARTMENT))]
    if period.end < at:
        paused_by_then = Suspension.objects.filter(state="running", since__lt=period.end).order_by().values("issue_id")
        parts += [
            due.filter(state__in=ANSWERED, replied_at__gte=period.end),
            due.filter(state=State.SUSPENDED).exclude(pk__in=paused_by_then),
        ]
    related = ("region", "enterprise", "category")
    found = [row for part in parts for row in part.select_related(*related).order_by("due", "id")[: MOST + 1]]
    found.sort(key=lambda row: (row.due or at, row.id))
    return found[:MOST], len(found) if len(found) <= MOST else sum(part.count() for part in parts)


def _until(period: Period, at: datetime) -> date:
    """The day that lateness is judged on: the last of the period, or today while it runs."""
    return min(period.last, day_of(at))


def _days_late(days: Calendar, issue: Issue, until: date) -> int:
    return days.between(local_day(issue.due), until) if issue.due else 0


def _in(language: str, zh: str, en: str) -> str:
    return en if language == EN and en else zh
