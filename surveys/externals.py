"""The lists a form chooses from without holding them: our regions, and the enterprises that a caller may see."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from core.actors import Actor
from organizations.models import Enterprise, Region
from organizations.permissions import visible_enterprises
from surveys.definition import Definition
from surveys.operators import Lists

ENTERPRISES, REGIONS = "enterprises", "regions"
Choices = dict[str, dict[str, str]]


def at_hand(asked: Iterable[tuple[Definition, Any]], *, by: Actor) -> Lists:
    """What re-validating these answers needs of the external lists: at most one query a list.

    Of the enterprises only those are read that the answers name; one that the caller may not see is no choice of theirs.
    """
    pairs = [(definition, answers) for definition, answers in asked if definition.externals]
    names = frozenset().union(*(definition.externals for definition, _ in pairs))
    lists: dict[str, Choices] = {}
    if REGIONS in names:
        lists[REGIONS] = regions()
    if ENTERPRISES in names:
        lists[ENTERPRISES] = enterprises({each for pair in pairs for each in _named(*pair)}, by=by)
    return lists


def labels(names: Collection[str]) -> dict[str, dict[str, str]]:
    """What the codes of these lists are called, for tables that people read."""
    told: dict[str, dict[str, str]] = {}
    if REGIONS in names:
        told[REGIONS] = {code: each["label"] for code, each in regions().items()}
    if ENTERPRISES in names:
        told[ENTERPRISES] = {str(key): name for key, name in Enterprise.objects.values_list("id", "name").iterator()}
    return told


def regions() -> Choices:
    """All regions by their codes."""
    columns = ("code", "name", "kind")
    return {
        code: {"name": code, "code": code, "label": name, "kind": kind}
        for code, name, kind in Region.objects.values_list(*columns)
    }


def enterprises(wanted: Iterable[UUID], *, by: Actor) -> Choices:
    """The enterprises of these ids that the caller may see, by id."""
    rows = visible_enterprises(by).filter(pk__in=set(wanted))
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in choices(rows)}


COLUMNS = ("name", "label", "code", "region", "pilot_tier", "industrial_park")


def choices(rows: Any) -> Iterator[tuple[str, ...]]:
    """Enterprises as rows of :data:`COLUMNS`, every cell a text."""
    found = rows.values_list("id", "name", "uscc", "region__code", "pilot_tier", "industrial_park")
    return (tuple("" if cell is None else str(cell) for cell in row) for row in found)


def _named(definition: Definition, answers: Any) -> Iterator[UUID]:
    """The enterprises that an answer of any shape names."""
    for question in definition.questions.values():
        if question.external == ENTERPRISES:
            for raw in _answers(answers, question.place.repeats, question.name):
                for code in raw.split() if isinstance(raw, str) else raw if isinstance(raw, list) else ():
                    if (key := _uuid(code)) is not None:
                        yield key


def _answers(rows: Any, repeats: Sequence[str], name: str) -> Iterator[Any]:
    for row in rows if isinstance(rows, list) else [rows]:
        if isinstance(row, Mapping):
            if repeats:
                yield from _answers(row.get(repeats[0]), repeats[1:], name)
            else:
                yield row.get(name)


def _uuid(code: Any) -> UUID | None:
    try:
        return UUID(code) if isinstance(code, str) and len(code) == 36 else None
    except ValueError:
        return None
