"""How one item of an assessment scheme turns a figure into a mark. Pure; every mark carries its sum in words.

A method is data of the scheme (``{"kind": "linear_threshold", "target": "98", …}``), read and checked
once by :func:`read_method`. Amounts travel as strings or whole numbers, never as binary fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from core.problems import Fault, Invalid
from core.texts import Text
from reports.arithmetic import GRADE_NAMES, rounded, shown

NO_DATA = ("renormalise", "full_marks", "leave_out")
METHODS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # kind: (amounts that must be given, amounts that may be)
    "linear_threshold": (("target", "per_point"), ("floor",)),
    "tier": ((), ()),
    "deduct_each": (("points",), ("cap",)),
    "bonus_each": (("points", "cap"), ()),
    "manual": ((), ()),
    "veto": ((), ()),
}


@dataclass(frozen=True, slots=True)
class Method:
    """One way of scoring, with its amounts; ``steps`` are (at least, mark) of a tier, best first."""

    kind: str
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    steps: tuple[tuple[Decimal, Decimal], ...] = ()
    effect: str = "zero"
    cap_grade: str | None = None
    lower_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """What an item earned and why; ``points`` is None when there was nothing to score."""

    points: Decimal | None
    sentence: Text


def read_method(document: Any, *, pointer: str, full: Decimal, lower_is_better: bool = False) -> Method:
    """The method a scheme declares. Raises Invalid naming each amount that is missing or no number."""
    if not isinstance(document, Mapping) or document.get("kind") not in METHODS:
        kinds = ", ".join(METHODS)
        raise Invalid.at(
            pointer + "/kind",
            "unknown-method",
            Text("评分方法应为：{kinds}", "The method is one of {kinds}").fill(kinds=kinds),
        )
    kind = str(document["kind"])
    required, optional = METHODS[kind]
    known = {"kind", "steps", "effect", "grade", *required, *optional}
    faults = [
        Fault(f"{pointer}/{name}", "unknown-field", Text("此方法没有这一项", "This method has no such field"))
        for name in document
        if name not in known
    ]
    amounts: dict[str, Decimal] = {}
    for name in (*required, *optional):
        if name in document:
            amount = read_amount(document[name])
            if amount is None:
                faults.append(Fault(f"{pointer}/{name}", "number", Text("应为非负数字", "A number not below zero")))
            else:
                amounts[name] = amount
        elif name in required:
            faults.append(Fault(f"{pointer}/{name}", "required", Text("此项必填", "This is required")))
    steps = _read_steps(document.get("steps"), pointer, full, faults) if kind == "tier" else ()
    effect, cap_grade = _read_effect(document, pointer, faults) if kind == "veto" else ("zero", None)
    if faults:
        raise Invalid(errors=faults)
    return Method(kind, amounts, steps, effect, cap_grade, lower_is_better)


def read_amount(value: Any) -> Decimal | None:
    """A number not below zero written as a string or a whole number; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and 0 <= amount < 1_000_000 else None


def _read_steps(steps: Any, pointer: str, full: Decimal, faults: list[Fault]) -> tuple[tuple[Decimal, Decimal], ...]:
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not steps:
        faults.append(Fault(f"{pointer}/steps", "required", Text("请给出各档分值", "The steps are required")))
        return ()
    read: list[tuple[Decimal, Decimal]] = []
    for index, step in enumerate(steps):
        limit = read_amount(step.get("at_least")) if isinstance(step, Mapping) else None
        mark = read_amount(step.get("points")) if isinstance(step, Mapping) else None
        if limit is None or mark is None or mark > full:
            detail = Text(
                "每档需要 at_least 与不超过满分的 points", "A step has at_least, and points up to the full mark"
            )
            faults.append(Fault(f"{pointer}/steps/{index}", "step", detail))
        else:
            read.append((limit, mark))
    return tuple(sorted(read, reverse=True))


def _read_effect(document: Mapping[str, Any], pointer: str, faults: list[Fault]) -> tuple[str, str | None]:
    effect = document.get("effect", "zero")
    if effect not in ("zero", "cap_grade"):
        faults.append(Fault(f"{pointer}/effect", "choice", Text("应为 zero 或 cap_grade", "This is zero or cap_grade")))
    if effect == "cap_grade" and document.get("grade") not in GRADE_NAMES:
        grades = ", ".join(GRADE_NAMES)
        faults.append(
            Fault(
                f"{pointer}/grade",
                "choice",
                Text("等次应为：{grades}", "The grade is one of {grades}").fill(grades=grades),
            )
        )
    return str(effect), document.get("grade") if effect == "cap_grade" else None


def mark(method: Method, *, full: Decimal, value: Decimal | None) -> Mark:
    """The mark for one value: a rate for thresholds and tiers, a number of occasions for deductions and bonuses,
    the office's own mark for ``manual``. ``value`` None means no data: points None. Marks round half up."""
    if value is None:
        return Mark(None, Text("无数据", "no data"))
    return _RULES[method.kind](method, full, value)


def _linear(method: Method, full: Decimal, value: Decimal) -> Mark:
    target, each = method.amounts["target"], method.amounts["per_point"]
    floor = method.amounts.get("floor", Decimal(0))
    missing = value - target if method.lower_is_better else target - value
    if missing <= 0:
        return Mark(
            rounded(full),
            Text(
                "{value} 达到目标 {target}，得满分 {full}", "{value} meets the target {target}: full mark {full}"
            ).fill(value=shown(value), target=shown(target), full=shown(full)),
        )
    points = rounded(max(floor, full - each * missing))
    difference = f"{shown(value)} − {shown(target)}" if method.lower_is_better else f"{shown(target)} − {shown(value)}"
    return Mark(
        points,
        Text(
            "max({floor};{full} − {each} × ({difference})) = {points}",
            "max({floor}; {full} − {each} × ({difference})) = {points}",
        ).fill(floor=shown(floor), full=shown(full), each=shown(each), difference=difference, points=shown(points)),
    )


def _tier(method: Method, full: Decimal, value: Decimal) -> Mark:
    steps = sorted(method.steps) if method.lower_is_better else method.steps
    for limit, points in steps:
        if (value <= limit) if method.lower_is_better else (value >= limit):
            sign = "≤" if method.lower_is_better else "≥"
            return Mark(
                rounded(points),
                Text("{value} {sign} {limit}，得 {points}", "{value} {sign} {limit}: {points}").fill(
                    value=shown(value), sign=sign, limit=shown(limit), points=shown(points)
                ),
            )
    return Mark(
        Decimal("0.00"),
        Text("{value} 未达到任何一档，得 0", "{value} reaches no step: 0").fill(value=shown(value)),
    )


def _deduct(method: Method, full: Decimal, value: Decimal) -> Mark:
    each = method.amounts["points"]
    cap = method.amounts.get("cap")
    taken = each * value if cap is None else min(each * value, cap)
    points = rounded(full - taken if full == 0 else max(Decimal(0), full - taken))
    limit = Text("", "") if cap is None else Text("，最多扣 {cap}", ", at most {cap}").fill(cap=shown(cap))
    return Mark(
        points,
        Text(
            "{full} − {each} × {value} 次{limit} = {points}", "{full} − {each} × {value} times{limit} = {points}"
        ).fill(full=shown(full), each=shown(each), value=shown(value), limit=limit, points=shown(points)),
    )


def _bonus(method: Method, full: Decimal, value: Decimal) -> Mark:
    each, cap = method.amounts["points"], method.amounts["cap"]
    points = rounded(min(each * value, cap))
    return Mark(
        points,
        Text("{each} × {value} 次，最多加 {cap} = {points}", "{each} × {value} times, at most {cap} = {points}").fill(
            each=shown(each), value=shown(value), cap=shown(cap), points=shown(points)
        ),
    )


def _manual(method: Method, full: Decimal, value: Decimal) -> Mark:
    points = rounded(min(full, max(Decimal(0), value)))
    return Mark(
        points,
        Text("产改办评定 {points}（满分 {full}）", "marked by the office: {points} of {full}").fill(
            points=shown(points), full=shown(full)
        ),
    )


def _veto(method: Method, full: Decimal, value: Decimal) -> Mark:
    if value == 0:
        return Mark(Decimal("0.00"), Text("未触发一票否决", "no veto"))
    if method.effect == "zero":
        return Mark(Decimal("0.00"), Text("触发一票否决，总分计 0", "vetoed: the whole score is 0"))
    name = GRADE_NAMES[method.cap_grade or "fail"]
    return Mark(
        Decimal("0.00"),
        Text("触发一票否决，等次不高于{name}", "vetoed: the grade is at most {name}").fill(name=name),
    )


_RULES: dict[str, Callable[[Method, Decimal, Decimal], Mark]] = {
    "linear_threshold": _linear,
    "tier": _tier,
    "deduct_each": _deduct,
    "bonus_each": _bonus,
    "manual": _manual,
    "veto": _veto,
}
