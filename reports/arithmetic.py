"""Rates, ranks, grades and scores, in Decimal and rounded half up, each with the sentence that explains it.

Source of the rules: the assessment scheme of the reform office (domain §4). A rate is rounded to two
decimals first and scored afterwards, so that anybody can redo the sum from the printed rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from core.texts import Text

CENT = Decimal("0.01")
HUNDRED = Decimal(100)
SMALLEST_DENOMINATOR = 5
"""Below this a rate says too little to rank anybody by it."""

Key = TypeVar("Key")

GRADES: tuple[tuple[Decimal, str, Text], ...] = (
    (Decimal(90), "excellent", Text("优秀", "Excellent")),
    (Decimal(80), "good", Text("良好", "Good")),
    (Decimal(60), "pass", Text("合格", "Pass")),
    (Decimal(0), "fail", Text("不合格", "Fail")),
)
GRADE_NAMES: dict[str, Text] = {code: name for _, code, name in GRADES}


def rounded(value: Decimal | int | float) -> Decimal:
    """Two decimals, half away from zero."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(CENT, rounding=ROUND_HALF_UP)


def rate(numerator: int | Decimal, denominator: int | Decimal) -> Decimal | None:
    """A percentage at two decimals; None when there is nothing to divide by."""
    if not denominator:
        return None
    return rounded(Decimal(numerator) * HUNDRED / Decimal(denominator))


def quotient(numerator: int | Decimal, denominator: int | Decimal) -> Decimal | None:
    """A mean at two decimals; None when there is nothing to divide by."""
    if not denominator:
        return None
    return rounded(Decimal(numerator) / Decimal(denominator))


def median(counts: Mapping[int, int]) -> Decimal | None:
    """The middle of whole numbers given as value → how often; the mean of the two middle ones when even."""
    total = sum(counts.values())
    if not total:
        return None
    wanted = ((total - 1) // 2, total // 2)
    found: list[int] = []
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        while len(found) < 2 and wanted[len(found)] < seen:
            found.append(value)
        if len(found) == 2:
            break
    return rounded(Decimal(sum(found)) / 2)


def too_small(denominator: int | Decimal | None) -> bool:
    """Whether a rate over this denominator is shown but not ranked."""
    return denominator is not None and denominator < SMALLEST_DENOMINATOR


def ranks(scores: Mapping[Key, Decimal | None], *, best: str = "higher") -> dict[Key, int | None]:
    """Places 1, 1, 3: equals share the better place and the next one is skipped. None stays without a place."""
    counted = sorted((score for score in scores.values() if score is not None), reverse=best == "higher")
    place: dict[Decimal, int] = {}
    for position, score in enumerate(counted, start=1):
        place.setdefault(score, position)
    return {key: None if score is None else place[score] for key, score in scores.items()}


def grade(score: Decimal, *, at_most: str | None = None) -> str:
    """``excellent`` from 90, ``good`` from 80, ``pass`` from 60, else ``fail``; ``at_most`` caps it."""
    earned = next(code for floor, code, _ in GRADES if score >= floor or floor == 0)
    order = list(GRADE_NAMES)
    return earned if at_most is None else order[max(order.index(earned), order.index(at_most))]


def shown(value: Decimal | int | None) -> str:
    """A number as it is printed in a sentence: no trailing zeros, no exponent."""
    if value is None:
        return "–"
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    return text.rstrip("0").rstrip(".") if "." in text else text
