"""Rows 43 and 44: whoever one is and however one stands to a thing, each door answers as the table declares and no other way."""

from __future__ import annotations

import pytest

from api.policy import PUBLIC, ROUTES
from organizations.roles import Role
from tests.api import matrix
from tests.api.line import Line
from tests.api.matrix import EMPTY, IN, PEOPLE

pytestmark = pytest.mark.django_db


def test_rows_43_and_44_every_cell_is_as_declared(ground):
    lines = {who: Line() if who == "nobody" else ground.line(who) for who in PEOPLE}
    declared, wrong, asked = matrix.declared(), [], set()
    for ask in matrix.asks(ground):
        cells = [matrix.cell(line, ask) for line in lines.values()]
        asked.add(ask.name)
        if declared.get(ask.name) != cells:
            wrong.append(matrix.written(ask.name, cells))
    assert not wrong, "not as declared, or not declared; the server says:\n" + "\n".join(wrong)
    assert set(declared) == asked, "declared, and not there"


def test_every_role_of_the_domain_stands_in_the_matrix(ground):
    held = {role for who in PEOPLE if who != "nobody" for role in ground.line(who).get("me").data["roles"]}
    assert held == set(Role.values)


def test_the_declaration_is_sound():
    """What a reader would look for first: nobody, a stranger and the auditor get nowhere; only the office writes rules."""
    cells = {name: dict(zip(PEOPLE, row, strict=True)) for name, row in matrix.declared().items()}
    for name, row in cells.items():
        route, method = name.split()[:2]
        rule = ROUTES[route].get("GET" if method == "HEAD" else method)
        if rule != PUBLIC:
            assert row["nobody"] == "401", name
        if rule not in (PUBLIC, "signed in") and method not in ("GET", "HEAD"):
            assert row["stranger"] != IN and row["auditor"] != IN, name
            if rule.rpartition(".")[0] in (
                "rule",
                "calendar",
                "webhook",
                "person",
                "assignment",
                "region",
                "department",
            ):
                assert {who for who, said in row.items() if said == IN} <= {"office"} or name.startswith("routing-"), (
                    name
                )


@pytest.mark.parametrize(("listed", "single"), [
    ("issues GET issue", "issue GET issue"), ("issues GET secret", "issue GET secret"), ("visits GET visit", "visit GET visit"),
    ("responses GET response", "response GET response"), ("enterprises GET enterprise", "enterprise GET enterprise"),
    ("users GET person", "user GET person"), ("assignments GET assignment", "assignment GET assignment"),
    ("devices GET device", "device GET device"), ("visit-plans GET plan", "visit-plan GET plan"),
    ("quarantine GET quarantined", "quarantined GET quarantined"), ("conflicts GET conflict", "conflict GET conflict"),
])  # fmt: skip
def test_row_47_a_list_shows_what_its_address_opens(listed, single):
    cells = matrix.declared()
    assert [said == IN for said in cells[listed]] == [said == IN for said in cells[single]]


@pytest.mark.parametrize(("narrow", "wide"), [
    ("sync-pull GET issue", "issue GET issue"), ("sync-pull GET secret", "issue GET secret"), ("sync-pull GET visit", "visit GET visit"),
    ("sync-pull GET photo", "photo GET photo"), ("sync-pull GET response", "response GET response"),
    ("report-evidence GET issue", "issue GET issue"), ("report-evidence GET secret", "issue GET secret"),
    ("photo-variant GET photo", "photo GET photo"), ("photo-variant GET hidden", "photo GET hidden"),
    ("issue-history GET secret", "issue GET secret"), ("response-export GET response", "response GET response"),
])  # fmt: skip
def test_row_47_no_other_way_shows_more_than_the_thing_itself(narrow, wide):
    cells = matrix.declared()
    for who, through, itself in zip(PEOPLE, cells[narrow], cells[wide], strict=True):
        assert through in (EMPTY, "no", "404", "401") or itself == IN, who
