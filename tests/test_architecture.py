"""The documents name what exists: the drawn house is the built one."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "architecture.md"
DOCUMENTS = sorted(path for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("deploy/**/*.md")))
NAMED = re.compile(r"`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*/?)`")
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
MADE = {"var/", "var/tour/", ".venv", ".env"}
"""What exists only after a run."""


def drawn() -> set[str]:
    """The tree's entries as paths from the root; folders end with a slash."""
    found: set[str] = set()
    folder = ""
    for line in PAGE.read_text(encoding="utf-8").split("```")[1].splitlines():
        if not line.strip():
            continue
        name = line.split()[0]
        if line.startswith("  "):
            found.add(folder + name)
        else:
            found.add(name)
            folder = name
    return found


def real_folders() -> set[str]:
    """The folders that hold something the project keeps: no caches, nothing ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    return {
        f"{line.partition('/')[0]}/" for line in listed.stdout.splitlines() if "/" in line and (ROOT / line).exists()
    }


def test_the_drawn_tree_is_there() -> None:
    assert [name for name in sorted(drawn()) if not (ROOT / name).exists()] == []


def test_every_folder_is_drawn() -> None:
    assert real_folders() - drawn() == set()


def test_every_room_is_under_contract() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert rooms == set(settings["importlinter"]["root_packages"]) == set(settings["mypy"]["packages"])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_no_file_that_is_gone(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    tops = {name.rstrip("/") for name in drawn()}
    named = [name for name in NAMED.findall(text) if name.partition("/")[0] in tops and name not in MADE]
    paths = [
        name for name in named if name.endswith("/") or "." in name.rpartition("/")[2]
    ]  # others are addresses of the API
    gone = [name for name in paths if not (ROOT / name).exists()]
    gone += [name for name in LINK.findall(text) if not (document.parent / name).exists()]
    assert gone == []
