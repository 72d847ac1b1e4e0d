"""A report as it is asked for, and what it is made into. Every door (REST, background task, mail) asks here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import orjson

from core.actors import Actor
from core.problems import Invalid, NotFound
from core.texts import Text
from journal.reading import snapshot
from organizations.permissions import permit
from reports import (
    adjustments,
    assessing,
    bulletins,
    circulars,
    csvs,
    dimensions,
    evidence,
    groups,
    layouts,
    periods,
    registers,
    schemes,
    sheets,
    supervision,
    trends,
)
from reports.bulletins import Bulletin
from reports.groups import Sight
from reports.periods import Period
from reports.tables import Cells, Column, Table

DRESSES: Final[Mapping[str, str]] = {
    "csv": csvs.MEDIA_TYPE,
    "xlsx": sheets.MEDIA_TYPE,
    "docx": bulletins.MEDIA_TYPE,
    "json": "application/json",
}
IN_MEMORY = 4 * 1024 * 1024
SIDE_NAMES = {"numerator": Text("分子", "numerator"), "denominator": Text("分母", "denominator")}
KIND_NAMES = {
    "issue": Text("问题", "issue"),
    "segment": Text("派单段", "segment"),
    "supervision": Text("黄红牌", "card"),
    "enterprise": Text("企业", "enterprise"),
    "visit": Text("走访", "visit"),
    "assignment": Text("联系责任", "assignment"),
    "person": Text("三员", "member"),
    "visit_plan": Text("走访计划", "visit plan"),
    "response": Text("答卷", "response"),
}
Progress = Callable[[int], None]
"""Told the percentage that is done."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. ``report`` is a key of REPORTS, ``dress`` one of DRESSES; the rest as the report needs it."""

    report: str
    period: Period
    dress: str = "json"
    group_by: str = "department"
    compare: tuple[str, ...] = ()
    scheme: str = ""
    questionnaire: str = ""
    register: str = ""
    indicator: str = ""
    group: str | None = None
    side: str = ""

    def kept(self) -> dict[str, Any]:
        """As a document, to be :func:`read` again."""
        told = {one.name: getattr(self, one.name) for one in fields(self)}
        return told | {"period": self.period.code, "compare": list(self.compare)}


def read(document: Mapping[str, Any], period: Period | None = None) -> Wanted:
    """What was kept; of another ``period`` if one is given."""
    given = {name: value for name, value in document.items() if name not in ("period", "compare")}
    return Wanted(
        **given, period=period or periods.read(document["period"]), compare=tuple(document.get("compare", ()))
    )


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: a document for JSON, tables for the sheets, a bulletin for Word."""

    name: str
    document: Any
    tables: Sequence[Table]
    bulletin: Bulletin | None = None


@dataclass(slots=True)
class File:
    """A finished file, to be read from its beginning; ``digest`` is over its bytes, ``tag`` over what it says."""

    content: IO[bytes]
    name: str
    media_type: str
    size: int
    digest: str
    tag: str


def check(wanted: Wanted, *, by: Actor) -> Sight:
    """What of the city the caller's report is made of. Raises Forbidden, Invalid for a form it does not come in."""
    sight = groups.sight(by)
    if wanted.report == "assessment" or (wanted.report == "evidence" and wanted.scheme):
        permit(by, "assessment.read")
    if wanted.dress == "docx":
        if wanted.report != "supervision":
            raise Invalid.at(
                "/format", "invalid-choice", Text("只有督查报告有 docx 格式", "Only supervision comes as docx")
            )
        permit(by, "report.write")
    return sight


def make(wanted: Wanted, *, by: Actor, at: datetime, language: str) -> Made:
    """The report as of ``at``, within what the caller may see, all of one moment. Raises Forbidden, Invalid, NotFound."""
    sight = check(wanted, by=by)
    with snapshot():
        return REPORTS[wanted.report](wanted, sight, at, language)


def deliver(
    wanted: Wanted, *, by: Actor, at: datetime, language: str, progress: Progress = lambda percent: None
) -> File:
    """The report as a file; everything in it is of one moment. Raises like :func:`make`."""
    with snapshot():
        made = make(wanted, by=by, at=at, language=language)
        progress(50)
        return write(made, wanted.dress, language, progress)


def write(made: Made, dress: str, language: str, progress: Progress = lambda percent: None) -> File:
    """What was made, in its dress. Rows are walked once and not kept, so memory stays flat."""
    file: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 – whoever is given the file closes it
    try:
        saying = _fill(file, made, dress, language, progress)
        size, digest = file.tell(), sha256()
        file.seek(0)
        while piece := file.read(1 << 20):
            digest.update(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    tag = sha256(saying) if saying else digest
    return File(file, f"{made.name}.{dress}", DRESSES[dress], size, digest.hexdigest(), tag.hexdigest())


def _fill(file: IO[bytes], made: Made, dress: str, language: str, progress: Progress) -> bytes:
    """Write it; gives what a bulletin says, for Word puts the time into its bytes, and nothing for the others."""
    if dress == "docx":
        from reports import letterhead  # slow to load, and only needed when a bulletin goes out

        layout = layouts.current()
        file.write(letterhead.write(_bulletin(made), language, template=layout))
        return orjson.dumps(_bulletin(made).context(language)) + sha256(layout or b"").digest()
    if dress == "json":
        file.write(orjson.dumps(made.document, default=str))
    else:
        tables = [
            table if isinstance(table.rows, Sequence) else replace(table, rows=_counted(table.rows, progress))
            for table in made.tables
        ]
        if dress == "xlsx":
            sheets.write(tables, language, file)
        else:
            for line in csvs.lines(tables[0], language):
                file.write(line)
    return b""


def reach(sight: Sight) -> str:
    """A digest of what is seen: two equal ones see the same."""
    seen = [sight.everything, sorted(sight.leads), sorted(map(str, sight.regions)), str(sight.person)]
    return sha256(orjson.dumps(seen)).hexdigest()


def _bulletin(made: Made) -> Bulletin:
    if made.bulletin is None:
        raise TypeError(f"{made.name} is no bulletin")
    return made.bulletin


def _counted(rows: Iterable[Cells], progress: Progress) -> Iterator[Cells]:
    """The rows of a list whose length nobody knows beforehand: its progress is felt more and more slowly."""
    for number, row in enumerate(rows, start=1):
        yield row
        if number % 2000 == 0:
            progress(99 - int(49 * 20_000 / (20_000 + number)))


def _supervision(wanted: Wanted, sight: Sight, at: datetime, language: str) -> Made:
    period = wanted.period
    if wanted.dress == "docx":
        return Made(f"bulletin-{period.code}", None, (), circulars.bulletin(period, at=at, language=language))
    report = supervision.report(period, wanted.group_by, sight=sight, at=at, compare=wanted.compare, language=language)
    lines = adjustments.since(period, wanted.group_by, sight=sight, at=at, language=language)
    report = replace(report, adjustments=lines)
    tables = [report.table()]
    if wanted.dress == "xlsx":
        if lines:
            tables.append(adjustments.table(lines, period, wanted.group_by))
        tables += trends.tables(report, sight=sight, at=at)
        tables.append(circulars.pressing(period, sight=sight, at=at, language=language))
    return Made(tables[0].key, report.document(language), tables)


def _assessment(wanted: Wanted, sight: Sight, at: datetime, language: str) -> Made:
    made = assessing.run(schemes.find(wanted.scheme), wanted.period, at=at, language=language)
    return Made(f"assessment-{wanted.period.code}", made.document(language), made.tables())


def _dimensions(wanted: Wanted, sight: Sight, at: datetime, language: str) -> Made:
    made = dimensions.scores(
        wanted.questionnaire, wanted.period, wanted.group_by, sight=sight, at=at, language=language
    )
    table = made.table()
    return Made(table.key, made.document(), [table])


def _register(wanted: Wanted, sight: Sight, at: datetime, language: str) -> Made:
    if wanted.register not in registers.REGISTERS:
        raise NotFound
    made = registers.make(wanted.register, registers.Asked(wanted.period, at, sight, language))
    document = {"tables": [table.document(language) for table in made]} if wanted.dress == "json" else None
    return Made(made[0].key, document, made)


def _evidence(wanted: Wanted, sight: Sight, at: datetime, language: str) -> Made:
    sides = [wanted.side] if wanted.side else list(evidence.SIDES)
    found = [
        (
            side,
            evidence.every(
                wanted.period,
                grouping(wanted),
                wanted.indicator,
                side,
                group=wanted.group,
                sight=sight,
                at=at,
            ),
        )
        for side in sides
    ]
    table = evidence_table(
        f"evidence-{wanted.indicator}-{wanted.period.code}",
        wanted.period,
        ((SIDE_NAMES[side], *row) for side, rows in found for row in rows),
    )
    return Made(table.key, None, [table])


def evidence_table(key: str, period: Period, rows: Iterator[Cells]) -> Table:
    """The sheet of ids behind a number."""
    return Table(
        key=key,
        title=Text("指标明细", "Behind the number"),
        columns=(
            Column("side", Text("分子或分母", "Side"), width=14),
            Column("kind", Text("种类", "Kind"), width=14),
            Column("id", Text("编号", "Id"), width=40),
            Column("issue", Text("问题", "Issue"), width=40),
        ),
        rows=((side, KIND_NAMES.get(str(kind)), *others) for side, kind, *others in rows),
        period=period.name,
    )


def grouping(wanted: Wanted) -> str:
    """What it is grouped by; of an assessment its scheme says."""
    return schemes.find(wanted.scheme).group_by if wanted.scheme else wanted.group_by


REPORTS: Final[Mapping[str, Callable[[Wanted, Sight, datetime, str], Made]]] = {
    "supervision": _supervision,
    "assessment": _assessment,
    "dimensions": _dimensions,
    "register": _register,
    "evidence": _evidence,
}
