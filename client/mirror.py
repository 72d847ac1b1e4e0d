"""What a phone holds of the server: the rows as pulled, and the sums that prove them right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Key = tuple[str, str]
"""Collection and record id."""


@dataclass(frozen=True, slots=True)
class Row:
    scope: str
    revision: int
    hash: str
    data: dict[str, Any]


class Mirror:
    """Synced rows by collection and id. Only pulled pages change it."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}

    def take(self, ops: list[dict[str, Any]]) -> None:
        """Apply a page; whatever removes a row does so only in the scope that the row lives in."""
        for op in ops:
            if op["op"] == "put":
                key = (op["collection"], op["id"])
                self.rows[key] = Row(op["scope"], op["revision"], op["hash"], op["data"])
            elif op["op"] == "delete":
                self._remove([(op["collection"], op["id"])], op["scope"])
            else:
                self._remove(list(self.rows), op["scope"])

    def _remove(self, keys: list[Key], scope: str) -> None:
        for key in keys:
            row = self.rows.get(key)
            if row is not None and row.scope == scope:
                del self.rows[key]

    def clear(self) -> None:
        self.rows.clear()

    def of(self, collection: str) -> dict[str, dict[str, Any]]:
        """The documents of a collection by id."""
        return {record: row.data for (name, record), row in self.rows.items() if name == collection}

    def sums(self) -> dict[str, dict[str, Any]]:
        """Count and digest of every scope that has rows."""
        totals: dict[str, tuple[int, int]] = {}
        for row in self.rows.values():
            count, digest = totals.get(row.scope, (0, 0))
            totals[row.scope] = (count + 1, (digest + int(row.hash, 16)) % 2**64)
        return {scope: {"count": count, "digest": f"{digest:016x}"} for scope, (count, digest) in totals.items()}

    def __contains__(self, record: object) -> bool:
        return any(str(record) == known for _, known in self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mirror) and self.rows == other.rows

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<Mirror of {len(self.rows)} rows in {len(self.sums())} scopes>"

    def differences(self, other: Mirror) -> list[str]:
        """What the two do not share, in words, for the reader of a failed test."""
        keys = sorted(self.rows.keys() | other.rows.keys())
        return [
            f"{key}: {self.rows.get(key)} / {other.rows.get(key)}"
            for key in keys
            if self.rows.get(key) != other.rows.get(key)
        ]
