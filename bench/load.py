"""A cheap load client: ready-made requests over kept connections, and the processor time of whoever serves them."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Outcome:
    """What a run did: requests, seconds, the answers' statuses, latencies in milliseconds."""

    requests: int = 0
    seconds: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, percent: int) -> float:
        return quantiles(self.latencies, n=100)[percent - 1]


class Connection:
    """One kept HTTP/1.1 connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def ask(self, request: bytes) -> tuple[int, bytes]:
        self.socket.sendall(request)
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        head, rest = self.buffer[:end].lower(), self.buffer[end + 4 :]
        status = int(head[9:12])
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        while len(rest) < length:
            chunk = self.socket.recv(1 << 18)
            if not chunk:
                raise ConnectionError("cut")
            rest += chunk
        self.buffer = rest[length:]
        return status, rest[:length]

    def _more(self) -> None:
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("cut")
        self.buffer += chunk


def request(method: str, path: str, token: str = "", body: bytes = b"", *headers: str) -> bytes:
    """The bytes of a request."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(body)}",
        "Content-Type: application/json",
    ]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def run(port: int, requests: Iterable[bytes], *, at_once: int = 8, keep: bool = False) -> Outcome:
    """Send every request, ``at_once`` at a time."""
    source = iter(requests)
    lock = threading.Lock()
    outcome = Outcome()

    def work() -> None:
        connection = Connection(port)
        while True:
            with lock:
                one = next(source, None)
            if one is None:
                return
            began = time.perf_counter()
            status, body = connection.ask(one)
            took = (time.perf_counter() - began) * 1000
            with lock:
                outcome.requests += 1
                outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
                outcome.latencies.append(took)
                if keep:
                    outcome.bodies.append(body)

    threads = [threading.Thread(target=work) for _ in range(at_once)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome.seconds = time.perf_counter() - began
    return outcome


def children(pids: Iterable[int]) -> set[int]:
    """These processes and all that descend from them."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = set(), list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += parents.get(pid, [])
    return found


def cpu_seconds(roots: Sequence[int]) -> float:
    """Processor seconds used so far by these processes and their descendants, ended ones included."""
    total = 0
    for pid in children(roots):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident_mb(roots: Sequence[int], named: Callable[[str], bool]) -> list[float]:
    """Resident memory of the descendants whose command line is ``named``, largest first."""
    found = []
    for pid in children(roots):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
        if named(command):
            found.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return sorted(found, reverse=True)
