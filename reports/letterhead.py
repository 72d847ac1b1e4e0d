"""The supervision bulletin as DOCX, set as GB/T 9704 wants official documents.

The layout is a template that the office may replace: :func:`default_template` is the one that ships, and any DOCX
with the same tags will do. Typefaces are named, not shipped; Word substitutes what a computer lacks.
What reads and writes Word is slow to load: whoever needs this module imports it where it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.opc.exceptions import OpcError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docxtpl import DocxTemplate
from jinja2 import TemplateError
from lxml.etree import LxmlError

from core.problems import Invalid
from core.texts import Text
from reports import drawings
from reports.blanks import Blanks
from reports.bulletins import Bulletin

TOP, BOTTOM, LEFT, RIGHT = Mm(37), Mm(35), Mm(28), Mm(26)
TITLE_FACE, BODY_FACE, FIRST_FACE, SECOND_FACE, FOOT_FACE = (
    "方正小标宋简体",
    "仿宋_GB2312",
    "黑体",
    "楷体_GB2312",
    "宋体",
)
SECOND_SIZE, THIRD_SIZE, FOURTH_SIZE, SMALL_FOURTH_SIZE = Pt(22), Pt(16), Pt(14), Pt(12)
LINE = Pt(28)
ACROSS, NAMED = Mm(156), Mm(46)
"""How wide an annex is, and how much of it the names of units take; the filler of layouts makes all columns alike."""
UNFILLABLE = (
    TemplateError, OpcError, LxmlError, BadZipFile, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""What a layout that does not work may raise: it is a program of the office's, written in Word."""


def write(bulletin: Bulletin, language: str, *, template: bytes | None = None) -> bytes:
    """The bulletin as a DOCX. Raises Invalid when the office's own template cannot be filled."""
    try:
        document = DocxTemplate(BytesIO(template or default_template()))
        context = bulletin.context(language)
        document.render(context, jinja_env=Blanks(), autoescape=True)
        _widen(document.docx, context)
        drawings.place(document.docx, bulletin.drawings, language)
    except UNFILLABLE as fault:
        raise Invalid.at(
            "/template",
            "template",
            Text("模板无法填充：{fault}", "The template cannot be filled: {fault}").fill(fault=str(fault)),
        ) from fault
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _widen(document: Any, context: Mapping[str, Any]) -> None:
    """Give the first column of every annex the room that names need."""
    annexes = [annex["headings"] for annex in context["annexes"]]
    for table in document.tables:
        if len(table.columns) > 2 and [cell.text for cell in table.rows[0].cells] in annexes:
            others = (ACROSS - NAMED) // (len(table.columns) - 1)
            for place, column in enumerate(table.columns):
                column.width = NAMED if place == 0 else others
            for row in table.rows:
                for place, cell in enumerate(row._tr.tc_lst):
                    cell.width = NAMED if place == 0 else others


def default_template() -> bytes:
    """The template that ships, built here so that no binary lies in the repository; the office edits a copy in Word."""
    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.top_margin, page.bottom_margin, page.left_margin, page.right_margin = TOP, BOTTOM, LEFT, RIGHT
    page.footer_distance = Mm(28)
    _set_face(document.styles["Normal"].font, BODY_FACE, THIRD_SIZE)
    _number_pages(page.footer.paragraphs[0])

    _paragraph(document, "{{ title }}", TITLE_FACE, SECOND_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER, line=Pt(36))
    _paragraph(document, "{{ number }}", BODY_FACE, THIRD_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER)
    _paragraph(document, "", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{{ addressees }}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{{ opening }}", BODY_FACE, THIRD_SIZE, indent=True)
    _paragraph(document, "{%p for section in sections %}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{{ section.heading }}", FIRST_FACE, THIRD_SIZE, indent=True)
    _paragraph(document, "{%p for text in section.paragraphs %}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{{ text }}", BODY_FACE, THIRD_SIZE, indent=True)
    _paragraph(document, "{%p endfor %}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{%p endfor %}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "", BODY_FACE, THIRD_SIZE)
    for tag in ("{{ issuer }}", "{{ day }}"):
        _paragraph(document, tag, BODY_FACE, THIRD_SIZE, align=WD_ALIGN_PARAGRAPH.RIGHT)
    _add_annexes(document)
    buffer = BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def _add_annexes(document: Any) -> None:
    _paragraph(document, "{%p for annex in annexes %}", BODY_FACE, THIRD_SIZE)
    word = _paragraph(document, "{{ annex_word }} {{ annex.place }}", FIRST_FACE, THIRD_SIZE)
    word.paragraph_format.page_break_before = True
    _paragraph(document, "{{ annex.title }}", TITLE_FACE, FOURTH_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER)
    table = document.add_table(rows=4, cols=3)
    table.style = "Table Grid"
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    tags = (
        ("{%tc for heading in annex.headings %}", "{{ heading }}", "{%tc endfor %}"),
        ("{%tr for row in annex.rows %}", "", ""),
        ("{%tc for cell in row %}", "{% cellbg cell.fill %}{{ cell }}", "{%tc endfor %}"),
        ("{%tr endfor %}", "", ""),
    )
    for row, texts in zip(table.rows, tags, strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            face = FIRST_FACE if row is table.rows[0] else BODY_FACE
            _fill(cell.paragraphs[0], text, face, SMALL_FOURTH_SIZE)
            cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading = table.rows[0]._tr.get_or_add_trPr()
    heading.append(OxmlElement("w:tblHeader"))
    _paragraph(document, "{%p endfor %}", BODY_FACE, THIRD_SIZE)
    _paragraph(document, "{%p for chart in charts %}", BODY_FACE, THIRD_SIZE)
    drawn = _paragraph(document, "{{ chart }}", BODY_FACE, SMALL_FOURTH_SIZE, align=WD_ALIGN_PARAGRAPH.CENTER)
    drawn.paragraph_format.line_spacing_rule = WD_LINE_SPACING.SINGLE
    _paragraph(document, "{%p endfor %}", BODY_FACE, THIRD_SIZE)


def _paragraph(
    document: Any,
    text: str,
    face: str,
    size: Pt,
    *,
    align: WD_ALIGN_PARAGRAPH | None = None,
    indent: bool = False,
    line: Pt = LINE,
) -> Any:
    paragraph = document.add_paragraph()
    look = paragraph.paragraph_format
    look.space_before = look.space_after = Pt(0)
    look.line_spacing_rule, look.line_spacing = WD_LINE_SPACING.EXACTLY, line
    if align is not None:
        paragraph.alignment = align
    if indent:
        look.first_line_indent = Pt(size.pt * 2)
    _fill(paragraph, text, face, size)
    return paragraph


def _fill(paragraph: Any, text: str, face: str, size: Pt) -> None:
    _set_face(paragraph.add_run(text).font, face, size)


def _set_face(font: Any, face: str, size: Pt) -> None:
    font.name, font.size = face, size
    fonts = font.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("w:eastAsia", "w:ascii", "w:hAnsi"):
        fonts.set(qn(script), face)


def _number_pages(paragraph: Any) -> None:
    """— 1 — in the middle of the foot."""
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _fill(paragraph, "— ", FOOT_FACE, FOURTH_SIZE)
    for kind, text in (("begin", None), (None, "PAGE"), ("end", None)):
        run = paragraph.add_run()
        _set_face(run.font, FOOT_FACE, FOURTH_SIZE)
        element = OxmlElement("w:fldChar" if kind else "w:instrText")
        if kind:
            element.set(qn("w:fldCharType"), kind)
        else:
            element.text = text
        run._r.append(element)
    _fill(paragraph, " —", FOOT_FACE, FOURTH_SIZE)
