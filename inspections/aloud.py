"""The workflow table as a page for people. ``python -m inspections.aloud > docs/workflow.md`` prints it. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from inspections.guards import GUARDS
from inspections.workflow import STATE_NAMES, TABLE, WHO_NAMES, Field, Row, State

HEAD = """# The issue workflow 问题办理流程

Printed from `inspections/workflow.py` by `python -m inspections.aloud`; a test keeps it fresh.
An action is asked for with `POST /api/v1/issues/{id}/actions` or as a pushed `issue_actions`
record; both doors obey this table. A field in brackets may be left out.

| # | action | from | to | who | needs | provided that |
|---|---|---|---|---|---|---|"""


def page() -> str:
    """The whole page in Markdown."""
    return "\n".join([HEAD, *map(_line, TABLE), "", "## Choices 选项", "", *_choices(), "", *_states(), ""])


def _line(row: Row) -> str:
    before = "any" if row.before == frozenset(State) else ", ".join(one for one in State if one in row.before) or "–"
    after = "the state before" if row.back else (row.to or "unchanged")
    needs = [*(["text"] if row.text else []), *map(_needed, row.fields)]
    cells = [
        str(row.number or ""),
        f"`{row.action}` {row.label}",
        before,
        str(after),
        ", ".join(f"{WHO_NAMES[who].en}" for who in row.who),
        ", ".join(needs) or "–",
        "; ".join(GUARDS[name].label.en for name in row.guards) or "–",
    ]
    return f"| {' | '.join(cells)} |"


def _needed(field: Field) -> str:
    return f"`{field.name}`" if field.required else f"[`{field.name}`]"


def _choices() -> Iterator[str]:
    told = set()
    for row in TABLE:
        for field in row.fields:
            if field.choices and (field.name, field.choices) not in told:
                told.add((field.name, field.choices))
                yield f"- `{field.name}` of `{row.action}`: {', '.join(f'`{choice}`' for choice in field.choices)}"


def _states() -> Iterator[str]:
    yield "## States 状态"
    yield ""
    for state, name in STATE_NAMES.items():
        yield f"- `{state.value}` {name}"


if __name__ == "__main__":
    sys.stdout.write(page())
