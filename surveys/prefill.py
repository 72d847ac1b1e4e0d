"""What a new response may begin with: what was last reported of the enterprise and is likely to be so still."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from core.actors import Actor
from surveys.definition import walk
from surveys.models import ResponseStatus, Version
from surveys.readers import FILES
from surveys.responses import visible

_NEVER = FILES | {"geopoint", "geotrace", "geoshape", "note", "calculate", "acknowledge", "date", "datetime", "time", "start",
                  "end", "today", "deviceid", "username", "phonenumber", "email", "group", "repeat"}  # fmt: skip


def prefill(enterprise: UUID, version: Version, *, by: Actor) -> dict[str, Any]:
    """Answers of the last submitted response that this version still asks for, without files, places, dates and repeats."""
    rows = visible(by).filter(enterprise=enterprise, questionnaire=version.questionnaire_id)
    last = rows.filter(status__in=(ResponseStatus.SUBMITTED, ResponseStatus.ACCEPTED)).order_by("-submitted_at").first()
    if last is None:
        return {}
    return {
        name: last.answers[name]
        for name, codes in _askable(version.form).items()
        if name in last.answers and _offered(last.answers[name], codes)
    }


def _askable(form: dict[str, Any]) -> dict[str, frozenset[str] | None]:
    """Top-level questions that may be filled in beforehand, with the codes of their choices."""
    lists = form.get("lists", {})
    return {
        place.name: frozenset(item["name"] for item in lists[entry["list"]]) if entry.get("list") else None
        for entry, place in walk(form["questions"])
        if not place.repeats and entry["type"] not in _NEVER and "calculation" not in entry
    }


def _offered(value: Any, codes: frozenset[str] | None) -> bool:
    if codes is None:
        return True
    return all(code in codes for code in (value if isinstance(value, list) else [value]))
