"""Seeded defects: each must be noticed by the simulator or by the engine's tests, or those prove nothing.

    python -m tests.sync.mutants                  all of them, figures last
    python -m tests.sync.mutants --only no-exit   one of them, told

They stand in ``defects``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import FrameType

from tests.services import ROOT
from tests.sync import ground
from tests.sync.defects import BY_NAME, HEALTHY, MUTANTS, Mutant

FEW, WORLDS, SENDS, PATIENCE = 2, 10, 260, 300
TESTS = (
    "tests/sync/test_engine.py",
    "tests/sync/test_upkeep.py",
    "tests/sync/test_crashpoints.py",
    "tests/inspections/test_later.py",
)


def pytest_configure() -> None:
    """As a pytest plugin: run the tests with the defect that MUTANT names."""
    if os.environ.get("MUTANT"):
        import django

        django.setup()
        BY_NAME[os.environ["MUTANT"]].infect()


def simulated(mutant: Mutant, seeds: Sequence[int], told: Connection) -> None:
    """In a process of its own: live worlds with the defect until one shows it."""
    from tests.sync.simulator import simulate

    def give_up(number: int, frame: FrameType | None) -> None:
        told.send("endless")
        os._exit(0)

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    mutant.infect()
    for seed in seeds:
        figures, _ = simulate(seed, worlds=1, per_world=SENDS)
        if figures.violations:
            told.send(f"{figures.violations.most_common(1)[0][0]} in world {seed}")
            break
    else:
        told.send("")
    ground.leave()


def catch(mutant: Mutant) -> str:
    """What noticed the defect; empty if nothing did."""
    few, more = range(1, FEW + 1), range(FEW + 1, WORLDS + 1)
    return by_worlds(mutant, few) or by_tests(mutant) or by_worlds(mutant, more)


def by_worlds(mutant: Mutant, seeds: Sequence[int]) -> str:
    ground.leave()
    kinds = multiprocessing.get_context("fork")
    receiving, sending = kinds.Pipe(duplex=False)
    child = kinds.Process(target=simulated, args=(mutant, seeds, sending))
    child.start()
    sending.close()
    try:
        caught = receiving.recv()
    except EOFError:
        caught = "the world ended"
    child.join()
    return str(caught)


def by_tests(mutant: Mutant) -> str:
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.sync.mutants",
        "-x",
        "-q",
        "--engine=sqlite",
        "-p",
        "no:cacheprovider",
    ]
    tests = [path for path in TESTS if (ROOT / path).exists()]
    done = subprocess.run(
        [*argv, *tests], cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | {"MUTANT": mutant.name}
    )
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0].partition("::")[2].partition(" - ")[0] if done.returncode == 1 and failed else ""


def is_fair() -> bool:
    """Whether nothing is noticed where nothing is wrong, without which no catch means anything."""
    noticed = by_worlds(HEALTHY, range(1, FEW + 1)) or by_tests(HEALTHY)
    if noticed:
        print(f"Without any defect: {noticed}. No catch would mean anything.", flush=True)
    return not noticed


def hunt(mutants: Sequence[Mutant]) -> list[str]:
    """Try each; gives the names of those that nothing noticed."""
    escaped = []
    for mutant in mutants:
        began = time.monotonic()
        caught = catch(mutant)
        if not caught:
            escaped.append(mutant.name)
        told = f"caught: {caught}" if caught else "NOT CAUGHT"
        print(f"{mutant.name:22} {mutant.what:60} {told} ({time.monotonic() - began:.0f} s)", flush=True)
    return escaped


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    chosen = [BY_NAME[name] for name in asked.only] or MUTANTS
    with ground.stand("sqlite"):
        ground.hurry()
        if not is_fair():
            return 2
        escaped = hunt(chosen)
    print(f"caught={len(chosen) - len(escaped)} of {len(chosen)}  escaped: {', '.join(escaped) or 'none'}")
    return bool(escaped)


if __name__ == "__main__":
    sys.exit(main())
