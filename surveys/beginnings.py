"""What a new response begins with: how a sheet says so (column ``prefill``), and how it is filled in. Pure.

``last`` takes the answer of the enterprise's last response. A repeat with ``open_issues`` gets a row for each issue of the
enterprise that is still open, so that they are asked about on the spot; its questions name the field of the issue they show.
Phones hold both, responses and issues, and fill in by the compiled form without asking the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.texts import Text
from surveys.readers import FILES

LAST, NOT, OPEN_ISSUES = "last", "no", "open_issues"
ISSUE_FIELDS = frozenset(
    {"id", "category", "description", "severity", "workers_affected", "submitted_at", "state", "lead", "due"}
)
"""Fields of an issue as phones hold it (and ``id``, the record's own) that a form may show."""

_NEVER = FILES | {"geopoint", "geotrace", "geoshape", "start-geopoint", "note", "calculate", "acknowledge", "date", "datetime", "time",
                  "start", "end", "today", "deviceid", "username", "phonenumber", "email", "group", "repeat"}  # fmt: skip

Entry = dict[str, Any]
_WRONG = {
    "unknown-prefill": Text("此处应为 {known}", "Use {known} here"),
    "cannot-prefill": Text("这类问题每次都要重新回答", "Such a question is answered anew each time"),
    "prefill-anonymous": Text("匿名问卷不能预填", "An anonymous questionnaire begins empty"),
    "prefill-id": Text("重复组内应有一题的 prefill 为 id", "One question of this repeat must be filled with the id"),
}


def settle(entries: Sequence[Entry], *, anonymous: bool, by_default: bool) -> Iterator[tuple[str, str, Text]]:
    """Write down for each question what it begins with, and yield what is wrong: question, code, why.

    Where the sheet says nothing, a question outside repeats takes the last answer if ``by_default``, unless its type speaks of
    this one time only.
    """
    for entry, around in _walk(entries, None):
        wanted = entry.pop("prefill", "")
        wrong = _wrong(entry, wanted, around, anonymous)
        if wrong:
            known = _known(entry, around)
            yield entry["name"], wrong, _WRONG[wrong].fill(known=", ".join(sorted(known)))
        elif wanted not in ("", NOT):
            entry["prefill"] = wanted
        elif not wanted and by_default and not anonymous and around is None and _lasts(entry):
            entry["prefill"] = LAST


def _walk(entries: Sequence[Entry], around: Entry | None) -> Iterator[tuple[Entry, Entry | None]]:
    """Every entry with the outermost repeat around it."""
    for entry in entries:
        yield entry, around
        inner = around or (entry if entry["type"] == "repeat" else None)
        yield from _walk(entry.get("children", ()), inner)


def _lasts(entry: Entry) -> bool:
    return entry["type"] not in _NEVER and "calculation" not in entry


def _known(entry: Entry, around: Entry | None) -> frozenset[str]:
    if entry["type"] == "repeat":
        return frozenset({OPEN_ISSUES}) if around is None else frozenset()
    if around is not None:
        return ISSUE_FIELDS if around.get("prefill") == OPEN_ISSUES else frozenset({NOT})
    return frozenset({LAST, NOT})


def _wrong(entry: Entry, wanted: str, around: Entry | None, anonymous: bool) -> str:
    if not wanted:
        return ""
    if wanted not in _known(entry, around):
        return "unknown-prefill"
    if anonymous and wanted != NOT:
        return "prefill-anonymous"
    if wanted == LAST and not _lasts(entry):
        return "cannot-prefill"
    if wanted == OPEN_ISSUES and all(child.get("prefill") != "id" for child, _ in _walk(entry["children"], entry)):
        return "prefill-id"
    return ""


def shows_issues(form: Mapping[str, Any]) -> bool:
    """Whether a form asks about the open issues."""
    return any(entry.get("prefill") == OPEN_ISSUES for entry, _ in _walk(form["questions"], None))


def begin(form: Mapping[str, Any], last: Mapping[str, Any], issues: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The answers a response begins with, from the last response's answers and the open issues, the oldest first.

    A choice that is no longer offered is left out.
    """
    answers: dict[str, Any] = {}
    for entry, around in _walk(form["questions"], None):
        if entry.get("prefill") == LAST and _fits(form, entry, last.get(entry["name"])):
            answers[entry["name"]] = last[entry["name"]]
        elif entry.get("prefill") == OPEN_ISSUES and around is None:
            shown = [child for child, _ in _walk(entry["children"], entry) if "prefill" in child]
            rows = [dict(_row(form, shown, issue)) for issue in issues[: entry.get("max_rows")]]
            answers |= {entry["name"]: rows} if rows else {}
    return answers


def _row(form: Mapping[str, Any], shown: Sequence[Entry], issue: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for child in shown:
        value = issue.get(child["prefill"])
        if value is not None and child["type"] not in ("integer", "decimal"):
            value = str(value)
        if _fits(form, child, value):
            yield child["name"], value


def _fits(form: Mapping[str, Any], entry: Entry, value: Any) -> bool:
    if value is None or "list" not in entry:
        return value is not None
    offered = {item["name"] for item in form.get("lists", {}).get(entry["list"], ())}
    return all(code in offered for code in (value if isinstance(value, list) else [value]))
