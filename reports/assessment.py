"""From figures to scores, ranks and grades by a scheme that the office owns; every sum is told in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from core.problems import Fault, Invalid
from core.texts import Text
from reports.arithmetic import GRADE_NAMES, grade, ranks, rounded, shown
from reports.figures import Figure
from reports.indicators import GROUPS, INDICATORS
from reports.scoring import NO_DATA, Mark, Method, mark, read_amount, read_method

ADJUSTING = ("bonus_each", "deduct_each")
ENTERED = ("manual", "veto", "bonus_each", "deduct_each")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a scheme. ``indicator`` None: the office enters the value (marks, occasions) with evidence."""

    code: str
    title: Text
    indicator: str | None
    full: Decimal
    weight: Decimal
    method: Method
    no_data: str

    @property
    def core(self) -> bool:
        """Whether its full mark is part of the hundred; bonuses, deductions from nothing and vetoes are not."""
        return self.full > 0 and self.method.kind not in ("bonus_each", "veto")

    @property
    def worth(self) -> Decimal:
        return self.full * self.weight


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is assessed, how, over which groups. ``rank_small`` ranks units in spite of denominators under five."""

    group_by: str
    items: tuple[Item, ...]
    rank_small: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """What the office entered for a unit and an item: occasions or a mark, why, and the ids that prove it."""

    value: Decimal
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A department, town or member to be assessed."""

    code: str
    name: str
    figures: Mapping[str, Figure]
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """One item of one unit: the figure or entries it rests on and what it earned."""

    item: Item
    figure: Figure | None
    entries: Sequence[Entry]
    mark: Mark
    status: str
    """``scored``, ``no_data``, ``full_marks`` (given for want of data) or ``left_out``."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """A unit's items, its total and its place. ``rank`` None: left out of the ranking, ``flags`` say why."""

    unit: Unit
    items: tuple[Scored, ...]
    total: Decimal | None
    sentence: Text
    grade: str | None
    rank: int | None
    flags: tuple[str, ...]


def read_scheme(document: Any) -> Scheme:
    """The scheme that a document declares. Raises Invalid naming everything that is wrong with it."""
    if not isinstance(document, Mapping):
        raise Invalid.at("", "object", Text("方案应为对象", "A scheme is an object"))
    faults: list[Fault] = []
    if document.get("group_by") not in GROUPS:
        faults.append(Fault("/group_by", "unknown-group", Text("分组不存在", "There is no such grouping")))
    listed = document.get("items")
    items: list[Item] = []
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        faults.append(Fault("/items", "required", Text("方案至少一项", "A scheme has at least one item")))
        listed = ()
    for index, item in enumerate(listed):
        try:
            items.append(_read_item(item, f"/items/{index}"))
        except Invalid as refusal:
            faults += refusal.errors
    codes = [item.code for item in items]
    faults += [
        Fault(f"/items/{index}/code", "duplicate", Text("编号重复", "This code is used twice"))
        for index, code in enumerate(codes)
        if code in codes[:index]
    ]
    if items and not any(item.core for item in items):
        faults.append(Fault("/items", "no-core", Text("没有计分项", "Nothing in it carries a full mark")))
    if faults:
        raise Invalid(errors=faults)
    return Scheme(str(document["group_by"]), tuple(items), bool(document.get("rank_small", False)))


def full(scheme: Scheme) -> Decimal:
    """What a unit has that loses nothing: the full marks by their weights; a hundred, or not every grade can be reached."""
    return sum((item.worth for item in scheme.items if item.core), Decimal(0))


def _read_item(document: Any, pointer: str) -> Item:
    if not isinstance(document, Mapping):
        raise Invalid.at(pointer, "object", Text("应为对象", "An item is an object"))
    faults: list[Fault] = []
    code, title = document.get("code"), document.get("title")
    if not isinstance(code, str) or not code or len(code) > 60:
        faults.append(Fault(pointer + "/code", "required", Text("请给出编号", "A code is required")))
    if not isinstance(title, Mapping) or not all(isinstance(title.get(tongue), str) for tongue in ("zh", "en")):
        faults.append(
            Fault(pointer + "/title", "required", Text("请给出中英文名称", "A title in zh and en is required"))
        )
    full, weight = read_amount(document.get("full_mark", 0)), read_amount(document.get("weight", 1))
    if full is None:
        faults.append(Fault(pointer + "/full_mark", "number", Text("应为非负数字", "A number not below zero")))
    if weight is None or weight == 0:
        faults.append(Fault(pointer + "/weight", "number", Text("应为正数", "A number above zero")))
    indicator, no_data = document.get("indicator"), document.get("no_data", "renormalise")
    if indicator is not None and indicator not in INDICATORS:
        faults.append(
            Fault(pointer + "/indicator", "unknown-indicator", Text("没有这个指标", "There is no such indicator"))
        )
    if no_data not in NO_DATA:
        choices = Text("应为：{them}", "One of {them}").fill(them=", ".join(NO_DATA))
        faults.append(Fault(pointer + "/no_data", "choice", choices))
    method = None
    try:
        lower = indicator in INDICATORS and INDICATORS[indicator].lower_is_better
        method = read_method(
            document.get("method"), pointer=pointer + "/method", full=full or Decimal(0), lower_is_better=lower
        )
    except Invalid as refusal:
        faults += refusal.errors
    if method and indicator is None and method.kind not in ENTERED:
        faults.append(
            Fault(pointer + "/indicator", "required", Text("此方法需要指标", "This method needs an indicator"))
        )
    if faults or method is None or full is None or weight is None:
        raise Invalid(errors=faults)
    assert isinstance(title, Mapping)
    return Item(str(code), Text(title["zh"], title["en"]), indicator, full, weight, method, str(no_data))


def assess(scheme: Scheme, units: Sequence[Unit]) -> list[Assessed]:
    """Scores of all units, best first. Ties share a place (1, 1, 3); units left out come last, by code."""
    drafts = [_assess_one(scheme, unit) for unit in units]
    places = ranks({one.unit.code: None if one.flags and _unranked(one) else one.total for one in drafts})
    placed = [
        Assessed(one.unit, one.items, one.total, one.sentence, one.grade, places[one.unit.code], one.flags)
        for one in drafts
    ]
    return sorted(placed, key=lambda one: (one.rank is None, one.rank or 0, one.unit.code))


def _unranked(one: Assessed) -> bool:
    return bool({"too_small", "left_out"} & set(one.flags))


def _assess_one(scheme: Scheme, unit: Unit) -> Assessed:
    items = tuple(_score(item, unit) for item in scheme.items)
    flags: list[str] = []
    left_out = [one for one in items if one.status == "left_out"]
    if not scheme.rank_small and any(
        one.figure is not None and one.figure.too_small for one in items if one.item.core and one.status == "scored"
    ):
        flags.append("too_small")
    vetoes = [one for one in items if one.item.method.kind == "veto" and _value(one.item, one.figure, one.entries)]
    if vetoes:
        flags.append("veto")
    if left_out:
        return Assessed(
            unit, items, None, Text("因无数据不参加考核", "left out for want of data"), None, None, (*flags, "left_out")
        )
    total, sentence = _sum(items)
    if total is None:
        return Assessed(unit, items, None, sentence, None, None, (*flags, "left_out"))
    if any(one.item.method.effect == "zero" for one in vetoes):
        total = Decimal("0.00")
        sentence = Text("{sentence}；一票否决，计 0", "{sentence}; vetoed: 0").fill(sentence=sentence)
    caps = [one.item.method.cap_grade for one in vetoes if one.item.method.cap_grade]
    worst = max(caps, key=list(GRADE_NAMES).index, default=None)
    return Assessed(unit, items, total, sentence, grade(total, at_most=worst), None, tuple(flags))


def _score(item: Item, unit: Unit) -> Scored:
    entries = unit.entries.get(item.code, ())
    figure = unit.figures.get(item.indicator) if item.indicator else None
    value = _value(item, figure, entries)
    if value is not None:
        return Scored(item, figure, entries, mark(item.method, full=item.full, value=value), "scored")
    if item.no_data == "full_marks":
        words = Text("无数据，按满分 {full} 计", "no data: full mark {full}").fill(full=shown(item.full))
        return Scored(item, figure, entries, Mark(rounded(item.full), words), "full_marks")
    if item.no_data == "leave_out" and item.core:
        return Scored(item, figure, entries, Mark(None, Text("无数据，不参加考核", "no data: left out")), "left_out")
    return Scored(item, figure, entries, Mark(None, Text("无数据", "no data")), "no_data")


def _value(item: Item, figure: Figure | None, entries: Sequence[Entry]) -> Decimal | None:
    """What is scored: occasions for deductions and bonuses, the last mark entered for ``manual``, else the value."""
    if item.method.kind == "manual":
        return entries[-1].value if entries else None
    if item.method.kind in (*ADJUSTING, "veto"):
        occasions = sum((entry.value for entry in entries), Decimal(0))
        return occasions + (Decimal(figure.numerator) if figure else 0)
    return figure.value if figure else None


def _sum(items: Sequence[Scored]) -> tuple[Decimal | None, Text]:
    """The weighted sum, stretched over missing items, then bonuses and deductions; never below zero."""
    core = [one for one in items if one.item.core]
    having = [(one.item, one.mark.points) for one in core if one.mark.points is not None]
    if not having:
        return None, Text("无数据", "no data")
    earned = sum((points * item.weight for item, points in having), Decimal(0))
    worth, reached = sum(one.item.worth for one in core), sum(item.worth for item, _ in having)
    terms = " + ".join(
        shown(points) if item.weight == 1 else f"{shown(points)} × {shown(item.weight)}" for item, points in having
    )
    if reached != worth:
        terms = f"({terms}) × {shown(worth)} ÷ {shown(reached)}"
        earned = earned * worth / reached
    extra = Decimal(0)
    for one in items:
        if not one.item.core and one.item.method.kind in ADJUSTING and one.mark.points:
            change = one.mark.points * one.item.weight
            extra += change
            terms += f" {'+' if change > 0 else '−'} {shown(abs(change))}"
    total = rounded(earned + extra)
    if total < 0:
        total, terms = Decimal("0.00"), f"max(0; {terms})"
    return total, Text(f"{terms} = {shown(total)}", f"{terms} = {shown(total)}")
