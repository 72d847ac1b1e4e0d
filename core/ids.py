"""Identifiers: time-ordered for new records, stable for coded reference data."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from uuid import UUID, uuid5

NAMESPACE = UUID("6f7a1c9e-51a5-5f0e-9d0a-3a1f3c0d5e17")


@lru_cache(maxsize=16_384)
def parsed(text: str) -> UUID:
    """``UUID(text)``, remembered: a batch names the same few records again and again. Raises ValueError."""
    return UUID(text)


@lru_cache(maxsize=16_384)
def written(identifier: UUID) -> str:
    """``str(identifier)``, remembered: each is written into digests, documents and scopes many times over."""
    return str(identifier)


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562 version 7): milliseconds, then randomness."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 2 << 62)


def stable(kind: str, code: str) -> UUID:
    """The identifier of a coded thing (``stable("regions", "320281104")``): the same on every server, for ever."""
    return uuid5(NAMESPACE, f"{kind}/{code}")
