"""docs/security.md holds no empty promises: every test and file that it names is there, every item is answered once."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache

import pytest

from organizations import enrollments
from privacy.register import REGISTER
from tests.services import ROOT
from tests.test_hazards import TREES, imports

PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py(?:::\w+)?)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:deploy|docs)/[\w./-]+|requirements\.txt)`", PAGE)))
ITEMS = re.findall(r"^\| ((?:V|7\.|8\.)\d[^|]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
CRYPTOGRAPHY = {
    "hashlib", "hmac", "secrets", "django.core.signing", "django.utils.crypto", "django.contrib.auth.hashers",
    "rest_framework_simplejwt.tokens", "rest_framework_simplejwt.backends",
}  # fmt: skip


def standard(name: str) -> list[str]:
    """The ids of a standard's items, in its order."""
    return [line.split()[0] for line in (ROOT / "tests" / "vectors" / name).read_text(encoding="utf-8").splitlines()]


def answered(known: list[str]) -> Iterator[str]:
    """Every item that the page answers; a dash stands for all between."""
    for cell, *_ in ITEMS:
        for part in cell.split(", "):
            first, _, last = part.partition("–")
            if first not in known:
                continue
            yield from known[known.index(first) : known.index(last or first) + 1]


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return frozenset(each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef))


@pytest.mark.parametrize("reference", NAMED)
def test_what_the_page_names_exists(reference: str) -> None:
    path, _, name = reference.partition("::")
    assert (ROOT / path).is_file()
    assert not name or name in functions(path)


def test_the_files_that_the_page_names_exist() -> None:
    assert [file for file in FILES if not (ROOT / file).exists()] == []


@pytest.mark.parametrize(("name", "least"), [("asvs_5.0.0.txt", 253), ("mlps_2019.txt", 76)])
def test_every_item_of_the_standard_is_answered_once(name: str, least: int) -> None:
    known = standard(name)
    found = Counter(answered(known))
    assert len(known) == least == len(set(known))
    assert [item for item in known if found[item] != 1] == []


def test_no_item_is_answered_that_is_in_no_standard() -> None:
    known = {*standard("asvs_5.0.0.txt"), *standard("mlps_2019.txt")}
    assert {end for cell, *_ in ITEMS for part in cell.split(", ") for end in part.split("–")} <= known


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item[0][:30])
def test_every_promise_is_held_by_something(item: tuple[str, str, str, str]) -> None:
    _, asks, here, held = item
    assert asks.strip() and here.strip()
    assert re.fullmatch(r"`[^`]+`(, `[^`]+`)*", held.strip())


def test_the_inventory_names_every_module_that_uses_cryptography() -> None:
    using = {path for path, tree in TREES.items() if CRYPTOGRAPHY & set(imports(tree))}
    part = PAGE.partition("## Keys and algorithms")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`([\w/]+\.py)`", part))
    assert listed == using


def test_every_category_of_the_register_has_one_level() -> None:
    part = PAGE.partition("## Levels of data")[2].partition("\n## ")[0]
    rows = [line.split("|")[2] for line in part.splitlines() if re.match(r"\| \d ", line)]
    named = Counter(word for row in rows for word in re.findall(r"[a-z]+", row.partition(";")[0]))
    assert [kept.category for kept in REGISTER if named[kept.category] != 1] == []


def test_secrets_are_long_enough() -> None:
    """128 bits and more: bytes asked of `secrets`, letters of the enrollment code, characters of the console's cookie."""
    asked = [
        (path, node.args[0].value)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("token_urlsafe", "token_bytes"))
        if node.args and isinstance(node.args[0], ast.Constant)
    ]
    assert len(asked) >= 5
    assert [(path, size) for path, size in asked if int(str(size)) < 16] == []
    assert len(enrollments.ALPHABET) ** enrollments.LENGTH >= 2**128
    assert 36**32 >= 2**128
