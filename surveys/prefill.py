"""What the server knows of an enterprise that a new response may begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.actors import Actor
from surveys import beginnings
from surveys.models import ResponseStatus, Version
from surveys.responses import visible


def prefill(enterprise: UUID, version: Version, *, issues: Sequence[Mapping[str, Any]], by: Actor) -> dict[str, Any]:
    """The answers a response to this version begins with: the last submitted ones that last, and the open ``issues`` given."""
    rows = visible(by).filter(enterprise=enterprise, questionnaire=version.questionnaire_id)
    last = rows.filter(status__in=(ResponseStatus.SUBMITTED, ResponseStatus.ACCEPTED)).order_by("-submitted_at").first()
    return beginnings.begin(version.form, last.answers if last else {}, issues)
