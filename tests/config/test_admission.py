"""More come than can be served: the gate in front of Django, with threads that truly wait. The whole of it: `make overload`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from config.admission import CHUNK, SMALL, Admission, Gate
from tests.services import ROOT

Answer = tuple[str, dict[str, str], bytes]


class Kitchen:
    """An application that serves nobody until it is told to."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.inside = threading.Semaphore(0)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.inside.release()
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        assert self.open.wait(20)
        start_response("200 OK", [])
        return [body]

    def holds(self, count: int) -> None:
        """Wait until so many are being served."""
        for _ in range(count):
            assert self.inside.acquire(timeout=20)


@pytest.fixture
def kitchen() -> Iterator[Kitchen]:
    one = Kitchen()
    yield one
    one.open.set()


@pytest.fixture
def guests() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool


def ask(door: Admission, path: str = "/api/v1/me", **more: Any) -> Answer:
    told: dict[str, Any] = {}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": BytesIO()} | more
    body = b"".join(door(environ, lambda status, headers: told.update(status=status, headers=dict(headers))))
    return told["status"], told["headers"], body


def queued(gate: Gate, count: int) -> None:
    end = time.monotonic() + 20
    while gate.waiting < count and time.monotonic() < end:
        time.sleep(0.005)
    assert gate.waiting == count


def test_row_41_who_finds_no_place_in_the_queue_is_told_when_to_come_again(
    kitchen: Kitchen, guests: ThreadPoolExecutor
) -> None:
    gate = Gate(places=2, queue=1, patience=20)
    door = Admission(kitchen, gate)
    served: list[Future[Answer]] = [guests.submit(ask, door) for _ in range(2)]
    kitchen.holds(2)
    served.append(guests.submit(ask, door))
    queued(gate, 1)

    refusals = [ask(door) for _ in range(5)]

    assert {status for status, _, _ in refusals} == {"503 Service Unavailable"}
    assert all(int(headers["Retry-After"]) > 0 for _, headers, _ in refusals)
    assert json.loads(refusals[0][2])["type"] == "/problems/unavailable"
    kitchen.open.set()
    assert [one.result(20)[0] for one in served] == ["200 OK"] * 3
    assert ask(door)[0] == "200 OK"


def test_row_41_nobody_waits_longer_than_the_patience(kitchen: Kitchen, guests: ThreadPoolExecutor) -> None:
    door = Admission(kitchen, Gate(places=1, queue=5, patience=0.05))
    served = guests.submit(ask, door)
    kitchen.holds(1)
    assert ask(door)[0] == "503 Service Unavailable"
    kitchen.open.set()
    assert served.result(20)[0] == "200 OK"
    assert ask(door)[0] == "200 OK"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_row_41_whoever_watches_is_let_in_all_the_same(kitchen: Kitchen, guests: ThreadPoolExecutor, path: str) -> None:
    door = Admission(kitchen, Gate(places=1, queue=0, patience=0))
    guests.submit(ask, door)
    kitchen.holds(1)
    watcher = guests.submit(ask, door, path)
    kitchen.holds(1)
    kitchen.open.set()
    assert watcher.result(20)[0] == "200 OK"


class Dribble:
    """A caller's line on which nothing comes for a while."""

    def __init__(self) -> None:
        self.asked, self.goes_on = threading.Event(), threading.Event()

    def read(self, size: int = -1) -> bytes:
        self.asked.set()
        assert self.goes_on.wait(20)
        return b"x" * size


@pytest.mark.parametrize(("length", "kind"), [(500, "application/json"), (SMALL + 1, "application/json"), (500, CHUNK)])
def test_row_41_slow_lines_starve_nobody(kitchen: Kitchen, guests: ThreadPoolExecutor, length: int, kind: str) -> None:
    kitchen.open.set()
    door = Admission(kitchen, Gate(places=1, queue=1, patience=20))
    line = Dribble()
    told = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(length), "CONTENT_TYPE": kind, "wsgi.input": line}
    slow = guests.submit(ask, door, "/api/v1/uploads", **told)
    assert line.asked.wait(20)

    assert [guests.submit(ask, door).result(20)[0] for _ in range(20)] == ["200 OK"] * 20

    line.goes_on.set()
    assert slow.result(20) == ("200 OK", {}, b"x" * length)


COUNT = """
import sys
from config import counting
for _ in range(int(sys.argv[1])):
    counting.answered("GET", "api/v1/me", 200, 0.01)
counting.answered("BREW", "api/v1/me", 405, 0.01)
"""


def test_whichever_process_is_asked_tells_the_counts_of_all(tmp_path: Path) -> None:
    told = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
    for count in ("3", "4"):
        subprocess.run([sys.executable, "-c", COUNT, count], env=told, cwd=ROOT, check=True)
    ask = (
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        "from config import counting\n"
        "registry = CollectorRegistry(); counting.register_in(registry); print(generate_latest(registry).decode())"
    )
    said = subprocess.run([sys.executable, "-c", ask], env=told, cwd=ROOT, check=True, capture_output=True, text=True)
    name = "sanyuantong_http_request_seconds_count"
    assert f'{name}{{method="GET",route="api/v1/me",status="200"}} 7.0' in said.stdout
    assert f'{name}{{method="other",route="api/v1/me",status="405"}} 2.0' in said.stdout
