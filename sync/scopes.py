"""Which scopes a person holds now, and what each adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from core.problems import Forbidden
from core.texts import Text
from journal.journal import SHARED, user_scope
from journal.models import Grant, Scope
from journal.prepared import Statement, table


class ScopeNotHeld(Forbidden):
    """The caller asked for a scope that is not theirs."""

    kind = "scope-not-held"
    title = Text("您未持有该范围", "You do not hold this scope")


@dataclass(frozen=True, slots=True)
class Holding:
    """A scope a person holds (or held, when not ``live``): since which position, and its live records' sum."""

    id: int
    name: str
    version: int
    count: int
    digest: str
    granted: int
    live: bool


def holdings(person: UUID) -> list[Holding]:
    """Every scope that concerns the person, in the order of their numbers: the implicit ones and the granted ones."""
    key = person if connection.features.has_native_uuid_field else person.hex
    found = _HOLDINGS.all(SHARED, user_scope(person), key)
    return [
        Holding(number, name, version, count, digest, granted, bool(live))
        for number, name, version, count, digest, granted, live in found
    ]


_FIELDS = "s.id, s.name, s.version, s.count, s.digest"
_HOLDINGS = Statement(
    "scopes_of_a_person",
    f"SELECT {_FIELDS}, 0, 1 FROM {table(Scope)} s WHERE s.name IN (%s, %s) "
    f"UNION ALL SELECT {_FIELDS}, g.version, CASE WHEN g.live THEN 1 ELSE 0 END FROM {table(Grant)} g "
    f"JOIN {table(Scope)} s ON s.id = g.scope_id WHERE g.person = %s ORDER BY 1",
)


def held_names(person: UUID) -> frozenset[str]:
    """The names of the scopes a person holds now; those that have no record yet are included."""
    granted = Grant.objects.filter(person=person, live=True).values_list("scope__name", flat=True)
    return frozenset(granted) | {SHARED, user_scope(person)}


def ever_held_names(person: UUID) -> frozenset[str]:
    """The names of the scopes a person holds or once held."""
    granted = Grant.objects.filter(person=person).values_list("scope__name", flat=True)
    return frozenset(granted) | {SHARED, user_scope(person)}
