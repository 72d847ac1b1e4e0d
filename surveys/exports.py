"""Responses as CSV, XLSX and GeoJSON, in constant memory however many there are.

Rows are read from the database in chunks and written as they come. An anonymous questionnaire gives a number and the answers: no
enterprise, person, time or version, and nothing of enterprises with fewer than five responses.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Func, QuerySet, TextField

from core.problems import Invalid
from core.texts import Text
from organizations.models import Enterprise, Person
from surveys import externals, tables
from surveys.definition import DIMENSIONS, walk
from surveys.groups import SMALLEST_GROUP
from surveys.models import Questionnaire, Response, Version
from surveys.tables import Cell, Table, plain

CHUNK = 2_000
SHEET_ROWS = 1_000_000
_BLOCK = 64 * 1024

FIELDS: tuple[tuple[str, Text], ...] = (
    ("id", Text("答卷编号", "Response")),
    ("enterprise", Text("企业编号", "Enterprise id")),
    ("enterprise_name", Text("企业", "Enterprise")),
    ("region", Text("镇街", "Town")),
    ("version", Text("版本", "Version")),
    ("status", Text("状态", "Status")),
    ("author", Text("填报人", "By")),
    ("started_at", Text("开始时间", "Started at")),
    ("ended_at", Text("结束时间", "Ended at")),
    ("submitted_at", Text("提交时间", "Submitted at")),
)
_NUMBER = ("number", Text("序号", "Number"))
"""What an anonymous response is called in an export: its place in an order that says nothing of when it came."""


class _ByShanghaisClock(Func):
    """A moment as ISO 8601 text to the second, written by the database: a third of an export's time is spent on moments otherwise."""

    output_field = TextField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        template = "strftime('%%Y-%%m-%%dT%%H:%%M:%%S', %(expressions)s, '+8 hours') || '+08:00'"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        shifted = "%(expressions)s AT TIME ZONE INTERVAL '8 hours'"
        template = f"to_char({shifted}, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00'"
        return self.as_sql(compiler, connection, template=template, **context)


_COLUMNS: tuple[str | Func, ...] = ("id", "enterprise_id", "version", "status", "author_id",
            *map(_ByShanghaisClock, ("started_at", "ended_at", "submitted_at")))  # fmt: skip


def _id(value: Any) -> str:
    """An id as the engine gives it: a UUID, or (SQLite) 32 hex digits."""
    if not isinstance(value, str):
        return str(value)
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


class Export:
    """One questionnaire's responses, ready to be written in a format.

    ``language`` gives labels instead of codes (``zh-Hans`` or ``en``); None gives codes and technical names.
    """

    def __init__(self, questionnaire: Questionnaire, rows: QuerySet[Response], *, language: str | None = None) -> None:
        self.questionnaire = questionnaire
        self.language = language
        versions = Version.objects.filter(questionnaire=questionnaire).order_by("-number")
        used = set(rows.filter(questionnaire=questionnaire).values_list("version", flat=True).distinct())
        self.forms = [version.form for version in versions if version.number in used] or [
            version.form for version in versions[:1]
        ]
        external = externals.labels(self._externals()) if language else {}
        self.tables = tables.tables(self.forms, language=language, external=external)
        self.fields: tuple[tuple[str, Text], ...] = (_NUMBER,) if questionnaire.anonymous else FIELDS
        self.rows = self._allowed(rows.filter(questionnaire=questionnaire))
        self._numbered = 0
        self._firms: dict[Any, tuple[Cell, ...]] = {}
        self._people: dict[Any, Cell] = {None: None}
        self.scored = [name for name in DIMENSIONS if any(_scores(form, name) for form in self.forms)]

    def _externals(self) -> set[str]:
        return {entry["external"] for form in self.forms for entry, _ in walk(form["questions"]) if "external" in entry}

    def _allowed(self, rows: QuerySet[Response]) -> QuerySet[Response]:
        if not self.questionnaire.anonymous:
            return rows.order_by("received_at", "id")
        counted = rows.values("enterprise").annotate(count=Count("id")).filter(count__gte=SMALLEST_GROUP)
        return rows.filter(enterprise__in=counted.values("enterprise")).order_by("id")

    def table(self, name: str) -> Table:
        """The main table (``responses``) or a repeat's. Raises Invalid."""
        for table in self.tables:
            if table.name == name:
                return table
        raise Invalid.at("/table", "unknown", Text("没有这个表", "There is no such table"))

    # reading

    def answered(self) -> Iterator[tuple[list[Cell], str]]:
        """The fields and the answers (as JSON) of each response, in chunks from the database."""
        fields_of = self._number if self.questionnaire.anonymous else self._fields
        columns = () if self.questionnaire.anonymous else _COLUMNS
        try:
            query, parameters = self.rows.values_list(*columns, "scores", "answers").query.sql_with_params()
        except EmptyResultSet:
            return
        with connection.chunked_cursor() as cursor:
            cursor.execute(query, parameters)
            while chunk := cursor.fetchmany(CHUNK):
                for fields, (scores, answers) in zip(fields_of(chunk), (row[-2:] for row in chunk), strict=True):
                    if self.scored:
                        points = orjson.loads(scores)
                        fields += [points.get(name) for name in self.scored]
                    yield fields, answers

    def _number(self, chunk: Sequence[tuple[Any, ...]]) -> Iterator[list[Cell]]:
        """An anonymous response's only field."""
        for _ in chunk:
            self._numbered += 1
            yield [self._numbered]

    def _fields(self, chunk: Sequence[tuple[Any, ...]]) -> Iterator[list[Cell]]:
        """The fields of responses as the engine gave them; each enterprise and person is looked up once an export."""
        firms, people = self._firms, self._people
        if missing := {row[1] for row in chunk} - firms.keys():
            told = Enterprise.objects.filter(pk__in=missing).values_list("id", "name", "region__name")
            found = {str(key): (str(key), plain(name), plain(region)) for key, name, region in told}
            firms |= {key: found[_id(key)] for key in missing}
        if missing := {row[4] for row in chunk if row[4]} - people.keys():
            names = {
                str(key): plain(name) for key, name in Person.objects.filter(pk__in=missing).values_list("id", "name")
            }
            people |= {key: names[_id(key)] for key in missing}
        for key, firm, version, status, author, *moments, _, _ in chunk:
            yield [_id(key), *firms[firm], version, status, people.get(author), *moments]

    def headings(self, table: Table) -> list[str]:
        fields = [*self.fields, *((f"score_{name}", _SCORES[name]) for name in self.scored)]
        main = [self._heading(name, label) for name, label in fields]
        link = [self._heading("response", Text("答卷编号", "Response")), self._heading("row", Text("行", "Row"))]
        own = [self._heading(column.name, column.label) for column in table.columns]
        return [*(link if table.repeats else main), *own]

    def _heading(self, name: str, label: Text) -> str:
        return label.of(self.language) if self.language else name

    def records(self, table: Table) -> Iterator[list[Any]]:
        """The rows of a table over all responses."""
        if not table.repeats:
            for fields, answers in self.answered():
                yield fields + table.read(answers)
            return
        for fields, answers in self.answered():
            yield from table.rows(fields[0], orjson.loads(answers))

    # writing

    def csv(self, table: Table) -> Iterator[bytes]:
        """CSV with a byte order mark, which Excel needs to read Chinese."""
        yield "\ufeff".encode()
        yield from _lines(self.headings(table), self.records(table))

    def codebook_csv(self) -> Iterator[bytes]:
        yield "\ufeff".encode()
        yield from _lines(list(tables.CODEBOOK), tables.codebook(self.forms[0]) if self.forms else iter(()))

    def xlsx(self) -> Iterator[bytes]:
        """A workbook: responses, a sheet for each repeat, and the codebook."""
        import xlsxwriter  # slow to load, and only needed when a workbook goes out

        with tempfile.TemporaryFile() as file:
            book = xlsxwriter.Workbook(
                file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
            )
            book.use_zip64()
            writers = [_Sheets(book, table.name, self.headings(table)) for table in self.tables]
            for fields, text in self.answered():
                answers = orjson.loads(text)
                writers[0].write([*map(_excel, fields), *self.tables[0].cells(answers)])
                for table, writer in zip(self.tables[1:], writers[1:], strict=True):
                    for row in table.rows(fields[0], answers):
                        writer.write(row)
            words = _Sheets(book, "codebook", list(tables.CODEBOOK))
            for row in tables.codebook(self.forms[0]) if self.forms else ():
                words.write(row)
            book.close()
            yield from _blocks(file)

    def geojson(self) -> Iterator[bytes]:
        """A FeatureCollection: each response where its first answered geopoint lies, without geometry when it has none."""
        main = self.tables[0]
        places = [column.question for column in main.columns if column.type == "geopoint"]
        names = [*(name for name, _ in self.fields), *(f"score_{name}" for name in self.scored)]
        names += [column.name for column in main.columns]
        yield b'{"type":"FeatureCollection","features":['
        block: list[bytes] = []
        for count, (fields, text) in enumerate(self.answered()):
            answers = orjson.loads(text)
            points = (tables.position(answers.get(place)) for place in places)
            point = next((point for point in points if point), None)
            geometry = {"type": "Point", "coordinates": [point[1], point[0]]} if point else None
            properties = dict(zip(names, fields + main.cells(answers), strict=True))
            feature = {"type": "Feature", "geometry": geometry, "properties": properties}
            block.append((b"," if count else b"") + orjson.dumps(feature, default=str))
            if len(block) == 200:
                yield b"".join(block)
                block.clear()
        yield b"".join(block) + b"]}"


_SCORES = {
    "political": Text("政治上保证得分", "Score: political"),
    "institutional": Text("制度上落实得分", "Score: institutional"),
    "quality": Text("素质上提高得分", "Score: quality"),
    "rights": Text("权益上维护得分", "Score: rights"),
}


def _scores(form: Any, dimension: str) -> bool:
    return any(entry.get("dimension") == dimension for entry, _ in walk(form["questions"]))


def _lines(head: list[str], records: Iterator[list[Any]]) -> Iterator[bytes]:
    yield _written(head)
    while rows := list(islice(records, 500)):
        yield b"".join(map(_line, rows))


def _line(record: list[Any]) -> bytes:
    """A line of CSV. Most records look the same there as in JSON, which is written several times faster."""
    line = orjson.dumps(["" if value is None else value for value in record])[1:-1]
    if b"\\" in line or b"[" in line or b"{" in line:
        return _written(record)
    return line + b"\r\n"


def _written(record: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([str(value).lower() if isinstance(value, bool) else value for value in record])
    return line.getvalue().encode()


def _excel(value: Any) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)


class _Sheets:
    """A table on as many sheets as its rows need."""

    def __init__(self, book: Any, name: str, head: list[str]) -> None:
        self.book, self.name, self.head = book, name[:24], head
        self.number = 0
        self._next()

    def write(self, row: list[Cell]) -> None:
        if self.line >= SHEET_ROWS:
            self._next()
        for column, value in enumerate(row):
            if value is not None and value != "":
                self.sheet.write(self.line, column, value[:32_767] if isinstance(value, str) else value)
        self.line += 1

    def _next(self) -> None:
        self.number += 1
        self.sheet = self.book.add_worksheet(self.name if self.number == 1 else f"{self.name} {self.number}")
        self.sheet.freeze_panes(1, 0)
        self.sheet.write_row(0, 0, self.head)
        self.line = 1


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK):
        yield block
