"""An assessment of a period by a scheme: the report's figures, the office's entries, scores and places.

With a draft scheme this is a simulation, with a past period a look back; neither leaves a trace.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.texts import ZH
from reports import assessment, groups, rankings, schemes, supervision
from reports.assessment import Assessed
from reports.figures import Report
from reports.groups import WHOLE_CITY
from reports.models import Scheme
from reports.periods import Period
from reports.tables import Table


@dataclass(frozen=True, slots=True)
class Assessment:
    """A scheme applied to a period, with the report that its figures come from."""

    scheme: Scheme
    rules: assessment.Scheme
    report: Report
    assessed: list[Assessed]

    def document(self, language: str) -> dict[str, Any]:
        identity = {
            "code": self.scheme.code,
            "version": self.scheme.version,
            "title": self.scheme.title.of(language),
            "state": self.scheme.state,
            "group_by": self.scheme.group_by,
        }
        return rankings.document(self.report.period, identity, self.assessed, language)

    def tables(self) -> tuple[Table, Table]:
        """The sheet of places and the sheet of sums."""
        period = self.report.period
        return (
            rankings.ranking(period, self.rules, self.scheme.title, self.assessed),
            rankings.workings(period, self.rules, self.assessed),
        )


def run(scheme: Scheme, period: Period, *, at: datetime, language: str = ZH) -> Assessment:
    """Every unit that has figures or entries in the period, scored and ranked."""
    rules = schemes.read(scheme)
    report = supervision.report(period, scheme.group_by, sight=WHOLE_CITY, at=at, language=language)
    entries = schemes.entries_of(scheme, period)
    units = [
        assessment.Unit(row.code, row.name, row.figures, entries.get(row.code, {}))
        for row in report.rows
        if row.code is not None
    ]
    silent = [code for code in entries if report.row(code) is None]
    if silent:
        keys = {code: groups.key_of(scheme.group_by, code) for code in silent}
        names = groups.named(scheme.group_by, [key for key in keys.values() if key is not None], language)
        nothing = supervision.nothing(scheme.group_by)
        units += [
            assessment.Unit(code, names.get(keys[code], (code, code))[1], nothing, entries[code])
            for code in sorted(silent)
        ]
    return Assessment(scheme, rules, report, assessment.assess(rules, units))
