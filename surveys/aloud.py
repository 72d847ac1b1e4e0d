"""A response as a person reads it: each answered question with its answer in words, in the form's order. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from core.texts import Text
from surveys.definition import told

External = Mapping[str, Mapping[str, str]]
"""What the codes of external lists are called: list -> code -> label."""
_UNSAID = frozenset({"note", "hidden", "start", "end", "today", "deviceid"})


class Line(NamedTuple):
    """``pointer`` below the answers (``issues/0/issue_description``); ``depth`` in how many groups and rows it stands."""

    pointer: str
    depth: int
    label: str
    said: str
    heading: bool


def read(form: Mapping[str, Any], answers: Mapping[str, Any], language: str, external: External) -> list[Line]:
    """Every question that was answered, under the headings of its groups and rows."""
    return list(_read(form, form["questions"], answers, language, external, "", 0))


def _read(
    form: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], answers: Mapping[str, Any], language: str,
    external: External, around: str, depth: int,
) -> Iterator[Line]:  # fmt: skip
    for entry in entries:
        name, kind = entry["name"], entry["type"]
        label = (told(entry.get("label")) or Text(name, name)).of(language)
        inner = entry.get("children", ())
        if kind == "group":
            lines = list(_read(form, inner, answers, language, external, around, depth + 1))
            yield from [Line("", depth, label, "", heading=True), *lines] if lines else ()
        elif kind == "repeat":
            rows = answers.get(name)
            for at, row in enumerate(rows if isinstance(rows, list) else ()):
                yield Line("", depth, f"{label} {at + 1}", "", heading=True)
                if isinstance(row, Mapping):
                    yield from _read(form, inner, row, language, external, f"{around}{name}/{at}/", depth + 1)
        elif kind not in _UNSAID and answers.get(name) not in (None, "", []):
            said = _said(form, entry, answers[name], language, external)
            yield Line(f"{around}{name}", depth, label, said, heading=False)


def _said(form: Mapping[str, Any], entry: Mapping[str, Any], value: Any, language: str, external: External) -> str:
    names = external.get(entry.get("external", ""), {})
    for item in form.get("lists", {}).get(entry.get("list"), ()) if "list" in entry else ():
        if label := told(item.get("label")):
            names = {**names, item["name"]: label.of(language)}
    if isinstance(value, list):
        return "、".join(names.get(str(each), str(each)) for each in value)
    if isinstance(value, Mapping):
        return " ".join(str(value[part]) for part in ("lat", "lon", "accuracy_m") if value.get(part) is not None)
    return names.get(value, value) if isinstance(value, str) else str(value)
