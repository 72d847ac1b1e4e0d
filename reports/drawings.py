"""Charts in a Word document: native drawings that the office can restyle, put where a paragraph names them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from core.texts import Text

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
COLOURS = ("C00000", "1F4E79", "548235", "BF8F00")
EMU = 36_000
"""Units of a drawing in a millimetre."""
WIDE = 150


@dataclass(frozen=True, slots=True)
class Drawing:
    """A bar chart, or with ``lines`` one of lines: numbers by name for each series; None leaves a gap."""

    title: Text
    names: Sequence[Text]
    series: Mapping[Text, Sequence[Any]]
    lines: bool = False

    @property
    def tall(self) -> int:
        """Millimetres."""
        return 75 if self.lines else max(60, 28 + 8 * len(self.names))


def mark(place: int) -> str:
    """What a paragraph says where the chart of that place is to stand."""
    return f"\u27e6chart {place}\u27e7"


def place(document: Any, drawings: Sequence[Drawing], language: str) -> None:
    """Put each drawing where its :func:`mark` stands; one whose mark the layout leaves out is not drawn."""
    from docx.opc.constants import RELATIONSHIP_TYPE  # slow to load, and only needed when a bulletin goes out
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml

    wanted = {mark(number): (number, drawing) for number, drawing in enumerate(drawings, start=1)}
    for paragraph in document.paragraphs:
        found = wanted.get(paragraph.text.strip())
        if found is None:
            continue
        for run in paragraph.runs:
            run.text = ""
        number, drawing = found
        part = Part(
            PackURI(f"/word/charts/chart{number}.xml"),
            CONTENT_TYPE,
            _chart(drawing, language).encode(),
            document.part.package,
        )
        relation = document.part.relate_to(part, RELATIONSHIP_TYPE.CHART)
        paragraph.runs[0]._r.append(parse_xml(_inline(drawing, number, relation, language)))


def _inline(drawing: Drawing, number: int, relation: str, language: str) -> str:
    size = f'cx="{WIDE * EMU}" cy="{drawing.tall * EMU}"'
    return (
        '<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
        'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        f'<wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent {size}/>'
        f'<wp:docPr id="{1000 + number}" name="chart {number}" descr="{escape(drawing.title.of(language), _QUOTE)}"/>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart">'
        '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
        f'r:id="{relation}"/></a:graphicData></a:graphic></wp:inline></w:drawing>'
    )


NO_TICKS = '<c:majorTickMark val="none"/><c:minorTickMark val="none"/>'
SMOOTH = '<c:smooth val="0"/>'
_QUOTE = {'"': "&quot;"}


def _chart(drawing: Drawing, language: str) -> str:
    kind = "line" if drawing.lines else "bar"
    shape = '<c:grouping val="standard"/>' if drawing.lines else '<c:barDir val="bar"/><c:grouping val="clustered"/>'
    names = [name.of(language) for name in drawing.names]
    series = "".join(
        _series(place, title.of(language), names, values, drawing.lines)
        for place, (title, values) in enumerate(drawing.series.items())
    )
    after = '<c:marker val="1"/>' if drawing.lines else '<c:gapWidth val="60"/>'
    across, up = ("b", "l") if drawing.lines else ("l", "b")
    order = "minMax" if drawing.lines else "maxMin"
    legend = '<c:legend><c:legendPos val="b"/><c:overlay val="0"/></c:legend>' if len(drawing.series) > 1 else ""
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart>'
        f'<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="1"/></a:pPr>'
        f'<a:r><a:rPr sz="1200" b="1"/><a:t>{escape(drawing.title.of(language))}</a:t></a:r></a:p></c:rich></c:tx>'
        '<c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>'
        f'<c:{kind}Chart>{shape}<c:varyColors val="0"/>{series}{after}<c:axId val="1"/><c:axId val="2"/></c:{kind}Chart>'
        f'<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="{order}"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="{across}"/>{NO_TICKS}<c:crossAx val="2"/></c:catAx>'
        '<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/><c:max val="100"/><c:min val="0"/></c:scaling>'
        f'<c:delete val="0"/><c:axPos val="{up}"/><c:numFmt formatCode="0" sourceLinked="0"/>{NO_TICKS}<c:crossAx val="1"/></c:valAx>'
        f'</c:plotArea>{legend}<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>'
    )


def _series(place: int, title: str, names: Sequence[str], values: Sequence[Any], lines: bool) -> str:
    colour = f'<a:solidFill><a:srgbClr val="{COLOURS[place % len(COLOURS)]}"/></a:solidFill>'
    look = f'<c:spPr><a:ln w="28575">{colour}</a:ln></c:spPr>' if lines else f"<c:spPr>{colour}</c:spPr>"
    if lines:
        look += f'<c:marker><c:symbol val="circle"/><c:size val="5"/><c:spPr>{colour}</c:spPr></c:marker>'
    labels = (
        '<c:dLbls><c:numFmt formatCode="0.0" sourceLinked="0"/><c:showLegendKey val="0"/><c:showVal val="1"/>'
        '<c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
    )
    said = "".join(f'<c:pt idx="{n}"><c:v>{escape(name)}</c:v></c:pt>' for n, name in enumerate(names))
    told = "".join(f'<c:pt idx="{n}"><c:v>{value}</c:v></c:pt>' for n, value in enumerate(values) if value is not None)
    count = f'<c:ptCount val="{len(names)}"/>'
    return (
        f'<c:ser><c:idx val="{place}"/><c:order val="{place}"/>'
        f'<c:tx><c:strRef><c:f>s</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>{escape(title)}</c:v></c:pt>'
        f"</c:strCache></c:strRef></c:tx>{look}{labels}"
        f"<c:cat><c:strRef><c:f>n</c:f><c:strCache>{count}{said}</c:strCache></c:strRef></c:cat>"
        f"<c:val><c:numRef><c:f>v</c:f><c:numCache><c:formatCode>0.00</c:formatCode>{count}{told}</c:numCache></c:numRef></c:val>"
        f"{SMOOTH if lines else ''}</c:ser>"
    )
