"""Bringing bytes in pieces, going on where the connection broke (tus 1.0.0)."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

import httpx

from client.line import Line, Refused

PIECE = 256 * 1024
PATIENCE = 1000


class Cut(Exception):
    """The signal is gone in the middle of a request."""


@dataclass
class Upload:
    """The bytes of one photo. ``where`` is their address once the server has given one."""

    photo: UUID
    data: bytes
    where: str | None = None
    offset: int = 0
    resumed_at: list[int] = field(default_factory=list)

    @property
    def done(self) -> bool:
        return self.where is not None and self.offset == len(self.data)

    def send(self, line: Line, *, cut_after: int | None = None) -> None:
        """Bring what is missing. ``cut_after`` so many bytes the connection breaks. Raises Cut, Refused."""
        if self.where is None:
            self.begin(line)
        elif not self.done:
            self._ask(line)
        for _ in range(PATIENCE):
            if self.done:
                return
            try:
                self._patch(line, cut_after)
            except Refused as refused:
                if refused.status not in (409, 423):
                    raise
                time.sleep(0.2)  # an earlier request is still being written down: ask again how far it came
                self._ask(line)
        raise Cut

    def begin(self, line: Line) -> None:
        """Announce the picture; the server gives it an address."""
        told = {"photo": str(self.photo), "sha256": sha256(self.data).hexdigest(), "filename": f"{self.photo}.jpg"}
        metadata = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items())
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(self.data)), "Upload-Metadata": metadata}
        response = line.send("POST", "uploads/", headers=headers)
        self.where, self.offset = response.headers["Location"], int(response.headers["Upload-Offset"])

    def _ask(self, line: Line) -> None:
        """How far it has come, as the server sees it."""
        response = line.send("HEAD", str(self.where), headers={"Tus-Resumable": "1.0.0"})
        self.offset = int(response.headers["Upload-Offset"])
        self.resumed_at.append(self.offset)

    def _patch(self, line: Line, cut_after: int | None) -> None:
        piece = self.data[self.offset : self.offset + PIECE]
        checksum = b64encode(sha256(piece).digest()).decode()
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(self.offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(len(piece)),
        }
        if cut_after is None:
            headers["Upload-Checksum"] = f"sha256 {checksum}"
        content: bytes | Iterator[bytes] = piece if cut_after is None else broken(piece, cut_after)
        try:
            response = line.send("PATCH", str(self.where), headers=headers, content=content)
        except httpx.TransportError as error:
            raise Cut from error
        self.offset = int(response.headers["Upload-Offset"])


def broken(piece: bytes, after: int) -> Iterator[bytes]:
    """A body that ends in the middle, as when the signal goes."""
    yield piece[:after]
    raise Cut
