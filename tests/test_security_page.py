"""docs/security.md holds no empty promises: every test and file that it names is there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.services import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE)))
ROWS = [
    line for line in PAGE.splitlines() if line.startswith("|") and not line.startswith(("|---", "| section", "| GB"))
]


@pytest.mark.parametrize("reference", NAMED)
def test_what_the_page_names_exists(reference: str) -> None:
    path, _, name = reference.partition("::")
    assert (ROOT / path).is_file()
    if name:
        found = ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        assert name in {each.name for each in found if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:30])
def test_every_promise_is_held_by_something_or_says_why_not(row: str) -> None:
    said, held = [cell.strip() for cell in row.strip("|").split("|")][-2:]
    assert "`" in held or "](" in held or ("not used" in said and held == "—")


def test_no_chapter_of_the_standard_is_passed_over() -> None:
    assert {int(number) for number in re.findall(r"^\| V(\d+)", PAGE, re.MULTILINE)} == set(range(1, 18))
