"""Compiles the expressions of a form into functions over plain answers.

``compile_expression("${members} <= ${employees}", names)`` gives an :class:`Expression` whose ``run`` takes the
:class:`Scope` of an answer being judged. Everything that can be known about an expression without an answer (that it is
well formed, that its functions and questions exist, what it depends on) is settled here, so that running it is only calls.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.texts import Text
from surveys.functions import FUNCTIONS, NotEvaluable, chosen, matches
from surveys.grammar import BadExpression, Node, parse
from surveys.operators import OPERATORS, Row, Run, Scope, apply, chain, external_label, first_held, gather
from surveys.patterns import BadPattern, pattern
from surveys.values import number, text, truth


@dataclass(frozen=True, slots=True)
class Place:
    """Where a name stands in its form: ``kind`` is question, group or repeat; ``repeats`` are the repeats around it,
    outermost first; ``path`` all groups and repeats around it."""

    name: str
    kind: str
    repeats: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    type: str = ""
    list: str | None = None
    external: str | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in an expression mean: the form's places, the place it stands at, and its choice lists.

    ``columns``, within a choice filter, are the columns of the choices. ``external`` are the lists a form does not hold, with
    the columns of their choices; ``whole`` are those of them that, where they are held, are held whole.
    """

    places: Mapping[str, Place]
    here: Place | None = None
    columns: frozenset[str] | None = None
    lists: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    external: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression: ``references`` are the names it depends on, ``volatile`` says that it differs at each run."""

    source: str
    run: Run
    references: frozenset[str]
    volatile: bool


def compile_expression(source: str, names: Names) -> Expression:
    """Compile an expression. Raises :class:`surveys.grammar.BadExpression` naming the position and what is wrong there."""
    compiler = _Compiler(names)
    run = compiler.build(parse(source))
    return Expression(source, run, frozenset(compiler.references), compiler.volatile)


def _refuse(node: Node, code: str, detail: Text) -> BadExpression:
    return BadExpression(node.position, code, detail)


def _cannot(_: Scope) -> Any:
    raise NotEvaluable


_UNKNOWABLE = {"pulldata": (2, 10), "property": (1, 1), "version": (0, 0), "jr:itext": (1, 1), "extract-signed": (2, 2),
               "intersects": (1, 1), "instance": (1, 1)}  # fmt: skip
_VOLATILE = {"random": (0, 0), "uuid": (0, 1), "randomize": (1, 2), "once": (1, 1)}
_BUILT = {"if": (3, 3), "coalesce": (2, 2), "today": (0, 0), "now": (0, 0), "current": (0, 0), "last": (1, 1),
          "position": (0, 1), "indexed-repeat": (3, 7), "jr:choice-name": (2, 2)}  # fmt: skip
ARITIES = {name: (entry.least, entry.most) for name, entry in FUNCTIONS.items()} | _UNKNOWABLE | _VOLATILE | _BUILT


class _Compiler:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.references: set[str] = set()
        self.volatile = False
        self.context = names.here.repeats if names.here else ()

    def build(self, node: Node) -> Run:
        if node.kind == "number":
            figure = float(node.value)
            constant: Any = int(figure) if figure.is_integer() else figure
            return lambda s: constant
        if node.kind == "string":
            sentence = node.value
            return lambda s: sentence
        if node.kind == "negate":
            inner = self.build(node.parts[0])
            return lambda s: -number(inner(s))
        build: Callable[[Node], Run] = getattr(self, f"build_{node.kind}")
        return build(node)

    # names

    def build_reference(self, node: Node) -> Run:
        name = node.value
        if name.startswith("last-saved#"):
            self.place(node, name.removeprefix("last-saved#").strip())
            return _cannot
        return self.value_of(self.place(node, name))

    def place(self, node: Node, name: str) -> Place:
        place = self.names.places.get(name)
        if place is None:
            raise _refuse(
                node,
                "unknown-question",
                Text("表中没有名为“{name}”的问题", "The form has no question called “{name}”").fill(name=name),
            )
        return place

    def value_of(self, place: Place) -> Run:
        """Reads a question: one value when its repeats surround us, else the list of its values in all rows."""
        name = place.name
        self.references.add(name)
        if place.kind == "group":
            return lambda s: ""
        depth = 0
        for mine, theirs in zip(self.context, place.repeats, strict=False):
            if mine != theirs:
                break
            depth += 1
        below = place.repeats[depth:]
        if below:
            return lambda s: gather(s.rows[depth], below, name)
        if place.kind == "repeat":
            return lambda s: [""] * len(s.rows[depth][name])
        if depth == 0:
            return lambda s: s.root[name]
        if depth == len(self.context):
            return lambda s: s.row[name]
        return lambda s: s.rows[depth][name]

    def build_path(self, node: Node) -> Run:
        items = self.items_of(node)
        if items is not None:
            return items
        place = self.find(node)
        if isinstance(place, str):
            column = place
            return lambda s: s.item.get(column, "")
        return self.value_of(place)

    def find(self, node: Node) -> Place | str:
        """The place a path leads to, or the name of a choice's column."""
        steps = node.value.split("\n")
        start = node.parts[0] if node.parts else None
        if start is not None and (start.kind, start.value) != ("call", "current"):
            raise _refuse(node, "unsupported-path", Text("不支持这种路径", "Such a path is not supported"))
        if start is None and self.names.columns is not None and steps[0] not in ("/", ".", ".."):
            return self.column(node, steps)
        here = self.names.here
        if steps[0] == "/":
            trail, steps = [], steps[2:]  # the first name is the form's own
        elif here is None:
            raise _refuse(
                node, "unsupported-path", Text("此处没有可参照的问题", "There is no question here to start from")
            )
        else:
            trail = [*here.path, here.name]
        for step in steps:
            if step == "..":
                if not trail:
                    raise _refuse(node, "unsupported-path", Text("路径超出了表单", "The path leaves the form"))
                trail.pop()
            elif step != ".":
                trail.append(step)
        if not trail:
            raise _refuse(node, "unsupported-path", Text("路径没有指向问题", "The path leads to no question"))
        place = self.place(node, trail[-1])
        if [*place.path, place.name] != trail:
            raise _refuse(
                node,
                "unknown-question",
                Text("路径上没有名为“{name}”的问题", "There is no question called “{name}” at this path").fill(
                    name=trail[-1]
                ),
            )
        return place

    def column(self, node: Node, steps: list[str]) -> str:
        columns = self.names.columns or frozenset()
        if len(steps) != 1 or steps[0] not in columns:
            raise _refuse(
                node,
                "unknown-column",
                Text("选项没有名为“{name}”的列", "The choices have no column called “{name}”").fill(
                    name="/".join(steps)
                ),
            )
        return steps[0]

    def items_of(self, node: Node) -> Run | None:
        """``instance('list')/root/item[predicate]/column``: the column of the first choice that fulfils the predicate."""
        if not node.parts or node.parts[0].kind not in ("filter", "path"):
            return None
        filtered = node.parts[0]
        start = filtered.parts[0] if filtered.kind == "filter" and filtered.parts[0].kind == "path" else None
        call = start.parts[0] if start is not None and start.value == "root\nitem" and start.parts else None
        if call is None or call.value != "instance" or len(call.parts) != 1 or call.parts[0].kind != "string":
            raise _refuse(node, "unsupported-path", Text("不支持这种路径", "Such a path is not supported"))
        name, column = call.parts[0].value, node.value
        items = self.names.lists.get(name)
        if items is None and name not in self.names.external:
            raise _refuse(
                call,
                "unknown-list",
                Text("没有名为“{name}”的选项表", "There is no choice list “{name}”").fill(name=name),
            )
        columns = self.names.external[name] if items is None else frozenset(key for item in items for key in item)
        inner = _Compiler(replace(self.names, columns=columns | {"name", "label"}))
        predicate = filtered.parts[1]
        holds = inner.build(predicate)
        wanted = _named(predicate, inner)
        self.references |= inner.references
        find = first_held(items, holds, wanted) if items is not None else self.first_external(name, holds, wanted)
        return lambda s: found.get(column, "") if (found := find(s)) else ""

    def first_external(self, name: str, holds: Run, wanted: Run | None) -> Callable[[Scope], Any]:
        """The first choice of an external list that fulfils a condition; of a list held in part only what is asked for by name."""
        whole = name in self.names.whole

        def find(s: Scope) -> Any:
            items = s.lists.get(name)
            if items is None:
                raise NotEvaluable
            if whole:
                return first_held(tuple(items.values()), holds, None)(s)
            if wanted is None:
                raise NotEvaluable
            code = text(wanted(s))
            if code and code not in items:
                raise NotEvaluable
            return items.get(code)

        return find

    def build_filter(self, node: Node) -> Run:
        raise _refuse(
            node,
            "unsupported-path",
            Text("只有 instance() 的选项可以筛选", "Only the items of instance() can be filtered"),
        )

    # operators

    def build_operator(self, node: Node) -> Run:
        sign = node.value
        if sign == "|":
            raise _refuse(node, "unsupported-operator", Text("不支持运算符“|”", "The operator “|” is not supported"))
        runs = [self.build(part) for part in node.parts]
        if sign in ("and", "or"):
            return chain(sign, runs)
        return OPERATORS[sign](runs[0], runs[1])

    # functions

    def build_call(self, node: Node) -> Run:
        name = node.value
        if name not in ARITIES:
            raise _refuse(
                node,
                "unknown-function",
                Text("没有名为“{name}”的函数", "There is no function called “{name}”").fill(name=name),
            )
        least, most = ARITIES[name]
        if not least <= len(node.parts) <= most:
            raise _refuse(
                node,
                "wrong-arguments",
                Text(
                    "函数 {name} 的参数个数不对(给了 {count} 个)",
                    "{name} was given {count} arguments, which does not fit",
                ).fill(name=name, count=len(node.parts)),
            )
        special = getattr(self, "call_" + name.replace("-", "_").replace(":", "_"), None)
        if special is not None:
            built: Run = special(node)
            return built
        arguments = [self.build(part) for part in node.parts]
        if name in _UNKNOWABLE:
            return _cannot
        if name in _VOLATILE:
            self.volatile = True
            return arguments[0] if name == "once" else _cannot
        return apply(FUNCTIONS[name].run, arguments)

    def call_if(self, node: Node) -> Run:
        condition, then, otherwise = (self.build(part) for part in node.parts)

        def choose(s: Scope) -> Any:
            held = condition(s)
            return then(s) if held is True or (held is not False and truth(held)) else otherwise(s)

        return choose

    def call_coalesce(self, node: Node) -> Run:
        first, second = (self.build(part) for part in node.parts)

        def coalesce(s: Scope) -> Any:
            value = first(s)
            return second(s) if text(value) == "" else value

        return coalesce

    def call_today(self, _: Node) -> Run:
        return lambda s: s.today

    def call_now(self, _: Node) -> Run:
        self.volatile = True
        return lambda s: s.now

    def call_current(self, node: Node) -> Run:
        raise _refuse(node, "unsupported-path", Text("current() 后应接路径", "current() must be followed by a path"))

    def call_selected(self, node: Node) -> Run:
        value, code = (self.build(part) for part in node.parts)
        if node.parts[1].kind != "string":
            return lambda s: chosen(value(s), code(s))
        wanted = node.parts[1].value

        def selected(s: Scope) -> bool:
            answer = value(s)
            return wanted in answer if answer.__class__ is tuple else wanted in text(answer).split()

        return selected

    def call_regex(self, node: Node) -> Run:
        value, source = (self.build(part) for part in node.parts)
        if node.parts[1].kind == "string":
            try:
                pattern(node.parts[1].value)
            except BadPattern as error:
                raise _refuse(node.parts[1], "bad-pattern", error.why) from error
        return lambda s: matches(value(s), source(s))

    def call_position(self, node: Node) -> Run:
        """``position()`` and ``position(..)``: the row's place among its repeat's rows, from 1."""
        depth = len(self.context)
        if node.parts:
            if node.parts[0].kind != "path":
                raise _refuse(node, "wrong-arguments", Text("position 的参数应为路径", "position takes a path"))
            place = self.find(node.parts[0])
            if not isinstance(place, Place):
                raise _refuse(node, "wrong-arguments", Text("position 的参数应为路径", "position takes a path"))
            depth = len(place.repeats) + (place.kind == "repeat")
        if not 0 < depth <= len(self.context):
            raise _refuse(
                node, "outside-repeat", Text("position 只能用在重复组内", "position works only within a repeat")
            )
        return lambda s: s.places[depth]

    def call_last(self, node: Node) -> Run:
        inner = self.build(node.parts[0])

        def last(s: Scope) -> Any:
            value = inner(s)
            return len(value) if isinstance(value, list) else 1

        return last

    def call_indexed_repeat(self, node: Node) -> Run:
        """``indexed-repeat(question, repeat, index, …)``: one row's value; '' beyond the rows."""
        if len(node.parts) % 2 == 0:
            raise _refuse(node, "wrong-arguments", Text("indexed-repeat 的参数应成对", "indexed-repeat takes pairs"))
        target = self.target(node.parts[0], "question")
        repeats = [self.target(part, "repeat") for part in node.parts[1::2]]
        indexes = [self.build(part) for part in node.parts[2::2]]
        if tuple(repeat.name for repeat in repeats) != target.repeats:
            raise _refuse(
                node, "outside-repeat", Text("问题不在所给的重复组内", "The question is not in the repeat given")
            )
        self.references.update(repeat.name for repeat in repeats)
        if self.names.here is None or target.name != self.names.here.name:  # an earlier row of itself is no circle
            self.references.add(target.name)
        names, name = target.repeats, target.name

        def indexed(s: Scope) -> Any:
            row = s.root
            for repeat, index in zip(names, indexes, strict=True):
                at, rows = number(index(s)), row[repeat]
                if not 1 <= at <= len(rows):
                    return ""
                row = rows[int(at) - 1]
            return row[name]

        return indexed

    def target(self, node: Node, kind: str) -> Place:
        place = (
            self.place(node, node.value) if node.kind == "reference" else self.find(node) if node.kind == "path" else ""
        )
        if not isinstance(place, Place) or place.kind != kind:
            raise _refuse(node, "wrong-arguments", Text("indexed-repeat 的参数不对", "indexed-repeat cannot take this"))
        return place

    def call_jr_choice_name(self, node: Node) -> Run:
        """``jr:choice-name(value, '${question}')``: the label in the form's first language, '' if it has no such choice."""
        value = self.build(node.parts[0])
        quoted = node.parts[1]
        if quoted.kind != "string" or not re.fullmatch(r"\s*\$\{[^}]+\}\s*", quoted.value):
            raise _refuse(quoted, "wrong-arguments", Text("应写成 '${问题}'", "Write '${question}' here"))
        place = self.place(quoted, quoted.value.strip()[2:-1].strip())
        if place.external is not None:
            return external_label(place.external, value, whole=place.external in self.names.whole)
        items = self.names.lists.get(place.list or "")
        if items is None:
            return _cannot
        labels = {str(item["name"]): text(item.get("label", "")) for item in items}
        return lambda s: ", ".join(labels.get(code, "") for code in text(value(s)).split())


def _named(predicate: Node, inner: _Compiler) -> Run | None:
    """What the choice's name is asked to be, where that is all a condition says and it does not speak of the choice itself."""
    if predicate.kind != "operator" or predicate.value != "=":
        return None
    one, other = predicate.parts
    if other.kind == "path" and other.value == "name" and not other.parts:
        one, other = other, one
    if one.kind != "path" or one.value != "name" or one.parts or other.kind not in ("reference", "string"):
        return None
    return inner.build(other)


__all__ = ["Expression", "Names", "Place", "Row", "Run", "Scope", "compile_expression"]
