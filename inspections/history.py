"""What happened to an issue, as sentences: its actions and its warnings in order of time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.texts import Text
from inspections import words
from inspections.deadlines import SHANGHAI
from inspections.models import Issue, IssueAction, Supervision
from inspections.workflow import ROWS, STATE_NAMES, State

PARTIES: Mapping[str, Text] = {
    "office": Text("产改办", "The office"),
    "town": Text("镇街", "The town"),
    "field": Text("三员", "A field member"),
    "station": Text("指导站", "The station"),
    "reporter": Text("上报人", "The reporter"),
    "rule": Text("派单规则", "A routing rule"),
    "system": Text("系统", "The system"),
    "other": Text("其他人员", "Somebody"),
}
CAUSES: Mapping[str, Text] = {
    "due_soon": Text("即将到期", "one working day is left"),
    "late_acknowledgement": Text("签收超期", "acknowledged late"),
    "overdue": Text("办理超期", "overdue"),
    "long_overdue": Text("超期五个工作日以上", "overdue by more than five working days"),
    "far_overdue": Text("超期十五个工作日以上", "overdue by more than fifteen working days"),
    "refused_reply": Text("反馈被退回", "the reply was refused"),
    "second_rework": Text("第二次重办", "second rework"),
    "jurisdiction": Text("职责有争议", "a dispute over jurisdiction"),
    "urged": Text("催办", "urged"),
    "ordered": Text("督办单", "a supervision order"),
    "talk": Text("约谈", "an admonition talk"),
    "referred": Text("提交联席会议", "referred to the joint conference"),
}
CARDS: Mapping[str, Text] = {
    "": Text("预警", "Warning"),
    "yellow": Text("黄牌", "Yellow card"),
    "red": Text("红牌", "Red card"),
}
_OWN = frozenset({"urged", "ordered", "talk", "referred"})
"""Causes that an action of the same name has told already."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history. ``person`` is who in person, for readers who may know."""

    at: datetime
    action: str
    party: str
    sentence: Text
    text: str = ""
    data: Mapping[str, Any] | None = None
    from_state: str = ""
    to_state: str = ""
    round: int = 1
    person: str = ""


def of(issue: Issue, names: Mapping[str, str]) -> list[Event]:
    """The whole history; ``names`` tells departments and towns by code. Three queries."""
    first = Event(issue.submitted_at, "submit", "reporter", _sentence(issue.submitted_at, "reporter", "submit", names))
    found = [first]
    for row in IssueAction.objects.filter(issue=issue).select_related("person"):
        sentence = _sentence(
            row.at, row.party, row.action, names, row.text, row.data, row.to_state if _moves(row) else ""
        )
        person = row.person.name if row.person and row.party != "reporter" else ""
        found.append(
            Event(
                row.at,
                row.action,
                row.party,
                sentence,
                row.text,
                row.data or None,
                row.from_state,
                row.to_state,
                row.round,
                person,
            )
        )
    for warning in Supervision.objects.filter(issue=issue).exclude(cause__in=_OWN):
        found.append(Event(warning.at, "warn", "system", _warning(warning, names), warning.reason))
    return sorted(found, key=lambda event: (event.at, event.action != "submit"))


def _moves(row: IssueAction) -> bool:
    return row.from_state != row.to_state


def _warning(row: Supervision, names: Mapping[str, str]) -> Text:
    return Text("{at} {card}:{lead},{cause}", "{at} {card} for {lead}: {cause}").fill(
        at=_time(row.at), card=CARDS[row.card], lead=names.get(row.lead_code, row.lead_code), cause=CAUSES[row.cause]
    )


def _sentence(
    at: datetime,
    party: str,
    action: str,
    names: Mapping[str, str],
    text: str = "",
    data: Mapping[str, Any] | None = None,
    state: str = "",
) -> Text:
    who: str | Text = PARTIES.get(party) or names.get(party, party)
    parts = [Text("{at} {who} {what}", "{at} {who}: {what}").fill(at=_time(at), who=who, what=ROWS[action].label)]
    parts += [detail.fill(value=value) for detail, value in _details(action, data or {}, names)]
    if text:
        parts.append(Text("“{text}”", "“{text}”").fill(text=text))
    if state:
        parts.append(Text("→ {state}", "→ {state}").fill(state=STATE_NAMES[State(state)]))
    return Text(" ".join(str(part) for part in parts), " ".join(part.en for part in parts))


_DETAILS: Mapping[str, Text] = {
    "lead": Text("牵头:{value}", "lead: {value}"),
    "assists": Text("协办:{value}", "assisting: {value}"),
    "deadline_class": Text("时限类别:{value}", "deadline class: {value}"),
    "suggested_department": Text("建议转:{value}", "suggests: {value}"),
    "department": Text("({value})", "({value})"),
    "ground": Text("理由:{value}", "ground: {value}"),
    "reason_code": Text("原因:{value}", "reason: {value}"),
    "reason": Text("原因:{value}", "reason: {value}"),
    "into": Text("主件:{value}", "into: {value}"),
    "workdays": Text("{value} 个工作日", "{value} working days"),
    "until": Text("至 {value}", "until {value}"),
    "outcome": Text("结果:{value}", "outcome: {value}"),
    "satisfaction": Text("满意度:{value}", "{value}"),
    "solved": Text("{value}", "{value}"),
    "method": Text("方式:{value}", "{value}"),
    "new_facts": Text("新情况:{value}", "new facts: {value}"),
    "evidence": Text("佐证 {value} 份", "evidence: {value}"),
}
_SOLVED: Mapping[Any, Text] = {True: Text("已解决", "solved"), False: Text("未解决", "not solved")}
_CODED = frozenset({"reason_code", "outcome", "satisfaction", "method"})
_PARTIES = frozenset({"lead", "suggested_department", "department"})


def _details(action: str, data: Mapping[str, Any], names: Mapping[str, str]) -> list[tuple[Text, str | Text]]:
    found: list[tuple[Text, str | Text]] = []
    for name, label in _DETAILS.items():
        value = data.get(name)
        if name == "solved" and action in ("follow_up", "close") and name in data and value is None:
            found.append((label, _UNKNOWN[action]))
        elif value in (None, "", []):
            continue
        elif name in _PARTIES:
            found.append((label, names.get(str(value), str(value))))
        elif name in ("assists", "evidence") and isinstance(value, list):
            listed = "、".join(names.get(code, code) for code in value) if name == "assists" else str(len(value))
            found.append((label, listed))
        elif name in _CODED:
            found.append((label, words.of(str(value))))
        else:
            found.append((label, _SOLVED.get(value, str(value)) if name == "solved" else str(value)))
    return found


_UNKNOWN = {
    "follow_up": Text("未联系上", "nobody was reached"),
    "close": Text("是否解决不详", "whether solved is not known"),
}


def _time(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
