"""Reads the text of an XForms expression into a tree; knows nothing of forms or answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from core.problems import Fault, Invalid
from core.texts import Text

MAX_LENGTH = 10_000
MAX_DEPTH = 120  # a tree deeper than this could exhaust the stack when it is compiled or run


class BadExpression(Invalid):
    """An expression that cannot be understood; ``position`` counts characters from 0."""

    kind = "bad-expression"
    title = Text("表达式有误", "The expression is wrong")

    def __init__(self, position: int, code: str, detail: Text) -> None:
        super().__init__(detail, errors=[Fault("", code, detail)], position=position)
        self.position = position
        self.code = code


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression. ``kind`` says how to read the rest:

    ``number`` and ``string`` (value), ``reference`` (the name in ``${}``), ``call`` (function name, arguments),
    ``operator`` (its sign, operands), ``negate`` (one operand), ``path`` (value: steps ``.``, ``..`` and names, the first is
    ``/`` when absolute; parts: the call it starts from, if any), ``filter`` (parts: what is filtered, the predicate).
    """

    kind: str
    value: str
    position: int
    parts: tuple[Node, ...] = ()
    depth: int = 1


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>\d+(?:\.\d+)?|\.\d+)
    |(?P<string>'[^']*'|"[^"]*")
    |(?P<reference>\$\{[^}]*\})
    |(?P<name>[^\W\d][\w.\-]*(?::[^\W\d][\w.\-]*)?)
    |(?P<sign><=|>=|!=|\.\.|[()\[\],=<>+\-*/|.@])""",
    re.VERBOSE,
)

_BINDING = {
    "or": 1, "and": 2, "=": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4,
    "+": 5, "-": 5, "*": 6, "div": 6, "mod": 6, "|": 8,
}  # fmt: skip
_CHAINS = frozenset({"or", "and"})
_NEGATE_BINDING = 7


def parse(source: str) -> Node:
    """The tree of an expression. Raises :class:`BadExpression` with the position of what is wrong."""
    if len(source) > MAX_LENGTH:
        raise BadExpression(MAX_LENGTH, "expression-too-long", Text("表达式过长", "The expression is too long"))
    parser = _Parser(_tokens(source), len(source))
    tree = parser.expression(0, 0)
    parser.expect_end()
    return tree


def _tokens(source: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            sign = source[position]
            raise BadExpression(
                position,
                "expression-character",
                Text(
                    "无法识别的字符“{sign}”(引号是否成对?)", "“{sign}” is not understood (are the quotes paired?)"
                ).fill(sign=sign),
            )
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, match.group(), position))
        position = match.end()
    return tokens


class _Parser:
    """A Pratt parser: each operator binds as strongly as XPath 1.0 says."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self.tokens = [*tokens, _Token("end", "", end)]
        self.index = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.token
        self.index += 1
        return token

    def accept(self, sign: str) -> bool:
        if self.token.kind == "sign" and self.token.text == sign:
            self.index += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            self.fail(Text("此处应为“{sign}”", "“{sign}” is expected here").fill(sign=sign))

    def expect_end(self) -> None:
        if self.token.kind != "end":
            self.fail(Text("“{text}”出现在不该出现的位置", "“{text}” does not belong here").fill(text=self.token.text))

    def fail(self, detail: Text) -> None:
        raise BadExpression(self.token.position, "expression-syntax", detail)

    def node(self, kind: str, value: str, position: int, parts: tuple[Node, ...] = ()) -> Node:
        depth = 1 + max((part.depth for part in parts), default=0)
        if depth > MAX_DEPTH:
            raise BadExpression(
                position, "expression-too-deep", Text("表达式嵌套过深", "The expression is nested too deeply")
            )
        return Node(kind, value, position, parts, depth)

    def expression(self, binding: int, nesting: int) -> Node:
        if nesting > MAX_DEPTH:
            self.fail(Text("表达式嵌套过深", "The expression is nested too deeply"))
        if self.token.text == "-" and self.token.kind == "sign":
            minus = self.take()
            left = self.node("negate", "-", minus.position, (self.expression(_NEGATE_BINDING, nesting + 1),))
        else:
            left = self.operand(nesting)
        while (power := self._operator_binding()) > binding:
            operator = self.take()
            parts: tuple[Node, ...] = (left, self.expression(power, nesting + 1))
            if operator.text in _CHAINS and left.kind == "operator" and left.value == operator.text:
                parts = (*left.parts, parts[1])  # a long chain stays one level deep
            left = self.node("operator", operator.text, operator.position, parts)
        return left

    def _operator_binding(self) -> int:
        return _BINDING.get(self.token.text, -1) if self.token.kind in ("sign", "name") else -1

    def operand(self, nesting: int) -> Node:
        token = self.token
        if token.kind == "number":
            self.take()
            return self.node("number", token.text, token.position)
        if token.kind == "string":
            self.take()
            return self.node("string", token.text[1:-1], token.position)
        if token.kind == "reference":
            self.take()
            return self.filters(self.node("reference", token.text[2:-1].strip(), token.position), nesting)
        if self.accept("("):
            inner = self.expression(0, nesting + 1)
            self.expect(")")
            return self.filters(inner, nesting)
        if token.kind == "name" and self.tokens[self.index + 1].text == "(":
            return self.filters(self.call(nesting), nesting)
        if token.kind == "name" or token.text in (".", "..", "/"):
            return self.filters(self.path(), nesting)
        if token.kind == "end":
            self.fail(Text("表达式不完整", "The expression ends too early"))
        self.fail(Text("“{text}”出现在不该出现的位置", "“{text}” does not belong here").fill(text=token.text))
        raise AssertionError

    def call(self, nesting: int) -> Node:
        name = self.take()
        self.expect("(")
        arguments: list[Node] = []
        if not self.accept(")"):
            arguments.append(self.expression(0, nesting + 1))
            while self.accept(","):
                arguments.append(self.expression(0, nesting + 1))
            self.expect(")")
        return self.node("call", name.text, name.position, tuple(arguments))

    def path(self, start: Node | None = None) -> Node:
        position = self.token.position
        steps: list[str] = []
        if start is None and self.accept("/"):
            steps.append("/")
        while True:
            step = self.token
            if step.kind != "name" and step.text not in (".", ".."):
                self.fail(Text("路径不完整", "The path is incomplete"))
            steps.append(self.take().text)
            if not self.accept("/"):
                break
        return self.node("path", "\n".join(steps), position, (start,) if start else ())

    def filters(self, node: Node, nesting: int) -> Node:
        """Whatever follows an operand: ``[predicate]`` and further ``/steps``."""
        while True:
            if self.token.text == "[" and self.token.kind == "sign":
                bracket = self.take()
                predicate = self.expression(0, nesting + 1)
                self.expect("]")
                node = self.node("filter", "", bracket.position, (node, predicate))
            elif self.token.text == "/" and self.token.kind == "sign":
                self.take()
                node = self.path(node)
            else:
                return node
