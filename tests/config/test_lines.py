"""Phones that go silent in the middle of a body hold nothing for long; the real server, the real gate, real sockets."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.process import free_ports
from tests.services.production import ROOT

CHUNK = "application/offset+octet-stream"
PATIENCE = 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """One process that does four things at once and waits two seconds for a body: its port, and what it counted."""
    folder = tmp_path_factory.mktemp("lines")
    [port] = free_ports(1)
    environment = {
        "ENV_FILE": "/dev/null", "VAR_DIR": str(folder), "SECRET_KEY": secrets.token_urlsafe(48),
        "BODY_WAIT_SECONDS": str(PATIENCE), "REQUESTS_AT_ONCE": "4",
    }  # fmt: skip
    words = ["--interface", "wsgi", "--port", str(port), "--blocking-threads", "40", "--no-ws", "--log-level", "error"]
    counted = folder / "counted"
    with counted.open("wb") as out:
        program = subprocess.Popen(
            [sys.executable, "-m", "granian", "tests.config.counting_app:application", *words],
            cwd=ROOT, env=os.environ | environment, stdout=out,
        )  # fmt: skip
        try:
            answer = b""
            for _ in range(300):
                try:
                    answer = asks(port, b"")
                    break
                except OSError:
                    time.sleep(0.1)
            assert answer.startswith(b"HTTP/1.1 200")
            yield port, counted
        finally:
            program.terminate()
            program.wait(20)


def begins(port: int, promised: int, sent: bytes, kind: str = CHUNK) -> socket.socket:
    """A phone that promises a body and sends a part of it, without hanging up."""
    line = socket.create_connection(("127.0.0.1", port), timeout=20)
    line.sendall(
        f"PATCH / HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {promised}\r\n\r\n".encode() + sent
    )
    return line


def asks(port: int, body: bytes) -> bytes:
    with begins(port, len(body), body, "application/json") as line:
        return line.recv(1000)


def test_row_41_silent_bodies_are_hung_up_on_and_others_are_served(server: tuple[int, Path]) -> None:
    port, counted = server
    with ExitStack() as phones:
        kinds = [CHUNK, "application/json"] * 6
        silent = [phones.enter_context(begins(port, 300_000, b"x" * 30_000, kind)) for kind in kinds]
        idle = phones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        began = time.monotonic()
        for _ in range(20):
            assert asks(port, b"12345").endswith(b"5")
        assert (
            time.monotonic() - began < PATIENCE
        )  # a dozen silent phones before a server that does four things at once

        for line in silent:
            assert line.recv(1) in (b"", b"H")  # let go: cut, or answered though nobody waits for it
        assert PATIENCE - 1 < time.monotonic() - began < PATIENCE + 8
        while "30000" not in counted.read_text():  # what had arrived is not lost
            assert time.monotonic() - began < 20
            time.sleep(0.05)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"  # a connection that carries no request is nobody's business here


def test_a_slow_body_is_not_a_silent_one(server: tuple[int, Path]) -> None:
    port, _ = server
    with begins(port, 80_000, b"") as line:
        for _ in range(8):  # four seconds in all, twice what silence may last
            time.sleep(0.5)
            line.sendall(b"x" * 10_000)
        assert line.recv(1000).endswith(b"80000")
