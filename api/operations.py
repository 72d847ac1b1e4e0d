"""What a phone may push, on one page: each collection, its verbs, and the records its fields refer to.

The order is the order in which clients send them; what they read besides comes in the pull alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.drafts import Draft
from inspections import actions, issues, photographs, visits
from organizations import permissions
from surveys import responses
from sync import conflicts, quarantine
from sync.operations import Operation, Operations


def _caller(person: UUID, device: UUID) -> Actor:
    return permissions.caller(person, device=device, on=timezone.localdate())


def _settle(arrived: Mapping[str, list[UUID]], by: Any, at: datetime) -> None:
    """Once the whole batch is applied, its new issues go their ways."""
    if arrived.get("issues"):
        issues.route(arrived["issues"], by=SYSTEM, at=at)


def _put_choice(desk: Any, drafts: Sequence[Draft], *, by: Any, at: datetime) -> Sequence[Any]:
    outcomes: Sequence[Any] = desk.put(drafts, by=by, at=at, operations=OPERATIONS)
    return outcomes


OPERATIONS = Operations(
    table={
        operation.collection: operation
        for operation in (
            Operation("visits", visits.put, visits.delete),
            Operation("responses", responses.put, responses.delete, references=("visit",)),
            Operation("issues", issues.put, references=("visit",)),
            Operation("issue_actions", actions.put, references=("issue",)),
            Operation(
                "photos",
                photographs.put,
                photographs.delete,
                references=("visit", "response", "issue", "issue_action"),
            ),
            Operation("quarantine", partial(_put_choice, quarantine), creates=False),
            Operation("conflicts", partial(_put_choice, conflicts), creates=False),
        )
    },
    caller=_caller,
    settle=_settle,
)
