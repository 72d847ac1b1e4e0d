"""The feed under true concurrency: several writing processes, one reader that pulls along, and a checker of sets.

    python -m tests.sync.feed --engine=postgres --seconds=20

Every writer keeps its transaction open for a random while after its first statement. Each record goes through the journal and, as a
control, into a table with a ``bigserial`` id that a naive reader follows by ``id > last``. What a writer was told to be
committed must reach the journal's reader, all of it; the control must lose rows on PostgreSQL, or the test proves nothing.
Meanwhile an unrelated transaction stays open with a write of its own: the feed may neither wait for it nor skip.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID, uuid4

from tests.sync import ground

CONTROL = "control_feed"
ENTERPRISE = UUID(int=7)
PERSON = UUID(int=8)


@dataclass
class Seen:
    """What the two readers have met so far."""

    delivered: set[str] = field(default_factory=set)
    control: set[str] = field(default_factory=set)
    last: int = 0
    cursor: str | None = None
    pages: int = 0
    slowest: float = 0.0
    while_open: int = 0


def write(seconds: float, hold_ms: float, seed: int) -> list[str]:
    """One writer's life: units of a few records; gives the records whose commit it was told of."""
    from django.db import connection, transaction

    from core.actors import Actor
    from journal import journal
    from journal.journal import Change, enterprise_scope

    chance = random.Random(seed)
    told: list[str] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = datetime.now(UTC)
        records = [uuid4() for _ in range(chance.randint(1, 5))]
        with journal.unit(by=Actor(person=UUID(int=seed)), at=now):
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {CONTROL} (record) VALUES (%s)", [[str(record)] for record in records])
            time.sleep(chance.uniform(0, hold_ms) / 1000)
            document = {"at": time.time()}
            journal.record(
                [Change("note.put", "notes", r, {}, enterprise_scope(ENTERPRISE), document) for r in records]
            )
        assert not transaction.get_connection().in_atomic_block
        told += [str(record) for record in records]
    return told


def be_writer(seconds: float, hold_ms: float, seed: int, told: Connection) -> None:
    try:
        told.send(write(seconds, hold_ms, seed))
    finally:
        ground.leave()


def read(seen: Seen) -> bool:
    """One page for each reader; True when both had seen everything that was committed by then."""
    import orjson
    from django.db import connection

    from core.actors import Actor
    from sync.pull import pull

    page = orjson.loads(
        pull(
            by=Actor(person=PERSON), owner=PERSON, cursor=seen.cursor, limit=200, scope=None, key=b"feed",
            at=datetime.now(UTC),
        )
    )  # fmt: skip
    seen.cursor = page["cursor"]
    seen.pages += 1
    now = time.time()
    for op in page["ops"]:
        if op["op"] == "put":
            seen.delivered.add(op["id"])
            seen.slowest = max(seen.slowest, now - op["data"]["at"])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, record FROM {CONTROL} WHERE id > %s ORDER BY id LIMIT 500", [seen.last])
        rows = cursor.fetchall()
    seen.control.update(record for _, record in rows)
    seen.last = rows[-1][0] if rows else seen.last
    return bool(page["complete"]) and not rows


def prepare() -> None:
    from django.db import connection

    from core.actors import SYSTEM
    from journal import journal
    from journal.journal import enterprise_scope

    identity = "INTEGER PRIMARY KEY AUTOINCREMENT" if connection.vendor == "sqlite" else "bigserial PRIMARY KEY"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {CONTROL} (id {identity}, record text NOT NULL)")
        cursor.execute("CREATE TABLE unrelated (id int)")
    with journal.unit(by=SYSTEM, at=datetime.now(UTC)):
        journal.grant(PERSON, [enterprise_scope(ENTERPRISE)])


def linger(engine: str) -> Any:
    """An unrelated transaction that stays open: a writing one where the engine lets others write beside it."""
    if engine == "postgres":
        import psycopg

        stranger = psycopg.connect(ground.address())
        stranger.execute("INSERT INTO unrelated VALUES (1)")
        return stranger
    import sqlite3

    stranger = sqlite3.connect(ground.address().removeprefix("sqlite:///"), isolation_level=None)
    stranger.execute("BEGIN DEFERRED")
    stranger.execute("SELECT * FROM unrelated").fetchall()
    return stranger


def run(engine: str, writers: int, seconds: float, hold_ms: float) -> dict[str, Any]:
    """The whole experiment; gives its figures."""
    prepare()
    ground.leave()  # each process opens its own connection
    kinds = multiprocessing.get_context("fork")
    pipes = [kinds.Pipe(duplex=False) for _ in range(writers)]
    children = [
        kinds.Process(target=be_writer, args=(seconds, hold_ms, 100 + number, sending))
        for number, (_, sending) in enumerate(pipes)
    ]
    for child in children:
        child.start()
    seen = Seen()
    stranger = linger(engine)
    told: set[str] = set()
    waiting = [receiving for receiving, _ in pipes]
    while waiting:
        if read(seen):
            time.sleep(0.001)
        for receiving in [one for one in waiting if one.poll()]:
            told |= set(receiving.recv())
            waiting.remove(receiving)
    seen.while_open = len(seen.delivered)
    while not read(seen):
        pass
    stranger.rollback()
    stranger.close()
    for child in children:
        child.join()
        assert child.exitcode == 0, "a writer failed"
    return {
        "engine": engine,
        "writers": writers,
        "acknowledged": len(told),
        "delivered": len(seen.delivered & told),
        "lost": len(told - seen.delivered),
        "invented": len(seen.delivered - told),
        "delivered_while_a_stranger_was_open": seen.while_open,
        "slowest_delivery_s": round(seen.slowest, 2),
        "pages": seen.pages,
        "control_lost": len(told - seen.control),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--hold-ms", type=float, default=20)
    asked = parser.parse_args()
    with ground.stand(asked.engine):
        figures = run(asked.engine, asked.writers, asked.seconds, asked.hold_ms)
    print("  ".join(f"{name}={value}" for name, value in figures.items()))
    proven = asked.engine == "sqlite" or figures["control_lost"] > 0
    return 0 if figures["lost"] == figures["invented"] == 0 and figures["acknowledged"] and proven else 1


if __name__ == "__main__":
    sys.exit(main())
