"""The security log: who came to which door with what result, told by pseudonyms.

The audit trail holds what was changed; these lines hold what was tried. They name nobody: a person stands in them as a keyed
digest, the same on every line, that only this installation can make. ``manage.py log_name`` tells it for somebody whose
case is looked into.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.utils.crypto import salted_hmac

log = logging.getLogger("security")


def note(event: str, *, who: UUID | str | None, **told: object) -> None:
    """One line. ``who`` is a person's id, or the name that was given where no person has it."""
    named = {"who": pseudonym(who)} if who else {}
    log.info("%s", event, extra={"told": {"event": event, **named, **told}})


def pseudonym(who: UUID | str) -> str:
    """How somebody is called in the logs: sixteen hexadecimal digits."""
    return salted_hmac("organizations.alarms", str(who).casefold(), algorithm="sha256").hexdigest()[:16]
