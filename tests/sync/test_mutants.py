"""The tests of this folder notice defects: a sample of the seeded ones, and that the table fits the code."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from importlib import import_module

import pytest

from tests.services import ROOT
from tests.sync.defects import MUTANTS, Mutant

SAMPLE = ["no-exit", "asks-twice", "blind-to-grants"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_seeded_defect_still_has_its_line(mutant: Mutant) -> None:
    module, _, path = mutant.where.partition(":")
    found: object = import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    source = textwrap.dedent(inspect.getsource(found))  # type: ignore[arg-type]
    assert mutant.right in source
    compile(source.replace(mutant.right, mutant.wrong), mutant.name, "exec")


def test_names_are_used_once() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30


def test_a_sample_of_seeded_defects_is_caught(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("engine") != "sqlite":
        return  # the hunt itself always runs on SQLite
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.mutants", "--only", *SAMPLE],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "caught=3 of 3  escaped: none", done.stdout + done.stderr
