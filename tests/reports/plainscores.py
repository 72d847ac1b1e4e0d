"""Scores, places and grades once more, as simply as they can be said: with fractions, item after item, from the scheme's document.

Written from the definitions and not from the code under test; of that it knows only which unit an indicator is told in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from reports.indicators import INDICATORS

Counted = Mapping[str, tuple[int, int | None]]
"""(numerator, denominator) by indicator; what is missing has no records."""
Entered = Mapping[str, Sequence[Fraction]]
"""What the office entered, in its order, by item."""
GRADES = ("excellent", "good", "pass", "fail")


@dataclass
class Score:
    """What a unit came to: its points by item (None: nothing to score) and all that is made of them."""

    points: dict[str, Fraction | None]
    total: Fraction | None = None
    grade: str | None = None
    rank: int | None = None
    small: bool = False
    vetoed: bool = False
    left_out: bool = False


def cents(value: Fraction) -> Fraction:
    """At two decimals, a half goes away from zero."""
    whole = (abs(value) * 1000 + 5) // 10
    return Fraction(whole if value >= 0 else -whole, 100)


def assess(document: Mapping[str, Any], units: Mapping[str, tuple[Counted, Entered]]) -> dict[str, Score]:
    """All units of a scheme. Places go 1, 1, 3 among those that may be ranked."""
    found = {code: assess_one(document["items"], *told) for code, told in units.items()}
    rank_small = document.get("rank_small", False)
    for one in found.values():
        one.small = one.small and not rank_small
    able = {code: one.total for code, one in found.items() if one.total is not None and not one.small}
    for code, total in able.items():
        found[code].rank = 1 + sum(other > total for other in able.values())
    return found


def assess_one(items: Sequence[Mapping[str, Any]], counted: Counted, entered: Entered) -> Score:
    score = Score({})
    worth = reached = earned = extra = Fraction(0)
    worst, zero = 0, False
    for item in items:
        full, weight = Fraction(str(item.get("full_mark", 0))), Fraction(str(item.get("weight", 1)))
        method, entries = item["method"], entered.get(item["code"], ())
        value = value_of(item, counted, entries)
        points = None if value is None else points_of(item, value)
        core = full > 0 and method["kind"] not in ("bonus_each", "veto")
        if value is None and item.get("no_data") == "full_marks":
            points = cents(full)
        if value is None and item.get("no_data") == "leave_out" and core:
            score.left_out = True
        score.points[item["code"]] = points
        if core:
            worth += full * weight
            if points is not None:
                reached += full * weight
                earned += points * weight
            score.small |= value is not None and too_small(item, counted)
        elif method["kind"] in ("bonus_each", "deduct_each"):
            extra += (points or 0) * weight
        if method["kind"] == "veto" and value:
            score.vetoed = True
            zero |= method.get("effect", "zero") == "zero"
            if method.get("effect") == "cap_grade":
                worst = max(worst, GRADES.index(method["grade"]))
    score.left_out |= reached == 0
    if not score.left_out:
        score.total = Fraction(0) if zero else max(Fraction(0), cents(earned * worth / reached + extra))
        place = 0 if score.total >= 90 else 1 if score.total >= 80 else 2 if score.total >= 60 else 3
        score.grade = GRADES[max(place, worst)]
    return score


def value_of(item: Mapping[str, Any], counted: Counted, entries: Sequence[Fraction]) -> Fraction | None:
    kind, key = item["method"]["kind"], item.get("indicator")
    numerator, denominator = counted.get(key, (0, 0)) if key else (0, 0)
    if kind == "manual":
        return entries[-1] if entries else None
    if kind in ("bonus_each", "deduct_each", "veto"):
        return sum(entries, Fraction(numerator))
    if INDICATORS[key].denominator is None:
        return Fraction(numerator)
    if not denominator:
        return None
    return cents(Fraction(numerator, denominator) * (100 if INDICATORS[key].unit == "percent" else 1))


def too_small(item: Mapping[str, Any], counted: Counted) -> bool:
    key = item.get("indicator")
    return bool(key) and INDICATORS[key].unit == "percent" and (counted.get(key, (0, 0))[1] or 0) < 5


def points_of(item: Mapping[str, Any], value: Fraction) -> Fraction:
    method, full = item["method"], Fraction(str(item.get("full_mark", 0)))
    key = item.get("indicator")
    lower = key is not None and INDICATORS[key].direction == "lower"

    def amount(name: str, otherwise: int = 0) -> Fraction:
        return Fraction(str(method.get(name, otherwise)))

    if method["kind"] == "linear_threshold":
        missing = (value - amount("target")) if lower else (amount("target") - value)
        return cents(full) if missing <= 0 else cents(max(amount("floor"), full - amount("per_point") * missing))
    if method["kind"] == "tier":
        steps = [(Fraction(str(step["at_least"])), Fraction(str(step["points"]))) for step in method["steps"]]
        if lower:
            return cents(
                min(((limit, points) for limit, points in steps if value <= limit), default=(0, Fraction(0)))[1]
            )
        return cents(max(((limit, points) for limit, points in steps if value >= limit), default=(0, Fraction(0)))[1])
    if method["kind"] == "deduct_each":
        taken = amount("points") * value
        left = full - (min(taken, amount("cap")) if "cap" in method else taken)
        return cents(left if full == 0 else max(Fraction(0), left))
    if method["kind"] == "bonus_each":
        return cents(min(amount("points") * value, amount("cap")))
    if method["kind"] == "manual":
        return cents(min(full, max(Fraction(0), value)))
    return Fraction(0)
