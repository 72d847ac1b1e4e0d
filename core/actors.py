"""Who does something, as the journal remembers it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.texts import ZH


@dataclass(frozen=True, slots=True)
class Actor:
    """A person at a device, or the system itself when ``person`` is None."""

    person: UUID | None = None
    device: UUID | None = None
    mutation: UUID | None = None
    language: str = ZH


SYSTEM = Actor()
