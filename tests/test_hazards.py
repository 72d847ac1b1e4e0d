"""What no line of the product may do: run text, unpickle, shell out, guess with the wrong dice, trust what it was sent."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import ROOT

ROOMS = ("api", "client", "config", "core", "inspections", "journal", "media", "notifications", "organizations", "privacy",
         "reports", "surveys", "sync")  # fmt: skip
RUNS_TEXT = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "os.execv",
    "os.spawnv",
    "subprocess.getoutput",
}
NEVER_IMPORTED = {
    "pickle", "marshal", "shelve", "dill", "yaml", "telnetlib", "ftplib", "ldap", "ldap3", "memcache", "pymemcache", "pylibmc",
    "jwt.algorithms", "Crypto", "xmlrpc", "tarfile", "pylatex",
}  # fmt: skip
PARSES_XML = {"xml.etree.ElementTree", "xml.sax", "xml.dom.minidom", "lxml.etree", "lxml.html"}
MAY_START_PROGRAMS = {"config/backups.py", "config/supervision.py", "media/darkroom.py"}
MAY_MARK_SAFE = {"api/console/people.py", "api/console/site.py"}
"""QR codes, drawn by the library from our own text."""
MAY_THROW_DICE = {"surveys/samples.py"}
"""Makes sample answers for the trial of a form; nothing secret comes of it."""


def modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]


def names(tree: ast.AST) -> Iterator[str]:
    """Every dotted name that is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module and every name from a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


TREES = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in modules()}


def guilty(wanted: set[str], found: str) -> set[str]:
    of = {"calls": names, "imports": imports}[found]
    return {path for path, tree in TREES.items() if wanted & set(of(tree))}


def test_no_text_is_run_as_a_program() -> None:
    assert guilty(RUNS_TEXT, "calls") == set()


def test_nothing_is_read_by_what_can_be_made_to_run() -> None:
    assert guilty(NEVER_IMPORTED, "imports") == set()


def test_programs_are_started_in_three_places_and_never_by_a_shell() -> None:
    assert guilty({"subprocess"}, "imports") == MAY_START_PROGRAMS
    assert not any(
        keyword.arg == "shell"
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
    )


def test_markup_is_called_safe_only_where_a_library_drew_it() -> None:
    found = guilty({"SafeString", "mark_safe"}, "calls")
    assert found == MAY_MARK_SAFE
    for path in found:
        for made in re.findall(r"SafeString\((.+)", (ROOT / path).read_text(encoding="utf-8")):
            assert re.match(r"(out\.getvalue|qr\()", made), path
    assert not any("|safe" in page.read_text(encoding="utf-8") for page in (ROOT / "api" / "templates").rglob("*.html"))


def test_dice_decide_nothing_secret() -> None:
    assert guilty({"random", "random.Random"}, "imports") == MAY_THROW_DICE


def test_xml_from_outside_is_read_by_the_careful_parser_only() -> None:
    """Writing it is harmless; reading is defusedxml's."""
    reading = {"fromstring", "parse", "iterparse", "XMLParser", "XML", "XMLPullParser"}
    found = set()
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in PARSES_XML:
                found |= {path for alias in node.names if alias.name in reading}
            if isinstance(node, ast.Import) and any(alias.name in PARSES_XML for alias in node.names):
                found.add(path)
    assert found == set()


@pytest.mark.parametrize(
    "word",
    ["ldap", "memcache", "graphene", "strawberry", "channels", "websockets", "saml", "oidc", "jinja2-cli", "aiortc"],
)
def test_what_the_standard_warns_of_and_nobody_uses_is_not_even_installed(word: str) -> None:
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(rf"^[\w-]*{word}[\w-]*==", pinned, re.MULTILINE)
