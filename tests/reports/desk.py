"""A month at the office's desk, asked about over HTTP."""

from __future__ import annotations

from typing import Any

from reports import schemes
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

PERIOD = "period=2026-11"


def november() -> World:
    """A month with one issue of HRSS in time and one late; the clock stands in December."""
    world = cast.settle()
    world.on("2026-11-02T09:00").replied()
    world.reports()
    world.on("2026-12-01T09:00")
    schemes.load_defaults(by=world.caller("office"), at=world.now)
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def line(world: World, name: str) -> Line:
    return Line(world.people[name])


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content
