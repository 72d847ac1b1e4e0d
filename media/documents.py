"""How a photo is told: the document that phones hold, its scope, its check code, and the journal's entry."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from core.drafts import Draft
from journal import journal
from media import evidence
from media.fields import SUBJECTS
from media.models import Photo

SHANGHAI = ZoneInfo("Asia/Shanghai")
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none that is misread for another
WRITTEN = (*SUBJECTS, "question", "taken_at", "sha256", "size", "content_type", "caption", "location")


def scope_of(photo: Photo) -> str:
    return journal.user_scope(photo.owner) if photo.private else journal.enterprise_scope(photo.enterprise_id)


def document(photo: Photo) -> dict[str, Any]:
    """The photo as phones hold it: everything its scope may see, so no likeness to pictures of other places."""
    return {
        **told(photo),
        "author": str(photo.author_id),
        "device": str(photo.device) if photo.device else None,
        "received_at": shown(photo.received_at),
        "bytes": str(photo.bytes),
        "findings": evidence.told(photo.findings),
        "code": photo.code,
    }


def shown(moment: datetime) -> str:
    """A time as documents write it: with the offset of the office."""
    return moment.astimezone(SHANGHAI).isoformat()


def code_of(photo: UUID) -> str:
    """Twelve signs that a person can read aloud, always the same for one photo."""
    number = int.from_bytes(sha256(b"photo code\0" + photo.bytes).digest()[:8], "big") >> 4
    return "".join(SIGNS[number >> 5 * place & 31] for place in range(12))


def told(photo: Photo) -> dict[str, Any]:
    """The fields a phone writes, and the enterprise, as JSON."""
    found: dict[str, Any] = {name: getattr(photo, name) for name in WRITTEN}
    for name in SUBJECTS:
        found[name] = str(found[name]) if found[name] else None
    found["taken_at"] = shown(photo.taken_at)
    found["enterprise"] = str(photo.enterprise_id)
    return found


def placed(photo: Photo) -> dict[str, Any]:
    """Where the photo lives."""
    return {"enterprise": str(photo.enterprise_id), "private": photo.private, "owner": str(photo.owner)}


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What the journal keeps of an edit: ``{field: [old, new]}``."""
    return {name: [before[name], value] for name, value in after.items() if before[name] != value}


def change(verb: str, photo: Photo, changes: dict[str, Any], draft: Draft | None = None) -> journal.Change:
    """The journal's entry, with the document as phones hold it from now on."""
    return journal.Change(
        verb,
        "photos",
        photo.id,
        changes,
        scope_of(photo),
        document(photo),
        by=draft.by if draft else None,
        claimed_at=draft.claimed_at if draft else None,
    )
