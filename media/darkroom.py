"""Decoding strangers' pictures where it can hurt nobody: in a child process with hard limits.

``python -m media.darkroom`` imports the decoders once and then forks for every job. The fork gives
up memory, processor time, wall time and the file system before it touches the picture, answers through
a pipe, and is gone; a bomb or a crash ends the fork, not the child, and nothing reaches the parent but a refusal.

Frames on the pipes: a JSON head with the lengths of the blobs that follow, itself preceded by its
length as four bytes, big-endian.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from media import headers
from media.exif import Exif
from media.pictures import SIZES, Developed, develop
from media.watermark import Marks, marked

LENGTH = struct.Struct(">I")
MAX_HEAD = 1_000_000
PIPE_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What one job may use: address space in bytes, processor and wall seconds, bytes of answer."""

    memory: int = 560 << 20
    cpu_seconds: int = 4
    wall_seconds: float = 20.0
    answer: int = 32 << 20


class DarkroomDown(RuntimeError):
    """The child cannot be started or does not speak; the picture is not to blame and the job may be tried again."""


class Darkroom:
    """The parent's side: one child, started when first needed, one job at a time; threads queue."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = threading.Lock()

    def develop(self, data: bytes, sizes: dict[str, int] = SIZES) -> Developed:
        """The facts and prints of a picture. Raises NotAPicture (see ``media.headers``) or DarkroomDown."""
        header = headers.read(data)
        head, blobs = self._job({"task": "develop", "kind": header.kind, "sizes": sizes}, data)
        prints = dict(zip(head["prints"], blobs, strict=True))
        return Developed(
            head["width"], head["height"], Exif(**head["exif"]), head["likeness"], prints, head["complete"]
        )

    def mark(self, print_: bytes, marks: Marks) -> bytes:
        """The watermarked copy of one of our own prints."""
        job = {"task": "mark", "lines": list(marks.lines), "code": marks.code, "link": marks.link}
        return self._job(job, print_)[1][0]

    def close(self) -> None:
        with self._turn:
            self._dismiss()

    def __enter__(self) -> Darkroom:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _job(self, head: dict[str, Any], blob: bytes) -> tuple[dict[str, Any], list[bytes]]:
        with self._turn:
            child = self._child if self._child and self._child.poll() is None else self._start()
            assert child.stdin is not None and child.stdout is not None
            try:
                _send(child.stdin.fileno(), head, [blob])
                deadline = time.monotonic() + self._limits.wall_seconds + 2
                answer = _receive(lambda n: _read_before(child.stdout.fileno(), n, deadline))  # type: ignore[union-attr]
            except (OSError, EOFError, ValueError) as fault:
                self._dismiss()
                raise DarkroomDown(str(fault)) from fault
        if answer is None:
            self.close()
            raise DarkroomDown("the child went away")
        if "late" in answer[0]:
            raise DarkroomDown("no answer in time")
        if "refused" in answer[0]:
            raise headers.refusal(answer[0]["refused"])
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._dismiss()
        limits = [self._limits.memory, self._limits.cpu_seconds, self._limits.wall_seconds, self._limits.answer]
        self._child = subprocess.Popen(
            [sys.executable, "-m", "media.darkroom", json.dumps(limits)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).resolve().parent.parent,
            env={"PATH": os.defpath, "MALLOC_ARENA_MAX": "2", "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        return self._child

    def _dismiss(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                pipe.close()


def _read_before(handle: int, length: int, deadline: float | None) -> bytes:
    """Exactly ``length`` bytes, b"" at a clean end. Raises TimeoutError past the deadline, EOFError in mid-frame."""
    pieces: list[bytes] = []
    missing = length
    waiting = select.poll()
    waiting.register(handle, select.POLLIN)
    while missing:
        if not waiting.poll(None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000):
            raise TimeoutError("no answer in time")
        piece = os.read(handle, min(missing, PIPE_PIECE))
        if not piece:
            if pieces:
                raise EOFError("cut off")
            return b""
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _send(handle: int, head: dict[str, Any], blobs: Sequence[bytes]) -> None:
    written = json.dumps(head | {"blobs": [len(blob) for blob in blobs]}).encode()
    for part in (LENGTH.pack(len(written)) + written, *blobs):
        view = memoryview(part)
        while view:
            view = view[os.write(handle, view) :]


def _receive(read: Callable[[int], bytes]) -> tuple[dict[str, Any], list[bytes]] | None:
    start = read(LENGTH.size)
    if not start:
        return None
    (length,) = LENGTH.unpack(start)
    if length > MAX_HEAD:
        raise ValueError("head too long")
    head = json.loads(read(length))
    return head, [read(size) for size in head["blobs"]]


def _serve(limits: Limits) -> None:
    """The child's loop: read a job, fork, pass on what the fork answers, or why it did not."""

    def read(length: int) -> bytes:
        return _read_before(0, length, None)

    while (job := _receive(read)) is not None:
        inlet, outlet = os.pipe()
        fork = os.fork()
        if fork == 0:
            os.close(inlet)
            _work(job, outlet, limits)
        os.close(outlet)
        answer = _drained(inlet, limits.answer)
        os.close(inlet)
        _, status = os.waitpid(fork, 0)
        if status != 0 or answer is None:
            _send(1, _epitaph(status), [])
        else:
            view = memoryview(answer)
            while view:
                view = view[os.write(1, view) :]


def _epitaph(status: int) -> dict[str, Any]:
    """Why a fork gave no answer. Wall time alone is not held against the picture: the machine may be busy."""
    if os.WIFSIGNALED(status):
        return {"late": True} if os.WTERMSIG(status) == signal.SIGALRM else {"refused": "too-heavy"}
    return {"refused": "undecodable"}


def _drained(inlet: int, most: int) -> bytes | None:
    pieces, size = [], 0
    while piece := os.read(inlet, PIPE_PIECE):
        size += len(piece)
        if size <= most:
            pieces.append(piece)
    return b"".join(pieces) if size <= most else None


def _work(job: tuple[dict[str, Any], list[bytes]], outlet: int, limits: Limits) -> None:
    """In the fork: give up all but the pipe, do the job, answer, die."""
    status = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
        resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds)
        head, blobs = job
        try:
            answer, prints = _done(head, blobs[0])
        except MemoryError:
            answer, prints = {"refused": "too-heavy"}, []
        except Exception:  # noqa: BLE001 - decoders raise anything at all on hostile input; this process is thrown away
            answer, prints = {"refused": "undecodable"}, []
        _send(outlet, answer, prints)
        status = 0
    finally:
        os._exit(status)


def _done(head: dict[str, Any], blob: bytes) -> tuple[dict[str, Any], list[bytes]]:
    if head["task"] == "mark":
        return {}, [marked(blob, Marks(head["lines"], head["code"], head["link"]))]
    found = develop(blob, head["kind"], head["sizes"])
    answer = {
        "width": found.width,
        "height": found.height,
        "exif": found.exif.document(),
        "likeness": found.likeness,
        "complete": found.complete,
        "prints": list(found.prints),
    }
    return answer, list(found.prints.values())


if __name__ == "__main__":
    from media.pictures import _teach_heif

    _teach_heif()
    _serve(Limits(*json.loads(sys.argv[1])))
