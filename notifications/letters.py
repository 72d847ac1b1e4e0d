"""Letters with files, queued for the mail transport: to be called in the transaction that knows they are written."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from uuid import UUID

from notifications.models import Delivery

LARGEST = 10 * 1024 * 1024


def post(
    *,
    person: UUID,
    address: str,
    kind: str,
    event: UUID,
    subject: str,
    text: str,
    file: tuple[str, str, bytes],
    at: datetime,
) -> None:
    """Queue one letter; ``file`` is (name, media type, content). What is larger than a mail server takes is left out."""
    name, media_type, content = file
    payload: dict[str, object] = {"address": address, "subject": subject, "text": text}
    if len(content) <= LARGEST:
        payload["files"] = [[name, media_type, b64encode(content).decode()]]
    else:
        payload["text"] = (
            f"{text}\n\n文件过大，请登录系统获取。The file is too large for mail: fetch it from the system."
        )
    Delivery.objects.create(person_id=person, event=event, kind=kind, payload=payload, created_at=at, next_at=at)
