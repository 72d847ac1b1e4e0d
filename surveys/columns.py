"""The vocabulary of an XLSForm: its sheets' columns and its question types, with the spellings in use."""

from __future__ import annotations

import re

SURVEY = frozenset({
    "type", "name", "label", "hint", "guidance_hint", "required", "required_message", "relevant", "constraint",
    "constraint_message", "calculation", "default", "read_only", "appearance", "choice_filter", "parameters", "repeat_count",
    "trigger", "media::image", "media::audio", "media::video", "big-image",
    "warning", "warning_message", "score", "dimension", "min_rows", "max_rows", "prefill", "personal",
})  # fmt: skip
TRANSLATED = frozenset({
    "label", "hint", "guidance_hint", "required_message", "constraint_message", "warning_message", "form_title",
    "media::image", "media::audio", "media::video", "big-image",
})  # fmt: skip
OURS = {
    "survey": frozenset(
        {"warning", "warning_message", "score", "dimension", "min_rows", "max_rows", "prefill", "personal"}
    ),
    "choices": frozenset({"score"}),
    "settings": frozenset({"scoring", "score_when", "anonymous", "prefill"}),
}
"""Columns that are our own, which other XLSForm tools do not know: they are read here and kept from pyxform."""

_SPELLINGS = {
    "relevance": "relevant", "bind::relevant": "relevant", "calculate": "calculation", "bind::calculate": "calculation",
    "bind::constraint": "constraint", "bind::required": "required", "bind::readonly": "read_only", "readonly": "read_only",
    "constraint_msg": "constraint_message", "bind::jr:constraintmsg": "constraint_message",
    "required_msg": "required_message", "bind::jr:requiredmsg": "required_message",
    "image": "media::image", "audio": "media::audio", "video": "media::video", "caption": "label", "tag": "name",
    "command": "type", "count": "repeat_count", "jr:count": "repeat_count", "value": "name", "list": "list_name",
    "title": "form_title", "set_form_title": "form_title", "id_string": "form_id", "set_form_id": "form_id",
    "guidance": "guidance_hint", "control::appearance": "appearance", "body::appearance": "appearance",
}  # fmt: skip
_SPELT_ONLY_ON = {"value": "choices", "list": "choices", "title": "settings", "count": "survey"}

TYPES = {
    "text": "text", "string": "text", "integer": "integer", "int": "integer", "decimal": "decimal", "range": "range",
    "note": "note", "date": "date", "time": "time", "datetime": "datetime", "date time": "datetime", "dateTime": "datetime",
    "geopoint": "geopoint", "gps": "geopoint", "location": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape",
    "image": "image", "photo": "image", "audio": "audio", "video": "video", "file": "file", "barcode": "barcode",
    "calculate": "calculate", "calculation": "calculate", "acknowledge": "acknowledge", "trigger": "acknowledge",
    "hidden": "hidden", "start": "start", "end": "end", "today": "today", "deviceid": "deviceid", "device id": "deviceid",
    "username": "username", "phonenumber": "phonenumber", "phone number": "phonenumber", "email": "email",
    "audit": "audit", "start-geopoint": "start-geopoint", "background-audio": "background-audio",
    "begin group": "group", "begin repeat": "repeat", "end group": "end group", "end repeat": "end repeat",
    "select_one_external": "", "xml-external": "", "csv-external": "", "start time": "start", "end time": "end",
}  # fmt: skip
"""Type as written -> type of the compiled form; '' for those this server refuses."""

_SELECT = re.compile(
    r"(?P<kind>select[_ ]one|select1|select[_ ]multiple|select all that apply|add select one prompt using|rank)"
    r"(?P<file>[_ ]from[_ ]file)?\s+(?:from\s+)?(?P<list>\S+)(?P<other>\s+or[_ ](?:specify[_ ])?other)?\s*$"
)
_TRANSLATION = re.compile(r"(?P<base>.+?)\s*::?\s*(?P<language>[^:]+)$")
_CODE = re.compile(r"\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\)\s*$")


def read_header(header: str, sheet: str) -> tuple[str, str | None]:
    """A column's canonical name and its language (None when it names none)."""
    plain = _canonical(header, sheet)
    if plain in TRANSLATED or plain in SURVEY:
        return plain, None
    match = _TRANSLATION.match(header)
    if match:
        base = _canonical(match["base"], sheet)
        if base in TRANSLATED:
            return base, read_language(match["language"])
    return plain, None


def _canonical(header: str, sheet: str) -> str:
    plain = re.sub(r"\s+", "_", header.strip().lower()).replace("media:image", "media::image").replace(":::", "::")
    if _SPELT_ONLY_ON.get(plain, sheet) != sheet:
        return plain
    return _SPELLINGS.get(plain, plain)


def read_language(name: str) -> str:
    """A language's code: what stands in brackets (``English (en)``), else guessed for the two we speak, else the name."""
    match = _CODE.search(name)
    if match:
        code = match[1].lower()
        return "zh" if code.startswith("zh") else code
    lowered = name.strip().lower()
    if lowered in ("zh", "chinese", "中文", "汉语", "简体中文") or lowered.startswith("zh-"):
        return "zh"
    return {"english": "en", "英文": "en", "英语": "en"}.get(lowered, lowered)


def read_type(written: str) -> tuple[str, str | None, bool, bool] | None:
    """A question's type, its list or file, whether that is a file, whether “other” is offered; None when unknown."""
    plain = " ".join(written.split())
    match = _SELECT.match(plain)
    if match:
        kind = match["kind"]
        read = "rank" if kind == "rank" else "select_one" if kind.endswith(("one", "1", "using")) else "select_multiple"
        return read, match["list"], match["file"] is not None, match["other"] is not None
    spelt = plain if plain in TYPES else plain.lower().replace("_", " ")
    found = TYPES.get(spelt, TYPES.get(plain.lower()))
    return None if not found else (found, None, False, False)
