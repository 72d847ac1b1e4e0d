"""A layout is a program from outside: what it may say is little, and nothing it says costs more than a bulletin."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import docx
import pytest

from core.actors import SYSTEM
from core.problems import Invalid
from core.texts import ZH
from reports import layouts, letterhead
from tests.organizations.cast import NOW


def layout(*lines: str) -> bytes:
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def filled(*lines: str) -> str:
    made = letterhead.write(layouts.SAMPLE, ZH, template=layout(*lines))
    return "|".join(paragraph.text for paragraph in docx.Document(BytesIO(made)).paragraphs)


def refuses(content: bytes) -> str:
    with pytest.raises(Invalid) as refused:
        layouts.replace(content, by=SYSTEM, at=NOW)
    return refused.value.errors[0].code


def test_blanks_loops_conditions_and_plain_filters_are_read() -> None:
    assert filled("{{ title }}", "{% if number %}{{ title|upper }}{% endif %}") == "样例|样例"
    assert "样例" in filled("{%p for section in sections %}", "{{ section.heading }}", "{%p endfor %}")


@pytest.mark.parametrize(
    "said",
    [
        "{{ 'a' * 10 ** 10 }}", "{{ 'a' ~ 'a' }}", "{{ 1 + 1 }}", "{{ -1 }}", "{{ range(10 ** 9) }}", "{{ title.join(title) }}",
        "{% set x = title %}", "{{ 'a'|center(10000000000) }}", "{{ title.__class__ }}{{ title.format(title) }}",
        "{{ lipsum.__globals__.os.popen('id').read() }}", "{{ cycler.__init__.__globals__ }}", "{{ [1, 2, 3] }}",
        "{% macro m() %}{% endmacro %}", "{% include 'x' %}", "{% import 'x' as y %}", "{{ 'a' if title else 'b' }}",
        "{% for a in sections %}{% for b in sections %}{% for c in sections %}{% for d in sections %}{% endfor %}{% endfor %}"
        "{% endfor %}{% endfor %}",
        "{{ title }}" * 2_000, "{{ unclosed",
    ],
)  # fmt: skip
def test_whatever_computes_reaches_out_or_grows_is_refused(said: str, db: None) -> None:
    assert refuses(layout(said)) == "template"


def test_a_layout_with_programs_types_or_too_much_in_it_is_refused(db: None) -> None:
    def with_part(name: str, content: bytes) -> bytes:
        out = BytesIO(layout("{{ title }}"))
        with ZipFile(out, "a", ZIP_DEFLATED) as parts:
            parts.writestr(name, content)
        return out.getvalue()

    assert refuses(with_part("word/vbaProject.bin", b"x")) == "macros"
    assert refuses(with_part("word/embeddings/oleObject1.bin", b"x")) == "macros"
    assert refuses(with_part("word/comments.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>')) == "document-type"
    assert refuses(with_part("word/media/a.png", b"\0" * (layouts.LARGEST_INSIDE + 1))) == "too-large"
    assert refuses(b"no document") == "not-docx"
