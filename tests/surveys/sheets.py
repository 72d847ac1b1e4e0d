"""Builds workbooks for the tests from small Markdown-like tables."""

from __future__ import annotations

from io import BytesIO

import openpyxl


def workbook(**sheets: str) -> bytes:
    """An XLSX file: each sheet is lines of cells between ``|``, the first line its headers."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, table in sheets.items():
        sheet = book.create_sheet(name)
        for line in table.strip().splitlines():
            sheet.append([cell.strip() or None for cell in line.strip().strip("|").split("|")])
    stream = BytesIO()
    book.save(stream)
    return stream.getvalue()


SETTINGS = """
| form_id | form_title | version | default_language |
| demo    | 演示       | 1       | Chinese (zh)     |
"""


def form(survey: str, choices: str | None = None, settings: str = SETTINGS) -> bytes:
    sheets = {"survey": survey, "settings": settings}
    if choices is not None:
        sheets["choices"] = choices
    return workbook(**sheets)
