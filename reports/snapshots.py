"""Snapshots: a report as it stood, put out for objections, then frozen with all it rests on and never changed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from core.actors import Actor
from core.problems import Conflict, Fault, Forbidden, Invalid
from core.texts import ZH, Text
from inspections import calendar, deadlines
from inspections.rulebook import CalendarYear, RoutingRule
from journal import journal
from journal.reading import snapshot as one_moment
from organizations.permissions import permit
from reports import adjustments, assessing, evidence, fieldwork, groups, numbers, periods, supervision
from reports.figures import Report
from reports.groups import WHOLE_CITY, Sight
from reports.indicators import for_group
from reports.measures import Window
from reports.models import IdList, Objection, Scheme, Snapshot, SnapshotState
from reports.periods import Period
from reports.sequences import take_next

OBJECTION_WORKDAYS = 3
TOTAL = "*"
"""The key of the total among the groups of a snapshot's evidence; no group has this code."""


class Frozen(Conflict):
    """A frozen report never changes; a correction enters the next period as an adjustment."""

    kind = "frozen"
    title = Text("报告已冻结，更正请记入下一期", "The report is frozen; enter a correction in the next period")


class NotYet(Conflict):
    """The draft cannot be frozen now; the detail says what is missing."""

    kind = "not-yet"
    title = Text("尚不能冻结", "It cannot be frozen yet")


@dataclass(frozen=True, slots=True)
class Picture:
    """A report at one moment, not kept yet: what it says, and the id lists behind it by their digests."""

    period: Period
    group_by: str
    scheme: Scheme | None
    at: datetime
    document: dict[str, Any]
    lists: Mapping[str, bytes]


def take(period: Period, group_by: str, *, scheme: Scheme | None = None, by: Actor, at: datetime) -> Snapshot:
    """A draft of the supervision report, or of the assessment by ``scheme``, as of ``at``. Raises Invalid, Forbidden.

    A further draft of the same report is its next version; once one is frozen there are no more (Frozen).
    """
    permit(by, "report.write")
    return keep(picture(period, scheme.group_by if scheme else group_by, scheme=scheme, at=at), by=by)


def picture(period: Period, group_by: str, *, scheme: Scheme | None = None, at: datetime) -> Picture:
    """Everything that a snapshot holds, read from one moment; to be called outside of a transaction."""
    lists: dict[str, bytes] = {}
    with one_moment():
        if scheme is None:
            report = supervision.report(period, group_by, sight=WHOLE_CITY, at=at)
            told: dict[str, Any] = {"report": report.document()}
            told["adjustments"] = adjustments.since(period, group_by, sight=WHOLE_CITY, at=at)
        else:
            made = assessing.run(scheme, period, at=at)
            report = made.report
            told = {"report": report.document(), "assessment": made.document(ZH), "scheme_items": scheme.items}
        told |= {"taken_at": at.isoformat(), "versions": _versions(), "evidence": _gather(report, at, lists)}
    return Picture(period, group_by, scheme, at, json.loads(json.dumps(told)), lists)


def keep(made: Picture, *, by: Actor) -> Snapshot:
    """The picture as the next draft of its report. Raises Frozen, Forbidden."""
    permit(by, "report.write")
    kind, period = "assessment" if made.scheme else "supervision", made.period
    with journal.unit(by=by, at=made.at):
        same = _versions_of(Snapshot(kind=kind, period=period.code, group_by=made.group_by, scheme=made.scheme))
        if same.filter(state=SnapshotState.FROZEN).exists():
            raise Frozen()
        IdList.objects.bulk_create(
            [IdList(digest=digest, ids=raw, count=len(raw) // 16) for digest, raw in sorted(made.lists.items())],
            ignore_conflicts=True,
            batch_size=100,
        )
        row = take_next(
            same.all,
            "version",
            lambda version: Snapshot.objects.create(
                kind=kind,
                period=period.code,
                first_day=period.first,
                last_day=period.last,
                group_by=made.group_by,
                scheme=made.scheme,
                version=version,
                document=made.document,
                digest=digest_of(made.document),
                taken_at=made.at,
                taken_by=by.person,
                objections_until=deadlines.due(calendar.current(), made.at, OBJECTION_WORKDAYS).at,
            ),
        )
        changes = {"period": [None, period.code], "version": [None, row.version], "digest": [None, row.digest]}
        journal.record([journal.Change("report.drafted", "snapshots", row.id, changes)])
    return row


def object_to(snapshot: Snapshot, *, unit: str, text: str, sight: Sight, by: Actor, at: datetime) -> Objection:
    """A unit objects to a draft while objections are taken. Raises Frozen, NotYet, Invalid, Forbidden.

    The office may note an objection for anybody; the others speak for what they see.
    """
    if not groups.speaks_for(sight, snapshot.group_by, unit):
        raise Forbidden
    if snapshot.state == SnapshotState.FROZEN:
        raise Frozen()
    if at > snapshot.objections_until:
        raise Conflict(Text("异议期已过", "Objections are no longer taken"))
    if not groups.exists(snapshot.group_by, unit):
        raise Invalid.at("/unit", "unknown", Text("没有分组 {code}", "There is no group {code}").fill(code=unit))
    if not text.strip() or len(text) > 2000:
        raise Invalid.at(
            "/text", "required", Text("请写明异议（2000字以内）", "Say what is wrong, in up to 2000 characters")
        )
    with journal.unit(by=by, at=at):
        made = Objection.objects.create(
            snapshot=snapshot, unit=unit, text=text.strip(), raised_at=at, raised_by=by.person
        )
        changes = {"unit": [None, unit], "text": [None, made.text]}
        journal.record([journal.Change("report.objected", "objections", made.id, changes)])
    return made


def answer(objection: Objection, *, accepted: bool, text: str, by: Actor, at: datetime) -> Objection:
    """The office answers an objection. One that is accepted asks for a further draft before freezing."""
    permit(by, "report.write")
    if not text.strip() or len(text) > 2000:
        raise Invalid.at("/answer", "required", Text("请写明答复", "An answer is required"))
    with journal.unit(by=by, at=at):
        changed = Objection.objects.filter(
            pk=objection.pk, answered_at=None, snapshot__state=SnapshotState.DRAFT
        ).update(accepted=accepted, answer=text.strip(), answered_at=at, answered_by=by.person)
        if not changed:
            raise Conflict(Text("该异议已答复", "It was answered before"))
        changes = {"accepted": [None, accepted], "answer": [None, text.strip()]}
        journal.record([journal.Change("report.objection_answered", "objections", objection.id, changes)])
    objection.refresh_from_db()
    return objection


def freeze(snapshot: Snapshot, *, early: str | None = None, by: Actor, at: datetime) -> Snapshot:
    """The draft becomes the report, for ever. ``early`` is the reason for not waiting for the end of objections.

    Raises Frozen, NotYet (period not over, objections open or unanswered, a newer draft), Forbidden.
    """
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        locked = _versions_of(snapshot).order_by("version").select_for_update()
        if SnapshotState.FROZEN in locked.values_list("state", flat=True):
            raise Frozen()
        row = Snapshot.objects.get(pk=snapshot.pk)
        _ripe(row, early, at)
        row.state, row.frozen_at, row.frozen_by = SnapshotState.FROZEN, at, by.person
        row.save(update_fields=["state", "frozen_at", "frozen_by"])
        changes: dict[str, Any] = {"state": ["draft", "frozen"], "digest": [None, row.digest]}
        if early:
            changes["early"] = [None, early]
        journal.record([journal.Change("report.frozen", "snapshots", row.id, changes)])
        if row.kind == "supervision":
            numbers.give(period_of(row), by=by, at=at)
    return row


def _versions_of(row: Snapshot) -> QuerySet[Snapshot]:
    """All drafts of the same report, and what was frozen of it."""
    return Snapshot.objects.filter(kind=row.kind, period=row.period, group_by=row.group_by, scheme=row.scheme)


def _ripe(row: Snapshot, early: str | None, at: datetime) -> None:
    faults: list[Fault] = []
    if at < period_of(row).end:
        faults.append(Fault("/period", "not-over", Text("期间尚未结束", "The period is not over")))
    if row.taken_at < period_of(row).end:
        faults.append(
            Fault(
                "/taken_at",
                "too-early",
                Text("草稿生成于期末之前，请重新生成", "The draft was taken before the end; take another"),
            )
        )
    if at <= row.objections_until and not (early and early.strip()):
        faults.append(
            Fault(
                "/early",
                "objections-open",
                Text("异议期未满；如需提前请写明原因", "Objections are still taken; say why if it cannot wait"),
            )
        )
    if row.objections.filter(answered_at=None).exists():
        faults.append(
            Fault("/objections", "unanswered", Text("尚有异议未答复", "There are objections without an answer"))
        )
    if _versions_of(row).filter(version__gt=row.version).exists():
        faults.append(Fault("/version", "superseded", Text("已有更新的草稿", "There is a newer draft")))
    if row.objections.filter(accepted=True).exists():
        faults.append(
            Fault(
                "/objections",
                "accepted",
                Text("有异议已采纳，请重新生成草稿", "An objection was accepted; take another draft"),
            )
        )
    if faults:
        raise NotYet(faults[0].detail, errors=faults)


def period_of(row: Snapshot) -> Period:
    """The period it is about."""
    return periods.read(row.period)


def verify(snapshot: Snapshot) -> list[Text]:
    """What does not hold of a snapshot any more; nothing when every digest is right."""
    wrong: list[Text] = []
    if digest_of(snapshot.document) != snapshot.digest:
        wrong.append(Text("内容与摘要不符", "The content does not match its digest"))
    for digest in sorted(set(_digests(snapshot.document.get("evidence", {})))):
        row = IdList.objects.filter(pk=digest).first()
        if row is None or sha256(bytes(row.ids)).hexdigest() != digest or len(row.ids) != 16 * row.count:
            wrong.append(
                Text("证据清单缺失或被改动:{it}", "A list of ids is missing or changed: {it}").fill(it=digest[:12])
            )
    return wrong


def ids(snapshot: Snapshot, group: str, indicator: str, side: str) -> list[UUID]:
    """The ids behind a number of a snapshot, as they were; ``group`` is a code, "" or TOTAL.

    Raises Invalid, as live evidence does, for a group that there neither was nor is and an indicator not counted by the grouping.
    """
    kept = snapshot.document.get("evidence", {})
    evidence.check(snapshot.group_by, indicator, side)
    if group not in ("", TOTAL, *kept) and not groups.exists(snapshot.group_by, group):
        raise evidence.no_group(group)
    digest = kept.get(group, {}).get(indicator, {}).get(side)
    row = IdList.objects.filter(pk=digest).first() if digest else None
    raw = bytes(row.ids) if row else b""
    return [UUID(bytes=raw[start : start + 16]) for start in range(0, len(raw), 16)]


def digest_of(document: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: keys sorted, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(text.encode()).hexdigest()


def _versions() -> dict[str, Any]:
    """The editions of the office's rules that the numbers were made under."""
    return {
        "calendar": [list(row) for row in CalendarYear.objects.order_by("year").values_list("year", "official")],
        "rules": sorted(
            f"{line}@{version}"
            for line, version in RoutingRule.objects.filter(ended_at=None).values_list("line", "version")
        ),
        "cadences": [[one.role, one.visits, one.months, one.each] for one in fieldwork.cadences()],
    }


def _gather(report: Report, at: datetime, lists: dict[str, bytes]) -> dict[str, dict[str, dict[str, str]]]:
    """Collect the id list of every figure, each list once, and give their digests by group, indicator and side."""
    window = Window(report.period, at)
    kept: dict[str, dict[str, dict[str, str]]] = {}
    for indicator in for_group(report.group_by):
        for side, kind in zip(evidence.SIDES, indicator.evidence, strict=True):
            if kind is None:
                continue
            for group, found in evidence.by_group(window, report.group_by, indicator.key, side, WHOLE_CITY).items():
                raw = b"".join(one.bytes for one in sorted(found))
                digest = sha256(raw).hexdigest()
                lists[digest] = raw
                kept.setdefault(group, {}).setdefault(indicator.key, {})[side] = digest
    return kept


def _digests(kept: Mapping[str, Any]) -> Iterator[str]:
    for value in kept.values():
        if isinstance(value, Mapping):
            yield from _digests(value)
        else:
            yield value
