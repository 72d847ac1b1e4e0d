"""`serve` keeps its parts alive and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import ROOT
from tests.services.process import running

ROOF = """
import os, sys
from config.supervision import Program, Roof
folder = sys.argv[1]
sleeper = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\\\n'); time.sleep(600)"
short = "import sys; sys.exit(3)"
programs = [Program("sleeper", [sys.executable, "-c", sleeper, folder + "/sleeper"])]
if "short" in sys.argv:
    programs.append(Program("mayfly", [sys.executable, "-c", short]))
sys.exit(Roof(programs, environment=os.environ, say=lambda text: print(text, flush=True)).run(when_up=lambda: True))
"""


@pytest.fixture
def roof(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", ROOF, str(tmp_path), *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def sleepers(folder: Path, count: int = 1) -> list[int]:
    end = time.monotonic() + 15
    note = folder / "sleeper"
    while time.monotonic() < end:
        lines = note.read_text().split() if note.exists() else []
        if len(lines) >= count:
            return [int(line) for line in lines]
        time.sleep(0.02)
    raise AssertionError("it never started")


def gone(pid: int) -> bool:
    end = time.monotonic() + 10
    while running(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not running(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything(
    roof: Callable[..., subprocess.Popen[str]], tmp_path: Path, number: signal.Signals
) -> None:
    process = roof()
    [pid] = sleepers(tmp_path)
    process.send_signal(number)
    assert process.wait(10) == 0
    assert gone(pid)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent died")
def test_even_a_killed_roof_leaves_nothing_behind(roof: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = roof()
    [pid] = sleepers(tmp_path)
    process.kill()
    assert gone(pid)


def test_a_part_that_dies_is_started_again(roof: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    process = roof()
    [first] = sleepers(tmp_path)
    os.kill(first, signal.SIGKILL)
    second = sleepers(tmp_path, 2)[1]
    assert running(second)
    process.terminate()
    said = process.communicate(timeout=10)[0]
    assert "sleeper died (exit -9)" in said


def test_a_part_that_cannot_live_ends_it_all_with_a_clear_word(
    roof: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = roof("short")
    [pid] = sleepers(tmp_path)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert "mayfly died 5 times within a minute (exit 3): giving up." in said
    assert gone(pid)
