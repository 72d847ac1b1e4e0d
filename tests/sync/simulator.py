"""A world of phones, an office and a bad network in one process, driven by one seed.

    python -m tests.sync.simulator --sends=100000                   many worlds, figures last
    python -m tests.sync.simulator --seed=17 --worlds=1 --story     one world, told step by step

Every world lives through some hundred pushes while requests and answers get lost, come twice or late, the server dies at a random
statement, phones die between a page and its cursor, people lose and regain enterprises, and the server is restored from
a backup. Then the faults stop; everyone syncs until nothing is left to say, and the judge looks at all that remains.
The clock is virtual and every identifier comes from the seed, so both engines give the same digest.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from types import SimpleNamespace
from typing import TYPE_CHECKING
from uuid import UUID

from tests.sync import ground

if TYPE_CHECKING:
    from tests.sync.world import World

SENDS_A_WORLD = 400
COUNTED = ("lost", "doubled", "leaked", "diverged")


@dataclass
class Fate:
    """Chance and time, both from the seed. ``rate`` scales the faults: 0 when healing."""

    seed: int
    rate: float = 1.0
    now: datetime = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
    faults: Counter[str] = field(default_factory=Counter)
    story: list[str] | None = None

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def strikes(self, fault: str, odds: float) -> bool:
        """Whether this fault happens now; counted if so."""
        struck = self.chance.random() < odds * self.rate
        if struck:
            self.faults[fault] += 1
            self.tell(fault)
        return struck

    def tell(self, what: object) -> None:
        if self.story is not None:
            self.story.append(str(what))

    def uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def pass_time(self, seconds: float) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now


@contextmanager
def ruled(fate: Fate) -> Iterator[None]:
    """Let identifiers, epochs and pauses of the product come from the seed while a world runs."""
    from core import ids
    from journal import counter
    from sync import push

    kept = ids.os, ids.time, counter.token_hex, push.time
    ids._dice.clear()
    ids.os = SimpleNamespace(urandom=fate.chance.randbytes)  # type: ignore[assignment]
    ids.time = SimpleNamespace(time_ns=lambda: int(fate.now.timestamp() * 1e9))  # type: ignore[assignment]
    counter.token_hex = lambda size: fate.chance.randbytes(size).hex()  # type: ignore[assignment,misc]
    push.time = SimpleNamespace(sleep=lambda seconds: None)  # type: ignore[assignment]
    try:
        yield
    finally:
        ids.os, ids.time, counter.token_hex, push.time = kept  # type: ignore[assignment]
        ids._dice.clear()


@dataclass
class Figures:
    worlds: int = 0
    sends: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    seconds: float = 0.0

    def lines(self) -> list[str]:
        listed = [f"  {count:>8}  {name}" for name, count in sorted(self.faults.items())]
        wrong = "  ".join(f"{kind}={self.violations[kind]}" for kind in COUNTED)
        others = {kind: count for kind, count in self.violations.items() if kind not in COUNTED}
        rest = "  ".join(f"{kind}={count}" for kind, count in others.items())
        return [
            "what happened:",
            *listed,
            f"worlds={self.worlds}  sends={self.sends}  seconds={self.seconds:.0f}  digest={self.digest}",
            f"{wrong}  {rest}".rstrip(),
        ]


def simulate(
    first_seed: int, *, sends: int = 0, worlds: int = 0, per_world: int = SENDS_A_WORLD, progress: bool = False
) -> tuple[Figures, list[str]]:
    """Run worlds until that many mutations were sent (or that many worlds lived); gives figures and what was found."""
    figures, found, seal = Figures(), [], blake2b(digest_size=8)
    began = time.monotonic()
    logging.disable(logging.CRITICAL)  # poison is meant to fail, loudly
    try:
        while figures.sends < sends or figures.worlds < worlds:
            seed = first_seed + figures.worlds
            world = live(seed, per_world)
            figures.worlds += 1
            figures.sends += world.sends
            figures.faults += world.fate.faults
            seal.update(world.digest().encode())
            for violation in world.judge.found:
                figures.violations[violation.kind] += 1
                found.append(f"seed {seed}: {violation.kind}: {violation.detail}")
            if progress and figures.worlds % 25 == 0:
                print(f"… {figures.sends} sends, {dict(figures.violations)}", flush=True)
    finally:
        logging.disable(logging.NOTSET)
    figures.digest, figures.seconds = seal.hexdigest(), time.monotonic() - began
    return figures, found


def live(seed: int, sends: int = SENDS_A_WORLD, story: list[str] | None = None) -> World:
    """One world from its beginning to its judgement."""
    from tests.sync.world import World

    fate = Fate(seed, story=story)
    with ruled(fate):
        world = World(fate)
        world.run(sends)
    return world


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--sends", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=0)
    parser.add_argument("--per-world", type=int, default=SENDS_A_WORLD)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--story", action="store_true", help="tell one world step by step")
    asked = parser.parse_args()
    with ground.stand(asked.engine):
        ground.hurry()
        if asked.story:
            logging.disable(logging.CRITICAL)
            story: list[str] = []
            try:
                found = [str(one) for one in live(asked.seed, asked.per_world, story).judge.found]
            finally:
                print("\n".join(story))
            print("\n".join(found))
            return bool(found)
        figures, found = simulate(
            asked.seed,
            sends=asked.sends,
            worlds=asked.worlds or (not asked.sends),
            per_world=asked.per_world,
            progress=True,
        )
    print("\n".join(found[:40]))
    print("\n".join(figures.lines()))
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
