"""Texts that replies begin with: the office's and each department's own, with the issue's particulars filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.actors import Actor
from core.ids import uuid7
from core.problems import Fault, Forbidden, Invalid, NotFound
from core.texts import Text
from inspections import tables
from inspections.deadlines import local_day
from inspections.models import Issue, IssueAssist
from inspections.rulebook import IssueCategory, ReplyTemplate
from inspections.workflow import OUTCOMES
from journal import journal
from organizations.models import Department, Region
from organizations.permissions import Caller, may
from organizations.roles import Role

COLLECTION = "reply_templates"
FIELDS = ("party", "title", "body", "outcome", "category")
PLACEHOLDERS: Mapping[str, Text] = {
    "enterprise": Text("企业名称", "the enterprise's name"),
    "region": Text("镇街", "its town"),
    "category": Text("问题类别", "the category"),
    "description": Text("问题描述", "what was reported"),
    "lead": Text("牵头单位", "who leads"),
    "assists": Text("协办单位", "who assists"),
    "opinions": Text("协办意见", "what the assistants said"),
    "workers_affected": Text("涉及人数", "how many workers it concerns"),
    "external_case_no": Text("渠道编号", "its number in another channel"),
    "submitted_on": Text("上报日期", "the day it was reported"),
    "dispatched_on": Text("派单日期", "the day it was dispatched"),
    "due_on": Text("办理期限", "the day it is due"),
    "today": Text("今天", "today"),
}
"""What a template may ask of an issue. No person is among them: a reply is read by everybody who sees the issue."""
NOTHING = "—"
_BRACES = re.compile(r"\{([^{}\n]{0,40})\}")


def usable(by: Actor) -> QuerySet[ReplyTemplate]:
    """The templates a caller may use: the office's and those of their own departments and towns; the office sees all."""
    rows = ReplyTemplate.objects.filter(active=True)
    if not may(by, "template.read"):
        return rows.none()
    return rows if _is_office(by) else rows.filter(Q(party="") | Q(party__in=parties(by)))


def parties(by: Actor) -> set[str]:
    """The departments and towns that somebody works for."""
    if not isinstance(by, Caller):
        return set()
    towns = Region.objects.filter(pk__in=by.towns).values_list("code", flat=True) if by.towns else ()
    return set(by.department_codes) | set(towns)


def create(values: Mapping[str, Any], *, by: Actor, at: datetime) -> ReplyTemplate:
    """A new template of ``party`` (the caller's own when it is not named). Raises Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        row = ReplyTemplate(id=uuid7(), updated_at=at, **{name: values.get(name, "") for name in FIELDS})
        row.party = _party(values.get("party"), by)
        _check(row)
        tables.add([row])
        _note("template.created", row, {name: [None, getattr(row, name)] for name in FIELDS if getattr(row, name)})
        return row


def change(key: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> ReplyTemplate:
    """Change a template of one's own. Raises NotFound, Forbidden, Invalid."""
    with journal.unit(by=by, at=at):
        row = _own(key, by)
        given = {name: values[name] for name in FIELDS if name in values}
        if "party" in given:
            given["party"] = _party(given["party"], by)
        changed = {name: [getattr(row, name), value] for name, value in given.items() if getattr(row, name) != value}
        for name in changed:
            setattr(row, name, given[name])
        _check(row)
        if changed:
            row.updated_at = at
            tables.put([row])
            _note("template.changed", row, changed)
        return row


def end(key: UUID, *, by: Actor, at: datetime) -> None:
    """Take a template of one's own out of use. Raises NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        row = _own(key, by)
        row.active, row.updated_at = False, at
        tables.put([row])
        _note("template.ended", row, {"active": [True, False]})


def filled(templates: QuerySet[ReplyTemplate], issue: Issue, *, at: datetime) -> list[tuple[ReplyTemplate, str]]:
    """The templates that suit an issue, its own category's first, each with its text filled in; three queries."""
    found = list(templates.filter(Q(category="") | Q(category=issue.category_id)))
    values = _particulars(issue, at)
    found.sort(key=lambda row: (row.category != issue.category_id, row.party == "", row.title))
    return [(row, fill(row.body, values)) for row in found]


def fill(body: str, values: Mapping[str, str]) -> str:
    """A text with its placeholders replaced; what is not a placeholder stays as it is."""
    return _BRACES.sub(lambda match: values.get(match[1].strip(), match[0]), body)


def _particulars(issue: Issue, at: datetime) -> dict[str, str]:
    names = dict(Region.objects.values_list("code", "name")) | dict(Department.objects.values_list("code", "name"))
    said = IssueAssist.objects.filter(issue=issue, round=issue.round).exclude(opinion="").order_by("opinion_at")
    values: dict[str, Any] = {
        "enterprise": issue.enterprise.name,
        "region": issue.region.name,
        "category": issue.category.name,
        "description": issue.description,
        "lead": names.get(issue.lead_code, issue.lead_code),
        "assists": "、".join(names.get(code, code) for code in issue.assists),
        "opinions": ";".join(f"{names.get(row.code, row.code)}:{row.opinion}" for row in said),
        "workers_affected": issue.workers_affected,
        "external_case_no": issue.external_case_no,
        "submitted_on": _day(local_day(issue.submitted_at)),
        "dispatched_on": _day(local_day(issue.dispatched_at)) if issue.dispatched_at else None,
        "due_on": _day(local_day(issue.due)) if issue.due else None,
        "today": _day(local_day(at)),
    }
    return {name: NOTHING if value in (None, "") else str(value) for name, value in values.items()}


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _is_office(by: Actor) -> bool:
    return by.person is None or (isinstance(by, Caller) and Role.OFFICE in by.roles)


def _party(named: str | None, by: Actor) -> str:
    """Whose a template is to be. Raises Forbidden for others', Invalid where somebody of several does not say."""
    if _is_office(by):
        known = Department.objects.filter(code=named) if named else None
        if known is not None and not known.exists() and not Region.objects.filter(code=named).exists():
            raise Invalid.at("/party", "unknown", Text("没有此部门或镇街", "There is no such department or town"))
        return named or ""
    own = parties(by)
    if named is None and len(own) == 1:
        return min(own)
    if named is None and own:
        raise Invalid.at("/party", "required", Text("请指明所属部门", "Say for which of your departments"))
    if not named or named not in own:
        raise Forbidden(Text("只能编辑本部门的模板", "You write templates of your own department only"))
    return named


def _own(key: UUID, by: Actor) -> ReplyTemplate:
    row = usable(by).select_for_update().filter(pk=key).first()
    if row is None:
        raise NotFound
    if not _is_office(by):
        _party(row.party, by)
    return row


def _check(row: ReplyTemplate) -> None:
    """Raises Invalid naming everything that is wrong."""
    faults = [
        Fault(
            "/body",
            "unknown-placeholder",
            Text("没有占位符 {name};可用:{known}", "There is no placeholder {name}; there are {known}").fill(
                name="{" + name + "}", known=", ".join(PLACEHOLDERS)
            ),
        )
        for name in dict.fromkeys(_BRACES.findall(row.body))
        if name.strip() not in PLACEHOLDERS
    ]
    faults += [
        Fault(f"/{name}", "required", Text("必填", "This is required"))
        for name in ("title", "body")
        if not getattr(row, name).strip()
    ]
    if row.outcome and row.outcome not in OUTCOMES:
        wanted = Text("应为以下之一:{codes}", "This should be one of {codes}").fill(codes=", ".join(OUTCOMES))
        faults.append(Fault("/outcome", "not-a-choice", wanted))
    if row.category and not IssueCategory.objects.filter(code=row.category).exists():
        faults.append(Fault("/category", "unknown", Text("没有此问题类别", "There is no such category")))
    same = ReplyTemplate.objects.filter(party=row.party, title=row.title, active=True).exclude(pk=row.pk)
    if same.exists():
        faults.append(Fault("/title", "taken", Text("已有同名模板", "There is a template of that name")))
    if faults:
        raise Invalid(errors=faults)


def _note(verb: str, row: ReplyTemplate, changed: dict[str, Any]) -> None:
    journal.record([journal.Change(verb, COLLECTION, row.id, changed)])
