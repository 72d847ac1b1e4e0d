"""What an expression sees while it runs, and the operators it is built of."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from surveys.functions import NotEvaluable
from surveys.values import NAN, Day, equal, number, text, truth

Row = dict[str, Any]
Lists = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""What the caller holds of the external lists: list name -> what an answer holds -> columns of that choice."""


class Scope:
    """What an expression sees while it runs.

    ``root`` holds the values of the form, ``row`` those of the present repeat row (``root`` outside repeats), ``rows`` the
    whole chain from root to row, ``places`` the 1-based position of each row of that chain; ``item`` is the choice a filter looks at;
    ``lists`` the external lists at hand, choices by name.
    """

    __slots__ = ("item", "lists", "now", "places", "root", "row", "rows", "today")

    def __init__(self, root: Row, today: Day, now: Day, lists: Lists | None = None) -> None:
        self.root = self.row = root
        self.rows: tuple[Row, ...] = (root,)
        self.places: tuple[int, ...] = (0,)
        self.item: Mapping[str, Any] = {}
        self.lists: Lists = lists or {}
        self.today = today
        self.now = now


Run = Callable[[Scope], Any]


def gather(row: Row, repeats: tuple[str, ...], name: str) -> list[Any]:
    rows = [row]
    for repeat in repeats:
        rows = [inner for outer in rows for inner in outer[repeat]]
    return [inner[name] if not isinstance(inner[name], list) else "" for inner in rows]


def first_held(items: Sequence[Mapping[str, Any]], holds: Run, wanted: Run | None) -> Callable[[Scope], Any]:
    """The first choice that fulfils a condition, None if none does; found at once where the condition is its ``wanted`` name."""
    by_name = {item["name"]: item for item in items} if wanted is not None else {}

    def find(s: Scope) -> Any:
        if wanted is not None and isinstance(code := wanted(s), str):
            return by_name.get(code)
        outer = s.item
        try:
            for item in items:
                s.item = item
                if truth(holds(s)):
                    return item
        finally:
            s.item = outer
        return None

    return find


def external_label(name: str, value: Run, *, whole: bool) -> Run:
    """The labels of codes in an external list; '' for a code that a list held whole does not know."""

    def label(s: Scope) -> str:
        items = s.lists.get(name)
        codes = text(value(s)).split()
        if items is None or (not whole and not all(code in items for code in codes)):
            raise NotEvaluable
        return ", ".join(text(items[code].get("label", "")) if code in items else "" for code in codes)

    return label


def chain(sign: str, runs: list[Run]) -> Run:
    if len(runs) == 2:
        left, right = runs

        def both(s: Scope) -> bool:
            held = left(s)
            return truth(right(s)) if held is True or (held is not False and truth(held)) else False

        def either(s: Scope) -> bool:
            held = left(s)
            return True if held is True or (held is not False and truth(held)) else truth(right(s))

        return both if sign == "and" else either
    if sign == "and":
        return lambda s: all(truth(run(s)) for run in runs)
    return lambda s: any(truth(run(s)) for run in runs)


def apply(run: Callable[..., Any], arguments: list[Run]) -> Run:
    if not arguments:
        return lambda s: run()
    if len(arguments) == 1:
        only = arguments[0]
        return lambda s: run(only(s))
    if len(arguments) == 2:
        first, second = arguments
        return lambda s: run(first(s), second(s))
    if len(arguments) == 3:
        one, two, three = arguments
        return lambda s: run(one(s), two(s), three(s))
    return lambda s: run(*[argument(s) for argument in arguments])


def _ordered(test: Callable[[float, float], bool]) -> Callable[[Run, Run], Run]:
    """An order between two numbers (dates count days); false with an unanswered side, true if any row fulfils it."""

    def between(left: Run, right: Run) -> Run:
        def compare(s: Scope) -> bool:
            one, other = left(s), right(s)
            if one.__class__ is int and other.__class__ is int:
                return test(one, other)
            if one.__class__ is list or other.__class__ is list:
                ones, others = (side if side.__class__ is list else [side] for side in (one, other))
                return any(test(number(a), number(b)) for a in ones for b in others)
            return test(number(one), number(other))

        return compare

    return between


def _equality(left: Run, right: Run, *, same: bool) -> Run:
    def compare(s: Scope) -> bool:
        one, other = left(s), right(s)
        if one.__class__ is str and other.__class__ is str:
            return (one == other) is same
        return equal(one, other) is same

    return compare


def _divide(one: float, other: float) -> float:
    if other == 0:
        return NAN if one != one or one == 0 else math.copysign(math.inf, one) * math.copysign(1, other)
    return one / other


def _remainder(one: float, other: float) -> float:
    """``mod`` keeps the sign of what is divided, as in JavaRosa and XPath."""
    return math.fmod(one, other) if other and math.isfinite(one) else NAN


def _arithmetic(operate: Callable[[float, float], float]) -> Callable[[Run, Run], Run]:
    def between(left: Run, right: Run) -> Run:
        def calculate(s: Scope) -> float:
            try:
                return operate(number(left(s)) + 0.0, number(right(s)) + 0.0)
            except OverflowError:
                return NAN

        return calculate

    return between


OPERATORS: dict[str, Callable[[Run, Run], Run]] = {
    "=": lambda left, right: _equality(left, right, same=True),
    "!=": lambda left, right: _equality(left, right, same=False),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "div": _arithmetic(_divide),
    "mod": _arithmetic(_remainder),
}
