"""A scanner that knows malware when it sees it: nothing of it is kept, and nothing is kept while the scanner is away."""

from __future__ import annotations

import socket
import struct
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest

from core.actors import SYSTEM
from media.models import Upload
from media.storage import original_key, storage
from organizations import enterprise_import, scanning
from reports import layouts
from surveys import questionnaires
from tests.media.conftest import NOON, Cast
from tests.media.line import PLAIN
from tests.media.scenes import digest, photo_bytes

EVIL = b"a-signature-that-the-scanner-knows"


class Scanner:
    """clamd as far as INSTREAM goes: reads the pieces and says what it found."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                with line, line.makefile("rb") as said:
                    assert said.read(10) == b"zINSTREAM\0"
                    whole = b""
                    while size := struct.unpack(">I", said.read(4))[0]:
                        whole += said.read(size)
                    self.seen.append(whole)
                    line.sendall(b"stream: Evil FOUND\0" if EVIL in whole else b"stream: OK\0")

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def scanner(settings: Any) -> Iterator[Scanner]:
    found = Scanner()
    settings.CLAMD = found.address
    yield found
    found.close()


def test_large_files_are_shown_whole_and_in_pieces(scanner: Scanner) -> None:
    content = bytes(range(256)) * 4_000
    scanning.check(content)
    assert scanner.seen == [content]
    with pytest.raises(scanning.Malware):
        scanning.check(content + EVIL)


@pytest.mark.parametrize(
    "door",
    [
        lambda: questionnaires.upload(EVIL, by=SYSTEM, at=NOON),
        lambda: enterprise_import.run(EVIL, by=SYSTEM, at=NOON),
        lambda: layouts.replace(EVIL, by=SYSTEM, at=NOON),
    ],
)
def test_every_door_for_documents_has_them_scanned(door: Any, scanner: Scanner, db: None) -> None:
    with pytest.raises(scanning.Malware):
        door()


def test_a_scanner_that_is_away_lets_nothing_in(scanner: Scanner, settings: Any) -> None:
    scanner.close()
    for address in (scanner.address, "unix:/nowhere/clamd.ctl"):
        settings.CLAMD = address
        with pytest.raises(scanning.ScannerDown) as refused:
            scanning.check(b"anything")
        assert refused.value.status == 503


@pytest.fixture
def browser(live_server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=live_server.url, timeout=30, verify=PLAIN) as client:
        yield client


def send(browser: httpx.Client, entrance: dict[str, str], content: bytes) -> httpx.Response:
    told = {"photo": str(uuid4()), "sha256": digest(content), "filename": "a.jpg"}
    metadata = ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items())
    headers = entrance | {"Tus-Resumable": "1.0.0"}
    made = browser.post(
        "/api/v1/uploads", headers=headers | {"Upload-Length": str(len(content)), "Upload-Metadata": metadata}
    )
    assert made.status_code == 201, made.text
    chunk = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    return browser.patch(made.headers["Location"], headers=headers | chunk, content=content)


def test_a_photo_with_something_in_it_is_refused_and_not_kept(
    cast: Cast, browser: httpx.Client, scanner: Scanner, sign_in: Any
) -> None:
    bad = photo_bytes(1) + EVIL
    entrance = sign_in(cast.li)
    refused = send(browser, entrance, bad)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/malware")
    assert storage().size(original_key(digest(bad))) is None
    assert Upload.objects.get().reason == "malware"
    assert send(browser, entrance, photo_bytes(1)).status_code == 204
    assert storage().size(original_key(digest(photo_bytes(1))))
