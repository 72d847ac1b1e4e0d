"""A service of ours: a real server, started for a test run or a script, gone with it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

ENOUGH = 2 * 1024**3
"""Bytes that must be free in /dev/shm before files are put there."""
KEEPER = Path(__file__).with_name("keeper.py")


class ServiceMissing(RuntimeError):
    """A service cannot be started here; the message says what was tried and what would help."""


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that nobody holds at this moment, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def make_folder(kind: str, *, quick: bool = False) -> Path:
    """A folder of its own, readable by nobody else; a quick one may be gone with the power."""
    return Path(tempfile.mkdtemp(prefix=f"sanyuantong-{kind}-", dir=quick_place() if quick else None))


def quick_place() -> str | None:
    """A folder in memory, where files need not wait for the disk; None for the usual place."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ENOUGH:
        return str(memory)
    return None


class Service:
    """One server process with its keeper. Subclasses say what to run and when it is ready."""

    patience = 30.0
    """Seconds to wait until it is ready."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.log = folder / "log"
        self.pid = 0
        self._keeper: subprocess.Popen[str] | None = None

    def keep(self, argv: Sequence[str], *, stop: int, grace: float = 10, run_as: int | None = None) -> None:
        """Put the keeper beside the service; `start` then starts it."""
        order = {
            "argv": list(argv),
            "log": str(self.log),
            "stop": stop,
            "grace": grace,
            "remove": [str(self.folder)],
            "run_as": run_as,
        }
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", str(KEEPER), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self) -> None:
        """Start it (again, after `kill`) and come back when it is ready."""
        self.pid = self._say("start")
        self.wait_until(self.ready, while_running=self.pid)

    def kill(self) -> None:
        """Kill it as a power cut would, keeping its files."""
        self._say("kill")

    def close(self) -> None:
        """Stop it and remove its folder. A second call does nothing."""
        if self._keeper is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        self._keeper.wait()
        if self._keeper.stdout is not None:
            self._keeper.stdout.close()
        self._keeper = None

    def ready(self) -> bool:
        """Whether it answers yet."""
        raise NotImplementedError

    def wait_until(self, true: Callable[[], bool], *, while_running: int) -> None:
        end = time.monotonic() + self.patience
        while not true():
            if time.monotonic() > end or not running(while_running):
                said = self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""
                self.close()
                raise ServiceMissing(f"{self.kind} did not come up. It said:\n{said}")
            time.sleep(0.03)

    def _say(self, word: str) -> int:
        if self._keeper is None or self._keeper.stdin is None or self._keeper.stdout is None:
            raise ServiceMissing(f"{self.kind} is closed")
        self._keeper.stdin.write(f"{word}\n")
        self._keeper.stdin.flush()
        answer = self._keeper.stdout.readline().strip()
        if not answer:
            raise ServiceMissing(f"the keeper of {self.kind} is gone")
        return int(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def running(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return not Path("/proc/self").exists()
    return state not in "ZX"


def children_of(pid: int) -> list[int]:
    """The processes that it has started and that still run; none where the system does not tell."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
