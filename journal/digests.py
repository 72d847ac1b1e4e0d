"""What is digested and how: a record's head for the phones, an entry and a unit for the audit chain. Pure.

These are formats: what is stored was made by them, so they never change, they only grow by what was empty before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from core.ids import written


def content_hash(collection: str, record: UUID, revision: int, document: bytes) -> str:
    """Sixteen hex digits over everything that a phone holds of a record."""
    seal = blake2b(document, digest_size=8)
    seal.update(f"\0{collection}\0{written(record)}\0{revision}".encode())
    return seal.hexdigest()


def entry_seal(
    verb: str,
    collection: str,
    record: UUID,
    revision: int | None,
    person: UUID | None,
    device: UUID | None,
    mutation: UUID | None,
    claimed_at: datetime | None,
    changes: bytes,
) -> str:
    """The digest of one entry: over every column that tells what happened."""
    claimed = _instant(claimed_at) if claimed_at else None
    who = "\0".join([written(one) if one else "None" for one in (person, device, mutation)])
    told = f"{verb}\0{collection}\0{written(record)}\0{revision}\0{who}\0{claimed}\0"
    return blake2b(told.encode() + changes, digest_size=16).hexdigest()


def link(
    previous: str,
    version: int,
    at: datetime,
    person: UUID | None,
    device: UUID | None,
    seals: Iterable[str],
    request: str = "",
) -> str:
    """The chain's next digest: over the one before, the unit's own columns and the seals of its entries, in order.

    ``request`` is part of it where there is one; units from before it was kept have none.
    """
    chained = blake2b(previous.encode(), digest_size=32)
    named = f"\0{request}" if request else ""
    chained.update(f"\0{version}\0{_instant(at)}\0{person}\0{device}{named}".encode())
    for seal in seals:
        chained.update(seal.encode())
    return chained.hexdigest()


def _instant(at: datetime) -> int:
    """Microseconds since 1970: the same for one instant in whatever zone it is written."""
    return int(at.timestamp() * 1_000_000)
