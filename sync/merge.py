"""Merging an edit made against an older revision, field by field. Pure.

A field conflicts only if it was changed after the revision the phone knew, by another device, to a different value. Then
what stands stays and the newcomer is kept beside it; every other field of the edit is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

ROW_IDS = ("_id", "id")


@dataclass(frozen=True, slots=True)
class Past:
    """One earlier change of the record: its revision, the device that made it (None: not a phone), and the fields
    with the values they had before. ``sent`` is False for what that device did not write into its own outbox, as a
    choice at the conflicts desk: its next edits may not rest on it."""

    revision: int
    device: UUID | None
    before: Mapping[str, Any]
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Clash:
    """A field with two values: ``yours`` came too late, ``kept`` stands since ``kept_revision``."""

    field: str
    yours: Any
    kept: Any
    kept_revision: int


@dataclass(slots=True)
class Merged:
    """What of an edit is applied, what clashes, and whether anybody else had changed the record meanwhile."""

    changes: dict[str, Any] = field(default_factory=dict)
    clashes: list[Clash] = field(default_factory=list)
    foreign: bool = False


def merge(
    edit: Mapping[str, Any],
    standing: Mapping[str, Any],
    past: Iterable[Past],
    *,
    base: int | None,
    device: UUID | None,
    known_base: bool = True,
) -> Merged:
    """Merge ``edit`` into the ``standing`` document.

    ``past`` are the record's changes in order of revision; with ``known_base`` False (the base comes from before a restore)
    each differing field that this device was not the last to write is a conflict.
    """
    since = (base or 0) if known_base else 0
    merged = Merged()
    last: dict[str, Past] = {}
    steps: dict[str, list[Past]] = {}
    for one in past:
        if one.revision <= since:
            continue
        foreign = one.device != device or device is None
        merged.foreign = merged.foreign or foreign
        for name in one.before:
            steps.setdefault(name, []).append(one)
            if foreign or not known_base:
                last[name] = one
    for name, yours in edit.items():
        kept = standing.get(name)
        rival = last.get(name)
        if same(yours, kept) or (not known_base and rival is not None and rival.device == device):
            merged.changes[name] = yours
            continue
        if rival is None:
            merged.changes[name] = yours if not known_base else _own(name, steps.get(name, ()), kept, yours, device)
            merged.foreign = merged.foreign or merged.changes[name] is not yours
            continue
        both = merge_rows(_origin(name, steps[name], kept, device), kept, yours) if known_base else None
        if both is not None:
            merged.changes[name] = both
        else:
            merged.clashes.append(Clash(name, yours, kept, rival.revision))
    return merged


def _own(name: str, steps: Sequence[Past], kept: Any, yours: Any, device: UUID | None) -> Any:
    """An edit after nobody's but this device's own: it stands, but the rows of a choice that it did not know of stay."""
    if all(step.sent for step in steps):
        return yours
    both = merge_rows(_origin(name, steps, kept, device), kept, yours)
    return yours if both is None or same(both, yours) else both


def _origin(name: str, steps: Sequence[Past], kept: Any, device: UUID | None) -> Any:
    """The value that an edit started from: what stood at its base, with what this device itself has changed since."""
    values = [step.before[name] for step in steps] + [kept]
    origin = values[0]
    for step, was, became in zip(steps, values, values[1:], strict=False):
        if step.device == device and step.sent:
            mine = merge_rows(was, became, origin)
            origin = origin if mine is None else mine
    return origin


def same(one: Any, other: Any) -> bool:
    """Equal as values: two spellings of one instant are the same, 1 and True are not."""
    if isinstance(one, str) and isinstance(other, str):
        return one == other or ((instant := _instant(one)) is not None and instant == _instant(other))
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def _instant(text: str) -> datetime | None:
    if len(text) < 16 or text[10:11] not in ("T", " "):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def merge_rows(origin: Any, kept: Any, yours: Any) -> dict[str, Any] | None:
    """Merge two edits of an object whose repeat groups have row ids (the answers of a form), or None if they clash.

    An object is one field, so whatever is not such a group counts as a whole; within a group each row counts as a whole.
    """
    sides = [origin if origin is not None else {}, kept, yours]
    if not all(isinstance(side, dict) for side in sides):
        return None
    names = {name for side in sides for name, value in side.items() if _by_id(value) is not None}
    groups = {name for name in names if all(_by_id(side.get(name) or []) is not None for side in sides)}
    rest = _choose(*({name: value for name, value in side.items() if name not in groups} for side in sides))
    if rest is None:
        return None
    merged: dict[str, Any] = {}
    for name in dict.fromkeys([*kept, *yours]):
        if name not in groups:
            if name in rest:
                merged[name] = rest[name]
            continue
        rows = _merge_groups(*(_by_id(side.get(name) or []) or {} for side in sides))
        if rows is None:
            return None
        merged[name] = rows
    return merged


_ABSENT = object()


def _choose(before: Any, theirs: Any, mine: Any) -> Any | None:
    """The side that changed, if only one did or both agree."""
    if same(before, mine) or same(theirs, mine):
        return theirs
    return mine if same(before, theirs) else None


def _merge_groups(origin: dict[Any, Any], kept: dict[Any, Any], yours: dict[Any, Any]) -> list[Any] | None:
    merged = []
    for key in dict.fromkeys([*kept, *yours]):
        chosen = _choose(*(rows.get(key, _ABSENT) for rows in (origin, kept, yours)))
        if chosen is None:
            return None
        if chosen is not _ABSENT:
            merged.append(chosen)
    return merged


def _by_id(rows: Any) -> dict[Any, Any] | None:
    """A list of rows by their ids; None when it is none, a row has no id or two share one."""
    if not isinstance(rows, list):
        return None
    found: dict[Any, Any] = {}
    for row in rows:
        identity = next((row[name] for name in ROW_IDS if row.get(name)), None) if isinstance(row, dict) else None
        if not isinstance(identity, str | int) or identity in found:
            return None
        found[identity] = row
    return found
