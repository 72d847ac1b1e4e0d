"""Phones that went away in the middle of a body: how long anybody waits for the next bytes of one, and how the wait ends.

The server reads a body without a time-out, and a phone that lost its network says no goodbye, so each would hold a thread
for ever. Here a body is read under watch: when nothing has come for the patience of the settings, its connection
is shut, the read ends, and what arrived of an upload is kept as after any other cut. The server does not tell which
connection a request came by; the one that is meant is known by who is at its other end and how long it has been silent.
"""

from __future__ import annotations

import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.conf import settings

LOOK_EVERY = 1.0
LAST_SENT, LAST_RECEIVED, BYTES_RECEIVED = (
    44,
    52,
    128,
)  # where tcp_info keeps them, the first two in milliseconds ago (linux/tcp.h)
TCP_INFO_LENGTH = 192
QUEUED = 10.0  # seconds that may pass between a request's last bytes and the moment when a thread takes it up
log = logging.getLogger(__name__)


class Line:
    """The body of a request, read under watch."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._stream: IO[bytes] = environ["wsgi.input"]
        self.peer = str(environ.get("REMOTE_ADDR") or "")
        self.port = str(environ.get("SERVER_PORT") or "")
        self.began = self.waits_since = time.monotonic()

    def read(self, size: int = -1) -> bytes:
        return self._watched(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._watched(self._stream.readline, size)

    def _watched(self, read: Callable[[int], bytes], size: int) -> bytes:
        self.waits_since = time.monotonic()
        _watch.waiting[id(self)] = self
        _watch.wake()
        try:
            return read(size)
        finally:
            _watch.waiting.pop(id(self), None)


class Watch:
    """One thread of this process that looks after the bodies being waited for, started with the first of them."""

    def __init__(self) -> None:
        self.waiting: dict[int, Line] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def wake(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._look, name="lines", daemon=True)
                    self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            patience, now = settings.BODY_WAIT_SECONDS, time.monotonic()
            for line in list(self.waiting.values()):
                if now - line.waits_since > patience and hang_up(line, silent=patience, since=now - line.began):
                    log.info("hung up on a body that stopped coming")


_watch = Watch()


def hang_up(line: Line, *, silent: float, since: float) -> int:
    """Shut this process's connections with the line's peer that were silent both ways for ``silent`` seconds, but not
    longer than ``since``: a request came by it then. Gives how many.
    """
    shut = 0
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(OSError), socket.socket(fileno=os.dup(int(handle.name))) as connection:
            if _is_meant(connection, line, silent * 1000 - 500, (since + QUEUED) * 1000):
                connection.shutdown(socket.SHUT_RDWR)
                shut += 1
    return shut


def _is_meant(connection: socket.socket, line: Line, least: float, most: float) -> bool:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    if str(connection.getsockname()[1]) != line.port or not str(connection.getpeername()[0]).endswith(line.peer):
        return False
    told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_LENGTH)
    (sent,), (received,) = struct.unpack_from("I", told, LAST_SENT), struct.unpack_from("I", told, LAST_RECEIVED)
    (heard,) = struct.unpack_from("Q", told, BYTES_RECEIVED)
    return bool(heard and sent >= least and least <= received <= most)
