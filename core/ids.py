"""Identifiers: time-ordered for new records, stable for coded reference data."""

from __future__ import annotations

import os
import time
from collections import deque
from functools import lru_cache
from operator import attrgetter
from uuid import UUID, SafeUUID, uuid5

NAMESPACE = UUID("6f7a1c9e-51a5-5f0e-9d0a-3a1f3c0d5e17")
BY_NUMBER = attrgetter("int")
"""The key to sort many UUIDs by: the same order as their own, which compares each pair in Python."""


@lru_cache(maxsize=16_384)
def parsed(text: str) -> UUID:
    """``UUID(text)``, remembered: a batch names the same few records again and again. Raises ValueError."""
    digits = text.replace("-", "")
    if len(text) == 36 and len(digits) == 32:
        return _of(int(digits, 16))
    return UUID(text)


def _of(value: int) -> UUID:
    """``UUID(int=value)`` for a value that is known to fit, without looking through six ways of being called."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", value)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


@lru_cache(maxsize=16_384)
def written(identifier: UUID) -> str:
    """``str(identifier)``, remembered: each is written into digests, documents and scopes many times over."""
    return str(identifier)


_dice: deque[bytes] = deque()
os.register_at_fork(after_in_child=_dice.clear)


def _random() -> bytes:
    """Ten bytes of the system's randomness, fetched for many ids at once: each call lets go of the interpreter's lock."""
    try:
        return _dice.pop()
    except IndexError:
        drawn = os.urandom(10 * 128)
        _dice.extend(drawn[at : at + 10] for at in range(10, len(drawn), 10))
        return drawn[:10]


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562 version 7): milliseconds, then randomness."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(_random(), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return _of(value & ~(0x3 << 62) | 2 << 62)


def stable(kind: str, code: str) -> UUID:
    """The identifier of a coded thing (``stable("regions", "320281104")``): the same on every server, for ever."""
    return uuid5(NAMESPACE, f"{kind}/{code}")
