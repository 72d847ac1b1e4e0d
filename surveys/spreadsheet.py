"""Reads the sheets of an XLSX file that a stranger may have made.

Only what a questionnaire needs is read: the text of cells. Bombs, macros, document type declarations and damaged files are
refused with words; formulas count by the value last shown.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from core.problems import Fault, Invalid
from core.texts import Text

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED = 60 * 1024 * 1024
MAX_RATIO = 200  # honest sheets pack 5 to 30 times
MAX_ENTRIES = 500
MAX_ROWS = 60_000
MAX_CELLS = 600_000

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DATE_FORMATS = frozenset({14, 15, 16, 17, 18, 19, 20, 21, 22, 45, 46, 47})


class BadWorkbook(Invalid):
    """A file that is not a readable, harmless XLSX workbook."""

    kind = "bad-workbook"
    title = Text("无法读取该 Excel 文件", "This Excel file cannot be read")


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a sheet: its number as Excel shows it, and its filled cells by column header."""

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with a header row. ``columns`` maps a header to the letters of its column."""

    name: str
    columns: dict[str, str]
    lines: list[Line]


def read_workbook(content: bytes) -> dict[str, Sheet]:
    """The sheets of a workbook by lower-case name. Raises :class:`BadWorkbook` and nothing else."""
    if len(content) > MAX_BYTES:
        raise _refuse("too-large", Text("文件超过 10 MB", "The file is larger than 10 MB"))
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            _inspect(archive)
            return _Reader(archive).sheets()
    except BadWorkbook:
        raise
    except DefusedXmlException as error:
        raise _refuse(
            "document-type", Text("文件含有文档类型声明(DTD)或实体", "The file declares a document type or entities")
        ) from error
    except (
        zipfile.BadZipFile, zlib.error, SyntaxError, KeyError, ValueError, IndexError, EOFError, OSError, OverflowError,
        NotImplementedError, RuntimeError, TypeError, AttributeError, LookupError,
    ) as error:  # fmt: skip
        raise _refuse("not-a-workbook", Text("这不是有效的 .xlsx 文件", "This is not a valid .xlsx file")) from error


def _refuse(code: str, detail: Text) -> BadWorkbook:
    return BadWorkbook(detail, errors=[Fault("", code, detail)])


def _inspect(archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to more than it should, and what carries programs."""
    entries = archive.infolist()
    packed = sum(entry.compress_size for entry in entries)
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(packed, 50_000):
        raise _refuse("unpacks-too-large", Text("文件解压后过大", "The file unpacks to far too much"))
    for entry in entries:
        name = entry.filename.lower()
        if name.endswith("vbaproject.bin") or "/macrosheets/" in name or "/activex/" in name:
            raise _refuse(
                "macros", Text("文件含有宏,请另存为不含宏的 .xlsx", "The file has macros; save it as plain .xlsx")
            )


class _Reader:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.spent = 0
        self.cells = 0
        if b"macroEnabled" in self.part("[Content_Types].xml"):
            raise _refuse(
                "macros", Text("文件含有宏,请另存为不含宏的 .xlsx", "The file has macros; save it as plain .xlsx")
            )
        self.shared = self.shared_strings()
        self.dates = self.date_styles()

    def part(self, name: str) -> bytes:
        """The bytes of a part, never more than the whole may hold, whatever its header claims."""
        with self.archive.open(name) as stream:
            data = stream.read(MAX_UNPACKED - self.spent + 1)
        self.spent += len(data)
        if self.spent > MAX_UNPACKED:
            raise _refuse("unpacks-too-large", Text("文件解压后过大", "The file unpacks to far too much"))
        return data

    def xml(self, name: str) -> Any:
        return defusedxml.ElementTree.fromstring(self.part(name), forbid_dtd=True)

    def shared_strings(self) -> list[str]:
        if "xl/sharedStrings.xml" not in self.archive.namelist():
            return []
        return [_text(item) for item in self.xml("xl/sharedStrings.xml").iter(f"{_MAIN}si")]

    def date_styles(self) -> frozenset[int]:
        """The numbers of the cell styles that show a number as a date."""
        if "xl/styles.xml" not in self.archive.namelist():
            return frozenset()
        styles = self.xml("xl/styles.xml")
        dates = set(_DATE_FORMATS)
        for layout in styles.iter(f"{_MAIN}numFmt"):
            code = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", layout.get("formatCode", ""))
            if re.search("[yYdD]|[hH]:|m{3}", code):
                dates.add(int(layout.get("numFmtId", 0)))
        formats = styles.find(f"{_MAIN}cellXfs")
        cells = [] if formats is None else list(formats)
        return frozenset(index for index, cell in enumerate(cells) if int(cell.get("numFmtId", 0)) in dates)

    def sheets(self) -> dict[str, Sheet]:
        links = {link.get("Id"): link.get("Target") for link in self.xml("xl/_rels/workbook.xml.rels")}
        found: dict[str, Sheet] = {}
        for entry in self.xml("xl/workbook.xml").iter(f"{_MAIN}sheet"):
            name, target = str(entry.get("name")), str(links[entry.get(_LINK)])
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            if name.strip().lower() not in found:
                found[name.strip().lower()] = self.sheet(name.strip(), path)
        return found

    def sheet(self, name: str, path: str) -> Sheet:
        rows = self.rows(path)
        number, cells = next(rows, (1, {}))
        headers: dict[str, str] = {}
        for column, value in cells.items():
            header = re.sub(r"\s+", " ", value.strip())
            if header in headers.values():
                detail = Text("{sheet} 表的列“{header}”出现两次", "Sheet {sheet} has the column “{header}” twice")
                detail = detail.fill(sheet=name, header=header)
                raise BadWorkbook(detail, errors=[Fault(f"/{name}/{number}/{header}", "duplicate-column", detail)])
            headers[column] = header
        lines = []
        for number, cells in rows:
            line = {headers[column]: value for column, value in cells.items() if column in headers}
            if line:
                lines.append(Line(number, line))
        return Sheet(name, {header: column for column, header in headers.items()}, lines)

    def rows(self, path: str) -> Iterator[tuple[int, dict[str, str]]]:
        number = 0
        for row in self.xml(path).iter(f"{_MAIN}row"):
            number = int(row.get("r", number + 1))
            cells: dict[str, str] = {}
            for index, cell in enumerate(row.findall(f"{_MAIN}c")):
                self.cells += 1
                value = self.value(cell).replace("\u00a0", " ").strip()
                if value:
                    cells[re.sub(r"\d", "", cell.get("r", "")) or f"#{index}"] = value
            if self.cells > MAX_CELLS or number > MAX_ROWS:
                raise _refuse("too-many-cells", Text("表格的行或单元格过多", "The sheets have too many rows or cells"))
            if cells:
                yield number, cells

    def value(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(cell)
        shown = cell.find(f"{_MAIN}v")
        raw = "" if shown is None else shown.text or ""
        if kind == "s":
            return self.shared[int(raw)] if raw else ""
        if kind == "b":
            return "TRUE" if raw == "1" else "FALSE"
        if kind != "n" or not raw:
            return raw
        figure = float(raw)
        if int(cell.get("s", 0)) in self.dates:
            return _date(figure)
        return str(int(figure)) if figure.is_integer() else repr(figure)


def _text(element: Any) -> str:
    """The text of a cell, without the reading aids (phonetic runs) some East Asian editors add."""
    spoken = {part for run in element.iter(f"{_MAIN}rPh") for part in run.iter(f"{_MAIN}t")}
    return "".join(part.text or "" for part in element.iter(f"{_MAIN}t") if part not in spoken)


def _date(days: float) -> str:
    """A date cell as ISO 8601; Excel counts days from 1899-12-30."""
    moment = datetime.combine(date(1899, 12, 30), time()) + timedelta(days=days)
    if days < 1:
        return moment.time().isoformat()
    return moment.date().isoformat() if moment.time() == moment.time().min else moment.isoformat()
