"""Tables as CSV: UTF-8 with a byte order mark, CRLF, every byte of a text kept, and no text that acts as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from reports.tables import Cell, Table, spoken, written

MEDIA_TYPE = "text/csv; charset=utf-8"
BOM = "\ufeff"
DANGEROUS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\uff1d",
    "\uff0b",
    "\uff0d",
    "\uff20",
)  # the last four are full-width
CHUNK = 500


class _Echo:
    """The pen of the csv module: hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def guarded(text: str) -> str:
    """Text that a spreadsheet takes for text: one apostrophe before what would run as a formula.

    The apostrophe is the only change ever made, and :func:`unguarded` takes it off again exactly: a text
    that already begins with apostrophes before a dangerous sign gets one more.
    """
    return "'" + text if text.lstrip("'").startswith(DANGEROUS) else text


def unguarded(text: str) -> str:
    """The text that :func:`guarded` was given."""
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(DANGEROUS) else text


def lines(table: Table, language: str) -> Iterator[bytes]:
    """The file in pieces of a few hundred lines, for streaming. Its first line holds the headings."""
    pen = csv.writer(_Echo())
    yield (BOM + pen.writerow([column.full_heading(language) for column in table.columns])).encode()
    chunk: list[str] = []
    for row in table.rows:
        chunk.append(pen.writerow([_field(cell, language) for cell in row]))
        if len(chunk) == CHUNK:
            yield "".join(chunk).encode()
            chunk.clear()
    if table.total is not None:
        chunk.append(pen.writerow([_field(cell, language) for cell in table.total]))
    if chunk:
        yield "".join(chunk).encode()


def _field(cell: Cell, language: str) -> str:
    cell = spoken(cell, language)
    text = written(cell, language)
    return guarded(text) if isinstance(cell, str) else text
