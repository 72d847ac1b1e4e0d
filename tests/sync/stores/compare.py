"""The stores that docs/sync.md prints for WatermelonDB and RxDB, run under Node against the pages of simulated lives.

    python -m tests.sync.stores.compare --modules=FOLDER --worlds=20     (or `make stores`, which fetches the packages)

Each phone of each world records the pages that it took in, resets, revocations, moves and pages met twice among them, and what its
mirror held after each. The printed functions take in the same pages and must hold the same rows after each.

A development check: it needs Node and the npm registry, and ``make test`` does without.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.sync import ground
from tests.sync.handset import Handset

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "sync.md"


def printed() -> dict[str, str]:
    """The page's JavaScript by store."""
    watermelon, rx = re.findall(r"```js\n(async function applyPage.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return {"watermelondb": watermelon, "rxdb": rx}


def lives(worlds: int, first_seed: int) -> list[list[dict[str, Any]]]:
    """What each phone took in: the page, and the mirror after it."""
    from tests.sync import world as worlds_of
    from tests.sync.simulator import live

    told: dict[int, list[dict[str, Any]]] = {}
    last: dict[int, dict[str, Any]] = {}
    phones: list[Handset] = []  # kept, so that no two share an id
    ask_pull, take_in = worlds_of.World.ask_pull, Handset.take_in

    def asks(world: Any, phone: Handset, cursor: str | None, scope: str | None) -> dict[str, Any] | None:
        page = ask_pull(world, phone, cursor, scope)
        if page is not None:
            last[id(phone)] = page
        return page

    def takes(phone: Handset, ops: list[dict[str, Any]]) -> None:
        take_in(phone, ops)
        phones.append(phone)
        mirror = [
            [*key, *map(row.get, ("scope", "revision", "hash", "data"))] for key, row in sorted(phone.rows.items())
        ]
        told.setdefault(id(phone), []).append({"page": last[id(phone)], "mirror": mirror})

    worlds_of.World.ask_pull = asks  # type: ignore[method-assign]
    worlds_of.World.damages = lambda world: None  # type: ignore[method-assign]
    Handset.take_in = takes  # type: ignore[method-assign]
    for seed in range(first_seed, first_seed + worlds):
        assert not live(seed).judge.found
    return list(told.values())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--modules", type=Path, required=True, help="the folder that holds node_modules")
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with ground.stand("sqlite"):
        ground.hurry()
        recorded = lives(asked.worlds, asked.seed)
    pages = sum(len(life) for life in recorded)
    kinds = {op["op"] for life in recorded for step in life for op in step["page"]["ops"]}
    resets = sum(step["page"]["reset"] for life in recorded for step in life)
    print(f"{len(recorded)} mirrors, {pages} pages, {resets} of them resets, operations {sorted(kinds)}")
    failed = 0
    for store, code in printed().items():
        work = json.dumps({"store": store, "code": code, "lives": recorded})
        done = subprocess.run(
            ["node", str(HERE / "run.mjs"), str(asked.modules.resolve())], input=work.encode(), capture_output=True, check=False
        )  # fmt: skip
        failed += done.returncode != 0
        print(f"{store}: {(done.stdout + done.stderr).decode().strip()[-3000:] or f'left with {done.returncode}'}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
