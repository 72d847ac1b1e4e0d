"""Whatever goes wrong between phones and server: nothing lost, nothing doubled, nothing leaked, and everyone agrees in the end."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.services import ROOT

WORLDS = ["--worlds", "3", "--per-world", "150", "--seed", "7"]


def simulate(engine: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.simulator", "--engine", engine, *WORLDS],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout.splitlines()


def test_worlds_full_of_faults_heal(request: pytest.FixtureRequest) -> None:
    told = simulate(request.config.getoption("engine"))
    assert told[-1] == "lost=0  doubled=0  leaked=0  diverged=0"


@pytest.mark.postgres
def test_the_same_seed_comes_to_the_same_end_on_both_engines() -> None:
    ends = [simulate(engine)[-2].partition("digest=")[2] for engine in ("sqlite", "postgres")]
    assert ends[0] == ends[1]
