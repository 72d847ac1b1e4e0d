"""What reports are grouped by: the path of each grouping from every kind of record, and the names of the groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import Q

from core.actors import Actor
from core.problems import Forbidden
from core.texts import EN, Text
from inspections.rulebook import IssueCategory
from organizations import permissions
from organizations.models import Department, Enterprise, Person, Region
from organizations.permissions import Caller
from organizations.roles import Designation, PilotTier
from reports.figures import NOBODY

DIMENSIONS: dict[str, Text] = {
    "political": Text("政治上保证", "Political"),
    "institutional": Text("制度上落实", "Institutional"),
    "quality": Text("素质上提高", "Quality"),
    "rights": Text("权益上维护", "Rights"),
}

OF_ISSUE: Mapping[str, str] = {
    "department": "lead_code",
    "region": "region_id",
    "park": "enterprise__industrial_park",
    "field_member": "reporter_id",
    "pilot_tier": "enterprise__pilot_tier",
    "designation_level": "enterprise__designation_level",
    "dimension": "category__dimension",
    "category": "category_id",
}
"""The path from an issue; records that hang on an issue put ``issue__`` before it (see :func:`path`)."""


def path(group_by: str, prefix: str, own: Collection[str] = ()) -> str:
    """The path of a grouping from a record that reaches its issue by ``prefix`` ("" for the issue itself).

    A segment or a card knows whose it was when the issue has moved on, so it goes by its own ``lead_code``. What a segment
    knows of its issue besides (``own``) need not be looked up there.
    """
    found = OF_ISSUE[group_by]
    return found if group_by == "department" or found in own else prefix + found


@dataclass(frozen=True, slots=True)
class Sight:
    """What of the city a caller's reports are made of. None everywhere: all of it.

    ``leads`` are codes of departments and towns whose issues are seen, ``regions`` towns, ``person`` oneself.
    """

    everything: bool = False
    leads: frozenset[str] = frozenset()
    regions: frozenset[UUID] = frozenset()
    person: UUID | None = None

    def by_member(self) -> Sight:
        """The sight for numbers told by who reported: no department learns that, and no town of what is confidential."""
        return self if self.everything else replace(self, leads=frozenset())

    def of_issues(self, prefix: str) -> Q:
        """The condition on issues, or on records that reach theirs by ``prefix``: those that their lists show them.

        A confidential issue is for its reporter, whoever leads it and the office, not for the town.
        """
        if self.everything:
            return Q()
        seen = Q(pk__in=[])
        if self.leads:
            seen |= Q(lead_code__in=sorted(self.leads))
        if self.regions:
            seen |= Q(**{f"{prefix}region__in": sorted(self.regions), f"{prefix}confidential": False})
        if self.person:
            seen |= Q(**{f"{prefix}reporter": self.person})
        return seen

    def sees_pair(self, person: UUID, region: UUID) -> bool:
        """Whether the visits of a member to an enterprise in a town count for the caller."""
        return self.everything or person == self.person or region in self.regions


WHOLE_CITY = Sight(everything=True)


def within(sight: Sight, group_by: str) -> Sight:
    """What of a caller's sight may be told by these groups."""
    return sight.by_member() if group_by == "field_member" else sight


def sight(by: Actor) -> Sight:
    """The office sees the city; a department its own, a town its own, a field member oneself. Raises Forbidden."""
    if not permissions.may(by, "report.read"):
        raise Forbidden
    if not isinstance(by, Caller) or permissions.may(by, "report.write"):
        return WHOLE_CITY
    regions = by.towns
    codes = set(by.department_codes) | set(Region.objects.filter(pk__in=regions).values_list("code", flat=True))
    return Sight(False, frozenset(codes), regions, by.person)


def named(group_by: str, keys: Iterable[Any], language: str) -> dict[Any, tuple[str | None, str]]:
    """Code and name of every group key that a query gave; "" and None are those that belong to no group."""
    wanted = [key for key in keys if key not in (None, "")]
    found: dict[Any, tuple[str | None, str]] = {None: (None, NOBODY.of(language)), "": (None, NOBODY.of(language))}
    english = language == EN
    if group_by == "department":
        for model in (Region, Department):
            for code, name, name_en in model.objects.filter(code__in=wanted).values_list("code", "name", "name_en"):
                found[code] = (code, name_en if english and name_en else name)
    elif group_by == "region":
        for pk, code, name, name_en in Region.objects.filter(pk__in=wanted).values_list(
            "pk", "code", "name", "name_en"
        ):
            found[pk] = (code, name_en if english and name_en else name)
    elif group_by == "category":
        rows = IssueCategory.objects.filter(code__in=wanted).values_list("code", "name", "name_en")
        found |= {code: (code, name_en if english and name_en else name) for code, name, name_en in rows}
    elif group_by == "field_member":
        people = Person.objects.filter(pk__in=wanted).values_list("pk", "name")
        found |= {pk: (str(pk), name) for pk, name in people}
    else:
        found |= _chosen(group_by, language)
    return found | {key: (str(key), str(key)) for key in wanted if key not in found}


def key_of(group_by: str, code: str) -> Any:
    """The key by which queries know the group with this code; None when there is none such."""
    if group_by == "region":
        return Region.objects.filter(code=code).values_list("pk", flat=True).first()
    if group_by == "field_member":
        try:
            return UUID(code)
        except ValueError:
            return None
    return code


def exists(group_by: str, code: str) -> bool:
    """Whether there is a group with this code."""
    if group_by == "department":
        return any(model.objects.filter(code=code).exists() for model in (Department, Region))
    if group_by == "region":
        return key_of(group_by, code) is not None
    if group_by == "field_member":
        key = key_of(group_by, code)
        return key is not None and Person.objects.filter(pk=key).exists()
    if group_by == "category":
        return IssueCategory.objects.filter(code=code).exists()
    if group_by == "park":
        return code != "" and Enterprise.objects.filter(industrial_park=code).exists()
    return code in _chosen(group_by, EN)


def speaks_for(sight: Sight, group_by: str, unit: str) -> bool:
    """Whether the unit is one that the caller speaks for."""
    key = key_of(group_by, unit)
    return (
        sight.everything
        or (group_by == "department" and unit in sight.leads)
        or (group_by == "region" and key in sight.regions)
        or (group_by == "field_member" and key is not None and key == sight.person)
    )


def _chosen(group_by: str, language: str) -> dict[str, tuple[str | None, str]]:
    known: dict[str, Mapping[str, Any]] = {
        "pilot_tier": dict(PilotTier.choices),
        "designation_level": dict(Designation.choices),
        "dimension": DIMENSIONS,
    }
    labels = known.get(group_by, {})
    return {
        code: (code, label.of(language) if isinstance(label, Text) else str(label)) for code, label in labels.items()
    }
