"""The little language of a layout: blanks to fill, rows to repeat, parts to leave out, and nothing that computes.

A layout comes from outside, and a template language is a programming language: sandboxed it cannot reach the server's objects,
yet it could still count for hours or double a text until the memory is gone. So only what a bulletin needs is read.
"""

from __future__ import annotations

from typing import Any, Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

READ: Final = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Name, nodes.Getattr, nodes.Getitem,
    nodes.Const, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter,
)  # fmt: skip
FILTERS: Final = frozenset({"e", "escape", "upper", "lower", "trim", "length", "first", "last"})
DEEPEST: Final = 3
MOST: Final = 2_000
"""Nodes of one layout; the one that ships has some sixty."""


class Blanks(SandboxedEnvironment):
    """A sandbox without functions, that reads blanks, ``for``, ``if`` and comparisons."""

    def __init__(self) -> None:
        super().__init__(autoescape=True)
        self.globals.clear()
        self.filters = {name: made for name, made in self.filters.items() if name in FILTERS}

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        if sum(1 for _ in tree.find_all(nodes.Node)) > MOST:
            raise TemplateSyntaxError("too many tags", 1)
        _judge(tree, 0)
        return tree

    def is_safe_callable(self, obj: Any) -> bool:
        return False


def _judge(node: nodes.Node, depth: int) -> None:
    """Raise ``TemplateSyntaxError`` at the first thing that is not read here."""
    for inner in node.iter_child_nodes():
        if not isinstance(inner, READ):
            raise TemplateSyntaxError(f"a layout has no {type(inner).__name__.lower()}", inner.lineno)
        deeper = depth + isinstance(inner, nodes.For)
        if deeper > DEEPEST:
            raise TemplateSyntaxError(f"repeated within more than {DEEPEST} others", inner.lineno)
        _judge(inner, deeper)
