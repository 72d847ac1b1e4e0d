"""Row 57: what would run as a formula arrives as text, checked by opening the files again."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any

import openpyxl
import pytest
import time_machine

from organizations.models import Enterprise
from reports.csvs import unguarded
from tests.api.line import Line
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

POISON = (
    "=HYPERLINK(\"http://evil.example\",\"点我\")", "=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1:A9)", "\t=1+1",
    "＝1+1", "'=1+1", "{=1+1}", "=cmd|'/C calc'!A0;\n=2",
)  # fmt: skip


@pytest.fixture
def busy(world: World) -> Iterator[World]:
    """Names and texts that people could type to be run on the office's computer."""
    Enterprise.objects.filter(pk=world.bakery.pk).update(name=POISON[0], industrial_park="=1+1")
    world.on("2026-11-02T09:00")
    for text in POISON:
        world.reports(description=text)
    for person in world.people.values():
        person.name = "@SUM(A1:A9)"
        person.set_password(PASSWORD)
        person.save()
    world.on("2026-12-01T09:00")
    with time_machine.travel(world.now, tick=True):
        yield world


def fetched(world: World, path: str) -> bytes:
    told: Any = Line(world.people["office"]).get(path)
    assert told.status_code == 200, told.content
    return b"".join(told.streaming_content)


def test_row_57_a_workbook_holds_texts_and_no_formulas(busy: World) -> None:
    for path in ("registers/issues", "registers/duties", "registers/members", "supervision"):
        query = "period=2026-11&format=xlsx" + ("&group_by=park" if path == "supervision" else "")
        book = openpyxl.load_workbook(BytesIO(fetched(busy, f"reports/{path}?{query}")))
        cells = [
            cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value is not None
        ]
        assert all(cell.data_type != "f" for cell in cells)
        risky = [cell for cell in cells if cell.data_type == "s" and str(cell.value)[:1] in "=+-@"]
        assert risky, path
        assert all(cell.quotePrefix for cell in risky)


def test_row_57_every_text_arrives_whole_in_both_forms(busy: World) -> None:
    book = openpyxl.load_workbook(BytesIO(fetched(busy, "reports/registers/issues?period=2026-11&format=xlsx")))
    in_sheet = {cell.value for cell in book.worksheets[0]["E"]}
    text = fetched(busy, "reports/registers/issues?period=2026-11&format=csv").decode("utf-8-sig")
    rows = list(csv.reader(StringIO(text, newline="")))[1:]

    for poison in POISON:
        assert poison.strip() in {str(one).strip() for one in in_sheet}
    assert {unguarded(row[4]).strip() for row in rows} == {poison.strip() for poison in POISON}
    for row in rows:
        for field in row:
            assert not field.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")), field
