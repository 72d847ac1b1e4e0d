"""The quarantine desk: what could not be applied is kept whole, understood, mended, applied, or dismissed with a reason."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import Q

from core.actors import Actor
from core.drafts import Draft
from core.ids import uuid7
from core.problems import Fault, Forbidden, Invalid, Problem
from core.texts import Text
from journal import counter, journal
from journal.among import among
from journal.journal import Change, user_scope
from organizations import assignments
from organizations.permissions import Caller, Subject, allowed
from sync import envelope, scopes
from sync.conflicts import AlreadySettled
from sync.envelope import Asked
from sync.intake import Session
from sync.items import Item, Verdict
from sync.models import Blockage, Quarantined, QuarantineState
from sync.operations import Operations

WAITING, APPLIED, SUPERSEDED, DISMISSED = QuarantineState
RESOLUTIONS = ("apply", "dismiss")
MOST_ROUNDS = 20


def document(row: Quarantined) -> dict[str, Any]:
    """What the sender's phone holds of it."""
    return {
        "mutation": str(row.mutation) if row.mutation else None,
        "collection": row.collection or None,
        "record": str(row.record) if row.record else None,
        "problem": row.problem,
        "blocked_by": row.blocked_by,
        "state": row.state,
        "reason": row.reason or None,
        "received_at": row.received_at.isoformat(),
        "settled_at": row.settled_at.isoformat() if row.settled_at else None,
    }


def problem_document(item: Item) -> dict[str, Any]:
    """Why it was refused, in the sender's language."""
    verdict = item.verdict
    assert verdict is not None and verdict.problem is not None
    told: dict[str, Any] = orjson.loads(orjson.dumps(verdict.problem.told(item.by.language), default=str))
    return told


def _change(verb: str, row: Quarantined, before: str | None, by: Actor) -> Change:
    changes = {"state": [before, row.state], "problem": [None, row.problem.get("type")]}
    return Change(verb, "quarantine", row.id, changes, scope=user_scope(row.person), document=document(row), by=by)


def finish(session: Session, items: Sequence[Item], *, epoch: str) -> None:
    """After a set of mutations: keep what was refused, let in what was waiting for the records that arrived, and do what
    follows a batch."""
    kept = keep([item for item in items if item.verdict and item.verdict.status == "quarantined"], session.at, epoch)
    release(session, refused_edits={row.pk for row, item in kept if item.edits})
    session.operations.settle(session.arrived, session.by, session.at)


def keep(items: Sequence[Item], at: datetime, epoch: str) -> list[tuple[Quarantined, Item]]:
    """Store refused mutations whole, with why."""
    found, blockages = [], []
    for number, item in zip(
        sorted(uuid7() for _ in items), items, strict=True
    ):  # the order of the ids is the order sent
        asked, verdict = item.asked, item.verdict
        assert verdict is not None and item.by.person is not None and item.by.device is not None
        row = Quarantined(
            id=number, person=item.by.person, device=item.by.device, mutation=asked.id, collection=asked.collection[:64],
            record=asked.record, payload=asked.payload, epoch=epoch, problem=problem_document(item),
            blocked_by=[str(record) for record in verdict.blocked_by], trace=verdict.trace, received_at=at,
        )  # fmt: skip
        found.append(row)
        blockages += [Blockage(record=record, quarantined=row) for record in verdict.blocked_by]
    if found:
        Quarantined.objects.bulk_create(found)
        Blockage.objects.bulk_create(blockages)
        changes = [_change("mutation.quarantined", row, None, item.by) for row, item in zip(found, items, strict=True)]
        journal.record(changes)
    return list(zip(found, items, strict=True))


def release(session: Session, refused_edits: Collection[UUID] = ()) -> None:
    """Apply, in the order received, whatever waited for the records that have arrived; and what waited for those, in turn."""
    seen: set[UUID] = set()
    for _ in range(MOST_ROUNDS):
        arrived = {record for records in session.arrived.values() for record in records} - seen
        if not arrived:
            return
        seen |= arrived
        if not _anything_waits(arrived):
            continue
        later = _supersede(session, arrived, refused_edits)
        blocked = Blockage.objects.filter(record__among=arrived).values("quarantined")
        waiting = Quarantined.objects.filter(Q(pk__in=blocked) | Q(pk__in=later), state=WAITING)
        _retry(list(waiting.order_by("received_at", "id").select_for_update()), session)


def _anything_waits(arrived: set[UUID]) -> bool:
    """Whether any mutation in quarantine has to do with these records: nearly always none, so it is asked in one query."""
    quote = connection.ops.quote_name
    quarantined, blockage = quote(Quarantined._meta.db_table), quote(Blockage._meta.db_table)
    condition, ids = among("record", arrived)
    sql = (
        f"SELECT 1 FROM {blockage} WHERE {condition} "
        f"UNION ALL SELECT 1 FROM {quarantined} WHERE state = %s AND {condition} LIMIT 1"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [ids, WAITING, ids])
        return cursor.fetchone() is not None


def _supersede(session: Session, arrived: Iterable[UUID], edits: Collection[UUID]) -> list[UUID]:
    """What was refused while its record was not there: a creation sent before the one that made the record is past; the edits
    sent after it are given back, to be tried again. ``edits`` were refused as edits of a record that was there."""
    refused = Quarantined.objects.select_for_update().filter(state=WAITING, record__among=arrived, blocked_by=[])
    past: list[Quarantined] = []
    later: list[Quarantined] = []
    for row in refused.order_by("received_at", "id"):
        mine = row.record in session.arrived.get(row.collection, ()) and row.pk not in edits
        if mine and _is_creation(row):
            made_by = session.made_by.get(row.record) if row.record else None
            after = made_by is not None and (row.received_at, row.id) > (made_by.received_at, made_by.id)
            (later if after else past).append(row)
    _settle(past, SUPERSEDED, "quarantine.superseded", session)
    return [row.pk for row in later]


def _is_creation(row: Quarantined) -> bool:
    sent = envelope.reread(row.payload)
    return bool(sent.get("op") == "put" and sent.get("base") is None)


def _settle(rows: Sequence[Quarantined], state: QuarantineState, verb: str, session: Session, reason: str = "") -> None:
    for row in rows:
        row.state, row.settled_at, row.settled_by, row.reason = state, session.at, session.by.person, reason
    if rows:
        Quarantined.objects.bulk_update(rows, ["state", "settled_at", "settled_by", "reason", "revision"])
        journal.record([_change(verb, row, WAITING, session.by) for row in rows])


def _retry(rows: Sequence[Quarantined], session: Session) -> None:
    items = [_item(row, session) for row in rows]
    session.apply(items)
    _conclude(items, session)


def _conclude(items: Sequence[Item], session: Session) -> None:
    """Note what became of mutations that came out of quarantine."""
    applied, still = [], []
    for item in items:
        row, verdict = item.waiting, item.verdict
        assert verdict is not None
        if verdict.status == "quarantined":
            row.problem, row.blocked_by = problem_document(item), [str(record) for record in verdict.blocked_by]
            still.append(row)
        else:
            row.revision = verdict.revision
            applied.append(row)
    _settle(applied, APPLIED, "quarantine.applied", session)
    if still:
        Quarantined.objects.bulk_update(still, ["problem", "blocked_by"])
        Blockage.objects.filter(quarantined__in=still).delete()
        Blockage.objects.bulk_create(
            [Blockage(record=UUID(record), quarantined=row) for row in still for record in row.blocked_by]
        )
        journal.record([_change("quarantine.retried", row, WAITING, session.by) for row in still])


def _item(row: Quarantined, session: Session, data: dict[str, Any] | None = None) -> Item:
    """The mutation as it was sent, by its own author; with ``data`` as it was corrected."""
    sent = envelope.asked(envelope.reread(row.payload))
    author = session.operations.caller(row.person, row.device)
    if data is not None:
        sent = _corrected(sent, data)
    return Item(sent, by=author, known_base=row.epoch in ("", session.epoch), waiting=row)


def _corrected(sent: Asked, data: dict[str, Any]) -> Asked:
    """The mutation with its fields replaced; what was unreadable in the old ones no longer counts."""
    payload = {
        "id": str(sent.id), "collection": sent.collection, "record": str(sent.record) if sent.record else None,
        "op": sent.op or "put", "base": sent.base, "data": data, "at": sent.at.isoformat() if sent.at else None,
    }  # fmt: skip
    return envelope.asked(payload)


# --- the desk ---------------------------------------------------------------------------------------------------


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime, operations: Operations) -> list[Quarantined | Problem]:
    """A phone's resolutions: ``{"resolution": "apply", "data"}`` or ``{"resolution": "dismiss", "reason"}``."""
    return [_outcome(draft, by=draft.caller(by), at=at, operations=operations) for draft in drafts]


def _outcome(draft: Draft, *, by: Actor, at: datetime, operations: Operations) -> Quarantined | Problem:
    try:
        with journal.savepoint():
            return resolve(draft.id, draft.changes, by=by, at=at, operations=operations)
    except Problem as problem:
        return problem


def resolve(quarantined: UUID, wish: dict[str, Any], *, by: Actor, at: datetime, operations: Operations) -> Quarantined:
    """Correct and apply, or dismiss with a reason.

    ``data`` are the corrected fields: they replace those of the same name and the others stay as they were sent; without
    ``data`` the mutation is tried again as it is. Raises Invalid, Forbidden, AlreadySettled, or why it is refused again.
    """
    _check(wish)
    with journal.unit(by=by, at=at):
        row = Quarantined.objects.select_for_update().filter(pk=quarantined).first()
        if row is None or not allowed(by, "quarantine.resolve", Subject(owner=row.person)):
            raise Forbidden(Text("此项不由您处理", "This is not yours to settle"))
        if row.state != WAITING:
            raise AlreadySettled(state=row.state)
        feed = counter.feed()
        session = Session(by=by, at=at, operations=operations, epoch=feed.epoch, floor=feed.floor)
        if wish["resolution"] == "dismiss":
            _settle([row], DISMISSED, "quarantine.dismissed", session, reason=wish["reason"].strip())
        else:
            _apply(row, wish.get("data"), session)
    return row


def _apply(row: Quarantined, data: dict[str, Any] | None, session: Session) -> None:
    sent = envelope.reread(row.payload)
    kept = sent.get("data") if isinstance(sent, dict) else None
    fields: dict[str, Any] = kept if isinstance(kept, dict) else {}
    item = _item(row, session, None if data is None else fields | data)
    if session.by.person != row.person:
        _vouch(item, row, session)
    session.apply([item])
    verdict: Verdict | None = item.verdict
    assert verdict is not None
    if verdict.status == "quarantined":
        assert verdict.problem is not None
        raise verdict.problem
    _conclude([item], session)
    finish(session, [], epoch=session.epoch)


def _vouch(item: Item, row: Quarantined, session: Session) -> None:
    """The office answers for what somebody did in a place that was taken from them before it arrived."""
    if isinstance(item.by, Caller):
        item.by = assignments.vouched(item.by)
        session.held[row.person] = scopes.ever_held_names(row.person)


def _check(wish: dict[str, Any]) -> None:
    resolution = wish.get("resolution")
    allowed_fields = {"apply": {"resolution", "data"}, "dismiss": {"resolution", "reason"}}.get(
        str(resolution), {"resolution"}
    )
    faults = [
        Fault(f"/{name}", "unknown-field", Text("不是可填写的字段", "Not a field that can be written"))
        for name in wish
        if name not in allowed_fields
    ]
    if resolution not in RESOLUTIONS:
        faults.append(Fault("/resolution", "choice", Text("应为 apply 或 dismiss", "Must be apply or dismiss")))
    if resolution == "apply" and not isinstance(wish.get("data", {}), dict | None):
        faults.append(Fault("/data", "type", Text("应为对象", "Must be an object")))
    reason = wish.get("reason")
    if resolution == "dismiss" and not (isinstance(reason, str) and reason.strip()):
        faults.append(Fault("/reason", "required", Text("请写明理由", "Say why")))
    if faults:
        raise Invalid(errors=faults)


def desk(by: Actor) -> Q:
    """Which rows a caller may see: their own, the office all."""
    return Q() if allowed(by, "quarantine.read") else Q(person=by.person)
