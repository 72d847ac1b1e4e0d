"""What may happen to an issue, by whom, and what it needs: one table to be read aloud. Pure.

The table is ``TABLE``; everything else here reads it. Who somebody is to an issue (its reporter, its lead, the
office …) and what the calendar says are worked out elsewhere and come in as plain values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.problems import Conflict
from core.texts import Text


class State(StrEnum):
    SUBMITTED = "submitted"
    DISPATCHED = "dispatched"
    IN_PROGRESS = "in_progress"
    RETURN_PENDING = "return_pending"
    SUSPENDED = "suspended"
    REPLIED = "replied"
    FOLLOW_UP = "follow_up"
    CLOSED = "closed"
    REJECTED = "rejected"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"


class Who(StrEnum):
    """What a person is to one issue. ``organizations.permissions`` decides it; a test holds the two tables together."""

    REPORTER = "reporter"
    FIELD = "field"
    STATION = "station"
    LEAD = "lead"
    ASSIST = "assist"
    TOWN = "town"
    OFFICE = "office"
    RULE = "rule"


STATE_NAMES: Mapping[State, Text] = {
    State.SUBMITTED: Text("已上报", "submitted"),
    State.DISPATCHED: Text("已派单", "dispatched"),
    State.IN_PROGRESS: Text("办理中", "in progress"),
    State.RETURN_PENDING: Text("退单待审", "return pending"),
    State.SUSPENDED: Text("已挂起", "suspended"),
    State.REPLIED: Text("已反馈", "replied"),
    State.FOLLOW_UP: Text("待回访", "follow-up"),
    State.CLOSED: Text("已销号", "closed"),
    State.REJECTED: Text("不予受理", "rejected"),
    State.MERGED: Text("已并案", "merged"),
    State.WITHDRAWN: Text("已撤回", "withdrawn"),
}
WHO_NAMES: Mapping[Who, Text] = {
    Who.REPORTER: Text("上报人", "reporter"),
    Who.FIELD: Text("三员", "field member"),
    Who.STATION: Text("指导站工作人员", "station staff"),
    Who.LEAD: Text("牵头部门", "lead department"),
    Who.ASSIST: Text("协办部门", "assisting department"),
    Who.TOWN: Text("镇街经办人", "town officer"),
    Who.OFFICE: Text("产改办", "office"),
    Who.RULE: Text("派单规则", "rule"),
}

ENDED = frozenset({State.CLOSED, State.REJECTED, State.MERGED, State.WITHDRAWN})
OPEN = frozenset(State) - ENDED
WITH_DEPARTMENT = frozenset({State.DISPATCHED, State.IN_PROGRESS, State.RETURN_PENDING})
"""States in which the clock runs against the lead."""

PAUSE_REASONS = (
    "statutory_procedure",
    "waiting_for_applicant",
    "waiting_for_superior",
    "seasonal_window",
    "construction_period",
)
OUTCOMES = ("solved", "partly", "explained", "not_yet")
SATISFACTIONS = ("very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied", "not_rated")
METHODS = ("on_site", "phone", "message")
NOT_RATED = "not_rated"


@dataclass(frozen=True, slots=True)
class Field:
    """One entry of an action's ``data``: its name, what kind of value it takes, whether it may be missing."""

    name: str
    kind: str
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One action. ``to`` None leaves the state as it is; ``back`` returns to the state before the return request."""

    action: str
    label: Text
    before: frozenset[State]
    to: State | None
    who: tuple[Who, ...]
    fields: tuple[Field, ...] = ()
    text: bool = False
    guards: tuple[str, ...] = ()
    back: bool = False
    number: int | None = None

    @property
    def requires(self) -> list[str]:
        return [*(["text"] if self.text else []), *(field.name for field in self.fields if field.required)]


def _in(*states: State) -> frozenset[State]:
    return frozenset(states)


_S, _W = State, Who
_LEAD, _ASSISTS = Field("lead", "department"), Field("assists", "departments", required=False)
_REASON, _SOLVED = Field("reason", "text"), Field("solved", "bool")
_REACHED = Field("solved", "bool_or_null")
"""What somebody asked said of it; null when nobody was reached."""
_EVIDENCE = Field("evidence", "records", required=False)
_IN_PROGRESS = _in(_S.IN_PROGRESS)

TABLE: tuple[Row, ...] = (
    Row("submit", Text("上报", "submit"), _in(), _S.SUBMITTED, (_W.FIELD, _W.STATION), number=1),
    Row(
        "reject",
        Text("不予受理", "reject"),
        _in(_S.SUBMITTED),
        _S.REJECTED,
        (_W.OFFICE, _W.TOWN),
        (Field("reason_code", "code"),),
        text=True,
        guards=("within_a_workday_of_submission",),
        number=2,
    ),
    Row(
        "merge",
        Text("并案", "merge"),
        _in(_S.SUBMITTED),
        _S.MERGED,
        (_W.OFFICE,),
        (Field("into", "issue"),),
        guards=("master_is_another_live_issue",),
        number=3,
    ),
    Row("withdraw", Text("撤回", "withdraw"), _in(_S.SUBMITTED), _S.WITHDRAWN, (_W.REPORTER,), number=4),
    Row(
        "dispatch",
        Text("派单", "dispatch"),
        _in(_S.SUBMITTED),
        _S.DISPATCHED,
        (_W.RULE, _W.OFFICE),
        (_LEAD, _ASSISTS, Field("deadline_class", "deadline_class")),
        number=5,
    ),
    Row("answer_now", Text("即办", "answer now"), _in(_S.SUBMITTED), _S.CLOSED, (_W.STATION,), text=True, number=6),
    Row(
        "acknowledge",
        Text("签收", "acknowledge"),
        _in(_S.DISPATCHED),
        _S.IN_PROGRESS,
        (_W.LEAD,),
        (Field("handler", "person", required=False),),
        guards=("handler_works_for_the_lead",),
        number=7,
    ),
    Row(
        "request_return",
        Text("申请退单", "request return"),
        _in(_S.DISPATCHED, _S.IN_PROGRESS),
        _S.RETURN_PENDING,
        (_W.LEAD,),
        (Field("ground", "text"), Field("suggested_department", "department")),
        guards=("not_adjudicated", "one_return_a_department", "within_a_workday_of_dispatch"),
        number=8,
    ),
    Row(
        "approve_return",
        Text("同意退单", "approve return"),
        _in(_S.RETURN_PENDING),
        _S.SUBMITTED,
        (_W.OFFICE,),
        guards=("first_return",),
        number=9,
    ),
    Row(
        "refuse_return",
        Text("不同意退单", "refuse return"),
        _in(_S.RETURN_PENDING),
        None,
        (_W.OFFICE,),
        back=True,
        number=10,
    ),
    Row(
        "adjudicate",
        Text("裁定", "adjudicate"),
        _in(_S.RETURN_PENDING),
        _S.DISPATCHED,
        (_W.OFFICE,),
        (_LEAD, _ASSISTS, Field("deadline_class", "deadline_class", required=False)),
        guards=("second_return",),
        number=11,
    ),
    Row(
        "transfer",
        Text("转办", "transfer"),
        _IN_PROGRESS,
        _S.DISPATCHED,
        (_W.OFFICE,),
        (_LEAD, _REASON),
        guards=("to_another_department",),
        number=12,
    ),
    Row(
        "request_extension",
        Text("申请延期", "request extension"),
        _IN_PROGRESS,
        None,
        (_W.LEAD,),
        (Field("workdays", "int"), _REASON),
        guards=("class_may_be_extended", "one_extension", "a_workday_before_due", "at_most_the_limit"),
        number=13,
    ),
    Row(
        "suspend",
        Text("挂起", "suspend"),
        _IN_PROGRESS,
        _S.SUSPENDED,
        (_W.LEAD, _W.OFFICE),
        (
            Field("reason_code", "choice", choices=PAUSE_REASONS),
            Field("until", "date"),
            Field("document", "record", required=False),
        ),
        guards=("pause_is_ahead", "pause_within_limits"),
        number=14,
    ),
    Row("resume", Text("恢复办理", "resume"), _in(_S.SUSPENDED), _S.IN_PROGRESS, (_W.LEAD, _W.RULE), number=15),
    Row(
        "reply",
        Text("反馈", "reply"),
        _IN_PROGRESS,
        _S.REPLIED,
        (_W.LEAD,),
        (Field("outcome", "choice", choices=OUTCOMES), _EVIDENCE),
        text=True,
        guards=("assist_opinions_are_in",),
        number=16,
    ),
    Row(
        "reject_reply",
        Text("退回反馈", "reject reply"),
        _in(_S.REPLIED),
        _S.IN_PROGRESS,
        (_W.OFFICE, _W.TOWN),
        (_REASON,),
        number=17,
    ),
    Row("accept_reply", Text("审核通过", "accept reply"), _in(_S.REPLIED), _S.FOLLOW_UP, (_W.OFFICE,), number=18),
    Row(
        "close",
        Text("销号", "close"),
        _in(_S.FOLLOW_UP),
        _S.CLOSED,
        (_W.OFFICE, _W.TOWN),
        (
            Field("satisfaction", "choice", choices=SATISFACTIONS),
            Field("solved", "bool_or_null"),
            Field("method", "choice", choices=METHODS),
        ),
        guards=("not_the_handler", "asked_three_times_in_vain"),
        number=19,
    ),
    Row(
        "rework",
        Text("重办", "rework"),
        _in(_S.FOLLOW_UP),
        _S.DISPATCHED,
        (_W.OFFICE,),
        (_REASON,),
        guards=("at_most_two_reworks",),
        number=20,
    ),
    Row(
        "reopen",
        Text("重新打开", "reopen"),
        _in(_S.CLOSED),
        _S.SUBMITTED,
        (_W.OFFICE,),
        (Field("new_facts", "text"),),
        guards=("within_thirty_days_of_closing",),
        number=21,
    ),
    Row(
        "comment",
        Text("留言", "comment"),
        frozenset(_S),
        None,
        (_W.FIELD, _W.STATION, _W.LEAD, _W.ASSIST, _W.TOWN, _W.OFFICE),
        text=True,
    ),
    Row("verify", Text("现场核实", "verify"), frozenset(_S) - {_S.MERGED, _S.WITHDRAWN}, None, (_W.FIELD,), (_SOLVED,)),
    Row(
        "follow_up",
        Text("回访", "follow up"),
        _in(_S.FOLLOW_UP),
        None,
        (_W.FIELD, _W.STATION, _W.OFFICE, _W.TOWN),
        (
            _REACHED,
            Field("satisfaction", "choice", required=False, choices=SATISFACTIONS),
            Field("method", "choice", required=False, choices=METHODS),
        ),
    ),
    Row(
        "assist_opinion",
        Text("协办意见", "assist opinion"),
        _in(_S.DISPATCHED, _S.IN_PROGRESS, _S.SUSPENDED),
        None,
        (_W.ASSIST, _W.OFFICE),
        (Field("department", "department", required=False),),
        text=True,
        guards=("department_assists",),
    ),
    Row(
        "refuse_suspension",
        Text("不同意挂起", "refuse suspension"),
        _IN_PROGRESS,
        None,
        (_W.OFFICE,),
        (_REASON,),
        guards=("a_pause_is_asked_for",),
    ),
    Row("urge", Text("催办", "urge"), WITH_DEPARTMENT, None, (_W.OFFICE, _W.RULE)),
    Row("supervise", Text("督办", "supervise"), WITH_DEPARTMENT, None, (_W.OFFICE,), (_REASON,)),
    Row("admonish", Text("约谈", "admonish"), WITH_DEPARTMENT, None, (_W.OFFICE,), (_REASON,)),
    Row("refer", Text("提交联席会议", "refer to the joint conference"), OPEN, None, (_W.OFFICE, _W.RULE), (_REASON,)),
)
ROWS: Mapping[str, Row] = {row.action: row for row in TABLE}
ASKABLE = tuple(row.action for row in TABLE if row.action != "submit")
"""Actions a caller may ask for on an existing issue."""


class WrongState(Conflict):
    """The action does not fit the state the issue is in by now; the problem carries that state."""

    kind = "wrong-state"
    title = Text("当前状态不允许此操作", "The issue's state does not allow this")


def step(state: str, action: str, *, previous: str | None = None) -> State:
    """The state after an action. Raises WrongState, which names the states the action needs."""
    row, now = ROWS[action], State(state)
    if now not in row.before:
        wanted = sorted(row.before, key=list(State).index)
        raise WrongState(
            Text(
                "“{action}”需在状态 {wanted} 下进行,当前为{now}", "“{action}” needs the state {wanted}; it is {now}"
            ).fill(action=row.label, wanted=_listed([STATE_NAMES[one] for one in wanted]), now=STATE_NAMES[now]),
            state=now.value,
        )
    if row.back:
        return State(previous) if previous else State.DISPATCHED
    return row.to or now


def open_actions(state: str, may: Callable[[str], bool]) -> list[Row]:
    """What somebody may ask for in this state, in table order; ``may(action)`` knows what their roles allow."""
    return [row for row in TABLE if row.action != "submit" and state in row.before and may(row.action)]


def _listed(texts: Iterable[Text]) -> Text:
    texts = list(texts)
    return Text("、".join(texts), ", ".join(text.en for text in texts))
