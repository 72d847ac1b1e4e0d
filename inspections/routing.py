"""Which department an issue goes to, and why. Pure.

A rule applies when its category, its place and its condition all fit. Among the rules that apply the one with the most
conditions wins, and among equals the one with the lowest priority number. The winner names the lead and, if it says so,
the deadline class; whoever any applicable rule adds assists too, because each of them was written for such a case.

A condition reads ``field operator value``, several joined by ``and``:
``workers_affected >= 10 and industry = construction``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from core.problems import Fault, Invalid
from core.texts import Text

ANY = "*"
DEFAULT_LEAD = "(category default)"
TOWN = "TOWN"
OFFICE = "OFFICE"

FIELDS: Mapping[str, type] = {
    "severity": str,
    "workers_affected": int,
    "immediate_danger": bool,
    "special_equipment": bool,
    "confidential": bool,
    "external_channel": str,
    "dimension": str,
    "industry": str,
    "ownership": str,
    "size": str,
    "employees": int,
    "pilot_tier": str,
    "designation_level": str,
    "park": str,
    "region": str,
}
"""What a condition may ask of an issue and its enterprise, and of which type the answer is."""

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
_ORDERED = {">", ">=", "<", "<="}
_COMPARISON = re.compile(r"\s*(\w+)\s*(>=|<=|!=|=|>|<|\bin\b)\s*(.+?)\s*", re.ASCII)
_WORD = re.compile(r"[^\s()=<>!,'\"]+")
_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One ``field operator value``; ``value`` is a tuple for ``in``."""

    field: str
    operator: str
    value: Any

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether the facts say so; what is not known fulfils no comparison."""
        known = facts.get(self.field)
        if known is None:
            return False
        if self.operator == "in":
            return known in self.value
        return _OPERATORS[self.operator](known, self.value)

    def __str__(self) -> str:
        return f"{self.field} {self.operator} {_written(self.value)}"


@dataclass(frozen=True)
class Rule:
    """One row of the office's routing table; an empty string or ``*`` asks nothing."""

    priority: int
    category: str = ANY
    place: str = ""
    when: str = ""
    lead: str = DEFAULT_LEAD
    add_assists: tuple[str, ...] = ()
    deadline_class: str = ""
    why: str = ""
    id: str = ""

    @cached_property
    def condition(self) -> tuple[Comparison, ...]:
        return parse(self.when)

    @cached_property
    def conditions(self) -> int:
        """How specific the rule is: the number of things it asks."""
        return len(self.condition) + (self.category not in ("", ANY)) + bool(self.place)

    @property
    def name(self) -> str:
        """What the office calls it: its number, category and condition."""
        parts = [str(self.priority), self.category or ANY, *filter(None, [self.place, self.when])]
        return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class Case:
    """What routing looks at: the issue's category with its defaults, the places it lies in, and further facts."""

    category: str
    default_lead: str
    default_assists: tuple[str, ...]
    default_class: str
    places: tuple[str, ...] = ()
    town: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Where a case goes. ``rule`` is None when no rule applied: the case waits for the office."""

    rule: Rule | None
    lead: str | None
    assists: tuple[str, ...]
    deadline_class: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a preview says of one rule: whether it applied, whether it won, and why."""

    rule: Rule
    applies: bool
    wins: bool
    why: Text


@lru_cache(maxsize=4096)
def parse(when: str) -> tuple[Comparison, ...]:
    """The comparisons of a condition. Raises Invalid with a fault at ``/when`` for each that is not understood."""
    if not when.strip():
        return ()
    found: list[Comparison] = []
    faults: list[Fault] = []
    for part in re.split(r"\s+and\s+", when.strip()):
        try:
            found.append(_comparison(part))
        except Invalid as problem:
            faults += problem.errors
    if faults:
        raise Invalid(faults[0].detail, errors=faults)
    return tuple(found)


def check(
    rule: Rule,
    *,
    departments: Iterable[str],
    categories: Iterable[str],
    classes: Iterable[str],
    places: Collection[str] | None = None,
) -> list[Fault]:
    """Everything that is wrong with a rule an editor wrote, field by field. ``places`` None: any place will do."""
    known = {*departments, TOWN, OFFICE}
    faults: list[Fault] = []
    try:
        parse(rule.when)
    except Invalid as problem:
        faults += problem.errors
    if rule.category not in ("", ANY) and rule.category not in set(categories):
        faults.append(_unknown("/category", rule.category))
    if rule.place and places is not None and rule.place not in places:
        faults.append(_unknown("/place", rule.place))
    if rule.lead != DEFAULT_LEAD and rule.lead not in known:
        faults.append(_unknown("/lead", rule.lead))
    faults += [_unknown(f"/add_assists/{at}", code) for at, code in enumerate(rule.add_assists) if code not in known]
    if rule.deadline_class and rule.deadline_class not in set(classes):
        faults.append(_unknown("/deadline_class", rule.deadline_class))
    return faults


def decide(rules: Sequence[Rule], case: Case) -> Decision:
    """The one lead, everyone who assists, and the rule that decided."""
    applicable = [rule for rule in rules if _misfit(rule, case) is None]
    if not applicable:
        return Decision(
            None,
            None,
            (),
            case.default_class,
            Text("没有规则适用,进入产改办研判队列", "No rule applies; it waits in the office's queue"),
        )
    winner = min(applicable, key=_rank)
    lead = _resolve(case.default_lead if winner.lead == DEFAULT_LEAD else winner.lead, case)
    named = [*case.default_assists, *(code for rule in sorted(applicable, key=_rank) for code in rule.add_assists)]
    assists = tuple(code for code in dict.fromkeys(_resolve(code, case) for code in named) if code != lead)
    reason = Text("规则 {rule}:{why}", "Rule {rule}: {why}").fill(rule=winner.name, why=winner.why or winner.name)
    return Decision(winner, lead, assists, winner.deadline_class or case.default_class, reason)


def explain(rules: Sequence[Rule], case: Case) -> list[Verdict]:
    """Every rule, in the order in which they compete, with the reason it won, lost or did not apply."""
    winner = decide(rules, case).rule
    verdicts = []
    for rule in sorted(rules, key=_rank):
        misfit = _misfit(rule, case)
        if misfit is not None:
            verdicts.append(Verdict(rule, False, False, misfit))
        elif rule is winner:
            verdicts.append(
                Verdict(rule, True, True, Text("适用规则中最具体的一条", "The most specific rule that applies"))
            )
        else:
            verdicts.append(Verdict(rule, True, False, _outranked(rule, winner)))
    return verdicts


def _rank(rule: Rule) -> tuple[int, int]:
    return -rule.conditions, rule.priority


def _misfit(rule: Rule, case: Case) -> Text | None:
    """Why a rule does not apply, or None."""
    if rule.category not in ("", ANY, case.category):
        return Text("适用于类别 {wanted},此件为 {found}", "It is for category {wanted}; this one is {found}").fill(
            wanted=rule.category, found=case.category
        )
    if rule.place and rule.place not in case.places:
        return Text("适用于地点 {wanted}", "It is for the place {wanted}").fill(wanted=rule.place)
    for comparison in rule.condition:
        if not comparison.holds(case.facts):
            return Text("条件 {wanted} 不成立(实际:{found})", "{wanted} does not hold (it is {found})").fill(
                wanted=comparison, found=_written(case.facts.get(comparison.field))
            )
    return None


def _outranked(rule: Rule, winner: Rule | None) -> Text:
    if winner is not None and winner.conditions > rule.conditions:
        return Text("不如规则 {winner} 具体", "Rule {winner} is more specific").fill(winner=winner.name)
    return Text("与规则 {winner} 同样具体,但序号靠后", "Rule {winner} is as specific and comes first").fill(
        winner=winner.name if winner else ""
    )


def _resolve(code: str, case: Case) -> str:
    """``TOWN`` is the town of the enterprise; where it has none the office looks after it."""
    return (case.town or OFFICE) if code == TOWN else code


def _comparison(text: str) -> Comparison:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise _fault("not-understood", Text("看不懂条件“{text}”", "“{text}” is not understood"), text=text)
    name, sign, written = match.groups()
    kind = FIELDS.get(name)
    if kind is None:
        raise _fault("unknown-field", Text("没有字段 {name}", "There is no field {name}"), name=name)
    if sign == "in":
        if not (written.startswith("(") and written.endswith(")")):
            raise _fault("not-a-list", Text("in 之后应为括号内的列表", "A list in brackets follows “in”"))
        return Comparison(name, sign, tuple(_value(kind, part.strip()) for part in written[1:-1].split(",")))
    if sign in _ORDERED and kind is not int:
        raise _fault("not-ordered", Text("字段 {name} 不能比较大小", "{name} has no order to compare by"), name=name)
    return Comparison(name, sign, _value(kind, written))


def _value(kind: type, written: str) -> Any:
    if kind is bool and written in _BOOLEANS:
        return _BOOLEANS[written]
    if kind is int and _NUMBER.fullmatch(written):
        return int(written)
    if kind is str and _WORD.fullmatch(written):
        return written
    wanted = {bool: Text("true 或 false", "true or false"), int: Text("整数", "a whole number")}
    raise _fault(
        "wrong-value",
        Text("“{written}”应为{wanted}", "“{written}” should be {wanted}"),
        written=written,
        wanted=wanted.get(kind, Text("一个词", "one word")),
    )


def _written(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return str(value).lower()
    return f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(value)


def _fault(code: str, detail: Text, **values: Any) -> Invalid:
    return Invalid.at("/when", code, detail.fill(**values))


def _unknown(pointer: str, code: str) -> Fault:
    return Fault(pointer, "unknown", Text("没有“{code}”", "There is no “{code}”").fill(code=code))
