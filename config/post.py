"""What two rooms on one floor do together: reports that are due are put into the post."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from core.actors import SYSTEM
from core.ids import stable
from journal import journal
from notifications import letters
from reports import mailings

KIND = "report"


def send_reports(*, at: datetime) -> int:
    """Write what the office's calendar wants sent now, and post it; gives how many letters. Each period goes out once."""
    if not settings.EMAIL_HOST:
        return 0
    posted = 0
    for row, period in mailings.due(at=at):
        written = mailings.write(row, period, at=at)
        with journal.unit(by=SYSTEM, at=at):
            if not mailings.take(row, period, at=at):
                continue
            for one in written:
                letters.post(
                    person=one.person,
                    address=one.address,
                    kind=KIND,
                    event=stable("report-letters", f"{row.id}/{period.code}/{one.person}"),
                    subject=one.subject,
                    text=one.text,
                    file=(one.name, one.media_type, one.content),
                    at=at,
                )
            posted += len(written)
    return posted
