"""Finding near-duplicates among a million pictures. Run: ``python -m bench.lookalikes [--engine postgres] [--count N]``.

Fills an empty database with random hashes, a tenth of them crowded together as real photos are, plants near copies, and asks.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median, quantiles

import django

from tests.services.postgres import Postgres
from tests.services.production import manage

COLUMNS = (
    "sha256", "size", "content_type", "intact", "stored_at", "verified_at", "prints", "refusal", "likeness",
    "band_0", "band_1", "band_2", "band_3",
)  # fmt: skip


def fill(count: int, dice: Random) -> list[int]:
    """Rows as the worker leaves them; gives some of the hashes."""
    from journal import rows
    from media.likeness import bands, signed
    from media.models import Blob

    now, known = datetime.now(UTC), []
    crowded = [dice.getrandbits(16) for _ in range(300)]
    for start in range(0, count, 2000):
        made = []
        for number in range(start, min(start + 2000, count)):
            hash_ = dice.getrandbits(64)
            if number % 10 == 0:
                hash_ = hash_ >> 16 << 16 | dice.choice(crowded)
            if number % 1000 == 0:
                known.append(hash_)
            made.append((f"{number:064x}", 1, "image/jpeg", True, now, now, "made", "", signed(hash_), *bands(hash_)))
        rows.insert(Blob, COLUMNS, made)
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="bench-lookalikes-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = f"sqlite:///{folder}/bench.sqlite3"
        if options.engine == "postgres":
            url = stack.enter_context(Postgres(durable=False)).create("bench")
        environment = {
            "ENV_FILE": "/dev/null", "VAR_DIR": str(folder), "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_POOL": "0",
        }  # fmt: skip
        os.environ.update(environment)
        manage(environment, "migrate", "--verbosity", "0")
        django.setup()
        measure(options)


def measure(options: argparse.Namespace) -> None:
    from django.db import connection, transaction

    from media import lookalikes

    dice = Random(5)
    began = time.perf_counter()
    with transaction.atomic():
        known = fill(options.count, dice)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if options.engine == "postgres" else "ANALYZE")
    print(f"{options.engine}: {options.count:,} hashes written in {time.perf_counter() - began:.0f} s", flush=True)
    taken, found = [], 0
    for _ in range(options.queries):
        asked = dice.choice(known)
        for bit in dice.sample(range(64), dice.randrange(0, 8)):
            asked ^= 1 << bit
        began = time.perf_counter()
        answer = lookalikes.near(asked)
        taken.append((time.perf_counter() - began) * 1000)
        found += bool(answer)
    spread = quantiles(taken, n=100)
    print(f"  planted copies found {found} of {options.queries}")
    print(
        f"  median {median(taken):.1f} ms, p95 {spread[94]:.1f} ms, p99 {spread[98]:.1f} ms, worst {max(taken):.1f} ms"
    )
    connection.close()


if __name__ == "__main__":
    main()
