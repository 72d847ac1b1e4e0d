"""Assessment schemes and what the office enters by hand: versioned, published once, changed never."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from core.actors import Actor
from core.ids import stable
from core.problems import Conflict, Fault, Invalid, NotFound
from core.texts import Text
from journal import journal
from organizations.permissions import permit
from reports import assessment, groups, periods
from reports.cadences import shipped
from reports.models import CadenceRow, Entry, Scheme, SchemeState, Snapshot
from reports.scoring import read_amount
from reports.sequences import take_next

FITTING = (1, 2, 3, 4, 6, 12)
"""Numbers of months that fill a year without a rest."""


class AlreadyPublished(Conflict):
    """A published scheme is what people were assessed by; a change is a new version."""

    kind = "already-published"
    title = Text("方案已发布，修改请另建新版本", "The scheme is published; make a new version to change it")


def draft(document: Mapping[str, Any], *, by: Actor, at: datetime) -> Scheme:
    """A new version of the scheme that the document names, not yet in force. Raises Invalid, Forbidden.

    ``document``: ``{"code", "title": {"zh", "en"}, "group_by", "items": […], "rank_small"?}``.
    """
    permit(by, "report.write")
    assessment.read_scheme(document)
    code, title = _read_names(document)
    with journal.unit(by=by, at=at):
        scheme = take_next(
            lambda: Scheme.objects.filter(code=code),
            "version",
            lambda version: Scheme.objects.create(
                code=code,
                version=version,
                title_zh=title["zh"],
                title_en=title["en"],
                group_by=document["group_by"],
                items=document["items"],
                rank_small=bool(document.get("rank_small", False)),
                created_at=at,
                created_by=by.person,
            ),
        )
        changes = {"code": [None, code], "version": [None, scheme.version], "items": [None, scheme.items]}
        journal.record([journal.Change("scheme.drafted", "schemes", scheme.id, changes)])
    return scheme


def publish(scheme: Scheme, *, by: Actor, at: datetime) -> Scheme:
    """The scheme comes into force. Raises AlreadyPublished, Forbidden."""
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        taken = Scheme.objects.filter(pk=scheme.pk, state=SchemeState.DRAFT).update(
            state=SchemeState.PUBLISHED, published_at=at
        )
        if not taken:
            raise AlreadyPublished()
        changes = {"state": [SchemeState.DRAFT.value, SchemeState.PUBLISHED.value]}
        journal.record([journal.Change("scheme.published", "schemes", scheme.id, changes)])
    scheme.refresh_from_db()
    return scheme


def enter(
    scheme: Scheme,
    *,
    item: str,
    unit: str,
    period: periods.Period,
    value: Any,
    reason: str,
    evidence: list[str],
    corrects: Snapshot | None = None,
    by: Actor,
    at: datetime,
) -> Entry:
    """A mark, bonus, deduction or veto for a unit in a period. Raises Invalid at each field that will not do.

    Evidence is required: ids of issues, visits or photos, or the number of a document.
    """
    permit(by, "report.write")
    amount = _check_entry(read(scheme), item, unit, value, reason, evidence)
    with journal.unit(by=by, at=at):
        entry = Entry.objects.create(
            scheme_code=scheme.code,
            item=item,
            unit=unit,
            period=period.code,
            value=amount,
            reason=reason.strip(),
            evidence=evidence,
            corrects=corrects,
            entered_at=at,
            entered_by=by.person,
        )
        changes = {
            name: [None, told]
            for name, told in (
                ("item", item), ("unit", unit), ("period", period.code), ("value", str(amount)), ("reason", reason),
                ("evidence", evidence),
            )
        }  # fmt: skip
        journal.record([journal.Change("assessment.entered", "assessment-entries", entry.id, changes)])
    return entry


def withdraw(entry: Entry, *, by: Actor, at: datetime) -> None:
    """The entry no longer counts; it stays on record."""
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        if Entry.objects.filter(pk=entry.pk, withdrawn_at=None).update(withdrawn_at=at):
            changes = {"withdrawn_at": [None, at.isoformat()]}
            journal.record([journal.Change("assessment.entry_withdrawn", "assessment-entries", entry.id, changes)])


def read(scheme: Scheme) -> assessment.Scheme:
    """The row as the pure rules take it."""
    return assessment.read_scheme({"group_by": scheme.group_by, "items": scheme.items, "rank_small": scheme.rank_small})


def find(reference: str) -> Scheme:
    """``department`` (its newest published version), ``department@2``, or a row's id. Raises NotFound."""
    code, at, version = reference.partition("@")
    found = Scheme.objects.filter(code=code)
    if at:
        chosen = found.filter(version=int(version)).first() if version.isdecimal() and len(version) < 9 else None
    else:
        chosen = found.filter(state=SchemeState.PUBLISHED).order_by("-version").first() or _by_id(reference)
    if chosen is None:
        raise NotFound(Text("没有考核方案 {code}", "There is no scheme {code}").fill(code=reference))
    return chosen


def entries_of(scheme: Scheme, period: periods.Period) -> dict[str, dict[str, list[assessment.Entry]]]:
    """Standing entries by unit and item, of whatever version of the scheme: they are facts about a unit and a period.

    Occasions and vetoes of a shorter period within this one are among them. A mark is one judgement of one period and is not; nor
    is what makes good a frozen report, for the figures of the longer period have been mended themselves.
    """
    found: dict[str, dict[str, list[assessment.Entry]]] = {}
    standing = Entry.objects.filter(scheme_code=scheme.code, withdrawn_at=None)
    codes = standing.order_by().values_list("period", flat=True).distinct()
    within = [code for code in codes if period.holds(periods.read(code))]
    occasions = [item.code for item in read(scheme).items if item.method.kind != "manual"]
    shorter = Q(period__in=within, item__in=occasions, corrects=None)
    for row in standing.filter(Q(period=period.code) | shorter).order_by("entered_at", "id"):
        told = assessment.Entry(row.value, row.reason, tuple(row.evidence))
        found.setdefault(row.unit, {}).setdefault(row.item, []).append(told)
    return found


def load_defaults(*, by: Actor, at: datetime) -> list[Scheme]:
    """The schemes that ship with the project, published, for every code that has no scheme yet."""
    made = []
    for path in sorted((Path(settings.BASE_DIR) / "data" / "schemes").glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if not Scheme.objects.filter(code=document["code"]).exists():
            made.append(publish(draft(document, by=by, at=at), by=by, at=at))
    return made


def load_cadences(*, by: Actor, at: datetime) -> None:
    """The cadences that ship with the project, for every role that has none yet."""
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        for one in shipped():
            if not CadenceRow.objects.filter(role=one.role).exists():
                set_cadence(one.role, visits=one.visits, months=one.months, each=one.each, by=by, at=at)


def set_cadence(role: str, *, visits: int, months: int, each: str, by: Actor, at: datetime) -> CadenceRow:
    """How often a role owes a visit from now on. Raises Invalid when the months do not fit into a year."""
    permit(by, "report.write")
    if months not in FITTING:
        choices = ", ".join(str(number) for number in FITTING)
        detail = Text("月数应为 {them}", "The months are one of {them}").fill(them=choices)
        raise Invalid.at("/months", "invalid-choice", detail)
    with journal.unit(by=by, at=at):
        old = CadenceRow.objects.select_for_update().filter(role=role).first()
        wanted = {"visits": visits, "months": months, "each": each}
        changes = {name: [getattr(old, name, None), value] for name, value in wanted.items()}
        row, _ = CadenceRow.objects.update_or_create(role=role, defaults=wanted)
        changed = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if changed:
            journal.record([journal.Change("cadence.set", "cadences", stable("cadences", role), changed)])
    return row


def _by_id(text: str) -> Scheme | None:
    try:
        return Scheme.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None


def _read_names(document: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    code, title = document.get("code"), document.get("title")
    faults: list[Fault] = []
    if not isinstance(code, str) or not code.replace("-", "").replace("_", "").isalnum() or len(code) > 60:
        faults.append(Fault("/code", "code", Text("编号由字母数字组成", "A code of letters and digits is required")))
    if not isinstance(title, Mapping) or not all(
        isinstance(title.get(tongue), str) and 0 < len(title[tongue]) <= 200 for tongue in ("zh", "en")
    ):
        faults.append(Fault("/title", "required", Text("请给出中英文名称", "A title in zh and en is required")))
    if faults:
        raise Invalid(errors=faults)
    assert isinstance(title, Mapping)
    return str(code), title


def _check_entry(scheme: assessment.Scheme, item: str, unit: str, value: Any, reason: str, evidence: Any) -> Decimal:
    faults: list[Fault] = []
    chosen = next((one for one in scheme.items if one.code == item), None)
    if chosen is None or chosen.method.kind not in assessment.ENTERED:
        faults.append(Fault("/item", "choice", Text("方案没有可录入的此项", "The scheme takes no entry for this item")))
    if not groups.exists(scheme.group_by, unit):
        faults.append(Fault("/unit", "unknown", Text("没有这个考核对象", "There is no such unit")))
    amount = read_amount(value)
    if amount is None:
        faults.append(Fault("/value", "number", Text("应为非负数字", "A number not below zero")))
    elif chosen and chosen.method.kind == "manual" and amount > chosen.full:
        faults.append(Fault("/value", "range", Text("超过满分", "More than the full mark")))
    if not isinstance(reason, str) or not reason.strip() or len(reason) > 500:
        faults.append(Fault("/reason", "required", Text("请写明事由", "A reason is required")))
    if not isinstance(evidence, list) or not evidence or not all(isinstance(one, str) and one for one in evidence):
        faults.append(Fault("/evidence", "required", Text("请附依据", "Evidence is required")))
    if faults or amount is None:
        raise Invalid(errors=faults)
    return amount
