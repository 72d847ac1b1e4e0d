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


def test_sentences_are_filled_into_literals_only() -> None:
    """What somebody typed is a value and never the pattern it is put into."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            base = node.func.value
            if node.func.attr in ("format", "format_map") and path != "core/texts.py":
                assert isinstance(base, ast.Constant) or ast.unparse(base).lstrip("_").isupper(), (path, node.lineno)
            passed_on = path == "inspections/guards.py" and ast.unparse(base) == "Text(zh, en)"
            if (
                node.func.attr == "fill"
                and isinstance(base, ast.Call)
                and ast.unparse(base.func) == "Text"
                and not passed_on
            ):
                assert all(isinstance(word, ast.Constant) for word in base.args), (path, node.lineno)


def test_the_guards_refuse_in_literals() -> None:
    said = [node for node in ast.walk(TREES["inspections/guards.py"]) if isinstance(node, ast.Call)]
    refusals = [node for node in said if ast.unparse(node.func) == "_refuse"]
    assert refusals and all(isinstance(word, ast.Constant) for node in refusals for word in node.args)


def test_no_page_of_ours_talks_to_other_windows() -> None:
    """Nor runs a script at all: what moves on the console is its toolkit's."""
    for page in (ROOT / "api" / "templates").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "<script" not in text and "postMessage" not in text, page
    assert not list((ROOT / "api").rglob("*.js"))


def test_nobody_turns_the_check_of_certificates_off() -> None:
    for path, tree in TREES.items():
        text = ast.unparse(tree)
        for word in ("verify=False", "CERT_NONE", "check_hostname = False", "_create_unverified_context"):
            assert word not in text, path


@pytest.mark.parametrize(
    "word",
    ["ldap", "memcache", "graphene", "strawberry", "channels", "websockets", "saml", "oidc", "jinja2-cli", "aiortc"],
)
def test_what_the_standard_warns_of_and_nobody_uses_is_not_even_installed(word: str) -> None:
    pinned = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert not re.search(rf"^[\w-]*{word}[\w-]*==", pinned, re.MULTILINE)
