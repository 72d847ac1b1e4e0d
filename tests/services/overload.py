"""Five times what the server can do, with slow lines beside it: who is refused is told so, who is accepted is served soon.

    make overload

A production-like installation (PostgreSQL with safe settings, two app processes). First a closed loop finds what it can
do; then requests come at five times that rate whether or not the earlier ones were answered, each reporting one visit,
while others dribble headers and bodies and never end. At the end everything acknowledged must be in a first pull, once,
and the server must be as before within ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from statistics import quantiles
from uuid import uuid4

import httpx
import orjson

from client.phone import Phone
from tests.services.production import install

DEVICES = 8
BACK_TO_NORMAL = 10.0
"""Seconds within which answers must be quick again."""
LONGEST = 6.0
"""Seconds that the 99th percentile of accepted requests may take: the wait at the gate and some work."""
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Tally:
    """What came of the requests of one phase."""

    statuses: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    unexplained: int = 0
    """Refusals that did not say when to come again."""

    def percentile(self, percent: int) -> float:
        return quantiles(self.seconds, n=100)[percent - 1] if len(self.seconds) > 1 else float("inf")


class Crowd:
    """Many devices that report visits, over kept lines to one port."""

    def __init__(self, port: int, phones: list[Phone]) -> None:
        self.port = port
        self.tokens = [phone.line.tokens["access"] for phone in phones]
        self.enterprise = next(key for kind, key in sorted(phones[0].mirror.rows) if kind == "enterprises")
        self.idle: list[Line] = []
        self.turns = count()

    async def report(self, tally: Tally) -> None:
        """One visit, sent once; its outcome is noted."""
        began = time.perf_counter()
        record, now = str(uuid4()), datetime.now(UTC).isoformat()
        data = {"enterprise": self.enterprise, "mode": "on_site", "started_at": now, "status": "draft"}
        mutation = {"id": str(uuid4()), "collection": "visits", "record": record, "op": "put", "base": None}
        sent = {"sent_at": now, "schema": 1, "epoch": None, "mutations": [mutation | {"data": data, "at": now}]}
        try:
            status, head, body = await asyncio.wait_for(self._post(orjson.dumps(sent)), 30)
        except (OSError, EOFError, TimeoutError) as error:
            tally.statuses[type(error).__name__] += 1
            return
        tally.statuses[str(status)] += 1
        if status == 200:
            tally.seconds.append(time.perf_counter() - began)
            if orjson.loads(body)["results"][0]["status"] == "applied":
                tally.acknowledged.append(record)
        elif b"\r\nretry-after:" not in head.lower():
            tally.unexplained += 1

    async def _post(self, body: bytes) -> tuple[int, bytes, bytes]:
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        token = self.tokens[next(self.turns) % len(self.tokens)]
        try:
            writer.write(
                f"POST /api/v1/sync/push HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(row[15:]) for row in head.lower().split(b"\r\n") if row.startswith(b"content-length:"))
            answer = await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return int(head[9:12]), head, answer

    async def closed(self, seconds: float, *, at_once: int) -> Tally:
        """Each asks again when it has its answer."""
        tally, end = Tally(), time.perf_counter() + seconds

        async def one() -> None:
            while time.perf_counter() < end:
                await self.report(tally)

        await asyncio.gather(*(one() for _ in range(at_once)))
        return tally

    async def flood(self, seconds: float, *, rate: float) -> Tally:
        """They come at this rate, whatever becomes of those before them."""
        tally, began = Tally(), time.perf_counter()
        coming: set[asyncio.Task[None]] = set()
        for number in count():
            due = began + number / rate
            if due > began + seconds:
                break
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            task = asyncio.create_task(self.report(tally))
            coming.add(task)
            task.add_done_callback(coming.discard)
        await asyncio.gather(*coming)
        return tally

    async def dribblers(self, heads: int, bodies: int) -> list[Line]:
        """Lines that begin a request and never end it."""
        head = b"POST /api/v1/sync/push HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        lines = [await asyncio.open_connection("127.0.0.1", self.port) for _ in range(heads + bodies)]
        for number, (_, writer) in enumerate(lines):
            writer.write(head if number < heads else head + b'Content-Length: 2000\r\n\r\n{"sent_at": ')
        return lines


async def recovery(crowd: Crowd) -> float:
    """Seconds until twenty answers in a row were quick."""
    began = time.perf_counter()
    row = 0
    while row < 20 and time.perf_counter() - began < 60:
        tally = Tally()
        await crowd.report(tally)
        row = row + 1 if tally.seconds and tally.seconds[0] < 1 else 0
    return time.perf_counter() - began


async def run(crowd: Crowd, *, seconds: float, times: float) -> tuple[list[str], bool]:
    """Calm, flood, calm; gives what was acknowledged and whether all was as it should be."""
    await crowd.closed(2, at_once=8)
    calm = await crowd.closed(seconds / 3, at_once=16)
    able = len(calm.seconds) / (seconds / 3)
    print(f"able: {able:.0f} visits/s, 99 % within {calm.percentile(99):.2f} s", flush=True)
    slow = await crowd.dribblers(100, 40)
    flood = await crowd.flood(seconds, rate=able * times)
    back = await recovery(crowd)
    for _, writer in slow:
        writer.close()
    allowed = {"200", "503", "429"}
    print(f"asked: {able * times:.0f}/s for {seconds:.0f} s beside 140 lines that dribble: {dict(flood.statuses)}")
    print(f"accepted: {len(flood.seconds) / seconds:.0f}/s, 99 % within {flood.percentile(99):.2f} s")
    print(f"refused without a time to come again: {flood.unexplained}; back to normal after {back:.1f} s")
    right = (
        set(flood.statuses) <= allowed
        and flood.statuses["503"] + flood.statuses["429"] > 0
        and not flood.unexplained
        and flood.percentile(99) < LONGEST
        and back < BACK_TO_NORMAL
    )
    return calm.acknowledged + flood.acknowledged, right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--times", type=float, default=5)
    asked = parser.parse_args()
    with install(processes=2, months=1, worker=False) as installation:

        def phone() -> Phone:
            http = httpx.Client(base_url=installation.base_url)
            return Phone(http, "liaison", installation.password).sign_in()

        phones = [phone() for _ in range(DEVICES)]
        phones[0].pull()
        crowd = Crowd(int(installation.base_url.rpartition(":")[2]), phones)
        acknowledged, right = asyncio.run(run(crowd, seconds=asked.seconds, times=asked.times))
        held = {key for kind, key in phone().pull().mirror.rows if kind == "visits"}
    lost = [record for record in acknowledged if record not in held]
    print(f"{len(acknowledged)} visits acknowledged, {len(lost)} lost")
    return 0 if right and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
