"""An S3 service in memory that can be told to fail: what no well-behaved server would show us."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("down", "wrong bytes", "cut short", "vanished")


class FaultyStore:
    """``fault`` is one of FAULTS, or None; ``objects`` are what was put, by path."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fault: str | None = None
        self.endpoint = ""


@contextmanager
def faulty_store() -> Iterator[FaultyStore]:
    store = FaultyStore()

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "aws-chunked":
                body = re.sub(rb"\A[0-9a-f]+\r\n|\r\n0\r\n.*\Z", b"", body, flags=re.S)
            if store.fault == "down":
                return self.answer(503)
            if store.fault != "vanished":
                store.objects[self.path] = body[:-1] + b"\0" if store.fault == "wrong bytes" else body
            return self.answer(200)

        def do_GET(self) -> None:
            if store.fault == "down":
                return self.answer(500)
            body = store.objects.get(self.path.split("?")[0])
            if body is None:
                return self.answer(404)
            return self.answer(200, body[: len(body) // 2] if store.fault == "cut short" else body)

        do_HEAD = do_GET

        def do_DELETE(self) -> None:
            store.objects.pop(self.path, None)
            self.answer(204)

        def answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    store.endpoint = f"http://127.0.0.1:{server.server_port}"
    keeper = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    keeper.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        keeper.join()
