"""The XForm of a questionnaire, for ODK Collect: written by pyxform, of whose work only this is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surveys import columns
from surveys.beginnings import OPEN_ISSUES
from surveys.openrosa import ENTERPRISE
from surveys.spreadsheet import Sheet

SHEETS = ("survey", "choices", "settings")


class Refused(Exception):
    """What pyxform says of a form that it does not take."""


def write_xform(sheets: Mapping[str, Sheet], warnings: list[str], *, language: str | None) -> str:
    """The XForm, the same bytes for the same sheets; pyxform's remarks are added to ``warnings``.

    With a ``language`` (the form's first) the question for the enterprise is asked before all others. A repeat that shows issues is
    never asked, for Collect does not hold them. Raises ``Refused``, and what pyxform trips over.
    """
    from pyxform.errors import PyXFormError  # half a second of every command's start, needed only when a form comes in
    from pyxform.xls2xform import convert

    book = _for_pyxform(sheets)
    if language is not None:
        _ask_enterprise_first(book, language)
    try:
        xform: str = convert(book, warnings=warnings, validate=False, form_name="data").xform
    except PyXFormError as error:
        raise Refused(str(error)) from error
    return xform


def _for_pyxform(sheets: Mapping[str, Sheet]) -> dict[str, Any]:
    """The sheets as pyxform takes them, without our own columns; empty rows stay, so that its row numbers are right."""
    book: dict[str, Any] = {"sheet_names": [name for name in SHEETS if name in sheets]}
    for name in book["sheet_names"]:
        sheet = sheets[name]
        kept = [header for header in sheet.columns if not _is_ours(header, name)]
        by_number = {line.number: line.cells for line in sheet.lines}
        rows = [by_number.get(number, {}) for number in range(2, max(by_number, default=1) + 1)]
        if name == "survey":
            rows = [_without_issues(row, kept) for row in rows]
        book[name] = [{header: row[header] for header in kept if header in row} for row in rows]
        book[f"{name}_header"] = [dict.fromkeys(kept)]
    return book


def _without_issues(row: dict[str, str], kept: list[str]) -> dict[str, str]:
    """A row of the sheet; the beginning of a repeat that shows issues, made never relevant."""
    if all(
        columns.read_header(header, "survey")[0] != "prefill" or value != OPEN_ISSUES for header, value in row.items()
    ):
        return row
    header = next((each for each in kept if columns.read_header(each, "survey")[0] == "relevant"), "relevant")
    if header not in kept:
        kept.append(header)
    return row | {header: "false()"}


def _ask_enterprise_first(book: dict[str, Any], language: str) -> None:
    """Put the question for the enterprise before all others.

    Answers from Collect travel alone; our own phones send the enterprise beside the answers and never see this question.
    """
    labels = {"zh": "走访企业", "en": "Enterprise"}
    row = {
        "type": "select_one_from_file enterprises.csv",
        "name": ENTERPRISE,
        "required": "yes",
        "appearance": "minimal autocomplete",
    }
    for header in book["survey_header"][0]:
        base, spoken = columns.read_header(header, "survey")
        if base in ("type", "name", "required", "appearance") and header != base:
            row[header] = row.pop(base)
        elif base == "label":
            row[header] = labels.get(spoken or language, labels["en"])
    book["survey"].insert(0, row)
    known = book["survey_header"][0]
    book["survey_header"] = [dict.fromkeys([*known, *(header for header in row if header not in known)])]


def _is_ours(header: str, sheet: str) -> bool:
    base, language = columns.read_header(header, sheet)
    return base in columns.OURS[sheet] or (base == "form_title" and language is not None)
