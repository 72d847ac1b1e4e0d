"""PostgreSQL is killed under load, again and again; what a phone was told to be received must be there each time.

    python -m tests.sync.kills --kills=200

Several processes push as phones do: they send a batch until it is answered, and only then write its answers to a file of their own, outside
of the database. Meanwhile the whole server is killed with SIGKILL at random moments and started anew on the same
files, with the durability settings of production. At the end every acknowledged mutation must be stored with the answer
that was given, have exactly one effect, and the audit chain must hold.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.services.postgres import Postgres
from tests.sync import ground

A = UUID(int=0xA)


def be_phone(seed: int, log: Path, stop: Event) -> None:
    """Write and edit notes until told to stop; every answered batch becomes lines of the log."""
    import orjson
    from django.db import DatabaseError, InterfaceError, connection

    from core.problems import Unavailable
    from sync import envelope
    from sync import push as pushing
    from tests.sync import toys

    logging.disable(logging.CRITICAL)
    chance = random.Random(seed)
    phone: Any = None
    while phone is None:
        try:
            phone = toys.Phone(toys.person(f"phone{chance.random()}", A))
        except (DatabaseError, InterfaceError):
            connection.close()
    mine: list[tuple[str, int]] = []
    with log.open("a") as told:
        while not stop.is_set():
            batch = []
            for _ in range(chance.randint(1, 4)):
                if mine and chance.random() < 0.5:
                    record, revision = chance.choice(mine)
                    batch.append(phone.put(record, revision, text=f"{seed}.{chance.random()}"))
                else:
                    batch.append(phone.put(str(UUID(int=chance.getrandbits(128))), enterprise=str(A), title="x"))
            body = orjson.dumps({"schema": 1, "mutations": batch})
            tries = 0
            while True:
                tries += 1
                try:
                    answer = pushing.push(envelope.read(body), by=phone.by, at=phone.now, operations=toys.OPERATIONS)
                    break
                except (DatabaseError, InterfaceError, Unavailable):
                    connection.close()
                    time.sleep(0.02)
            for sent, result in zip(batch, orjson.loads(answer)["results"], strict=True):
                told.write(json.dumps([str(phone.device), sent["id"], sent["record"], result, tries]) + "\n")
                if result["status"] in ("applied", "merged"):
                    mine = [one for one in mine if one[0] != sent["record"]][-20:]
                    mine.append((sent["record"], result["revision"]))
            told.flush()
    ground.leave()


def run(server: Postgres, kills: int, phones: int, *, progress: bool = False) -> dict[str, int]:
    """Kill the server that many times under load, then look at what is left; gives the figures."""
    chance = random.Random(kills)
    kinds = multiprocessing.get_context("fork")
    stop = kinds.Event()
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{number}.log" for number in range(phones)]
        ground.leave()
        children = [
            kinds.Process(target=be_phone, args=(number, log, stop), daemon=True) for number, log in enumerate(logs)
        ]
        for child in children:
            child.start()
        for number in range(kills):
            time.sleep(chance.uniform(0.1, 1.2))
            server.kill()
            server.start()
            if progress and number % 20 == 19:
                print(f"… {number + 1} kills", flush=True)
        time.sleep(1)
        stop.set()
        for child in children:
            child.join()
            assert child.exitcode == 0, "a phone failed"
        return {"kills": kills, **judge([json.loads(line) for log in logs for line in log.read_text().splitlines()])}


def judge(acknowledged: list[Any]) -> dict[str, int]:
    """Hold what was acknowledged against what is stored."""
    import orjson

    from journal import upkeep
    from journal.models import Entry, Head
    from sync.models import Mutation

    stored = {(str(one.device), str(one.mutation)): one for one in Mutation.objects.all()}
    effects = Counter(map(str, Entry.objects.filter(verb="note.put").values_list("mutation", flat=True)))
    heads = {str(record): revision for record, revision in Head.objects.values_list("record", "revision")}
    figures = Counter(lost=0, unstable=0, doubled=sum(count > 1 for count in effects.values()), retried=0)
    for device, mutation, record, result, tries in acknowledged:
        row = stored.get((device, mutation))
        figures["retried"] += tries > 1
        if row is None or result["revision"] > heads.get(record, 0) or not effects[mutation]:
            figures["lost"] += 1
        elif (orjson.loads(row.answer) != result) if row.answer else (row.revision != result["revision"]):
            figures["unstable"] += 1
    return {"acknowledged": len(acknowledged), **figures, "findings": len(list(upkeep.check()))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--phones", type=int, default=4)
    asked = parser.parse_args()
    with ground.stand("postgres", durable=True) as server:
        assert server is not None
        figures = run(server, asked.kills, asked.phones, progress=True)
    print("  ".join(f"{name}={value}" for name, value in figures.items()))
    wrong = figures["lost"] + figures["unstable"] + figures["doubled"] + figures["findings"]
    return int(wrong > 0 or not figures["acknowledged"])


if __name__ == "__main__":
    sys.exit(main())
