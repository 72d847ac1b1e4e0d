"""The same table as CSV, XLSX, DOCX and JSON, opened again and read."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO, StringIO

import docx
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.problems import Invalid
from core.texts import EN, ZH, Text
from reports import adjustments, bulletins, csvs, deliverables, figures, letterhead, periods, sentences, sheets, trends
from reports.figures import Report, Row, figure
from reports.indicators import for_group
from reports.periods import SHANGHAI, read
from reports.registers import REGISTERS
from reports.tables import Column, Table
from surveys.models import Questionnaire

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", "'=already", "𠮷野家😀\u200b", "a\u0301", 'a,b"c\r\nd']


def plain(rows: list[tuple[object, ...]], total: tuple[object, ...] | None = None) -> Table:
    columns = (
        Column("name", Text("名称", "Name"), width=20),
        Column("rate.numerator", Text("分子", "num."), kind="count", group=Text("结案率", "Closed")),
        Column("rate.value", Text("率（%）", "rate (%)"), kind="decimal", group=Text("结案率", "Closed"), heat="good"),
        Column("day", Text("日期", "Day"), kind="date"),
    )
    return Table(
        "plain", Text("督查表", "Sheet"), columns, rows, total, unit=Text("件", "items"),
        period=periods.read("2026-Q3").name, measure=Text("到期", "due"), notes=(Text("注", "note"),),
    )  # fmt: skip


def reopened(table: Table, language: str = ZH) -> openpyxl.worksheet.worksheet.Worksheet:
    return openpyxl.load_workbook(BytesIO(sheets.workbook([table], language))).worksheets[0]


def csv_rows(table: Table, language: str = ZH) -> list[list[str]]:
    text = b"".join(csvs.lines(table, language)).decode("utf-8-sig")
    return list(csv.reader(StringIO(text, newline="")))


def supervision(group_by: str = "department", names: tuple[str, ...] = ("人社局", "教育局")) -> Report:
    def some(seed: int) -> dict[str, figures.Figure]:
        return {
            one.key: figure(one.key, 7 + seed, None if one.denominator is None else 10 + seed)
            for one in for_group(group_by)
        }

    rows = [Row(f"D{n}", name, some(n)) for n, name in enumerate(names)]
    return Report(periods.read("2026-Q3"), group_by, rows, some(9))


@given(st.text())
def test_what_csv_guards_can_be_given_back_exactly(text: str) -> None:
    guarded = csvs.guarded(text)

    assert csvs.unguarded(guarded) == text
    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_csv_begins_with_a_mark_and_never_with_a_formula() -> None:
    table = plain([(text, -1, Decimal("-0.50"), date(2026, 7, 1)) for text in HOSTILE])

    raw = b"".join(csvs.lines(table, ZH))
    names = [row[0] for row in csv_rows(table)[1:]]

    assert raw.startswith(b"\xef\xbb\xbf")
    assert [csvs.unguarded(name) for name in names] == HOSTILE
    assert names[-3:] == HOSTILE[-3:]
    assert csv_rows(table)[1][1:] == ["-1", "-0.50", "2026-07-01"]


def test_xlsx_keeps_texts_as_texts_to_the_byte() -> None:
    sheet = reopened(plain([(text, 1, Decimal("88.34"), date(2026, 7, 1)) for text in HOSTILE]))

    cells = [sheet.cell(row, 1) for row in range(5, 5 + len(HOSTILE))]

    assert all(cell.data_type in ("s", "inlineStr") for cell in cells)
    assert [cell.value.replace("_x000D_", "\r") for cell in cells] == HOSTILE


def test_xlsx_is_laid_out_as_the_office_sends_it() -> None:
    sheet = reopened(
        plain([("人社局", 7, Decimal("88.34"), date(2026, 7, 1))], total=("合计", 7, Decimal("88.34"), None))
    )

    assert sheet["A1"].value == "督查表"
    assert sheet["A2"].value == "单位：件    期间：2026年第三季度    口径：到期"
    assert {str(merge) for merge in sheet.merged_cells.ranges} >= {"A1:D1", "A2:D2", "A3:A4", "B3:C3", "D3:D4"}
    assert [sheet["A3"].value, sheet["B3"].value, sheet["B4"].value, sheet["C4"].value] == [
        "名称",
        "结案率",
        "分子",
        "率（%）",
    ]
    assert (sheet["C5"].value, sheet["C5"].number_format, sheet["C5"].data_type) == (88.34, "0.00", "n")
    assert sheet["D5"].value.date() == date(2026, 7, 1)
    assert [sheet["A6"].value, sheet["B6"].value] == ["合计", 7]
    assert sheet["A8"].value == "注"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 8)
    assert sheet.freeze_panes == "C5"
    assert sheet.print_title_rows == "$1:$4"


def test_an_empty_table_and_a_text_too_long_for_a_cell_still_make_a_sheet() -> None:
    assert reopened(plain([]))["A3"].value == "名称"
    assert reopened(plain([("长" * 40_000, 1, None, None)]))["A5"].value.endswith(sheets.CUT)


def test_a_list_of_nothing_says_so() -> None:
    sheet = reopened(plain([]), EN)

    assert sheet["A5"].value == "(nothing in this period)"
    assert "A5:D5" in {str(merge) for merge in sheet.merged_cells.ranges}


def test_a_title_stays_on_the_first_page_of_a_sheet_that_goes_over_several() -> None:
    columns = [Column(f"c{n}", Text("列", "column"), width=30) for n in range(20)]
    sheet = reopened(Table("wide", Text("很宽的表", "Wide"), columns, [tuple("x" * 20)], notes=(Text("注", "note"),)))

    assert sheet.page_setup.fitToWidth == 3
    assert {str(merge) for merge in sheet.merged_cells.ranges} >= {"A1:F1", "A2:F2", "A7:F7"}


def test_a_column_is_as_wide_as_the_longest_word_above_it() -> None:
    table = Table("t", Text("表", "Table"), [Column("a", Text("裁定", "adjudicated"), width=7)] * 2, [("x", "y")])

    assert reopened(table, ZH).column_dimensions["A"].width < 8
    assert reopened(table, EN).column_dimensions["A"].width > 13


def test_one_report_says_the_same_in_every_form() -> None:
    report = supervision()
    told = report.document()["rows"][0]["indicators"]["on_time_rate"]

    sheet = reopened(report.table(), EN)
    column = report.table().position("on_time_rate.value")

    assert told == {"value": 70.0, "numerator": 7, "denominator": 10}
    assert sheet.cell(5, column + 1).value == 70.0
    assert csv_rows(report.table(), EN)[1][column] == "70.00"
    assert report.table().document(EN)["rows"][0]["on_time_rate.value"] == 70.0


def test_the_bulletin_is_set_as_official_documents_are() -> None:
    bulletin = sentences.compose(
        supervision(),
        supervision("region", ("澄江街道", "<华士镇> & {{ 7 * 7 }}")),
        [sentences.NamedProblem("CG-1", "欠薪", "人社局", "华士镇", 7)],
        day=date(2026, 10, 9),
        number=Text("第3期", "No. 3"),
        issuer=Text("市产改办", "Reform office"),
        addressees=Text("各单位：", "To all units:"),
    )

    document = docx.Document(BytesIO(letterhead.write(bulletin, ZH)))
    page, texts = document.sections[0], [paragraph.text for paragraph in document.paragraphs]
    faces = {run.font.name for paragraph in document.paragraphs for run in paragraph.runs}

    assert [
        round(margin.mm) for margin in (page.top_margin, page.bottom_margin, page.left_margin, page.right_margin)
    ] == [37, 35, 28, 26]
    assert round(page.page_height.mm) == 297
    assert {"方正小标宋简体", "仿宋_GB2312", "黑体"} <= faces
    assert texts[0] == "关于2026年第三季度产改走访与问题办理情况的督查通报"
    assert [text[:2] for text in texts if text[:2] in ("一、", "二、", "三、", "四、", "五、")] == [
        "一、",
        "二、",
        "三、",
        "四、",
        "五、",
    ]
    assert any("CG-1（华士镇，欠薪）：牵头单位人社局，已超期7个工作日。" in text for text in texts)
    names, rates = document.tables[1].rows[2].cells[:2]
    assert names.width > rates.width
    assert document.tables[1].rows[2].cells[0].text == "<华士镇> & {{ 7 * 7 }}"


def sections(departments: Report, towns: Report, language: str = ZH) -> str:
    bulletin = sentences.compose(
        departments, towns, [], day=date(2026, 10, 9), number=Text("", ""), issuer=Text("", ""), addressees=Text("", "")
    )
    return "".join(text.of(language) for section in bulletin.sections for text in section.paragraphs)


@pytest.mark.parametrize(("language", "words"), [(ZH, "满意率暂无数据"), (EN, "satisfied: no data")])
def test_a_bulletin_says_in_words_that_there_was_nothing_to_divide_by(language: str, words: str) -> None:
    def nothing(group_by: str) -> Report:
        total = {one.key: figure(one.key, 0, None if one.denominator is None else 0) for one in for_group(group_by)}
        return Report(periods.read("2026-Q3"), group_by, [], total)

    told = sections(nothing("department"), nothing("region"), language)

    assert words in told
    assert "–" not in told


def test_a_bulletin_says_how_many_share_a_place_that_it_has_no_room_for() -> None:
    towns = supervision("region", tuple("甲乙丙丁戊己庚"))
    level = {"visit_coverage": figure("visit_coverage", 9, 10)}
    rows = [Row(row.code, row.name, {**row.figures, **level}) for row in towns.rows[:6]]
    last = Row("Z", "庚", {**towns.rows[6].figures, "visit_coverage": figure("visit_coverage", 1, 10)})

    told = sections(supervision(), replace(towns, rows=[*rows, last]))

    assert "走访覆盖率居前的是甲、乙、丙等6家单位（90.00%），靠后的是庚（10.00%）。" in told
    assert "庚、己、戊、丁、丙等7家单位要对照走访计划" in told
    assert "计划问卷到期19份，按时完成16份" in told


def test_the_offices_own_template_is_used_and_a_broken_one_is_refused() -> None:
    own = docx.Document()
    own.add_paragraph("通报：{{ title }}")
    broken = docx.Document()
    broken.add_paragraph("{{ title ")
    bulletin = bulletins.Bulletin(
        Text("标题", "T"), Text("", ""), Text("", ""), Text("", ""), date(2026, 1, 1), Text("", ""), ()
    )

    def saved(document: docx.document.Document) -> bytes:
        buffer = BytesIO()
        document.save(buffer)
        return buffer.getvalue()

    assert (
        docx.Document(BytesIO(letterhead.write(bulletin, ZH, template=saved(own)))).paragraphs[0].text == "通报：标题"
    )
    with pytest.raises(Invalid):
        letterhead.write(bulletin, ZH, template=saved(broken))


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_no_name_of_a_sheet_is_cut(db: None, language: str) -> None:
    """Excel takes 31 characters."""
    at = datetime(2026, 11, 30, 12, tzinfo=SHANGHAI)
    period = read("2026-11")
    Questionnaire.objects.create(code="visit", title="走访表", created_at=at)
    wanted = [deliverables.Wanted("supervision", period, "xlsx", group_by=one) for one in ("department", "region")]
    wanted += [deliverables.Wanted("register", period, "xlsx", register=one) for one in REGISTERS]
    wanted.append(deliverables.Wanted("evidence", period, "xlsx", indicator="on_time_rate"))
    wanted.append(deliverables.Wanted("dimensions", period, "xlsx", questionnaire="visit", group_by="region"))
    tables = [table for one in wanted for table in deliverables.make(one, by=SYSTEM, at=at, language=language).tables]
    tables.append(adjustments.table([], period, "region"))
    tables += [trends.ranking(Report(period, "region", [], {}), key) for key in trends.RANKED]

    for table in tables:
        name = (table.tab or table.title).of(language)
        assert len(f"10.{name}") <= sheets.LONGEST_TAB, name
