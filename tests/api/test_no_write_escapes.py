"""Whatever writes, the feed says it: every route is written by whoever may, and the feed held against the tables."""

from __future__ import annotations

import pytest
from django.db import transaction

from config.renderings import rooms
from inspections import copies
from journal import upkeep
from tests.api import matrix
from tests.api.ground import Ground
from tests.api.line import Line
from tests.api.matrix import IN, PEOPLE, Ask

pytestmark = pytest.mark.django_db


def findings() -> set[str]:
    return {f"{one.kind} {one.place}" for one in (*upkeep.check(rooms()), *copies.check())}


def written(line: Line, ask: Ask, before: set[str]) -> set[str] | None:
    """What the feed does not know of after this was done; None if it was refused. Nothing of it stays."""
    with transaction.atomic():
        answer = line.send(ask.method, ask.path, ask.body, **ask.headers)
        found = findings() - before if answer.status_code < 400 else None
        transaction.set_rollback(True)
    return found


def test_no_route_writes_around_the_feed(ground: Ground) -> None:
    lines = {who: Line() if who == "nobody" else ground.line(who) for who in PEOPLE}
    declared, before = matrix.declared(), findings()
    wrote, escaped = set(), []
    for ask in matrix.asks(ground):
        if ask.method in ("GET", "HEAD"):
            continue
        for who, cell in zip(PEOPLE, declared[ask.name], strict=True):
            unknown = written(lines[who], ask, before) if cell == IN else None
            if unknown is not None:
                wrote.add(ask.route)
                escaped += [f"{ask.name} by {who}: {one}" for one in sorted(unknown)]
                break
    assert not escaped
    assert len(wrote) > 40, "most of what can be written with a body as short as the matrix sends"
