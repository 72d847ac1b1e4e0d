"""Tables as XLSX, laid out as the office sends them: title, unit, period and measure, a two-level header, a totals
row, the definitions below; frozen panes, A3 landscape with repeated headings, numbers as numbers, texts as texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from itertools import accumulate, groupby
from math import ceil
from typing import IO, TYPE_CHECKING, Any

from core.texts import Text
from reports.periods import SHANGHAI
from reports.tables import Cell, Cells, Chart, Column, Table, spoken, written

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
A3 = 8
TITLE_ROW, LINE_ROW, GROUP_ROW, HEADING_ROW, FIRST_ROW = range(5)
LONGEST = 32_767
LONGEST_TAB = 31
PAGE_WIDTH, SQUEEZED = 270, 0.2
"""Characters across an A3 page that are read well. A sheet that is wider by more than a share of that goes over several
pages, its first columns repeated."""
NOTHING = Text("（本期无）", "(nothing in this period)")
NARROW = 8
"""Up to so many columns a chart stands beside its table; otherwise on a sheet of its own."""
MADE = datetime(2026, 1, 1, tzinfo=SHANGHAI).replace(tzinfo=None)
"""What every file says of its making, so that the same report is the same bytes."""
CUT = "…[截断]"
FONT = "宋体"
ROW_HEIGHT = 20
LINE_HEIGHT, MOST_LINES, INDENT = 16, 12, 2
"""A row grows with its longest text, up to so many lines."""

FORMATS: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 18, "align": "center", "valign": "vcenter", "font_name": "黑体"},
    "line": {"align": "left", "valign": "vcenter"},
    "heading": {
        "bold": True,
        "align": "center",
        "valign": "vcenter",
        "text_wrap": True,
        "border": 1,
        "bg_color": "#DDEBF7",
    },
    "text": {"border": 1, "valign": "vcenter", "text_wrap": True, "indent": 1},
    "quoted": {"border": 1, "valign": "vcenter", "text_wrap": True, "indent": 1, "quote_prefix": True},
    "nothing": {"border": 1, "align": "center", "valign": "vcenter"},
    "count": {"border": 1, "valign": "vcenter", "num_format": "0"},
    "decimal": {"border": 1, "valign": "vcenter", "num_format": "0.00"},
    "date": {"border": 1, "valign": "vcenter", "num_format": "yyyy-mm-dd"},
    "instant": {"border": 1, "valign": "vcenter", "num_format": "yyyy-mm-dd hh:mm"},
    "note": {"valign": "top", "text_wrap": True, "font_size": 10},
}
BOLD = {"bold": True, "bg_color": "#F2F2F2"}
RED, AMBER, GREEN = "#F8696B", "#FFEB84", "#63BE7B"
COLOURS = ("#C00000", "#1F4E79", "#548235", "#BF8F00", "#7030A0", "#404040")


def write(tables: Sequence[Table], language: str, into: IO[bytes]) -> None:
    """A workbook with a sheet for each table. Rows are walked once and not kept, so memory stays flat."""
    import xlsxwriter  # slow to load, and only needed when a workbook goes out

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "in_memory": False}
    with xlsxwriter.Workbook(into, options) as book:
        book.set_properties({"created": MADE})
        formats = {name: book.add_format({"font_name": FONT} | look) for name, look in FORMATS.items()}
        formats |= {f"total {name}": book.add_format({"font_name": FONT} | FORMATS[name] | BOLD) for name in FORMATS}
        for number, table in enumerate(tables, start=1):
            sheet = book.add_worksheet(_sheet_name(table, number, language))
            _Page(book, sheet, formats, table, language).fill()


def workbook(tables: Sequence[Table], language: str) -> bytes:
    """The same workbook as bytes."""
    buffer = BytesIO()
    write(tables, language, buffer)
    return buffer.getvalue()


class _Page:
    """One sheet being filled from top to bottom, each row once: the writer flushes rows as it goes on."""

    def __init__(
        self, book: Workbook, sheet: Worksheet, formats: dict[str, Format], table: Table, language: str
    ) -> None:
        self.book, self.sheet, self.formats, self.table, self.language = book, sheet, formats, table, language
        self.last_column = max(len(table.columns) - 1, 1)
        self.widths = [_width(column, language) for column in table.columns]
        self.pages = max(1, ceil(sum(self.widths) / PAGE_WIDTH - SQUEEZED))

    def fill(self) -> None:
        self._lay_out()
        self._write_head()
        end = self._write_rows()
        self._colour(end)
        below = end
        if end == FIRST_ROW:
            nothing = NOTHING.of(self.language)
            self.sheet.merge_range(below, 0, below, self.last_column, nothing, self.formats["nothing"])
            below += 1
        if self.table.total is not None:
            self._write_row(below, self.table.total, "total ")
            below += 1
        self._write_notes(below + 1)
        if self.table.charts and end > FIRST_ROW:
            self._draw(end)

    def _lay_out(self) -> None:
        sheet = self.sheet
        sheet.set_landscape()
        sheet.set_paper(A3)
        sheet.fit_to_pages(self.pages, 0)
        sheet.center_horizontally()
        sheet.repeat_columns(0, min(2, len(self.table.columns)) - 1)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.set_footer("&C&P / &N")
        sheet.repeat_rows(TITLE_ROW, HEADING_ROW)
        sheet.freeze_panes(FIRST_ROW, min(2, len(self.table.columns)))
        for index, width in enumerate(self.widths):
            sheet.set_column(index, index, width)
        sheet.set_default_row(ROW_HEIGHT)
        sheet.set_row(TITLE_ROW, 32)
        sheet.set_row(GROUP_ROW, 32)
        sheet.set_row(HEADING_ROW, 30)

    def _write_head(self) -> None:
        said = self.language
        across = self._first_page()
        self.sheet.merge_range(TITLE_ROW, 0, TITLE_ROW, across, self.table.title.of(said), self.formats["title"])
        self.sheet.merge_range(LINE_ROW, 0, LINE_ROW, across, _line(self.table, said), self.formats["line"])
        heading = self.formats["heading"]
        upright: list[int] = []
        index = 0
        for group, columns in groupby(self.table.columns, key=lambda column: column.group):
            width = len(list(columns))
            if group is None:
                for column in range(index, index + width):
                    self.sheet.write_string(GROUP_ROW, column, self.table.columns[column].heading.of(said), heading)
                    upright.append(column)
            elif width == 1:
                self.sheet.write_string(GROUP_ROW, index, group.of(said), heading)
            else:
                self.sheet.merge_range(GROUP_ROW, index, GROUP_ROW, index + width - 1, group.of(said), heading)
            index += width
        for column, one in enumerate(self.table.columns):
            if column in upright:
                self.sheet.write_blank(HEADING_ROW, column, None, heading)
                # merge_range would write into a row that has gone to disk already; the range alone is what is wanted.
                self.sheet.merge.append([GROUP_ROW, column, HEADING_ROW, column])
            else:
                self.sheet.write_string(HEADING_ROW, column, one.heading.of(said), heading)

    def _first_page(self) -> int:
        """The last column that is sure to be on the first page: a title over all columns would be cut where the page ends."""
        if self.pages == 1:
            return self.last_column
        room = sum(self.widths) / self.pages * 0.9
        return max(1, sum(reach <= room for reach in accumulate(self.widths)) - 1)

    def _write_rows(self) -> int:
        row = FIRST_ROW
        for cells in self.table.rows:
            self._write_row(row, cells, "")
            row += 1
        return row

    def _write_row(self, row: int, cells: Cells, look: str) -> None:
        said = [spoken(cell, self.language) for cell in cells]
        lines = max(_lines(cell, width) for cell, width in zip(said, self.widths, strict=True))
        if lines > 1:
            self.sheet.set_row(row, LINE_HEIGHT * min(lines, MOST_LINES))
        for index, (column, cell) in enumerate(zip(self.table.columns, said, strict=True)):
            self._write_cell(row, index, cell, column.kind, look)

    def _write_cell(self, row: int, column: int, cell: Cell, kind: str, look: str) -> None:
        if cell is None or cell == "":
            self.sheet.write_blank(row, column, None, self.formats[look + kind])
        elif isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
            self.sheet.write_number(row, column, cell, self.formats[look + (kind if kind != "text" else "count")])
        elif isinstance(cell, datetime):
            local = cell.astimezone(SHANGHAI).replace(tzinfo=None)
            self.sheet.write_datetime(row, column, local, self.formats[look + "instant"])
        elif isinstance(cell, date):
            self.sheet.write_datetime(row, column, cell, self.formats[look + "date"])
        else:
            text = written(cell, self.language)
            style = "quoted" if text[:1] in "=+-@\t\r\n" else "text"
            self.sheet.write_string(row, column, _fitted(text), self.formats[look + style])

    def _colour(self, end: int) -> None:
        for index, column in enumerate(self.table.columns):
            if column.heat and end > FIRST_ROW and self._differ(index):
                low, high = (RED, GREEN) if column.heat == "good" else (GREEN, RED)
                scale = {"type": "3_color_scale", "min_color": low, "mid_color": AMBER, "max_color": high}
                self.sheet.conditional_format(FIRST_ROW, index, end - 1, index, scale)

    def _differ(self, index: int) -> bool:
        """Whether there is a better and a worse in a column; of rows that are gone already it is taken to be so."""
        rows = self.table.rows
        return not isinstance(rows, Sequence) or len({row[index] for row in rows} - {None}) > 1

    def _write_notes(self, row: int) -> None:
        across = self._first_page()
        for note in self.table.notes:
            text = note.of(self.language)
            if (lines := _lines(text, sum(self.widths[: across + 1]))) > 1:
                self.sheet.set_row(row, LINE_HEIGHT * lines)
            self.sheet.merge_range(row, 0, row, across, text, self.formats["note"])
            row += 1

    def _draw(self, end: int) -> None:
        beside = len(self.table.columns) <= NARROW
        page = self.sheet if beside else self._page_of_charts()
        row, column = (FIRST_ROW, len(self.table.columns) + 1) if beside else (1, 1)
        for chart in self.table.charts:
            drawn = self._lines(chart, end) if chart.kind == "line" else self._bars(chart, end)
            page.insert_chart(row, column, drawn)
            row += drawn.height // (ROW_HEIGHT * 4 // 3) + 2

    def _page_of_charts(self) -> Worksheet:
        page = self.book.add_worksheet(
            Text("图{number}", "Chart {number}").fill(number=self.sheet.index + 1).of(self.language)
        )
        page.set_landscape()
        page.set_paper(A3)
        page.fit_to_pages(1, 0)
        return page

    def _bars(self, chart: Chart, end: int) -> Any:
        drawn = self._chart("bar", chart, end)
        drawn.set_legend({"none": True})
        drawn.set_y_axis({"reverse": True, "num_font": {"size": 10}})
        drawn.set_x_axis({"major_gridlines": {"visible": False}, "min": 0, "max": chart.most})
        drawn.set_size({"width": 900, "height": max(300, 80 + 26 * (end - FIRST_ROW))})
        return drawn

    def _lines(self, chart: Chart, end: int) -> Any:
        drawn = self._chart("line", chart, end)
        drawn.set_legend({"position": "bottom"})
        drawn.set_y_axis({"min": 0, "max": chart.most})
        drawn.show_blanks_as("gap")
        drawn.set_size({"width": 900, "height": 420})
        return drawn

    def _chart(self, kind: str, chart: Chart, end: int) -> Any:
        names = self.table.position(chart.names)
        drawn = self.book.add_chart({"type": kind})
        for key, colour in zip(chart.series, COLOURS, strict=False):
            values = self.table.position(key)
            one: dict[str, Any] = {
                "name": self.table.columns[values].full_heading(self.language),
                "categories": [self.sheet.name, FIRST_ROW, names, end - 1, names],
                "values": [self.sheet.name, FIRST_ROW, values, end - 1, values],
                "data_labels": {"value": True},
            }
            if kind == "bar":
                one |= {"fill": {"color": colour}, "gap": 60}
            else:
                one |= {
                    "line": {"color": colour, "width": 2.25},
                    "marker": {"type": "circle", "fill": {"color": colour}},
                }
            drawn.add_series(one)
        drawn.set_title({"name": chart.title.of(self.language), "name_font": {"size": 14}})
        return drawn


def _width(column: Column, language: str) -> int:
    """As wide as the column says, and as the longest word of its heading needs; Chinese breaks anywhere."""
    words = column.heading.of(language).split()
    return max([column.width, *(len(word) + 3 for word in words if word.isascii())])


def _lines(cell: Cell, width: int) -> int:
    """How many lines a text takes in its column, less its indent; a Chinese character is two wide, and words break early."""
    if not isinstance(cell, str) or len(cell) * 2 <= width - INDENT:
        return 1
    room = width - INDENT
    return sum(
        -(
            -max(1, sum(2 if character > "\u2e7f" else 1 for character in part))
            // (room * 3 // 4 if " " in part else room)
        )
        for part in cell[: width * MOST_LINES].split("\n")
    )


def _line(table: Table, language: str) -> str:
    parts = (
        (Text("单位：{it}", "Unit: {it}"), table.unit),
        (Text("期间：{it}", "Period: {it}"), table.period),
        (Text("口径：{it}", "Measure: {it}"), table.measure),
    )
    return "    ".join(phrase.fill(it=value).of(language) for phrase, value in parts if value)


def _fitted(text: str) -> str:
    """A cell holds 32,767 UTF-16 units; a longer text ends in a mark that says so."""
    if len(text) + sum(character > "\uffff" for character in text) <= LONGEST:
        return text
    return text[: LONGEST // 2] + CUT


def _sheet_name(table: Table, number: int, language: str) -> str:
    kept = "".join(one for one in (table.tab or table.title).of(language) if one not in "[]:*?/\\'")
    return f"{number}.{kept}"[:LONGEST_TAB]
