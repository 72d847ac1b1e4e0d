"""A set of breached passwords that an installation may bring along: ``BREACHED_PASSWORDS`` names its file.

The file is the one that circulates for this purpose: a SHA-1 in hexadecimal at the beginning of each line, sorted, with
or without a count behind a colon. It may hold a thousand million lines; a look-up reads some forty of them.
"""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path
from typing import IO

from django.conf import settings

HEX = 40


def holds(password: str) -> bool:
    """Whether the installation's set has this password; False where there is none."""
    if not settings.BREACHED_PASSWORDS:
        return False
    wanted = sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper().encode()
    with Path(settings.BREACHED_PASSWORDS).open("rb") as file:
        return _search(file, wanted)


def _search(file: IO[bytes], wanted: bytes) -> bool:
    """Bisect over bytes: the line looked at is the first that begins at the middle or after it."""
    low, high = 0, file.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        file.seek(max(0, middle - 1))
        if middle:
            file.readline()
        line = file.readline() if file.tell() < high else b""
        found = line[:HEX].upper()
        if found == wanted:
            return True
        if line and found < wanted:
            low = file.tell()
        else:
            high = middle
    return False
