"""The supervision report: every indicator by group, with its total and its comparison. One moment, one set of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from core.problems import Invalid
from core.texts import ZH, Text
from inspections import calendar
from journal.reading import aside, snapshot
from reports import clocks, fieldwork, groups, questionnaires, tallies
from reports.cadences import Cadence
from reports.figures import Figure, Report, Row
from reports.groups import Sight
from reports.indicators import FIELD_GROUPS, INDICATORS, Indicator, for_group
from reports.measures import Window
from reports.periods import Period
from reports.tallies import Tallies, Tally

COMPARED = ("previous", "year_earlier")
Counted = tuple[Tallies, dict[str, Tally]]
FIELD_KEYS = (*fieldwork.KEYS, *questionnaires.KEYS)


def report(
    period: Period,
    group_by: str,
    *,
    sight: Sight,
    at: datetime,
    compare: Iterable[str] = (),
    language: str = ZH,
    cadences: tuple[Cadence, ...] | None = None,
) -> Report:
    """The figures of a period as of ``at``. ``compare`` names ``previous`` and ``year_earlier``. Raises Invalid.

    Visits are owed by today's ``cadences`` unless others are given.
    """
    wanted = list(compare)
    if unknown := [name for name in wanted if name not in COMPARED]:
        raise Invalid.at(
            "/compare",
            "choice",
            Text(
                "compare 应为 previous、year_earlier，而不是 {it}", "compare is previous or year_earlier, not {it}"
            ).fill(it=unknown[0]),
        )
    others = {"previous": period.previous, "year_earlier": period.year_earlier}
    with snapshot():
        windows = {name: Window(others[name](), at, cadences) for name in wanted}
        compared = {name: _one(window, group_by, sight, language) for name, window in windows.items()}
        made = _one(Window(period, at, cadences), group_by, sight, language)
        ahead = clocks.doubtful(Window(period, at), sight).count() if group_by in FIELD_GROUPS else 0
    findings = (clocks.finding(ahead),) if ahead else ()
    return Report(made.period, made.group_by, made.rows, made.total, compared, findings)


def _one(window: Window, group_by: str, sight: Sight, language: str) -> Report:
    indicators = for_group(group_by)
    counted, whole = count(window, group_by, sight, indicators)
    names = groups.named(group_by, counted, language)
    rows = [
        Row(*names[key], {one.key: _tally(told, one).figure(one.key) for one in indicators})
        for key, told in counted.items()
        if any(not tally.empty for tally in told.values())
    ]
    rows.sort(key=lambda row: (row.code is None, row.code or ""))
    return Report(window.period, group_by, rows, {one.key: _tally(whole, one).figure(one.key) for one in indicators})


def totals(period: Period, keys: Iterable[str], *, sight: Sight, at: datetime) -> dict[str, Figure]:
    """The figures of the whole for some indicators only."""
    wanted = [INDICATORS[key] for key in keys]
    _, whole = count(Window(period, at), "region", sight, wanted)
    return {one.key: _tally(whole, one).figure(one.key) for one in wanted}


def nothing(group_by: str) -> dict[str, Figure]:
    """The figures of a group that no record is about: counts of 0, and rates of nothing."""
    return {one.key: _blank(one.key).figure(one.key) for one in for_group(group_by)}


def count(window: Window, group_by: str, sight: Sight, indicators: Iterable[Indicator]) -> Counted:
    """Tallies by group key and of the whole. What belongs to no group is gathered under ""."""
    keys = [one.key for one in indicators]
    with _beside(window, lambda: fieldwork.tallies(window, group_by, sight, keys)) as visits:
        of_issues = tallies.of_issues(window, group_by, sight, calendar.current(), keys)
        of_visits, visits_whole = visits()
    of_responses, responses_whole = questionnaires.tallies(window, group_by, sight, keys)
    counted: Tallies = {}
    whole: dict[str, Tally] = {}
    for source in (of_issues, of_visits, of_responses):
        for group, told in source.items():
            mine = counted.setdefault("" if group is None else group, {})
            for key, tally in told.items():
                mine.setdefault(key, _blank(key)).__iadd__(tally)
    for told in of_issues.values():
        for key, tally in told.items():
            whole.setdefault(key, _blank(key)).__iadd__(tally)
    return counted, whole | visits_whole | responses_whole


@contextmanager
def _beside(window: Window, work: Callable[[], Counted]) -> Iterator[Callable[[], Counted]]:
    """In a long period issues and visits are counted side by side; in a short one a second connection would not pay."""
    if (window.period.last - window.period.first).days < fieldwork.SHORT:
        yield work
    else:
        with aside(work) as begun:
            yield begun


def _blank(key: str) -> Tally:
    return Tally(0, 0) if key in FIELD_KEYS else tallies.blank(key)


def _tally(told: Mapping[str, Tally], indicator: Indicator) -> Tally:
    return told.get(indicator.key) or _blank(indicator.key)
