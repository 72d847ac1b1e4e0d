"""The production drill: every part of an installation is killed in turn while a phone keeps sending.

    make production-drill

starts PostgreSQL, an S3 server, two app servers with the production's settings, a worker, and nginx with
`deploy/nginx.conf`, TLS included; runs the tour through it; then kills each part as a crash would and starts it again.
Meanwhile a phone reports visits one by one and sends each again until it is acknowledged. At the end a fresh first pull
must hold all that was acknowledged, each once. It prints how long nothing could be acknowledged.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import uuid4

import httpx

from tests.services.nginx import Nginx, answers
from tests.services.process import Service, free_ports, make_folder
from tests.services.production import ROOT, Installation, Server, install

LONGEST_PAUSE = 20.0
"""Seconds after which a part that came back must have been acknowledging again."""


class Worker(Service):
    """`manage.py work` as a service."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__("worker", make_folder("worker"))
        variables = [f"{name}={value}" for name, value in environment.items()]
        try:
            self.keep(["env", *variables, sys.executable, str(ROOT / "manage.py"), "work"], stop=signal.SIGTERM)
            self.start()
        except BaseException:
            self.close()
            raise

    def ready(self) -> bool:
        return True


@dataclass(eq=False)
class Phone(threading.Thread):
    """Reports one visit after the other until told to stop; sends each again, as it is, until it is acknowledged."""

    base_url: str
    password: str
    acknowledged: list[tuple[float, str]] = field(default_factory=list)
    refused: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.http = httpx.Client(base_url=f"{self.base_url}/api/v1/", timeout=15)
        self.device = str(uuid4())
        self.sign_in()
        self.enterprise = self.first_enterprise()

    def sign_in(self) -> None:
        device = {"id": self.device, "name": "drill", "platform": "drill", "app_version": "1"}
        asked = {"username": "liaison", "password": self.password, "device": device}
        told = self.http.post("auth/token", json=asked).raise_for_status().json()
        self.http.headers["Authorization"] = f"Bearer {told['access']}"

    def pulled(self) -> list[dict[str, Any]]:
        """Everything that a first sync brings."""
        operations: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            asked = {"limit": "1000"} | ({"cursor": cursor} if cursor else {})
            page = self.http.get("sync/pull", params=asked).raise_for_status().json()
            operations += page["ops"]
            cursor = page["cursor"]
            if page["complete"]:
                return operations

    def first_enterprise(self) -> str:
        return next(str(each["id"]) for each in self.pulled() if each.get("collection") == "enterprises")

    def run(self) -> None:
        while not self.stopping.is_set():
            now = datetime.now(UTC).isoformat()
            record = str(uuid4())
            data = {"enterprise": self.enterprise, "mode": "on_site", "started_at": now, "status": "draft"}
            mutation = {
                "id": str(uuid4()),
                "collection": "visits",
                "record": record,
                "op": "put",
                "base": None,
                "data": data,
                "at": now,
            }
            self.push(mutation)
            time.sleep(0.05)

    def push(self, mutation: dict[str, Any]) -> None:
        while True:
            sent = {"sent_at": mutation["at"], "schema": 1, "epoch": None, "mutations": [mutation]}
            try:
                answer = self.http.post("sync/push", json=sent)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code == 200:
                result = answer.json()["results"][0]
                if result["status"] != "applied":
                    self.refused.append(result)
                self.acknowledged.append((time.monotonic(), mutation["record"]))
                return
            if answer is not None and answer.status_code < 500 and answer.status_code != 429:
                self.refused.append(answer.text[:500])
                return
            time.sleep(0.1)

    def longest_pause(self, *, since: float) -> float:
        """Seconds of the longest time without an acknowledgement since then."""
        times = [since, *(at for at, _ in self.acknowledged if at >= since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(times))


def again(part: Service, port: int | None = None) -> None:
    """Kill a part and start it when its port is free, as a supervisor would."""
    part.kill()
    end = time.monotonic() + 15
    while port is not None and answers(port) and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(1)
    part.start()


@contextmanager
def second_server(installation: Installation) -> Iterator[Server]:
    """Another app server on the same database and storage."""
    [port] = free_ports(1)
    with Server(installation.strict | {"PORT": str(port)}, port=port, worker=False) as server:
        yield server


def port_of(server: Server) -> int:
    return int(server.base_url.rpartition(":")[2])


def main() -> int:
    front, plain = free_ports(2)
    with ExitStack() as stack:
        installation = stack.enter_context(install(processes=1, worker=False, front=f"https://127.0.0.1:{front}"))
        second = stack.enter_context(second_server(installation))
        worker = stack.enter_context(Worker(installation.strict))
        ports = [port_of(installation.server), port_of(second)]
        proxy = stack.enter_context(Nginx(port=front, plain_port=plain, upstreams=ports))
        os.environ["SSL_CERT_FILE"] = str(proxy.authority)
        parts: dict[str, Callable[[], None]] = {
            "nginx": lambda: again(proxy, front),
            "the first app server": lambda: again(installation.server, ports[0]),
            "the second app server": lambda: again(second, ports[1]),
            "the worker": lambda: again(worker),
            "PostgreSQL": lambda: again(installation.database),
            "the S3 server": lambda: again(installation.storage),
        }
        return drill(proxy.base_url, installation.password, parts)


def drill(base_url: str, password: str, parts: dict[str, Callable[[], None]]) -> int:
    """Tour, kill, count. Answers the exit code."""
    told = os.environ | {"BASE_URL": base_url, "DEMO_PASSWORD": password}
    subprocess.run([sys.executable, "-m", "demo.tour"], cwd=ROOT, env=told, check=True)
    phone = Phone(base_url, password)
    phone.start()
    time.sleep(2)
    failed = False
    for name, kill in parts.items():
        since = time.monotonic()
        kill()
        time.sleep(4)
        pause = phone.longest_pause(since=since)
        failed = failed or pause > LONGEST_PAUSE
        print(f"{name}: killed and back; nothing acknowledged for {pause:.1f} s at the longest", flush=True)
    phone.stopping.set()
    phone.join(60)
    held = [str(each["id"]) for each in phone.pulled() if each.get("collection") == "visits" and each["op"] == "put"]
    sent = [record for _, record in phone.acknowledged]
    lost = [record for record in sent if held.count(record) != 1]
    print(f"{len(sent)} visits acknowledged, {len(lost)} lost or doubled, {len(phone.refused)} refused")
    for refusal in phone.refused[:3]:
        print("refused:", refusal)
    return 1 if failed or lost or phone.refused else 0


if __name__ == "__main__":
    sys.exit(main())
