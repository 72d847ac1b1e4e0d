"""A small world for the sync engine alone: notes and comments on notes, kept only in the journal, with an in-memory phone.

The engine is driven here without HTTP and without the rooms below, so that a fault of the engine shows as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson

from core.drafts import Draft
from core.ids import uuid7
from core.problems import Fault, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from journal import journal
from journal.journal import Change, enterprise_scope, user_scope
from organizations import permissions
from organizations.models import Device, Person
from organizations.permissions import Caller
from sync import conflicts, envelope, quarantine, scopes
from sync import pull as pulling
from sync import push as pushing
from sync import verify as verifying
from sync.operations import Operation, Operations

KEY = b"toy key"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
FIELDS = {"enterprise", "title", "text", "rows", "note", "private"}


def put(drafts: Sequence[Draft], *, by: Any, at: datetime) -> list[Problem | None]:
    outcomes: list[Problem | None] = []
    changes = []
    for draft in drafts:
        assert draft.by is not None and draft.by.person is not None
        state = journal.load([("notes", draft.id)])[("notes", draft.id)]
        old = orjson.loads(state.document) if state.live else {}
        new = {name: (old or {}).get(name) for name in sorted(FIELDS)} | draft.changes
        outcome = NotFound() if not draft.new and not state.live else check(draft, new)
        outcomes.append(outcome)
        differing = {name: [(old or {}).get(name), new[name]] for name in new if (old or {}).get(name) != new[name]}
        if outcome is None and differing:
            scope = home(new, draft.by.person)
            changes.append(Change("note.put", "notes", draft.id, differing, scope, new, by=draft.by))
    journal.record(changes)
    if any(draft.changes.get("text") == "explode late" for draft in drafts):
        raise RuntimeError("a fault of ours, after the fact")
    return outcomes


def home(note: dict[str, Any], author: UUID) -> str:
    """Where a note lives: with its author, or whoever ``private`` names, or with everyone at the enterprise."""
    if note["private"]:
        return user_scope(UUID(note["private"]) if isinstance(note["private"], str) else author)
    return enterprise_scope(UUID(note["enterprise"]))


def check(draft: Draft, new: dict[str, Any]) -> Problem | None:
    assert draft.by is not None and draft.by.person is not None
    if new.get("text") == "explode":
        raise RuntimeError("a fault of ours")
    if set(new) - FIELDS:
        return Invalid(
            errors=[Fault(f"/{name}", "unknown-field", Text("未知", "unknown")) for name in set(new) - FIELDS]
        )
    if not isinstance(new.get("title"), str):
        return Invalid.at("/title", "required", Text("缺少标题", "A title is needed"))
    if not isinstance(new.get("enterprise"), str):
        return Invalid.at("/enterprise", "required", Text("缺少企业", "An enterprise is needed"))
    if enterprise_scope(UUID(new["enterprise"])) not in scopes.held_names(draft.by.person):
        return Forbidden()
    return None


def delete(drafts: Sequence[Draft], *, by: Any, at: datetime) -> list[Problem | None]:
    outcomes: list[Problem | None] = []
    changes = []
    for draft in drafts:
        state = journal.load([("notes", draft.id)])[("notes", draft.id)]
        kept = state.live and orjson.loads(state.document)["title"] == "存档"
        outcomes.append(NotFound() if not state.live else Forbidden() if kept else None)
        if state.live and not kept:
            changes.append(Change("note.deleted", "notes", draft.id, {}, state.scope, None, by=draft.by))
    journal.record(changes)
    return outcomes


def caller(person: UUID, device: UUID) -> Caller:
    return permissions.caller(person, device=device, on=NOON.date())


OPERATIONS = Operations(table={}, caller=caller, settle=lambda arrived, by, at: None)
OPERATIONS = Operations(
    table={
        "notes": Operation("notes", put, delete, references=("note",)),
        "quarantine": Operation(
            "quarantine", lambda d, *, by, at: quarantine.put(d, by=by, at=at, operations=OPERATIONS)
        ),
        "conflicts": Operation("conflicts", lambda d, *, by, at: conflicts.put(d, by=by, at=at, operations=OPERATIONS)),
    },
    caller=caller,
    settle=lambda arrived, by, at: None,
)


def person(name: str, *enterprises: UUID) -> Person:
    made = Person.objects.create(username=name, name=name)
    give(made, *enterprises)
    return made


def give(to: Person, *enterprises: UUID) -> None:
    with journal.unit(by=caller(to.id, to.id), at=NOON):
        journal.grant(to.id, [enterprise_scope(enterprise) for enterprise in enterprises])


def take(of: Person, *enterprises: UUID) -> None:
    with journal.unit(by=caller(of.id, of.id), at=NOON):
        journal.revoke(of.id, [enterprise_scope(enterprise) for enterprise in enterprises])


@dataclass
class Phone:
    """A device that keeps a mirror as the protocol tells it to."""

    person: Person
    device: UUID = field(default_factory=uuid7)
    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    cursor: str | None = None
    now: datetime = NOON
    epoch: str | None = None
    check: Any = None
    resets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        Device.objects.create(id=self.device, hardware=self.device, person=self.person, bound_at=NOON)

    @property
    def by(self) -> Caller:
        return caller(self.person.id, self.device)

    def push(self, *mutations: dict[str, Any], **envelope_members: Any) -> list[dict[str, Any]]:
        body = {"sent_at": self.now.isoformat(), "schema": 1, "epoch": self.epoch, "mutations": list(mutations)}
        return self.push_raw(orjson.dumps(body | envelope_members))["results"]

    def push_raw(self, body: bytes) -> dict[str, Any]:
        self.now += timedelta(seconds=1)
        answer = pushing.push(envelope.read(body), by=self.by, at=self.now, operations=OPERATIONS)
        return orjson.loads(answer)

    def put(
        self, record: UUID | str, base: int | None = None, *, collection: str = "notes", **data: Any
    ) -> dict[str, Any]:
        return {
            "id": str(uuid7()), "collection": collection, "record": str(record), "op": "put", "base": base, "data": data,
            "at": self.now.isoformat(),
        }  # fmt: skip

    def page(self, limit: int = 500, scope: str | None = None, cursor: str | None = None) -> dict[str, Any]:
        return orjson.loads(
            pulling.pull(
                by=self.by, owner=self.device, cursor=cursor if scope else self.cursor, limit=limit, scope=scope, key=KEY,
                at=self.now,
            )
        )  # fmt: skip

    def pull(self, limit: int = 500) -> Phone:
        for _ in range(10_000):
            if self.step(limit):
                return self
        raise AssertionError("the pull does not end")

    def step(self, limit: int = 500) -> bool:
        """One page; True when the pull is complete."""
        page = self.page(limit)
        if page["reset"]:
            self.rows.clear()
            self.resets.append(page["reason"])
        self.take_in(page["ops"])
        self.cursor, self.epoch = page["cursor"], page["epoch"]
        if page["complete"]:
            self.check = page["check"]
            assert self.sums() == self.check["scopes"], "the check does not match the mirror"
        return bool(page["complete"])

    def take_in(self, ops: list[dict[str, Any]]) -> None:
        for op in ops:
            if op["op"] == "put":
                self.rows[op["collection"], op["id"]] = op
            elif op["op"] == "delete":
                if self.rows.get((op["collection"], op["id"]), {}).get("scope") == op["scope"]:
                    del self.rows[op["collection"], op["id"]]
            else:
                self.rows = {key: row for key, row in self.rows.items() if row["scope"] != op["scope"]}

    def heal(self, scope: str, limit: int = 500) -> None:
        cursor = None
        for _ in range(10_000):
            page = self.page(limit, scope=scope, cursor=cursor)
            self.take_in(page["ops"])
            cursor = page["cursor"]
            if page["complete"]:
                return
        raise AssertionError("the healing does not end")

    def sums(self) -> dict[str, dict[str, Any]]:
        found: dict[str, list[int]] = {}
        for row in self.rows.values():
            total = found.setdefault(row["scope"], [0, 0])
            total[0] += 1
            total[1] = (total[1] + int(row["hash"], 16)) % 2**64
        return {scope: {"count": count, "digest": f"{total:016x}"} for scope, (count, total) in found.items()}

    def verify(self) -> dict[str, Any]:
        assert self.cursor is not None
        claimed = verifying.claims(self.sums())
        return verifying.verify(by=self.by, owner=self.device, cursor=self.cursor, claimed=claimed, key=KEY)

    def mirror(self) -> dict[tuple[str, str], Any]:
        return {key: (row["scope"], row["revision"], row["hash"], row["data"]) for key, row in self.rows.items()}

    def fresh(self) -> dict[tuple[str, str], Any]:
        """What a new device of the same person holds after its first sync."""
        return Phone(self.person).pull().mirror()

    def row(self, record: UUID | str, collection: str = "notes") -> dict[str, Any] | None:
        found = self.rows.get((collection, str(record)))
        return found["data"] if found else None

    def of(self, collection: str) -> list[dict[str, Any]]:
        return [row for (name, _), row in self.rows.items() if name == collection]
