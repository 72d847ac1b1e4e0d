"""Which questions of a form ask for something that names or reaches a person: the form says so (column ``personal``). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from core.texts import Text

USUAL: Final = frozenset({"interviewee", "phone", "contact_name", "contact_phone"})
"""Names that mean it in forms which say nothing, as all did before the column was there."""
YES, NO = frozenset({"yes", "true", "true()", "是"}), frozenset({"no", "false", "false()", "否"})
_WRONG = {
    "unknown-personal": Text("应为 yes 或 no", "Use yes or no"),
    "personal-anonymous": Text("匿名问卷不得询问个人信息", "An anonymous questionnaire asks nothing personal"),
}

Entry = dict[str, Any]


def settle(entries: Sequence[Entry], *, anonymous: bool) -> Iterator[tuple[str, str, Text]]:
    """Turn what the sheet says into true and false, and yield what is wrong: question, code, why. Silence stays silence."""
    for entry in entries:
        said = str(entry.pop("personal", "")).strip().lower()
        if said in YES and anonymous:
            yield entry["name"], "personal-anonymous", _WRONG["personal-anonymous"]
        elif said in YES | NO:
            entry["personal"] = said in YES
        elif said:
            yield entry["name"], "unknown-personal", _WRONG["unknown-personal"]
        yield from settle(entry.get("children", ()), anonymous=anonymous)


def questions(form: Mapping[str, Any]) -> frozenset[str]:
    """The names of a compiled form's personal questions; a group that is personal makes all in it so."""
    return frozenset(_named(form["questions"], inherited=False))


def _named(entries: Sequence[Mapping[str, Any]], *, inherited: bool) -> Iterator[str]:
    for entry in entries:
        personal = entry.get("personal", inherited or entry["name"] in USUAL)
        if personal:
            yield entry["name"]
        if children := entry.get("children"):
            yield from _named(children, inherited=bool(entry.get("personal", inherited)))
