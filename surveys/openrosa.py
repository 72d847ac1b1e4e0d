"""The XML that ODK Collect and its relatives speak: form lists, manifests, instances, answers to a submission. Pure.

Sources: the OpenRosa 1.0 form discovery and submission specifications, and what Collect's own code insists on.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape, quoteattr

import defusedxml.ElementTree
import orjson
from defusedxml import DefusedXmlException

from core.ids import stable
from core.problems import Malformed
from core.texts import Text
from surveys.readers import FILES

ENTERPRISE = "syt_enterprise"
"""The question that a Collect form asks first, because its answers travel without a visit around them."""

MAX_XML = 5_000_000
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_ROOT = re.compile(r"<data\b[^>]*>")
_NUMBERS = frozenset({"decimal", "range"})
_FIGURE = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,15}")
_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,14})")
"""A calculation's result has no type in an instance: what reads as a number is one, as our own phones send it; 007 is not."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A form as ``formList`` shows it; ``xform`` is exactly what its download gives."""

    code: str
    version: int
    title: str
    xform: bytes
    files: bool


@dataclass(slots=True)
class Instance:
    """A submitted instance: ``answers`` as JSON values, ``files`` the names of files it speaks of with their questions."""

    code: str
    version: int
    instance: str
    deprecated: str
    enterprise: str
    answers: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def id(self) -> UUID:
        """The response's id: the instance's own UUID where it has one."""
        return response_id(self.instance)


def response_id(instance: str) -> UUID:
    try:
        return UUID(instance.removeprefix("uuid:"))
    except ValueError:
        return stable("responses", f"openrosa/{instance}")


def numbered(xform: str, number: int) -> str:
    """The XForm with our version number in the root of its instance, which every submission brings back."""

    def replace(found: re.Match[str]) -> str:
        tag = re.sub(r'\s(?:orx:)?version="[^"]*"', "", found[0])
        return f'{tag[:-1]} version="{number}">'

    return _ROOT.sub(replace, xform, count=1)


def digest(content: bytes) -> str:
    return "md5:" + hashlib.md5(content, usedforsecurity=False).hexdigest()


def form_list(forms: Iterable[Listed], base: str) -> bytes:
    """``formList``: a form without an id, name or address would make Collect discard the whole list."""
    lines = [_HEAD, '<xforms xmlns="http://openrosa.org/xforms/xformsList">']
    for form in forms:
        lines.append(
            f"<xform><formID>{escape(form.code)}</formID><name>{escape(form.title)}</name><version>{form.version}</version>"
            f"<hash>{digest(form.xform)}</hash><downloadUrl>{escape(base)}/forms/{escape(form.code)}/{form.version}.xml</downloadUrl>"
        )
        if form.files:
            lines.append(f"<manifestUrl>{escape(base)}/forms/{escape(form.code)}/{form.version}/manifest</manifestUrl>")
        lines.append("</xform>")
    return "".join([*lines, "</xforms>"]).encode()


def manifest(files: Mapping[str, bytes], base: str) -> bytes:
    """The files a form needs beside itself, with what they hash to."""
    lines = [_HEAD, '<manifest xmlns="http://openrosa.org/xforms/xformsManifest">']
    for name, content in files.items():
        lines.append(
            f"<mediaFile><filename>{escape(name)}</filename><hash>{digest(content)}</hash>"
            f"<downloadUrl>{escape(base)}/{escape(name)}</downloadUrl></mediaFile>"
        )
    return "".join([*lines, "</manifest>"]).encode()


def choices_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """An external choice list as the CSV that ``select_one_from_file`` reads."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue().encode()


def message(said: str, nature: str = "") -> bytes:
    """The answer to a submission, which Collect shows to its user."""
    mark = f" nature={quoteattr(nature)}" if nature else ""
    body = f"<message{mark}>{escape(said)}</message>"
    return f'{_HEAD}<OpenRosaResponse xmlns="http://openrosa.org/http/response">{body}</OpenRosaResponse>'.encode()


def settings_code(server: str, username: str = "", password: str = "") -> str:
    """What the QR code holds that sets Collect up: base64 of deflated JSON; ``general`` and ``admin`` must be there."""
    general: dict[str, Any] = {
        "server_url": server,
        "form_update_mode": "match_exactly",
        "autosend": "wifi_and_cellular",
    }
    if username:
        general |= {"username": username, "password": password}
    document = {"general": general, "admin": {}, "project": {"name": "三员通"}}
    return base64.b64encode(zlib.compress(orjson.dumps(document))).decode()


# --- reading an instance ---------------------------------------------------------------------------------------------


def envelope(xml: bytes) -> tuple[str, int, str, str]:
    """Form id, version, instance id and deprecated id of a submission. Raises Malformed."""
    root = _parse(xml)
    version = root.get("version") or root.get("{http://openrosa.org/xforms}version") or ""
    meta = next((each for each in root if _local(each) == "meta"), None)
    told = {_local(each): (each.text or "").strip() for each in meta} if meta is not None else {}
    instance = told.get("instanceID") or (root.get("instanceID") or "").strip()
    if not root.get("id") or not version.isdecimal() or not 0 < len(instance) <= 200:
        raise Malformed(
            Text("提交内容缺少表单编号、版本或实例编号", "The submission names no form, version or instance")
        )
    return str(root.get("id")), int(version[:9]), instance, told.get("deprecatedID", "")[:200]


def read_instance(xml: bytes, form: Mapping[str, Any]) -> Instance:
    """The answers of a submission to a compiled form, typed as a phone would send them. Raises Malformed."""
    code, version, instance, deprecated = envelope(xml)
    root = _parse(xml)
    found = Instance(code, version, instance, deprecated, "")
    places = {_local(each): (each.text or "").strip() for each in root}
    found.enterprise = places.get(ENTERPRISE, "")
    found.answers = dict(_read(root, form["questions"], found))
    strangers = {_local(each) for each in root} - set(_names(form["questions"])) - {"meta", ENTERPRISE}
    for each in root:
        if _local(each) in strangers:
            found.answers[_local(each)] = (each.text or "").strip()
    return found


def _parse(xml: bytes) -> Element:
    if len(xml) > MAX_XML:
        raise Malformed(Text("提交内容过大", "The submission is too large"))
    try:
        root: Element = defusedxml.ElementTree.fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed(Text("提交内容不是有效的 XML", "The submission is not valid XML")) from error
    return root


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _names(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The names an instance holds; a repeat whose number of rows is calculated brings that number beside it."""
    for entry in entries:
        yield entry["name"]
        if "count" in entry:
            yield f"{entry['name']}_count"


def _read(parent: Element, entries: Sequence[Mapping[str, Any]], found: Instance) -> Iterator[tuple[str, Any]]:
    by_name: dict[str, list[Element]] = {}
    for element in parent:
        by_name.setdefault(_local(element), []).append(element)
    for entry in entries:
        name, kind = entry["name"], entry["type"]
        elements = by_name.get(name, [])
        if kind == "group":
            for element in elements[:1]:
                yield from _read(element, entry["children"], found)
        elif kind == "repeat":
            rows = [dict(_read(element, entry["children"], found)) for element in elements if not _is_template(element)]
            if rows:
                yield name, rows
        elif elements and kind != "note":
            raw = (elements[0].text or "").strip() if kind != "text" else elements[0].text or ""
            if raw:
                if kind in FILES:
                    found.files[raw] = name
                yield name, _typed(kind, raw)


def _is_template(element: Element) -> bool:
    return any(name.rpartition("}")[2] == "template" for name in element.attrib)


def _typed(kind: str, raw: str) -> Any:
    """A JSON value of the question's type; what does not fit stays text, and the check will say so."""
    try:
        if kind == "integer" or (kind == "calculate" and _WHOLE.fullmatch(raw)):
            return int(raw)
        if kind in _NUMBERS or (kind == "calculate" and _FIGURE.fullmatch(raw)):
            return float(raw) if len(raw) < 40 else raw
    except ValueError:
        return raw
    return raw.split() if kind in ("select_multiple", "rank") else raw
