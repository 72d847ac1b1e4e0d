"""What a caller wants of a record: the input of every verb that creates or edits records in sets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor


@dataclass(slots=True)
class Draft:
    """A wished creation or edit of one record.

    ``changes`` are JSON values by field name: for a creation all fields, for an edit the changed ones; None clears a field.
    ``new`` says which of both it is meant to be. ``by`` is the single item's actor (a push names device and mutation),
    ``claimed_at`` the device's clock: evidence only.
    """

    id: UUID
    changes: dict[str, Any] = field(default_factory=dict)
    new: bool = True
    by: Actor | None = None
    claimed_at: datetime | None = None

    def caller(self, by: Actor) -> Actor:
        """The set's caller, who also names the mutation that this draft came in."""
        return replace(by, mutation=self.by.mutation) if self.by else by
