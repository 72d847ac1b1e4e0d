"""No sum, and no difference of sums, says what fewer than five people answered."""

from __future__ import annotations

from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from surveys.groups import shown


def numbered(count: int, of: int = 0) -> list[UUID]:
    return [UUID(int=of * 1_000 + at) for at in range(count)]


def test_one_small_enterprise_enters_no_sum_and_several_enter_together():
    [town, other] = numbered(2, of=9)
    [a, b, c, d] = numbered(4)
    region = {a: town, b: town, c: town, d: other}

    alone = shown({a: 9, b: 3, d: 7}, region)
    assert (alone.large, alone.regions[town], alone.everywhere) == ({a, d}, {a}, {a, d})
    together = shown({a: 9, b: 3, c: 2, d: 7}, region)
    assert together.regions[town] == {a, b, c}
    assert together.large == {a, d}
    across = shown({a: 9, b: 3, d: 4}, region)
    assert (across.regions[town], across.regions[other]) == ({a}, frozenset())
    assert across.everywhere == {a, b, d}, "the small ones of two towns hide each other in the city's sum"


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), max_size=8))
def test_whatever_is_subtracted_five_people_of_two_enterprises_remain(places):
    firms, towns = numbered(len(places)), numbered(3, of=9)
    people = {firm: count for firm, (count, _) in zip(firms, places, strict=True)}
    region = {firm: towns[at] for firm, (_, at) in zip(firms, places, strict=True)}
    found = shown(people, region)

    sums = (
        [frozenset({each}) for each in found.large]
        + [frozenset(each) for each in found.regions.values()]
        + [found.everywhere]
    )
    known = {each for each in sums if each}
    for _ in range(3):  # differences of sums, of differences, …
        known |= {one - other for one, other in combinations(sorted(known, key=len, reverse=True), 2) if other < one}
    for each in known - {frozenset({one}) for one in found.large}:
        total = sum(people[firm] for firm in each)
        assert total >= 5 or total == 0
        assert len([firm for firm in each if people[firm]]) != 1 or each & found.large
