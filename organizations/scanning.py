"""What strangers send is shown to the installation's virus scanner before it is kept: ``CLAMD`` says where it listens.

The scanner is clamd, spoken to by its own protocol (INSTREAM). Without the setting nothing is asked; with it nothing is
kept that was not found clean: a scanner that is away is a 503, and whoever sent it sends it again.
"""

from __future__ import annotations

import logging
import socket
import struct
from typing import Final, Protocol

from django.conf import settings

from core.problems import Fault, Invalid, Unavailable
from core.texts import Text

PIECE: Final = 1 << 18
PATIENCE: Final = 20.0
"""Seconds for each answer of the scanner."""
log = logging.getLogger("security")


class Malware(Invalid):
    """The scanner knows these bytes for what they are."""

    kind = "malware"
    title = Text("文件含有恶意代码", "The file holds malware")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("", "malware", self.title)])


class ScannerDown(Unavailable):
    """The scanner does not answer, so the file is not taken yet."""

    title = Text("病毒扫描服务暂不可用,请稍后重试", "The virus scanner is away, please send again shortly")


class Bytes(Protocol):
    """What can be cut into pieces: bytes, or a file laid into memory."""

    def __len__(self) -> int: ...

    def __getitem__(self, piece: slice, /) -> bytes: ...


def check(content: Bytes) -> None:
    """Pass what is clean, or what nobody scans. Raises ``Malware``, ``ScannerDown``."""
    if not settings.CLAMD:
        return
    try:
        with _connect(settings.CLAMD) as line:
            said = _ask(line, content)
    except OSError as error:
        log.warning("the virus scanner is away: %s", type(error).__name__)
        raise ScannerDown from error
    if said.endswith("FOUND"):
        log.warning("malware refused", extra={"told": {"event": "malware.refused", "bytes": len(content)}})
        raise Malware
    if not said.endswith("OK"):
        log.warning("the virus scanner could not judge: %s", said[-80:])
        raise ScannerDown


def _connect(address: str) -> socket.socket:
    if address.startswith("unix:"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(PATIENCE)
            line.connect(address.removeprefix("unix:"))
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def _ask(line: socket.socket, content: Bytes) -> str:
    line.sendall(b"zINSTREAM\0")
    for start in range(0, len(content), PIECE):
        piece = content[start : start + PIECE]
        line.sendall(struct.pack(">I", len(piece)) + piece)
    line.sendall(struct.pack(">I", 0))
    said = b""
    while not said.endswith(b"\0") and (more := line.recv(4096)):
        said += more
    return said.rstrip(b"\0\n").decode("utf-8", "replace")
