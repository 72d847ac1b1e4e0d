"""The conditions beside the workflow table: each a small pure function over what is known of an issue.

A guard answers None, or a fault saying why not and what would be right. ``GUARDS`` maps the names used in the table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from core.problems import Fault
from core.texts import Text
from inspections import deadlines
from inspections.deadlines import PAUSE_LIMIT, PAUSES_LIMIT, Calendar, close_of, local_day
from inspections.workflow import NOT_RATED, Row

REOPEN_DAYS = 30
REWORKS = 2
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards look at. ``submitted_at``: since when it waits for the office; ``paused`` in working days.

    ``returns`` are the departments that asked to return it, in order; ``unreached`` counts the follow-ups of this round
    in which nobody was reached.
    """

    at: datetime
    calendar: Calendar
    issue: UUID | None = None
    actor: UUID | None = None
    lead: str | None = None
    assists: tuple[str, ...] = ()
    opinions: frozenset[str] = frozenset()
    actor_departments: frozenset[str] = frozenset()
    handler: UUID | None = None
    submitted_at: datetime = datetime(1, 1, 1, tzinfo=UTC)
    dispatched_at: datetime | None = None
    due: datetime | None = None
    closed_at: datetime | None = None
    limit: int = 0
    may_be_extended: bool = True
    extended: bool = False
    returns: tuple[str, ...] = ()
    adjudicated: bool = False
    paused: int = 0
    pause_asked: bool = False
    round: int = 1
    reworks: int = 0
    unreached: int = 0
    master: tuple[UUID, str] | None = None
    lead_people: frozenset[UUID] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def check(row: Row, facts: Facts, *, faulty: Collection[str] = ()) -> list[Fault]:
    """Every guard of an action that is not met; what looks at a ``faulty`` field of its data is not asked."""
    asked = [GUARDS[name] for name in row.guards]
    return [fault for guard in asked if guard.looks_at not in faulty and (fault := guard.fault(facts)) is not None]


def obstacles(row: Row, facts: Facts) -> list[Fault]:
    """What stands in an action's way whatever it carries: the guards that look at the issue alone."""
    return check(row, facts, faulty={guard.looks_at for guard in GUARDS.values() if guard.looks_at})


def missing_opinions(facts: Facts) -> list[str]:
    """Assisting departments that have not given their opinion in this round."""
    return [code for code in facts.assists if code not in facts.opinions]


def _within_a_workday_of_submission(facts: Facts) -> Fault | None:
    if facts.at <= deadlines.due(facts.calendar, facts.submitted_at, 1).at:
        return None
    return _refuse(
        "too-late", "上报超过一个工作日,请改为派单", "More than one working day since submission: dispatch it instead"
    )


def _master_is_another_live_issue(facts: Facts) -> Fault | None:
    if facts.master is None:
        return _refuse("unknown", "没有这个主件", "There is no such master issue", at="/data/into")
    if facts.master[0] == facts.issue:
        return _refuse("same-issue", "不能并入自身", "An issue cannot be merged into itself", at="/data/into")
    if facts.master[1] in ("merged", "rejected", "withdrawn"):
        return _refuse(
            "master-ended",
            "主件已并案、不予受理或撤回,请选择仍有效的主件",
            "The master was itself merged, rejected or withdrawn: choose one that stands",
            at="/data/into",
        )
    return None


def _handler_works_for_the_lead(facts: Facts) -> Fault | None:
    if (
        facts.data.get("handler") is None
        or facts.lead_people is None
        or UUID(facts.data["handler"]) in facts.lead_people
    ):
        return None
    return _refuse(
        "not-of-the-lead",
        "经办人应为牵头部门人员",
        "The handler has to work for the lead department",
        at="/data/handler",
    )


def _not_adjudicated(facts: Facts) -> Fault | None:
    if not facts.adjudicated:
        return None
    return _refuse("adjudicated", "已经裁定,不得再退", "It was adjudicated to this department: no further return")


def _one_return_a_department(facts: Facts) -> Fault | None:
    if facts.lead not in facts.returns:
        return None
    return _refuse("returned-before", "本部门已申请退单一次", "This department has asked to return it once already")


def _within_a_workday_of_dispatch(facts: Facts) -> Fault | None:
    if facts.dispatched_at is None or facts.at <= deadlines.due(facts.calendar, facts.dispatched_at, 1).at:
        return None
    return _refuse(
        "too-late", "退单应在派单后一个工作日内提出", "A return is asked for within one working day of dispatch"
    )


def _first_return(facts: Facts) -> Fault | None:
    if len(facts.returns) < 2:
        return None
    return _refuse(
        "adjudicate", "第二次退单应予裁定,指明承办部门", "A second return is adjudicated: name the department"
    )


def _second_return(facts: Facts) -> Fault | None:
    if len(facts.returns) >= 2:
        return None
    return _refuse(
        "first-return",
        "首次退单请同意或不同意,第二次退单才裁定",
        "A first return is approved or refused; only a second one is adjudicated",
    )


def _to_another_department(facts: Facts) -> Fault | None:
    if facts.data.get("lead") != facts.lead:
        return None
    return _refuse("same-department", "已由该部门牵头", "This department leads it already", at="/data/lead")


def _class_may_be_extended(facts: Facts) -> Fault | None:
    if facts.may_be_extended:
        return None
    return _refuse("never-extended", "此时限类别不得延期", "Issues of this deadline class are never extended")


def _one_extension(facts: Facts) -> Fault | None:
    return _refuse("extended-before", "只能延期一次", "It was extended once already") if facts.extended else None


def _a_workday_before_due(facts: Facts) -> Fault | None:
    if facts.due is None:
        return None
    last = close_of(facts.calendar.after(local_day(facts.due), -1))
    if facts.at <= last:
        return None
    return _refuse(
        "too-late",
        "延期应至少在到期前一个工作日提出(最迟 {last})",
        "An extension is asked for at least one working day before the due time (by {last})",
        last=last.strftime("%Y-%m-%d %H:%M"),
    )


def _at_most_the_limit(facts: Facts) -> Fault | None:
    if 1 <= facts.data["workdays"] <= facts.limit:
        return None
    return _refuse(
        "out-of-range",
        "延期为 1 至 {limit} 个工作日",
        "An extension is 1 to {limit} working days",
        at="/data/workdays",
        limit=facts.limit,
    )


def _pause_is_ahead(facts: Facts) -> Fault | None:
    if "until" not in facts.data or date.fromisoformat(facts.data["until"]) > local_day(facts.at):
        return None
    return _refuse("not-ahead", "恢复日期应晚于今天", "The end of the pause has to lie after today", at="/data/until")


def _pause_within_limits(facts: Facts) -> Fault | None:
    if "until" not in facts.data:
        return None
    day = date.fromisoformat(facts.data["until"])
    far = (day - local_day(facts.at)).days > 10 * PAUSE_LIMIT
    length = PAUSE_LIMIT + 1 if far else deadlines.paused_workdays(facts.calendar, facts.at, close_of(day))
    if length > PAUSE_LIMIT or facts.paused + length > PAUSES_LIMIT:
        return _refuse(
            "too-long",
            "每次挂起最多 {one} 个工作日,合计最多 {all} 个(已用 {used})",
            "A pause lasts at most {one} working days and all pauses {all} (used: {used})",
            at="/data/until",
            one=PAUSE_LIMIT,
            all=PAUSES_LIMIT,
            used=facts.paused,
        )
    return None


def _a_pause_is_asked_for(facts: Facts) -> Fault | None:
    return (
        None
        if facts.pause_asked
        else _refuse("nothing-asked", "没有待审的挂起申请", "No suspension has been asked for")
    )


def _assist_opinions_are_in(facts: Facts) -> Fault | None:
    missing = missing_opinions(facts)
    if not missing:
        return None
    return _refuse(
        "assist-opinion-missing",
        "尚缺协办意见:{missing}",
        "Assist opinions are still missing from {missing}",
        missing=", ".join(missing),
    )


def _department_assists(facts: Facts) -> Fault | None:
    named = facts.data.get("department")
    if named is None or named in facts.assists:
        return None
    return _refuse("not-assisting", "该部门不是协办部门", "This department does not assist here", at="/data/department")


def _not_the_handler(facts: Facts) -> Fault | None:
    if facts.actor is None or facts.actor != facts.handler:
        return None
    return _refuse("is-the-handler", "经办人不能自行销号", "Whoever handled an issue does not close it")


def _asked_three_times_in_vain(facts: Facts) -> Fault | None:
    if facts.data.get("satisfaction") != NOT_RATED or facts.unreached >= ATTEMPTS:
        return None
    return _refuse(
        "asked-too-seldom",
        "三次回访均未联系上才可记为未评价(已记录 {n} 次)",
        "“Not rated” needs {all} follow-ups that reached nobody (so far: {n})",
        at="/data/satisfaction",
        n=facts.unreached,
        all=ATTEMPTS,
    )


def _at_most_two_reworks(facts: Facts) -> Fault | None:
    if facts.reworks < REWORKS:
        return None
    return _refuse(
        "reworked-twice", "已重办两轮,请提交联席会议", "It was reworked twice: refer it to the joint conference"
    )


def _within_thirty_days_of_closing(facts: Facts) -> Fault | None:
    if facts.closed_at is None or facts.at <= facts.closed_at + timedelta(days=REOPEN_DAYS):
        return None
    return _refuse("too-late", "销号超过三十天,请另行上报", "More than thirty days since closing: report it anew")


def _refuse(code: str, zh: str, en: str, *, at: str = "/action", **values: Any) -> Fault:
    return Fault(at, code, Text(zh, en).fill(**values))


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition in words, how it is checked, and the field of the action's data that it looks at, if any."""

    label: Text
    fault: Callable[[Facts], Fault | None]
    looks_at: str = ""


GUARDS: Mapping[str, Guard] = {
    "within_a_workday_of_submission": Guard(
        Text("上报后一个工作日内", "within one working day of submission"), _within_a_workday_of_submission
    ),
    "master_is_another_live_issue": Guard(
        Text("主件是另一件有效问题", "the master is another issue that stands"), _master_is_another_live_issue, "into"
    ),
    "handler_works_for_the_lead": Guard(
        Text("经办人属于牵头部门", "the handler works for the lead"), _handler_works_for_the_lead, "handler"
    ),
    "not_adjudicated": Guard(Text("未经裁定", "not adjudicated before"), _not_adjudicated),
    "one_return_a_department": Guard(
        Text("每个部门对同一问题只能申请一次", "once for each issue and department"), _one_return_a_department
    ),
    "within_a_workday_of_dispatch": Guard(
        Text("派单后一个工作日内", "within one working day of dispatch"), _within_a_workday_of_dispatch
    ),
    "first_return": Guard(Text("首次退单", "the first return"), _first_return),
    "second_return": Guard(Text("第二次退单;裁定后不得再退", "the second return; none after it"), _second_return),
    "to_another_department": Guard(Text("转给另一部门", "to another department"), _to_another_department, "lead"),
    "class_may_be_extended": Guard(
        Text("时限类别允许延期(A、E 类不得)", "the deadline class allows it (never A or E)"), _class_may_be_extended
    ),
    "one_extension": Guard(Text("只延期一次", "once"), _one_extension),
    "a_workday_before_due": Guard(
        Text("至少在到期前一个工作日", "at least one working day before the due time"), _a_workday_before_due
    ),
    "at_most_the_limit": Guard(Text("不超过原时限", "at most the original limit"), _at_most_the_limit, "workdays"),
    "pause_is_ahead": Guard(Text("恢复日期在今天之后", "its end lies after today"), _pause_is_ahead, "until"),
    "pause_within_limits": Guard(
        Text("每次不超过 30 个、合计不超过 90 个工作日", "at most 30 working days, 90 in all"),
        _pause_within_limits,
        "until",
    ),
    "a_pause_is_asked_for": Guard(Text("有待审的挂起申请", "a suspension has been asked for"), _a_pause_is_asked_for),
    "assist_opinions_are_in": Guard(Text("协办意见齐全", "all assist opinions are in"), _assist_opinions_are_in),
    "department_assists": Guard(Text("该部门为协办部门", "the department assists"), _department_assists, "department"),
    "not_the_handler": Guard(Text("本人不是经办人", "somebody other than the handler"), _not_the_handler),
    "asked_three_times_in_vain": Guard(
        Text("记为未评价须三次回访未联系上", "“not rated” after three follow-ups that reached nobody"),
        _asked_three_times_in_vain,
        "satisfaction",
    ),
    "at_most_two_reworks": Guard(
        Text("最多重办两轮,其后提交联席会议", "at most two reworks, then the joint conference"), _at_most_two_reworks
    ),
    "within_thirty_days_of_closing": Guard(
        Text("销号后三十天内", "within thirty days of closing"), _within_thirty_days_of_closing
    ),
}
