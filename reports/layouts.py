"""The office's own layout of the bulletin: a DOCX with our tags, kept until it is replaced or given up."""

from __future__ import annotations

import zlib
from datetime import date, datetime
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from core.actors import Actor
from core.ids import stable
from core.problems import Invalid
from core.texts import ZH, Text
from journal import journal
from organizations import scanning
from organizations.permissions import permit
from reports.bulletins import Bulletin, Section
from reports.models import Layout
from reports.tables import Column, Table

BULLETIN = "bulletin"
LARGEST = 2 * 1024 * 1024
LARGEST_INSIDE = 20 * 1024 * 1024
MOST_PARTS = 200
PROGRAMS = ("vbaproject.bin", "vbadata.xml", ".ole", ".bin", ".exe", ".js", ".docm")
SAMPLE = Bulletin(
    *(Text("样例", "Sample"),) * 4,
    date(2026, 1, 1),
    Text("样例", "Sample"),
    (Section(Text("样例", "Sample"), (Text("样例", "Sample"),)),),
    (Table("sample", Text("样例", "Sample"), (Column("name", Text("名称", "Name")),), [("甲",)]),),
)


def current() -> bytes | None:
    """The office's layout; None while the one that ships is used."""
    found = Layout.objects.filter(pk=BULLETIN).values_list("content", flat=True).first()
    return None if found is None else bytes(found)


def shipped() -> bytes:
    """The layout that ships with the project."""
    from reports import letterhead  # slow to load, and layouts are rarely looked at

    return letterhead.default_template()


def replace(content: bytes, *, by: Actor, at: datetime) -> None:
    """Use this layout from now on. Raises Invalid when it is no DOCX, is too large, or its tags cannot be filled."""
    permit(by, "report.write")
    scanning.check(content)
    _check(content)
    with journal.unit(by=by, at=at):
        Layout.objects.update_or_create(
            name=BULLETIN, defaults={"content": content, "uploaded_at": at, "uploaded_by": by.person}
        )
        _tell("layout.replaced", [None, len(content)])


def restore(*, by: Actor, at: datetime) -> None:
    """Go back to the layout that ships."""
    permit(by, "report.write")
    with journal.unit(by=by, at=at):
        if Layout.objects.filter(pk=BULLETIN).delete()[0]:
            _tell("layout.restored", ["own", None])


def _check(content: bytes) -> None:
    try:
        with ZipFile(BytesIO(content)) as parts:
            inside = sum(part.file_size for part in parts.infolist())
            names = parts.namelist()
            declares = inside <= LARGEST_INSIDE and any(b"<!DOCTYPE" in parts.read(name) for name in names)
    except (BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError):
        inside, names, declares = 0, [], False
    is_word = "word/document.xml" in names
    if not is_word:
        raise Invalid.at("/file", "not-docx", Text("不是 Word 文档（.docx）", "It is no Word document (.docx)"))
    if len(content) > LARGEST or inside > LARGEST_INSIDE:
        raise Invalid.at("/file", "too-large", Text("文档过大", "The document is too large"))
    if declares:
        detail = Text("文档含有文档类型声明(DTD)", "The document declares a document type")
        raise Invalid.at("/file", "document-type", detail)
    if len(names) > MOST_PARTS or any(name.lower().endswith(PROGRAMS) for name in names):
        detail = Text("不接受含宏或内嵌对象的文档", "Documents with macros or embedded objects are not taken")
        raise Invalid.at("/file", "macros", detail)
    from reports import letterhead

    letterhead.write(SAMPLE, ZH, template=content)


def _tell(verb: str, size: list[object]) -> None:
    journal.record([journal.Change(verb, "layouts", stable("layouts", BULLETIN), {"content": size})])
