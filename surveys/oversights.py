"""What the author of a form overlooked and its expressions do not show: names in texts, defaults that are no answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.texts import Text
from surveys.readers import BAD, FILES, READERS

Entry = Mapping[str, Any]
_TEXTS = ("label", "hint", "guidance_hint", "required_message", "constraint_message", "warning_message")
_REFERENCE = re.compile(r"\$\{\s*(?:last-saved#)?\s*([^}\s]*)\s*\}")
_NUMBERS = frozenset({"integer", "decimal", "range"})
_JUDGED = frozenset(
    {"select_one", "select_multiple", "rank", "date", "time", "datetime", "geopoint", "geotrace", "geoshape"}
)
_EXPRESSIONS = ("relevant", "constraint", "warning", "calculation", "filter", "count", "score")
_TELLING = FILES | {
    "geopoint",
    "geotrace",
    "geoshape",
    "start-geopoint",
    "deviceid",
    "username",
    "phonenumber",
    "email",
    "start",
    "end",
}
_TELLS = Text(
    "匿名问卷不能记录设备、位置、照片、联系方式或时刻",
    "An anonymous questionnaire records no device, place, picture, address or moment",
)
_NO_ROWS = Text("匿名问卷的网页不支持重复组", "The page of an anonymous questionnaire has no repeats")
_UNKNOWN = Text("表中没有名为“{name}”的问题", "The form has no question called “{name}”")
_NO_ANSWER = Text("默认值“{value}”不是这一题的有效答案", "The default “{value}” is no answer to this question")
_PLACES = Text(
    "“{name}”对可能为空的位置求距离或面积,部分手机会报错,请用 if() 判断是否为空",
    "“{name}” takes the distance or area of a place that may be empty, which stops some phones: guard it with if()",
)
_PIXELS = Text(
    "照片“{name}”没有 max-pixels 参数,将按原始大小上传",
    "The picture “{name}” has no max-pixels parameter and will be sent in its full size",
)


def faults(form: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Text]]:
    """Question, column, code and why, for each."""
    names = {entry["name"] for entry in _walk(form["questions"])}
    for entry in _walk(form["questions"]):
        if form.get("anonymous") and entry["type"] in _TELLING:
            yield entry["name"], "type", "not-anonymous", _TELLS
        elif form.get("anonymous") and entry["type"] == "repeat":
            yield entry["name"], "type", "repeat-in-public", _NO_ROWS
        for column in (*_TEXTS, "trigger"):
            for name in _referred(entry.get(column)):
                if name not in names:
                    yield entry["name"], column, "unknown-question", _UNKNOWN.fill(name=name)
        if "default" in entry and not entry.get("dynamic_default") and not _answers(form, entry):
            yield entry["name"], "default", "bad-default", _NO_ANSWER.fill(value=entry["default"])


def remarks(form: Mapping[str, Any]) -> Iterator[Text]:
    """What is no fault but fails on some phones, or is costly on all."""
    for entry in _walk(form["questions"]):
        for key in _EXPRESSIONS:
            if re.search(r"\b(distance|area)\(", str(entry.get(key, ""))) and "if(" not in entry[key]:
                yield _PLACES.fill(name=entry["name"])
        if entry["type"] == "image" and "max-pixels" not in entry.get("parameters", {}):
            yield _PIXELS.fill(name=entry["name"])


def _walk(entries: Sequence[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        yield from _walk(entry.get("children", ()))


def _referred(said: Any) -> Iterator[str]:
    for text in said.values() if isinstance(said, Mapping) else [said or ""]:
        yield from _REFERENCE.findall(text)


def _answers(form: Mapping[str, Any], entry: Entry) -> bool:
    """Whether the default could be answered; only what a phone would refuse is told."""
    kind, value = entry["type"], entry["default"]
    if kind in _NUMBERS:
        try:
            figure = float(value)
        except ValueError:
            return False
        return kind != "integer" or figure.is_integer()
    if kind not in _JUDGED or READERS[kind](value) is BAD:
        return kind not in _JUDGED
    if "list" not in entry:
        return True
    offered = {item["name"] for item in form["lists"].get(entry["list"], ())}
    return all(code in offered for code in ([value] if kind == "select_one" else value.split()))
