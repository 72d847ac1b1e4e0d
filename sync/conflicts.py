"""The conflicts desk: fields with two values, of which a person chooses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from core.actors import Actor
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Conflict, Fault, Forbidden, Invalid, Problem
from core.texts import Text
from journal import journal
from journal.heads import HeadState, Key
from journal.journal import Change, user_scope
from organizations import assignments
from organizations.permissions import Caller, Subject, allowed
from sync.merge import Clash
from sync.models import ConflictState, FieldConflict
from sync.operations import Operations
from sync.problems import Gone

CHOICES = (ConflictState.KEPT, ConflictState.YOURS)


class AlreadySettled(Conflict):
    """Somebody chose before."""

    kind = "already-settled"
    title = Text("此项已处理", "This has been settled already")


def document(row: FieldConflict) -> dict[str, Any]:
    """What the phone of the newcomer's author holds."""
    return {
        "collection": row.collection,
        "record": str(row.record),
        "field": row.field or None,
        "yours": row.yours,
        "kept": row.kept,
        "kept_revision": row.kept_revision,
        "mutation": str(row.mutation) if row.mutation else None,
        "state": row.state,
        "noticed_at": row.noticed_at.isoformat(),
    }


def notice(key: Key, clashes: Sequence[Clash], state: HeadState, *, by: Actor, bump: bool, at: datetime) -> None:
    """Keep the newcomers of a merge beside what stands; with ``bump`` the record itself gets a new revision for it."""
    assert by.person is not None
    collection, record = key
    found = [
        FieldConflict(
            id=uuid7(), person=by.person, device=by.device, mutation=by.mutation, collection=collection, record=record,
            field=clash.field, yours=clash.yours, kept=clash.kept, kept_revision=clash.kept_revision, noticed_at=at,
        )
        for clash in clashes
    ]  # fmt: skip
    FieldConflict.objects.bulk_create(found)
    changes = [
        _change("conflict.noticed", row, {"state": [None, row.state], "field": [None, row.field]}, by) for row in found
    ]
    if bump:
        changes.append(
            Change("record.conflicted", collection, record, {}, scope=state.scope, document=state.document, by=by)
        )
    journal.record(changes)


def _change(verb: str, row: FieldConflict, changes: dict[str, Any], by: Actor) -> Change:
    return Change(verb, "conflicts", row.id, changes, scope=user_scope(row.person), document=document(row), by=by)


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime, operations: Operations) -> list[FieldConflict | Problem]:
    """A phone's choices: ``{"resolution": "kept" | "yours"}``."""
    return [_outcome(draft, by=draft.caller(by), at=at, operations=operations) for draft in drafts]


def _outcome(draft: Draft, *, by: Actor, at: datetime, operations: Operations) -> FieldConflict | Problem:
    try:
        with journal.savepoint():
            return resolve(draft.id, draft.changes, by=by, at=at, operations=operations)
    except Problem as problem:
        return problem


def resolve(conflict: UUID, wish: dict[str, Any], *, by: Actor, at: datetime, operations: Operations) -> FieldConflict:
    """Choose a value. ``yours`` is written through the collection's own verb, so every rule of it still holds.

    Raises Invalid, Forbidden, AlreadySettled, or what that verb raises.
    """
    choice = wish.get("resolution")
    faults = [
        Fault(f"/{name}", "unknown-field", Text("不是可填写的字段", "Not a field that can be written"))
        for name in wish
        if name != "resolution"
    ]
    if choice not in CHOICES:
        faults.append(Fault("/resolution", "choice", Text("应为 kept 或 yours", "Must be kept or yours")))
    if faults:
        raise Invalid(errors=faults)
    with journal.unit(by=by, at=at):
        row = FieldConflict.objects.select_for_update().filter(pk=conflict).first()
        if row is None or not allowed(by, "conflict.resolve", Subject(owner=row.person)):
            raise Forbidden(Text("此冲突不由您处理", "This conflict is not yours to settle"))
        if row.state == choice:
            return row
        if row.state != ConflictState.OPEN:
            raise AlreadySettled(state=row.state)
        if choice == ConflictState.YOURS:
            _take(row, by=by, at=at, operations=operations)
        row.state, row.settled_at, row.settled_by = ConflictState(str(choice)), at, by.person
        row.save(update_fields=["state", "settled_at", "settled_by"])
        journal.record([_change("conflict.settled", row, {"state": ["open", row.state]}, by)])
    return row


def _take(row: FieldConflict, *, by: Actor, at: datetime, operations: Operations) -> None:
    """Write the newcomer; chosen by the office it is still the edit of whoever sent it.

    It comes in no mutation of its own: that tells the merge that the phone's next edits may not know of it.
    """
    if not journal.head((row.collection, row.record)).live:
        if row.field:
            raise Gone
        return
    operation = operations.table[row.collection]
    if by.person != row.person and row.device is not None:
        author = operations.caller(row.person, row.device)
        by = assignments.vouched(author) if isinstance(author, Caller) else author
    by = replace(by, mutation=None)
    draft = Draft(id=row.record, changes={row.field: row.yours} if row.field else {}, new=False, by=by)
    verb = operation.put if row.field else operation.delete
    outcomes = verb([draft], by=by, at=at) if verb else []
    for outcome in outcomes:
        if isinstance(outcome, Problem):
            raise outcome


def desk(by: Actor) -> Q:
    """Which rows a caller may see: their own, the office all."""
    return Q() if allowed(by, "conflict.read") else Q(person=by.person)
