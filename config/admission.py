"""Who is let in when more come than can be served: a bounded number at once, a bounded queue, and a clear no for the rest.

It stands in front of Django, so that a refusal costs next to nothing. A request that only waits for its caller's slow
line holds no place: a small body is read before the place is taken, and whoever reads a large one gives the place back
while the line is slow. The proxy does the same for whole bodies; this is for servers that have none in front.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings
from django.db import connection

from api.errors import RETRY_AFTER
from api.rendering import PROBLEM, dumps
from config.counting import REFUSED
from config.lines import Line
from config.middleware import ANSWERS_COME_FROM
from core.problems import Unavailable
from core.texts import Text, negotiate

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
SMALL = 1 << 20
"""Bytes of a body that is read whole before its request takes a place."""
WATCHERS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Let in at once: whoever watches must hear of an overload while it lasts."""
CHUNK = "application/offset+octet-stream"
BUSY = Text("服务器繁忙，请稍后重试", "The server is busy, please send again shortly")


class Gate:
    """``places`` requests at once, ``queue`` waiting for a place, none of them longer than ``patience`` seconds."""

    def __init__(self, *, places: int, queue: int, patience: float) -> None:
        self.queue, self.patience = queue, patience
        self._free = threading.Semaphore(places)
        self.waiting = 0
        self._lock = threading.Lock()

    def enter(self) -> bool:
        """Take a place, at once or after a short wait; False when the queue is full or the wait too long."""
        if self._free.acquire(blocking=False):
            return True
        with self._lock:
            if self.waiting >= self.queue:
                REFUSED.inc()
                return False
            self.waiting += 1
        try:
            entered = self._free.acquire(timeout=self.patience)
        finally:
            with self._lock:
                self.waiting -= 1
        if not entered:
            REFUSED.inc()
        return entered

    def leave(self) -> None:
        self._free.release()

    def enter_again(self) -> None:
        """Back from a slow line: the request is half done, so it is not refused any more."""
        self._free.acquire()


class SlowLine:
    """A body that is read without holding a place, nor one of the few connections to the database."""

    def __init__(self, stream: Line, gate: Gate) -> None:
        self._stream, self._gate = stream, gate

    def read(self, size: int = -1) -> bytes:
        return self._away(self._stream.read, size)

    def readline(self, size: int = -1) -> bytes:
        return self._away(self._stream.readline, size)

    def _away(self, read: Callable[[int], bytes], size: int) -> bytes:
        if "pool" in connection.settings_dict["OPTIONS"] and not connection.in_atomic_block:
            connection.close()  # goes back to the pool
        self._gate.leave()
        try:
            return read(size)
        finally:
            self._gate.enter_again()


class Admission:
    """The WSGI application behind the gate."""

    def __init__(self, application: Application, gate: Gate | None = None) -> None:
        self.application = application
        self.gate = gate or Gate(
            places=settings.REQUESTS_AT_ONCE, queue=settings.REQUESTS_QUEUED, patience=settings.REQUESTS_WAIT_SECONDS
        )

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] in WATCHERS:
            return self.application(environ, start_response)
        line: SlowLine | None = None
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            line = self._body(environ)
        if not self.gate.enter():
            return refuse(environ, start_response)
        try:
            if line is not None:
                environ["wsgi.input"] = line
            return self.application(environ, start_response)
        finally:
            self.gate.leave()

    def _body(self, environ: dict[str, Any]) -> SlowLine | None:
        """Read a small body now; for any other give the stream that waits without a place."""
        length = environ.get("CONTENT_LENGTH") or ""
        stream = Line(environ)
        if length.isdigit() and int(length) <= SMALL and environ.get("CONTENT_TYPE") != CHUNK:
            environ["wsgi.input"] = BytesIO(stream.read(int(length)))
            return None
        return SlowLine(stream, self.gate)


def refuse(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """503 with the time after which to come again."""
    body = dumps(Unavailable(BUSY).told(negotiate(environ.get("HTTP_ACCEPT_LANGUAGE"))))
    headers = [
        ("Content-Type", PROBLEM),
        ("Content-Length", str(len(body))),
        ("Retry-After", str(RETRY_AFTER)),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", ANSWERS_COME_FROM),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "same-origin"),
    ]
    if settings.SECURE_HSTS_SECONDS:
        headers.append(
            ("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload")
        )
    start_response("503 Service Unavailable", headers)
    return [body]
