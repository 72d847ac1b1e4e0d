"""Nothing acknowledged is skipped by a reader who pulls while others write."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.services import ROOT


def test_a_reader_meets_every_record_that_concurrent_writers_committed(request: pytest.FixtureRequest) -> None:
    engine = request.config.getoption("engine")
    words = ["--engine", engine, "--seconds", "2.5", "--writers", "4"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.sync.feed", *words], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    figures = dict(pair.split("=") for pair in done.stdout.split())
    assert int(figures["acknowledged"]) > 50
    assert figures["lost"] == "0"
    assert int(figures["delivered_while_a_stranger_was_open"]) > 0
    if engine == "postgres":
        assert int(figures["control_lost"]) > 0, "the naive cursor lost nothing, so this run proves nothing"
