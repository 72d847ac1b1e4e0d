"""The lists that the office keeps and sends: issues, duties, tasks, the duty record of each member, the two boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Q

from core.texts import EN, Text
from inspections.models import ConferenceTask, Issue
from inspections.rulebook import IssueCategory
from inspections.workflow import STATE_NAMES, State
from organizations.models import Region
from organizations.roles import FIELD_ROLES, Role
from reports import circulars, clocks, groups, ledgers, supervision
from reports.arithmetic import GRADE_NAMES, grade
from reports.circulars import number
from reports.fieldwork import held, until
from reports.figures import TOTAL, Figure, Report, Row
from reports.groups import Sight
from reports.indicators import INDICATORS
from reports.measures import NO_WORK, Window
from reports.periods import Period, day_of
from reports.tables import Cell, Column, Table

BOARD = 5
CONFIDENTIAL = Text("（保密）", "(confidential)")
BOARDED: Final = {"department": "on_time_rate", "region": "visit_coverage"}
MEMBER_KEYS = ("visits_per_member", "visit_coverage", "visit_completion", "response_completion", "workload")
MEMBER_NAMES: Final = {
    "visits_per_member": Text("有效走访", "Valid visits"), "workload": Text("上报问题", "Issues reported"),
}  # fmt: skip
MEMBER_MEANINGS: Final = {
    "visits_per_member": Text("本人参加的有效走访次数，联合走访各计一次", "valid visits that the member took part in"),
    "workload": Text("本人上报的问题，含上期结转", "issues that the member reported, those carried over too"),
}
"""What an indicator is to a single member, where its name for a group would mislead."""
ROLE_ORDER: Final = ("instructor", "liaison", "observer", "station_staff")
REPORTING = FIELD_ROLES | {Role.STATION_STAFF}
"""Who reports issues and so stands in the duty record."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a register is made of: the period as far as it has come, what the caller may see, the language."""

    period: Period
    at: datetime
    sight: Sight
    language: str


def make(kind: str, asked: Asked) -> list[Table]:
    """The tables of a register; ``kind`` is a key of REGISTERS."""
    return REGISTERS[kind](asked)


def pressing(asked: Asked) -> list[Table]:
    """The weekly supervision list: what was late when the period ended, however long ago it fell due."""
    sight, at, language = asked.sight, asked.at, asked.language
    return [circulars.pressing(asked.period, sight=sight, at=at, language=language, with_earlier=True)]


def issues(asked: Asked) -> list[Table]:
    """Every issue new in the period, as it stands. Confidential ones are told without their text."""
    columns = (
        Column("number", Text("编号", "Number"), width=18),
        Column("region", Text("镇街（园区）", "Town"), width=14),
        Column("enterprise", Text("企业", "Enterprise"), width=24),
        Column("category", Text("类别", "Category"), width=14),
        Column("description", Text("问题", "Issue"), width=48),
        Column("lead", Text("牵头单位", "Lead"), width=20),
        Column("state", Text("状态", "State"), width=10),
        Column("submitted", Text("上报", "Submitted"), kind="instant", group=Text("时间", "Times"), width=16),
        Column("due", Text("期限", "Due"), kind="instant", group=Text("时间", "Times"), width=16),
        Column("replied", Text("反馈", "Replied"), kind="instant", group=Text("时间", "Times"), width=16),
        Column("closed", Text("销号", "Closed"), kind="instant", group=Text("时间", "Times"), width=16),
        Column("round", Text("轮次", "Round"), kind="count", width=7),
    )
    return [
        Table(
            key=f"issues-{asked.period.code}",
            title=Text("问题清单", "List of issues"),
            columns=columns,
            rows=_issue_rows(asked),
            unit=Text("件", "items"),
            period=asked.period.name,
            measure=Text("期内上报", "reported in the period"),
            notes=(Text("保密问题不显示内容。", "The text of confidential issues is not shown."),),
        )
    ]


def _issue_rows(asked: Asked) -> Iterator[Sequence[Cell]]:
    rows = Issue.objects.filter(
        Window(asked.period, asked.at).within("submitted_at"), asked.sight.of_issues(""), ~Q(state__in=NO_WORK)
    )
    codes = rows.order_by().values_list("lead_code", flat=True).distinct()
    leads = {code: name for code, (_, name) in groups.named("department", codes, asked.language).items()}
    towns = {one.pk: _in(asked.language, one.name, one.name_en) for one in Region.objects.all()}
    kinds = {one.code: _in(asked.language, one.name, one.name_en) for one in IssueCategory.objects.all()}
    told = rows.order_by("submitted_at", "id").values_list(
        "id", "submitted_at", "region_id", "enterprise__name", "category_id", "description", "confidential", "lead_code", "state",
        "due", "replied_at", "closed_at", "round",
    )  # fmt: skip
    for pk, at, town, firm, category, said, hidden, lead, state, due, replied, closed, turn in told.iterator(1000):
        yield (
            circulars.named_by(pk, at),
            towns[town],
            CONFIDENTIAL if hidden else firm,
            kinds[str(category)],
            CONFIDENTIAL if hidden else said,
            leads[lead],
            STATE_NAMES[State(state)],
            at,
            due,
            replied,
            closed,
            turn,
        )


def duties(asked: Asked) -> list[Table]:
    """Who looks after which enterprise or town in the period."""
    period, sight = asked.period, asked.sight
    seen = (
        Q()
        if sight.everything
        else Q(person=sight.person) | Q(region__in=sight.regions) | Q(enterprise__region__in=sight.regions)
    )
    found = (
        held(period, FIELD_ROLES)
        .filter(seen)
        .select_related("person", "enterprise__region", "region")
        .order_by("role", "person__name", "id")
    )
    columns = (
        Column("role", Text("身份", "Role"), width=10),
        Column("person", Text("姓名", "Name"), width=12),
        Column("place", Text("联系对象", "Looks after"), width=28),
        Column("region", Text("镇街（园区）", "Town"), width=16),
        Column("from", Text("起", "From"), kind="date", width=12),
        Column("to", Text("止", "To"), kind="date", width=12),
    )
    rows: list[Sequence[Cell]] = []
    for one in found:
        town = one.enterprise.region if one.enterprise else one.region
        place = (
            one.enterprise.name
            if one.enterprise
            else Text("全镇", "the whole town")
            if town
            else Text("全市", "the city")
        )
        where = _in(asked.language, town.name, town.name_en) if town else None
        last = until(one.ends_on, one.revoked_at and day_of(one.revoked_at))
        rows.append((_role(one.role), one.person.name, place, where, one.starts_on, last))
    return [Table(f"duties-{period.code}", Text("三员责任清单", "List of duties"), columns, rows, period=period.name)]


def tasks(asked: Asked) -> list[Table]:
    """What the joint conference asked of departments, decided in the period or still open in it."""
    period, sight = asked.period, asked.sight
    found = (
        ConferenceTask.objects.filter(
            Q(done_at=None) | Q(done_at__gte=period.start),
            Q() if sight.everything else Q(department__code__in=sorted(sight.leads)),
            decided_at__lt=period.end,
            decided_at__lte=asked.at,
        )
        .select_related("department", "issue")
        .order_by("due", "id")
    )
    columns = (
        Column("department", Text("责任单位", "Department"), width=24),
        Column("issue", Text("问题编号", "Issue"), width=18),
        Column("minutes", Text("议定事项", "Decided"), width=60),
        Column("due", Text("期限", "Due"), kind="date", width=12),
        Column("done", Text("完成", "Done"), kind="instant", width=16),
    )
    rows = [
        (
            _in(asked.language, one.department.name, one.department.name_en),
            number(one.issue),
            one.minutes,
            one.due,
            one.done_at,
        )
        for one in found
    ]
    return [Table(f"tasks-{period.code}", Text("联席会议任务清单", "List of tasks"), columns, rows, period=period.name)]


def members(asked: Asked) -> list[Table]:
    """The duty record: what each field member did of what was owed, members of a role together."""
    report = _report(asked, "field_member")
    roles = _roles(asked)
    columns = [Column("name", Text("姓名", "Name"), width=14), Column("role", Text("身份", "Role"), width=16)]
    for key in MEMBER_KEYS:
        name, kind = MEMBER_NAMES.get(key, INDICATORS[key].name), INDICATORS[key].unit
        if kind != "percent":
            columns.append(Column(f"{key}.done" if kind == "visits" else key, name, kind="count", width=12))
        else:
            columns += [
                Column(f"{key}.done", Text("完成", "done"), kind="count", group=name, width=8),
                Column(f"{key}.owed", Text("应完成", "owed"), kind="count", group=name, width=8),
                Column(f"{key}.rate", Text("率（%）", "rate (%)"), kind="decimal", group=name, width=10),
            ]
    rows = sorted(
        (row for row in report.rows if row.code is not None),
        key=lambda row: ([ROLE_ORDER.index(role) for role in roles[row.code or ""]] or [len(ROLE_ORDER)], row.name),
    )
    return [
        Table(
            key=f"members-{asked.period.code}",
            title=Text("三员履职台账", "Duty record of field members"),
            columns=columns,
            rows=[
                (row.name, _joined(roles[row.code or ""], asked.language), *_member_cells(row.figures)) for row in rows
            ],
            total=(TOTAL, None, *_member_cells(report.total)),
            unit=Text("次、家、%", "visits, enterprises, %"),
            period=asked.period.name,
            notes=tuple(
                Text(
                    f"{MEMBER_NAMES.get(key, INDICATORS[key].name)}：{MEMBER_MEANINGS.get(key, INDICATORS[key].meaning)}。",
                    f"{MEMBER_NAMES.get(key, INDICATORS[key].name).en}: {MEMBER_MEANINGS.get(key, INDICATORS[key].meaning).en}.",
                )
                for key in MEMBER_KEYS
            ),
        )
    ]


def _roles(asked: Asked) -> dict[str, list[str]]:
    """The roles that members hold in the period, by the member's code, in the order of the office."""
    found: dict[str, set[str]] = defaultdict(set)
    for person, role in held(asked.period, REPORTING).values_list("person_id", "role"):
        found[str(person)].add(role)
    return defaultdict(list, {one: sorted(held, key=ROLE_ORDER.index) for one, held in found.items()})


def _joined(roles: Sequence[str], language: str) -> str:
    return (", " if language == EN else "、").join(_role(role).of(language) for role in roles)


def _member_cells(figures: Mapping[str, Figure]) -> list[Cell]:
    cells: list[Cell] = []
    for key in MEMBER_KEYS:
        one = figures[key]
        percent = INDICATORS[key].unit == "percent"
        cells += [one.numerator, one.denominator, one.value] if percent else [one.numerator]
    return cells


def boards(asked: Asked) -> list[Table]:
    """The honour and the warning board: first and last places of departments and towns, the too small left out."""
    made: list[Table] = []
    for group_by, key in BOARDED.items():
        placed = _report(asked, group_by).ranked(key)
        name = INDICATORS[key].name
        columns = (
            Column("board", Text("榜", "Board"), width=10),
            Column("rank", Text("名次", "Place"), kind="count", width=8),
            Column("name", Text("单位", "Unit"), width=26),
            Column("value", Text(f"{name}（%）", f"{name.en} (%)"), kind="decimal", width=18, heat="good"),
            Column("grade", Text("等次", "Grade"), width=10),
        )
        honour, warning = _split(placed)
        rows: list[Sequence[Cell]] = [_board_row(Text("红榜", "Honour"), *one, key) for one in honour]
        rows += [_board_row(Text("黄榜", "Warning"), *one, key) for one in warning]
        made.append(
            Table(
                key=f"boards-{asked.period.code}-{group_by}",
                title=Text(f"红黄榜·{groups_name(group_by)}", f"Boards: {groups_name(group_by).en}"),
                columns=columns,
                rows=rows,
                period=asked.period.name,
                measure=name,
                notes=(Text("分母小于5的单位不上榜。", "Units with a denominator under 5 are on neither board."),),
            )
        )
    return made


def stations(asked: Asked) -> list[Table]:
    """What the guidance stations did: the ledgers of all towns, and their lines."""
    return ledgers.tables(asked.period, sight=asked.sight, at=asked.at, language=asked.language)


def doubtful(asked: Asked) -> list[Table]:
    """Visits dated ahead of the moment they came in, which no figure counts until the office has put them right."""
    rows = clocks.doubtful(Window(asked.period, asked.at), asked.sight).select_related("enterprise", "author")
    return [
        Table(
            key=f"doubtful-{asked.period.code}",
            title=Text("存疑走访清单", "Visits with a wrong date"),
            columns=(
                Column("id", Text("编号", "Id"), width=38),
                Column("enterprise", Text("企业", "Enterprise"), width=28),
                Column("author", Text("填报人", "Author"), width=14),
                Column("started", Text("走访时间", "Dated"), kind="instant", width=18),
                Column("received", Text("接收时间", "Received"), kind="instant", width=18),
            ),
            rows=[
                (row.id, row.enterprise.name, row.author.name, row.started_at, row.submitted_at or row.created_at)
                for row in rows.order_by("started_at", "id")
            ],
            period=asked.period.name,
            notes=(Text("走访时间晚于接收时间一天以上。", "Dated more than a day after they were received."),),
        )
    ]


def _split(placed: list[tuple[int, Row]]) -> tuple[list[tuple[int, Row]], list[tuple[int, Row]]]:
    """The first and the last, at most half of all each; nobody is warned who did as well as somebody honoured."""
    half = min(BOARD, len(placed) // 2 if len(placed) > 1 else len(placed))
    honour = placed[:half]
    least = honour[-1][0] if honour else 0
    return honour, [one for one in placed[max(half, len(placed) - half) :] if one[0] > least]


def groups_name(group_by: str) -> Text:
    return {"department": Text("部门", "departments"), "region": Text("镇街（园区）", "towns")}[group_by]


def _board_row(board: Text, place: int, row: Row, key: str) -> Sequence[Cell]:
    value = row.figures[key].value
    return board, place, row.name, value, GRADE_NAMES[grade(value)] if value is not None else None


def _report(asked: Asked, group_by: str) -> Report:
    return supervision.report(asked.period, group_by, sight=asked.sight, at=asked.at, language=asked.language)


def _role(role: str) -> Text:
    label = Role(role).label
    return label if isinstance(label, Text) else Text(str(label), str(label))


def _in(language: str, zh: str, en: str) -> str:
    return en if language == EN and en else zh


REGISTERS: dict[str, Callable[[Asked], list[Table]]] = {
    "pressing": pressing,
    "issues": issues,
    "duties": duties,
    "tasks": tasks,
    "members": members,
    "boards": boards,
    "stations": stations,
    "doubtful": doubtful,
}
