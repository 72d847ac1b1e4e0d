"""Enterprises: created, changed, moved. Each change reaches the phones that hold the enterprise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.utils import timezone

from core.actors import Actor
from core.ids import uuid7
from core.problems import Conflict, Fault, Invalid, NotFound
from core.texts import Text
from journal import journal
from organizations import changes, documents, holdings, places
from organizations.enterprise_fields import FIELDS, check, check_code
from organizations.models import Enterprise, Region
from organizations.permissions import permit

NO_REGION = Text("没有这个镇街", "There is no such region")
TAKEN = Text("该信用代码已属于另一家企业", "This code belongs to another enterprise")
BATCH = 500


@dataclass(slots=True)
class Draft:
    """One enterprise to create (``id`` None or new) or change (``id`` known): the values given, and what came of it."""

    values: Mapping[str, Any]
    id: UUID | None = None
    row: Enterprise | None = None
    clean: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    changed: dict[str, list[Any]] = field(default_factory=dict)
    new: bool = False


def create(values: Mapping[str, Any], *, by: Actor, at: datetime, key: UUID | None = None) -> Enterprise:
    """A new enterprise with this id or one of our making.

    ``values`` are named as in ``enterprise_fields.FIELDS``. Raises ``Invalid``, ``Forbidden``.
    """
    return _one(Draft(values, key or uuid7(), new=True), by=by, at=at)


def change(enterprise: UUID, values: Mapping[str, Any], *, by: Actor, at: datetime) -> Enterprise:
    """Change the fields given. Raises ``NotFound``, ``Invalid``, ``Forbidden``."""
    return _one(Draft(values, enterprise), by=by, at=at)


def _one(draft: Draft, *, by: Actor, at: datetime) -> Enterprise:
    with journal.unit(by=by, at=at):
        put([draft], by=by, at=at)
        if draft.faults:
            raise Invalid(errors=draft.faults)
        if draft.row is None:
            raise NotFound
        return draft.row


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> None:
    """Create and change many at once: what is faultless is saved, the rest keeps its faults. A set-based verb."""
    with journal.unit(by=by, at=at):
        permit(by, "enterprise.write")
        _judge(drafts)
        good = [draft for draft in drafts if not draft.faults and draft.row is not None and draft.changed]
        moved: set[UUID] = set()
        for draft in good:
            moved |= {UUID(region) for region in draft.changed.get("region_id", ()) if region}
        places.forget()
        rows = {new: [d.row for d in good if d.row is not None and d.new is new] for new in (True, False)}
        try:
            Enterprise.objects.bulk_create(rows[True], batch_size=BATCH)
            if rows[False]:
                Enterprise.objects.bulk_update(rows[False], list(FIELDS), batch_size=BATCH)
        except IntegrityError:  # somebody else saved the same credit code while we were judging
            raise Conflict(TAKEN) from None
        journal.record([_told(draft) for draft in good])
        holdings.settle(holdings.holders(regions=moved, on=timezone.localdate(at)), on=timezone.localdate(at))


def _told(draft: Draft) -> journal.Change:
    row = draft.row
    if row is None:
        raise ValueError("a draft without a row has nothing to tell")
    verb = "enterprise.created" if draft.new else "enterprise.changed"
    fields = {name.removesuffix("_id"): pair for name, pair in draft.changed.items()}
    return journal.Change(
        verb, "enterprises", row.id, fields, journal.enterprise_scope(row.id), documents.enterprise(row)
    )


def _judge(drafts: Sequence[Draft]) -> None:
    """Check every draft by itself, then against the database and against each other."""
    for draft in drafts:
        draft.clean, faults = check(draft.values, new=draft.new)
        draft.faults += faults
    wanted = [draft.id for draft in drafts if not draft.new and draft.id]
    known = {row.id: row for row in Enterprise.objects.select_for_update().filter(pk__in=wanted)}
    asked = {draft.clean["region_id"] for draft in drafts if "region_id" in draft.clean}
    regions = set(Region.objects.filter(pk__in=asked).values_list("pk", flat=True))
    for draft in drafts:
        if draft.clean.get("region_id") not in regions | {None}:
            draft.faults.append(Fault("/region", "unknown", NO_REGION))
        if not draft.faults:
            _apply(draft, known)
    _judge_codes(drafts)


def _apply(draft: Draft, known: Mapping[UUID, Enterprise]) -> None:
    if draft.new:
        draft.row = Enterprise(id=draft.id, **draft.clean)
        draft.changed = changes.of_creation(draft.row, FIELDS)
    elif draft.id is not None and draft.id in known:
        draft.row = known[draft.id]
        draft.changed = changes.assign(draft.row, draft.clean)
    if draft.row is not None:
        draft.faults += check_code(draft.row.uscc, draft.row.uscc_override)


def _judge_codes(drafts: Sequence[Draft]) -> None:
    codes = Counter(d.row.uscc for d in drafts if d.row is not None and d.row.uscc and not d.faults)
    taken = dict(Enterprise.objects.filter(uscc__in=codes).values_list("uscc", "id"))
    for draft in drafts:
        row = draft.row
        if row is None or not row.uscc or draft.faults:
            continue
        if codes[row.uscc] > 1 or taken.get(row.uscc, row.id) != row.id:
            draft.faults.append(Fault("/uscc", "taken", TAKEN))


def known_regions() -> dict[str, UUID]:
    """Region ids by everything a table may call them: code, name, English name, alias."""
    found: dict[str, UUID] = {}
    for region in Region.objects.all():
        for word in (region.code, region.name, region.name_en, *region.aliases):
            if word:
                found[str(word).casefold()] = region.id
    return found
