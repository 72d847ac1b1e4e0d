"""Which enterprises' anonymous answers may enter which sum, so that no group under five can be worked out from several. Pure.

An enterprise with five answers is shown by itself. Those with fewer enter a region's sum only together: at least two of them with
at least five answers between them. What a region cannot take enters the sum of all regions under the same condition, or no sum.
So whatever sums are subtracted from each other, what remains is nobody, or five people of two enterprises.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

SMALLEST_GROUP = 5

Enterprises = frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Shown:
    """``large`` may be shown alone; ``regions`` and ``everywhere`` are the enterprises that a region's and the whole sum count.

    A region is whatever enterprises lie in, each in one: a town, a park, a tier.
    """

    large: Enterprises
    regions: Mapping[Any, Enterprises]
    everywhere: Enterprises


def shown(people: Mapping[UUID, int], region: Mapping[UUID, Any]) -> Shown:
    """What may be counted where, from how many people of each enterprise answered and in which region it lies."""
    large = frozenset(each for each, count in people.items() if count >= SMALLEST_GROUP)
    small: dict[Any, set[UUID]] = defaultdict(set)
    for each in people.keys() - large:
        if people[each]:
            small[region[each]].add(each)
    regions, left = {}, set[UUID]()
    for place in {region[each] for each in people}:
        taken = _together(small[place], people)
        left |= small[place] - taken
        regions[place] = frozenset(each for each in large if region[each] == place) | taken
    everywhere = large.union(*regions.values(), _together(left, people))
    return Shown(large, regions, everywhere)


def _together(small: Collection[UUID], people: Mapping[UUID, int]) -> Enterprises:
    """The small ones, if they are enough to hide each other."""
    enough = len(small) > 1 and sum(people[each] for each in small) >= SMALLEST_GROUP
    return frozenset(small) if enough else frozenset()
