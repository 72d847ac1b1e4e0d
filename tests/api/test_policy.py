"""Every door has a row, every row a door; each role passes exactly the doors its table cells say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from api.policy import PUBLIC, ROUTES, SIGNED_IN, readable
from organizations.permissions import VERBS, may
from organizations.roles import Role
from tests.api.line import Line

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READABLE = Path(__file__).parents[2] / "docs" / "permissions.md"


def routes(patterns=None, prefix="") -> Iterator[tuple[str, URLPattern]]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        where = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, where)
        elif not where.startswith("console/"):
            yield where, pattern


def test_every_route_has_a_row():
    absent = [where for where, pattern in routes() if pattern.name not in ROUTES]
    assert absent == []


def test_every_row_has_a_route_and_every_cell_a_known_verb():
    named = {pattern.name for _, pattern in routes()}
    assert set(ROUTES) <= named
    for row in ROUTES.values():
        assert set(row) <= set(METHODS)
        assert set(row.values()) <= {PUBLIC, SIGNED_IN} | set(VERBS)


def test_every_method_that_a_view_knows_is_declared():
    undeclared = []
    for where, pattern in routes():
        view = getattr(pattern.callback, "view_class", getattr(pattern.callback, "cls", None))
        if view is not None:
            known = {method for method in METHODS if hasattr(view, method.lower())} - {"OPTIONS"}
            undeclared += [(where, method) for method in known - set(ROUTES[pattern.name])]
    assert undeclared == []


def address(pattern: URLPattern) -> str:
    values = {
        name: str(uuid4()) if "UUID" in type(converter).__name__ else "1" if "Int" in type(converter).__name__ else "x"
        for name, converter in pattern.pattern.converters.items()
    }
    return reverse(pattern.name, kwargs=values)


def test_nobody_signed_in_passes_only_public_doors(db):
    line = Line()
    for _, pattern in routes():
        for method in METHODS:
            if ROUTES[pattern.name].get(method) != PUBLIC:
                refused = line.send(method, address(pattern), None)
                if refused.status_code == 302:  # a page of the console
                    assert refused["Location"].startswith("/console/login/")
                    continue
                assert refused.status_code in (401, 403, 404, 405, 412), (pattern.name, method, refused.content)


@pytest.mark.parametrize("who", ["office", "auditor", "liaison", "town", "handler", "observer", "nobody"])
def test_row_44_undeclared_cells_are_closed(cast, who):
    """403 or 404 (412 for uploads that speak no tus) wherever the table gives the role nothing; never a 2xx, never a 5xx."""
    person = cast.person("nobody") if who == "nobody" else getattr(cast, who)
    line, by = Line(person), cast.by(person)
    for _, pattern in routes():
        for method, rule in ROUTES[pattern.name].items():
            if rule in (PUBLIC, SIGNED_IN) or may(by, rule):
                continue
            refused = line.send(method, address(pattern), None)
            assert refused.status_code in (403, 404, 412), (pattern.name, method, refused.status_code)


@pytest.mark.parametrize("who", ["auditor", "liaison", "town", "handler", "observer", "outsider"])
def test_row_43_a_thing_out_of_sight_is_answered_like_an_absent_one(cast, who):
    line = Line(getattr(cast, who))
    office = Line(cast.office)
    hidden = {
        "enterprise": cast.foundry.id if who == "liaison" else cast.mill.id if who in ("town",) else None,
        "user": cast.office.id,
        "device": office.answer["device"]["id"],
        "assignment": cast.assign(cast.person("newcomer"), Role.OFFICE),
    }
    if who in ("handler", "auditor"):
        hidden["enterprise"] = cast.bakery.id
    for route, key in hidden.items():
        if key is None:
            continue
        there = line.get(reverse(route, kwargs={"key": key}))
        absent = line.get(reverse(route, kwargs={"key": uuid4()}))
        assert there.status_code in (403, 404), route
        assert (there.status_code, there.data) == (absent.status_code, absent.data), route


def test_the_readable_table_is_fresh():
    assert READABLE.read_text(encoding="utf-8") == readable(), "run `make openapi`"
