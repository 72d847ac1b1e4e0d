"""The ids behind every number, in pages: the same conditions that counted it, asked for rows instead."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.problems import Invalid
from core.texts import ZH, Text
from inspections.models import Segment, Supervision
from reports import fieldwork, footprints, groups, questionnaires
from reports.groups import Sight
from reports.indicators import Indicator, for_group, named
from reports.measures import BASES, MEASURES, Measure, Window
from reports.periods import Period

SIDES = ("numerator", "denominator")
LARGEST_PAGE = 1000
OF_AN_ISSUE = ("segment", "supervision")
"""Kinds that people reach through the issue they belong to."""
WHOLE = object()
"""No group asked for: the ids behind the total."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some ids of records of one kind, each once; ``next`` is where the following page begins, or None.

    They come by what put them into the period (the due time, say), latest first: an index has that order, so that a page reads few
    rows of other pages and none of other periods.
    ``issues`` are, in step with ``ids``, the issues that segments and cards belong to; None for other kinds.
    """

    kind: str
    ids: Sequence[UUID]
    next: str | None
    issues: Sequence[UUID] | None = None


def page(
    period: Period,
    group_by: str,
    key: str,
    side: str,
    *,
    group: str | None = None,
    sight: Sight,
    at: datetime,
    after: str | None = None,
    size: int = 200,
) -> Page:
    """One page of the ids behind a number. ``group`` None: behind the total; "": of what belongs to no group.

    Raises Invalid for an unknown indicator, side, group or cursor.
    """
    kind, found = _behind(period, group_by, key, side, group, sight, at)
    size = max(1, min(size, LARGEST_PAGE))
    begun, start = _cursor(after)
    if isinstance(found, QuerySet):
        time = _time(key, kind)
        rows = _after(found, time, begun, start) if start else found
        triples = _first(rows.order_by(f"-{time}", "-pk"), key, ("pk", _issue(kind), time), size + 1)
    else:
        triples = [(one, one, None) for one in sorted(one for one in found if start is None or one > start)[: size + 1]]
    following = _place(*triples[size - 1]) if len(triples) > size else None
    issues = [issue for _, issue, _ in triples[:size]] if kind in OF_AN_ISSUE else None
    return Page(kind, [one for one, _, _ in triples[:size]], following, issues)


def _time(key: str, kind: str) -> str:
    """The column that the rows behind a number are paged by."""
    if kind == "visit":
        return "started_at"
    if key in (*fieldwork.KEYS, *questionnaires.KEYS):
        return "pk"
    return BASES["new" if key == "workload" else MEASURES[key].basis if key in MEASURES else "replied"].time


def _first(rows: QuerySet[Any], key: str, columns: Sequence[str], wanted: int) -> list[tuple[Any, ...]]:
    """The first of those that count; forms that are read for it come a page at a time, and nearly all of them count."""
    if key not in questionnaires.READ:
        return list(rows.values_list(*columns)[:wanted])
    found: list[tuple[Any, ...]] = []
    for start in count(0, wanted):
        some = list(rows.values_list(*columns, "answers")[start : start + wanted])
        found += [tuple(row) for *row, answers in some if questionnaires.heard(answers)]
        if len(found) >= wanted or len(some) < wanted:
            break
    return found[:wanted]


def _all(rows: QuerySet[Any], key: str, *columns: str) -> Iterator[tuple[Any, ...]]:
    """All of those that count, walked once and not kept."""
    if key not in questionnaires.READ:
        return rows.values_list(*columns).iterator(chunk_size=5000)
    walked = rows.values_list(*columns, "answers").iterator(chunk_size=500)
    return (tuple(row) for *row, answers in walked if questionnaires.heard(answers))


def _after(rows: QuerySet[Any], time: str, begun: datetime | None, start: UUID) -> QuerySet[Any]:
    """The rows behind a place; those that are surely before it are left out in words that an index understands."""
    if begun is None or time == "pk":
        return rows.filter(pk__lt=start)
    return rows.filter(**{f"{time}__lte": begun}).filter(Q(**{f"{time}__lt": begun}) | Q(pk__lt=start))


def _place(pk: UUID, issue: UUID, time: datetime | UUID | None) -> str:
    return f"{time.isoformat()}~{pk}" if isinstance(time, datetime) else str(pk)


def every(
    period: Period, group_by: str, key: str, side: str, *, group: str | None = None, sight: Sight, at: datetime
) -> Iterator[tuple[str, UUID, UUID | None]]:
    """Everything behind a number as (kind, id, issue), for a sheet. Raises Invalid like :func:`page`."""
    kind, found = _behind(period, group_by, key, side, group, sight, at)
    if isinstance(found, QuerySet):
        rows: Iterable[tuple[UUID, UUID]] = _all(found.order_by("pk"), key, "pk", _issue(kind))
    else:
        rows = ((one, one) for one in sorted(found))
    return ((kind, one, issue if kind in (*OF_AN_ISSUE, "issue") else None) for one, issue in rows)


def _behind(
    period: Period, group_by: str, key: str, side: str, group: str | None, sight: Sight, at: datetime
) -> tuple[str, QuerySet[Any] | Iterable[UUID]]:
    indicator = check(group_by, key, side)
    kind = indicator.evidence[SIDES.index(side)]
    if group and not groups.exists(group_by, group):
        raise no_group(group)
    if kind is None:
        return indicator.evidence[0], ()
    chosen = WHOLE if group is None else "" if group == "" else groups.key_of(group_by, group)
    return kind, source(Window(period, at), group_by, key, side, chosen, sight)


def _issue(kind: str) -> str:
    return "issue_id" if kind in OF_AN_ISSUE else "pk"


def issues_of(kind: str, ids: Sequence[UUID]) -> list[UUID] | None:
    """In step with the ids of segments or cards the issues they belong to; None for other kinds."""
    if kind not in OF_AN_ISSUE:
        return None
    rows = (Segment if kind == "segment" else Supervision)._default_manager.order_by()
    found: dict[UUID, UUID] = {}
    for start in range(0, len(ids), 500):
        found |= dict(rows.filter(pk__in=ids[start : start + 500]).values_list("pk", "issue_id"))
    return [found[one] for one in ids]


def all_ids(window: Window, group_by: str, key: str, side: str, group: Any, sight: Sight) -> list[UUID]:
    """Every id behind a number, in ascending order; ``group`` is a key of :mod:`reports.groups`, or WHOLE."""
    found = source(window, group_by, key, side, group, sight)
    if isinstance(found, QuerySet):
        return [one for (one,) in _all(found.order_by("pk"), key, "pk")]
    return sorted(found)


def by_group(window: Window, group_by: str, key: str, side: str, sight: Sight) -> dict[str, list[UUID]]:
    """The ids behind a number for every group by its code, "" for no group and "*" for the total."""
    found: dict[Any, list[UUID]] = defaultdict(list)
    if key in fieldwork.KEYS:
        found |= {
            group: sorted(some) for group, some in footprints.evidence_by_group(window, group_by, key, side, sight)
        }
    else:
        rows = source(window, group_by, key, side, WHOLE, sight)
        if not isinstance(rows, QuerySet):
            raise TypeError(f"{key} is read from rows")
        for group, pk in _all(rows, key, _path(group_by, key), "pk"):
            found["" if group is None else group].append(pk)
    names = groups.named(group_by, found, ZH)
    told = {names[group][0] or "": some for group, some in found.items()}
    told["*"] = all_ids(window, group_by, key, side, WHOLE, sight)
    return told


def _path(group_by: str, key: str) -> str:
    if key in questionnaires.KEYS:
        return questionnaires.path(group_by, key)
    measure = MEASURES.get(key)
    basis = BASES[measure.basis if measure else "new"]
    return groups.path(group_by, basis.prefix, basis.own)


def source(
    window: Window, group_by: str, key: str, side: str, group: Any, sight: Sight
) -> QuerySet[Any] | Iterable[UUID]:
    """The records behind a number: rows to be read, or the ids themselves where there are few."""
    if key in fieldwork.KEYS:
        return footprints.evidence(window, group_by, key, side, group, sight, whole=group is WHOLE)
    if key in questionnaires.KEYS:
        return questionnaires.evidence(window, group_by, key, side, group, sight, whole=group is WHOLE)
    if key == "workload":
        by_then = Q(submitted_at__lt=window.period.end, submitted_at__lte=window.at)  # what both say, for the index
        return _among("new", "carried", window=window, group_by=group_by, group=group, sight=sight, condition=by_then)
    measure = MEASURES.get(key, Measure("replied", Q()))
    condition = measure.numerator if side == "numerator" else measure.denominator or Q()
    return _among(measure.basis, window=window, group_by=group_by, group=group, sight=sight, condition=condition)


def _among(*bases: str, window: Window, group_by: str, group: Any, sight: Sight, condition: Q) -> QuerySet[Any]:
    first = BASES[bases[0]]
    when = Q()
    for name in bases:
        when |= BASES[name].when(window)
    rows = (
        first.model._default_manager.filter(when)
        .filter(groups.within(sight, group_by).of_issues(first.prefix))
        .filter(condition)
    )
    if group is WHOLE:
        return rows
    path = groups.path(group_by, first.prefix, first.own)
    if group != "":
        return rows.filter(**{path: group})
    nothing = Q(**{f"{path}__isnull": True})
    textual = group_by not in ("region", "field_member")
    return rows.filter(nothing | Q(**{path: ""}) if textual else nothing)


def check(group_by: str, key: str, side: str) -> Indicator:
    """The indicator, if it is counted by that grouping. Raises Invalid at ``/indicator`` or ``/side``."""
    indicator = named(key)
    if indicator not in for_group(group_by):
        raise Invalid.at(
            "/indicator",
            "no-such-grouping",
            Text("此指标不按该分组统计", "This indicator is not counted by that grouping"),
        )
    if side not in SIDES:
        raise Invalid.at(
            "/side", "choice", Text("side 应为 numerator 或 denominator", "side is numerator or denominator")
        )
    return indicator


def no_group(code: str) -> Invalid:
    """The refusal of a group that there is not."""
    detail = Text("没有分组 {code}", "There is no group {code}").fill(code=code)
    return Invalid.at("/group", "unknown-group", detail)


def _cursor(after: str | None) -> tuple[datetime | None, UUID | None]:
    if not after:
        return None, None
    time, _, pk = after.rpartition("~")
    try:
        begun = datetime.fromisoformat(time) if time else None
        if begun is None or begun.tzinfo is not None:
            return begun, UUID(pk)
    except ValueError:
        pass
    raise Invalid.at("/cursor", "cursor", Text("分页位置无效", "This is no place to go on from"))
