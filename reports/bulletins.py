"""What the supervision bulletin 督查通报 says, as the tags of a layout see it; how it looks is :mod:`reports.letterhead`'s affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core.texts import EN, Text
from reports import drawings
from reports.drawings import Drawing
from reports.tables import Cell, Table, written

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
RED, AMBER, GREEN = (248, 105, 107), (255, 235, 132), (99, 190, 123)
NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered part of the bulletin."""

    heading: Text
    paragraphs: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Bulletin:
    """What a bulletin says; how it looks is the template's affair."""

    title: Text
    number: Text
    addressees: Text
    issuer: Text
    day: date
    opening: Text
    sections: tuple[Section, ...]
    annexes: Sequence[Table] = ()
    drawings: Sequence[Drawing] = ()

    def context(self, language: str) -> dict[str, Any]:
        """The bulletin as the template's tags see it, every value plain text."""
        english = language == EN
        return {
            "title": _clean(self.title.of(language)),
            "number": _clean(self.number.of(language)),
            "addressees": _clean(self.addressees.of(language)),
            "issuer": _clean(self.issuer.of(language)),
            "day": f"{self.day.day} {self.day:%B %Y}"
            if english
            else f"{self.day.year}年{self.day.month}月{self.day.day}日",
            "opening": _clean(self.opening.of(language)),
            "annex_word": "Annex" if english else "附件",
            "sections": [
                {
                    "heading": _clean(
                        f"{place}. {section.heading.en}" if english else f"{NUMERALS[place - 1]}、{section.heading}"
                    ),
                    "paragraphs": [_clean(text.of(language)) for text in section.paragraphs],
                }
                for place, section in enumerate(self.sections, start=1)
            ],
            "annexes": [
                {
                    "place": place,
                    "title": _clean(table.title.of(language)),
                    "headings": [_clean(column.full_heading(language)) for column in table.columns],
                    "rows": _shaded(table, language),
                }
                for place, table in enumerate(self.annexes, start=1)
            ],
            "charts": [drawings.mark(place) for place, _ in enumerate(self.drawings, start=1)],
        }


class Shaded(str):
    """What a cell says; ``fill`` is the colour behind it, which a layout may use or not."""

    fill: str = "auto"


def _shaded(table: Table, language: str) -> list[list[Shaded]]:
    """The cells of a table and its total; columns with ``heat`` go from red over amber to green."""
    rows = list(table.rows)
    shades = {
        n: _shades([row[n] for row in rows], column.heat) for n, column in enumerate(table.columns) if column.heat
    }
    told: list[list[Shaded]] = []
    for place, row in enumerate((*rows, *([table.total] if table.total is not None else []))):
        cells = [Shaded(_clean(written(cell, language))) for cell in row]
        for n, shade in shades.items():
            if place < len(rows):
                cells[n].fill = shade[place]
        told.append(cells)
    return told


def _shades(values: Sequence[Cell], heat: str | None) -> list[str]:
    """A colour for each value, from the worst of the column to the best."""
    numbers = [float(value) for value in values if isinstance(value, Decimal)]
    if not numbers or min(numbers) == max(numbers):
        return ["auto"] * len(values)
    low, high = min(numbers), max(numbers)
    shades: list[str] = []
    for value in values:
        if not isinstance(value, Decimal):
            shades.append("auto")
            continue
        share = (float(value) - low) / (high - low)
        shades.append(_between(share if heat == "good" else 1 - share))
    return shades


def _between(share: float) -> str:
    first, second, part = (RED, AMBER, share * 2) if share < 0.5 else (AMBER, GREEN, share * 2 - 1)
    return "".join(f"{round(one + (two - one) * part):02X}" for one, two in zip(first, second, strict=True))


def _clean(text: str) -> str:
    """Text without the control characters that XML cannot hold."""
    return "".join(character for character in text if character >= " " or character in "\t\n")
