"""Chance that repeats: the same seed gives the same world, and one part of it does not disturb another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from random import Random
from typing import TypeVar
from uuid import UUID

Thing = TypeVar("Thing")


class Dice(Random):
    """A stream of chance of its own for each part of the world: ``Dice(1, "firms")``."""

    def __init__(self, seed: int, part: str) -> None:
        super().__init__(f"{seed}/{part}")

    def happens(self, probability: float) -> bool:
        return self.random() < probability

    def among(self, weights: Mapping[Thing, float]) -> Thing:
        return self.choices(list(weights), list(weights.values()))[0]

    def some(self, things: Sequence[Thing], count: int) -> list[Thing]:
        """``count`` different things, or all when there are fewer."""
        return self.sample(things, min(count, len(things)))

    def key(self, at: datetime) -> UUID:
        """A record id as a phone would have made it at that time (RFC 9562 version 7)."""
        value = int(at.timestamp() * 1000) << 80 | self.getrandbits(80)
        value = value & ~(0xF << 76) | 7 << 76
        return UUID(int=value & ~(0x3 << 62) | 2 << 62)
