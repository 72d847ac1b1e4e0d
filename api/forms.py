"""A questionnaire as a plain page: what the template shows, and what a posted page answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict

from core.texts import EN, Text
from surveys import externals
from surveys.definition import told, walk
from surveys.readers import FILES

_INPUTS = {"integer": "number", "decimal": "number", "range": "number", "date": "date", "time": "time", "text": "text"}
_WHOLE = frozenset({"integer"})
_UNSHOWN = FILES | {"calculate", "hidden", "start", "end", "today", "deviceid", "username", "phonenumber", "email",
                    "start-geopoint", "geopoint", "geotrace", "geoshape"}  # fmt: skip


def page_of(
    form: Mapping[str, Any],
    language: str,
    given: Mapping[str, Any] | None = None,
    faults: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The template's context: the title and every heading and question in order, with what was answered and refused."""
    title = told(form["title"]) or Text("", "")
    form = _with_regions(form)
    items = list(_items(form, form["questions"], language, given or {}, faults or {}, 2, conditional=False))
    return {
        "title": title.of(language),
        "items": items,
        "language": "en" if language == EN else "zh-Hans",
        "english": language == EN,
    }


def _with_regions(form: Mapping[str, Any]) -> Mapping[str, Any]:
    """The form with our regions as a list of its own, if it chooses from them: a page holds what a phone holds anyway."""
    if all(entry.get("external") != externals.REGIONS for entry, _ in walk(form["questions"])):
        return form
    labels = externals.labels({externals.REGIONS})[externals.REGIONS]
    regions = [{"name": code, "label": {"zh": name}} for code, name in labels.items()]
    return {**form, "lists": {**form.get("lists", {}), externals.REGIONS: regions}}


def _items(
    form: Mapping[str, Any], entries: Any, language: str, given: Mapping[str, Any], faults: Mapping[str, str], level: int,
    *, conditional: bool,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    for entry in entries:
        label = told(entry.get("label"))
        hint = told(entry.get("hint"))
        depends = conditional or "relevant" in entry
        if entry["type"] in ("group", "repeat"):
            yield {
                "heading": label.of(language) if label else "",
                "level": min(level, 5),
                "repeat": entry["type"] == "repeat",
                "rules": list(_rules(entry, language)),
            }
            yield from _items(form, entry["children"], language, given, faults, level + 1, conditional=depends)
            continue
        name, kind = entry["name"], entry["type"]
        yield {
            "name": name,
            "type": kind,
            "label": label.of(language) if label else name,
            "hint": hint.of(language) if hint else "",
            "input": _INPUTS.get(kind, ""),
            "long": entry.get("appearance") == "multiline",
            "shown": kind not in _UNSHOWN,
            "required": bool(entry.get("required")) and not depends,
            "rules": list(_rules(entry, language)),
            "choices": list(_choices(form, entry, language, given.get(name))),
            "value": given.get(name, ""),
            "fault": faults.get(name, ""),
        }


_RULES = {
    "relevant": Text("条件", "If"), "required": Text("必答", "Required"), "constraint": Text("约束", "Constraint"),
    "warning": Text("提醒", "Warning unless"), "filter": Text("选项筛选", "Choices"), "calculation": Text("计算", "Calculated"),
    "count": Text("行数", "Rows"), "max_rows": Text("最多行数", "Rows at most"), "default": Text("默认", "Default"),
    "dimension": Text("维度", "Dimension"), "score": Text("计分", "Points"), "prefill": Text("预填", "Filled with"),
}  # fmt: skip


def _rules(entry: Mapping[str, Any], language: str) -> Iterator[dict[str, str]]:
    """What the author wrote about a question, for the preview: which rule, how it reads, what is said when it is broken."""
    for key, word in _RULES.items():
        if (rule := entry.get(key)) not in (None, "", True):
            message = told(entry.get(f"{key}_message"))
            yield {"word": word.of(language), "rule": str(rule), "message": message.of(language) if message else ""}


def _choices(form: Mapping[str, Any], entry: Mapping[str, Any], language: str, given: Any) -> Iterator[dict[str, Any]]:
    for item in form.get("lists", {}).get(entry.get("list") or entry.get("external"), ()):
        label = told(item.get("label"))
        checked = item["name"] in given if isinstance(given, list) else item["name"] == given
        score = f"{item['score']:g}" if "score" in item else ""
        said = label.of(language) if label else item["name"]
        yield {"name": item["name"], "label": said, "checked": checked, "score": score}


def read_page(form: Mapping[str, Any], posted: QueryDict) -> dict[str, Any]:
    """The answers of a posted page as JSON values; what is no number stays text, and the check will say so."""
    return {name: value for name, value in _read(form["questions"], posted) if value not in ("", [], None)}


def _read(entries: Any, posted: QueryDict) -> Iterator[tuple[str, Any]]:
    for entry in entries:
        name, kind = entry["name"], entry["type"]
        if kind == "group":
            yield from _read(entry["children"], posted)
        elif kind in ("select_multiple", "rank"):
            yield name, posted.getlist(name)[:500]
        elif kind in ("integer", "decimal", "range"):
            yield name, _number(posted.get(name, "").strip(), whole=kind in _WHOLE)
        elif kind not in ("repeat", "note"):
            yield name, posted.get(name, "").strip()[:10_000]


def _number(raw: str, *, whole: bool) -> Any:
    try:
        return int(raw) if whole else float(raw)
    except ValueError:
        return raw
