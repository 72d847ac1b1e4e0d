"""A phone that speaks tus by hand over real HTTP, and the ways its line fails."""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx

from media import spool
from tests.media.scenes import digest

CHUNK = "application/offset+octet-stream"
PLAIN = ssl.create_default_context()
"""Read once: each client would read the machine's authorities anew, and these speak plain HTTP to this machine."""


class Phone:
    """A signed-in phone that speaks tus by hand."""

    def __init__(self, server: str, headers: dict[str, str]) -> None:
        self.server = server
        self.headers = headers | {"Tus-Resumable": "1.0.0"}
        self.http = httpx.Client(base_url=server, headers=self.headers, timeout=20, verify=PLAIN)

    def begins(
        self, data: bytes, *, photo: UUID | None = None, sha256: str | None = None, **headers: str
    ) -> httpx.Response:
        told = {"photo": str(photo or uuid4()), "sha256": sha256 or digest(data), "filename": "现场.jpg"}
        fields = {"Upload-Length": str(len(data)), "Upload-Metadata": metadata(told)} | headers
        return self.http.post("/api/v1/uploads/", headers=fields)

    def sends(self, address: str, chunk: bytes, offset: int, **headers: str) -> httpx.Response:
        fields = {"Upload-Offset": str(offset), "Content-Type": CHUNK} | headers
        return self.http.patch(address, content=chunk, headers=fields)

    def asks(self, address: str) -> httpx.Response:
        return self.http.head(address)

    def uploads(self, data: bytes, photo: UUID | None = None) -> None:
        address = self.begins(data, photo=photo).headers["Location"]
        assert self.sends(address, data, 0).status_code == 204


def metadata(told: dict[str, str]) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())


def base64_values(told: str) -> list[bytes]:
    return [b64decode(part.split(" ")[1]) for part in told.split(",")]


def cut_off(phone: Phone, address: str, data: bytes, after: int, **headers: str) -> None:
    """Promise the whole, send a part, and hang up."""
    place = urlsplit(phone.server)
    line = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
    line.putrequest("PATCH", address)
    fields = {"Upload-Offset": "0", "Content-Type": CHUNK, "Content-Length": str(len(data))} | headers
    for key, value in (phone.headers | fields).items():
        line.putheader(key, value)
    line.endheaders()
    assert line.sock is not None
    line.sock.sendall(data[:after])
    wait_until(lambda: is_busy(address))
    line.sock.shutdown(socket.SHUT_RDWR)
    line.close()


def wait_for_offset(phone: Phone, address: str) -> int:
    """The offset once the server has noticed the cut and let go."""
    wait_until(lambda: not is_busy(address))
    return int(phone.asks(address).headers["Upload-Offset"])


def is_busy(address: str) -> bool:
    """Whether a request is writing to this upload."""
    try:
        with spool.held(UUID(address.rsplit("/", 1)[1])):
            return False
    except spool.Busy:
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def checksum(chunk: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {b64encode(hashlib.new(algorithm, chunk).digest()).decode()}"
