"""The whole server is killed under load, again and again; seen from outside, over HTTP, nothing acknowledged is missing or there twice.

    python -m tests.sync.serverkills --kills=30

A production-like installation (PostgreSQL with safe settings, two app processes) and several phones that visit an enterprise of
theirs as fast as they can. Meanwhile SIGKILL hits all of the server's processes at random moments. In the end every
acknowledged mutation is sent once more and must get the answer it got; every visit must be in the pull of a new device of the same
person exactly once; and each mirror must verify.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import httpx

from client.line import Refused
from client.phone import Phone, shanghai_now
from tests.services.production import Installation, install, manage

PEOPLE = ("liaison", "liaison2")


class Visitor(threading.Thread):
    """A person who visits one enterprise over and over. ``told`` are the mutations answered, with their answers."""

    def __init__(self, installation: Installation, username: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.installation, self.username, self.stop = installation, username, stop
        self.told: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.phone = self._until_it_works(self._begin)

    def _begin(self) -> Phone:
        http = httpx.Client(base_url=self.installation.base_url)
        phone = Phone(http, self.username, self.installation.password).sign_in().pull()
        self.enterprise = next(key for collection, key in sorted(phone.mirror.rows) if collection == "enterprises")
        return phone

    def _until_it_works(self, work: Any) -> Any:
        while True:
            try:
                return work()
            except httpx.TransportError:
                pass
            except Refused as refused:
                if refused.status < 500 and refused.status != 429:
                    raise
            time.sleep(0.1)

    def run(self) -> None:
        while not self.stop.is_set():
            self.phone.goes_offline()
            at = shanghai_now().isoformat()
            visit = {"enterprise": self.enterprise, "mode": "on_site", "started_at": at, "status": "draft"}
            record = self.phone.puts("visits", visit)
            self.phone.puts("visits", {"summary": f"第{len(self.told)}次"}, record=record)
            self.phone.online = True
            batch = [one.body for one in self.phone.outbox.waiting]
            answers = self._until_it_works(self.phone.push)
            self.told += zip(batch, answers, strict=True)


def run(installation: Installation, kills: int, *, phones: int = 4) -> Counter[str]:
    """Kill that many times, then look; gives the figures."""
    chance, stop, figures = random.Random(kills), threading.Event(), Counter(kills=kills)
    visitors = [Visitor(installation, PEOPLE[number % len(PEOPLE)], stop) for number in range(phones)]
    for visitor in visitors:
        visitor.start()
    for _ in range(kills):
        time.sleep(chance.uniform(0.3, 2))
        installation.server.kill()
        installation.server.start()
    time.sleep(1)
    stop.set()
    for visitor in visitors:
        visitor.join()
        judge(visitor, figures)
    return figures


def judge(visitor: Visitor, figures: Counter[str]) -> None:
    figures["acknowledged"] += len(visitor.told)
    line = visitor.phone.line
    for start in range(0, len(visitor.told), 500):
        some = visitor.told[start : start + 500]
        body = {"schema": 1, "epoch": visitor.phone.epoch, "mutations": [sent for sent, _ in some]}
        again = line.post("sync/push", body)["results"]
        figures["unstable"] += sum(was != now for (_, was), now in zip(some, again, strict=True))
    figures["refused"] += sum(result["status"] == "quarantined" for _, result in visitor.told)
    fresh = Phone(httpx.Client(base_url=visitor.installation.base_url), visitor.username, visitor.installation.password)
    fresh.sign_in().pull()
    for sent, result in visitor.told:
        row = fresh.mirror.rows.get(("visits", sent["record"]))
        figures["lost"] += row is None or row.revision < result["revision"]
    figures["diverged"] += fresh.verify() != "match" or visitor.phone.pull().verify() != "match"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--phones", type=int, default=4)
    asked = parser.parse_args()
    with install(processes=2, worker=False) as installation:
        figures = run(installation, asked.kills, phones=asked.phones)
        try:
            manage(installation.environment, "feed", "check")
        except subprocess.CalledProcessError:
            figures["findings"] += 1
    names = ("kills", "acknowledged", "lost", "unstable", "refused", "diverged", "findings")
    print("  ".join(f"{name}={figures[name]}" for name in names))
    return int(any(figures[name] for name in names[2:]) or not figures["acknowledged"])


if __name__ == "__main__":
    sys.exit(main())
