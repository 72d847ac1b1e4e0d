"""The judge of a simulated world: looks at every byte served and, once all is healed, at everything that remains.

It knows who holds what from the world's own book, not from the server's tables, and tells what it finds as
:class:`Violation`. Numbers in brackets are the invariants of docs/sync.md.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from journal import upkeep
from journal.models import Entry, Head
from sync import cursors, envelope
from sync.models import FieldConflict, Mutation, Quarantined
from tests.sync import toys
from tests.sync.handset import Handset, Sealed

NOTES = ("note.put", "note.deleted")


@dataclass(frozen=True, slots=True)
class Violation:
    kind: str  # lost, doubled, unstable, disorder, overwritten, stuck, leaked, overreach, rewound, diverged,
    # history, chain, endless, error
    detail: str


@dataclass
class Judge:
    """``book``: who holds which scopes by the world's own record. ``answers``: the first answer to each mutation."""

    book: dict[UUID, set[str]] = field(default_factory=dict)
    answers: dict[tuple[UUID, str], tuple[str, Any, bool]] = field(default_factory=dict)
    places: dict[tuple[UUID, str], tuple[str, int, int]] = field(default_factory=dict)
    found: list[Violation] = field(default_factory=list)

    def note(self, kind: str, detail: object) -> None:
        self.found.append(Violation(kind, str(detail)[:600]))

    def held(self, person: UUID) -> set[str]:
        return self.book.get(person, set()) | {"shared", f"user:{person}"}

    # --- what is served ---------------------------------------------------------------------------------------------

    def before_push(self, batch: dict[str, Any]) -> dict[str, str]:
        """Where the notes of a batch live before it is applied."""
        records = [one["record"] for one in batch["mutations"] if one["collection"] == "notes"]
        heads = Head.objects.filter(collection="notes", record__in=records, deleted=False)
        return {str(record): scope for record, scope in heads.values_list("record", "scope__name")}

    def push_served(self, phone: Handset, batch: dict[str, Any], answer: dict[str, Any], homes: dict[str, str]) -> None:
        """[2, 3, 7] One answer for one mutation, for ever; nothing written or shown outside of what the person holds."""
        known = batch["epoch"] in (None, answer["epoch"])
        revisions: dict[str, int] = {}
        for sent, result in zip(batch["mutations"], answer["results"], strict=True):
            content = orjson.dumps([sent[name] for name in ("collection", "record", "op", "base", "data")]).decode()
            key = (phone.device, sent["id"])
            first = self.answers.setdefault(key, (content, result, known))
            if first[1] is not result:
                if first[0] == content and first[1] != result:
                    self.note("unstable", f"{phone.name}: {first[1]} then {result}")
                if first[0] != content and "mutation-reused" not in str(result.get("problem")):
                    self.note("doubled", f"{phone.name}: another content under a known id was taken: {result}")
                continue
            self._look_at(phone, sent, result, homes)
            if result["status"] != "quarantined" and sent["op"] == "put":
                if result["revision"] < revisions.get(sent["record"], 0):
                    self.note("disorder", f"{phone.name}: {sent} was applied before what was sent before it")
                revisions[sent["record"]] = result["revision"]

    def _look_at(self, phone: Handset, sent: dict[str, Any], result: dict[str, Any], homes: dict[str, str]) -> None:
        held = self.held(phone.person)
        home = homes.get(sent["record"])
        applied = result["status"] in ("applied", "merged") and sent["collection"] == "notes"
        if applied and home is not None and home not in held:
            self.note("overreach", f"{phone.name} changed a note of {home}: {sent}")
        moved = isinstance(sent["data"], dict) and sent["data"].get("enterprise")
        kept = any(clash["field"] == "enterprise" for clash in result.get("conflicts", []))
        if applied and moved and not kept and f"enterprise:{moved}" not in held:
            self.note("overreach", f"{phone.name} put a note into {moved}")
        current = result.get("current")
        if current and sent["collection"] == "notes" and self._home(phone, current["data"]) not in held:
            self.note("leaked", f"{phone.name} was shown {current}")

    def _home(self, phone: Handset, data: dict[str, Any]) -> str:
        if data["private"]:
            return f"user:{data['private']}"
        return f"enterprise:{data['enterprise']}"

    def page_served(self, phone: Handset, asked: str | None, scope: str | None, page: dict[str, Any]) -> None:
        """[7, 8] Only what is held crosses the wire; a cursor never goes back."""
        held = self.held(phone.person)
        for op in page["ops"]:
            if op["op"] != "drop_scope" and op["scope"] not in held:
                self.note("leaked", f"{phone.name}: {op}")
            elif op["op"] == "put" and op["collection"] == "notes" and self._home(phone, op["data"]) != op["scope"]:
                self.note("leaked", f"{phone.name}: a note of another scope: {op}")
        after = cursors.unseal(page["cursor"], owner=phone.device, key=toys.KEY)
        if asked and not page["reset"]:
            before = cursors.unseal(asked, owner=phone.device, key=toys.KEY)
            if after.epoch == before.epoch and (after.position, after.baseline) < (before.position, before.baseline):
                self.note("rewound", f"{phone.name}: {before} to {after}")
        if page["reset"] and scope is None and asked and page["reason"] == "first":
            self.note("rewound", f"{phone.name}: a reset without a reason")

    # --- what remains -----------------------------------------------------------------------------------------------

    def verdict(self, phones: list[Handset]) -> None:
        """Everything that must hold once all is healed."""
        for finding in upkeep.check():
            self.note("chain" if finding.kind == "chain" else "diverged", finding)
        history = History.read()
        for detail in history.faults:
            self.note("history", detail)
        answers = {(one.device, str(one.mutation)): one for one in Mutation.objects.all()}
        desk: dict[tuple[UUID, str], list[Quarantined]] = {}
        for row in Quarantined.objects.all():
            desk.setdefault((row.device, str(row.mutation)), []).append(row)
        for phone in phones:
            for sealed in phone.acknowledged.values():
                key = (phone.device, sealed.id)
                self._outcome(phone, sealed, history, answers.get(key), desk.get(key, []))
        for (device, mutation), count in history.effects.items():
            answer, kept = answers.get((device, str(mutation))), desk.get((device, str(mutation)), [])
            taken = answer is not None and '"quarantined"' not in answer.answer
            if count > taken + sum(one.state == "applied" for one in kept):
                self.note("doubled", f"{device} {mutation}: {count} effects")
        self._desks(history)

    def _desks(self, history: History) -> None:
        """What waits has reason to wait, and what was chosen is there."""
        known = set(Head.objects.values_list("record", flat=True))
        for row in Quarantined.objects.filter(state="waiting").exclude(blocked_by=[]):
            if all(UUID(record) in known for record in row.blocked_by):
                self.note("stuck", f"{row.payload} waits for {row.blocked_by}, which has come")
        for clash in FieldConflict.objects.filter(state="yours").exclude(field=""):
            states = history.states.get(str(clash.record), {}).values()
            if not any(state.get(clash.field) == clash.yours for state in states):
                self.note("lost", f"{clash.yours} was chosen for {clash.record}/{clash.field} and never came")

    def _outcome(
        self, phone: Handset, sealed: Sealed, history: History, row: Mutation | None, kept: list[Quarantined]
    ) -> None:
        """[1, 9] An acknowledged mutation's effect is in the history, or it is kept whole at a desk."""
        if row is None:
            self.note("lost", f"{phone.name}: no answer is stored for {sealed.body}")
            return
        answer = orjson.loads(row.answer) if row.answer else {"status": "applied", "revision": row.revision}
        if answer["status"] == "quarantined" or row.content != envelope.asked(sealed.body).content:
            mine = [one for one in kept if _is_that(orjson.loads(one.payload), sealed.body)]
            if not mine:
                self.note("lost", f"{phone.name}: not whole in quarantine: {sealed.body}")
            for one in mine:
                if one.state == "applied" and not history.shows(sealed, one.revision, corrected=True):
                    self.note("lost", f"{phone.name}: released, but without effect: {sealed.body}")
        elif sealed.body["collection"] == "notes":
            if not history.shows(sealed, answer["revision"]):
                self.note("lost", f"{phone.name}: {answer} but no effect of {sealed.body}")
            first = self.answers.get((phone.device, sealed.id))
            if sealed.body["op"] == "put" and first is not None and first[2]:
                for detail in history.misjudged(sealed, answer, phone.device):
                    self.note("overwritten", f"{phone.name}: {detail}: {sealed.body}: {answer}")
        else:
            self._desk(phone, sealed)

    def _desk(self, phone: Handset, sealed: Sealed) -> None:
        model = Quarantined if sealed.body["collection"] == "quarantine" else FieldConflict
        state = model.objects.filter(pk=sealed.body["record"]).values_list("state", flat=True).first()
        if state in (None, "waiting", "open"):
            self.note("lost", f"{phone.name}: a choice without effect: {sealed.body} ({state})")


def _is_that(payload: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether a kept mutation is this one, and not another under the same id."""
    return all(payload.get(name) == body[name] for name in ("collection", "record", "op", "data"))


@dataclass
class History:
    """All notes folded from the entries: each record's state at each revision, and what each mutation did."""

    states: dict[str, dict[int, dict[str, Any]]] = field(default_factory=dict)
    written: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    clashes: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    effects: Counter[tuple[UUID, UUID]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    past: dict[str, list[tuple[int, UUID | None, str, dict[str, Any]]]] = field(default_factory=dict)

    @classmethod
    def read(cls) -> History:
        """[4, 5] Fold all entries; each old value must be the one that stood, and the last state the one that is served."""
        found = cls()
        entries = Entry.objects.filter(collection="notes").order_by("version", "id")
        folded: dict[str, dict[str, Any]] = {}
        last: dict[str, int] = {}
        for one in entries.iterator():
            record, changes = str(one.record), orjson.loads(one.changes)
            state = folded.setdefault(record, {})
            for name, (old, new) in changes.items():
                if state.get(name) != old:
                    found.faults.append(f"{record}/{name}: {state.get(name)!r} was replaced, {old!r} was noted")
                state[name] = new
            if one.revision != last.get(record, 0) + 1:
                found.faults.append(f"{record}: revision {one.revision} after {last.get(record)}")
            last[record] = one.revision or 0
            found.past.setdefault(record, []).append((one.revision or 0, one.device, str(one.mutation), changes))
            found.states.setdefault(record, {})[one.revision or 0] = dict(state)
            if one.verb == "note.deleted":
                found.deleted.add(record)
            if one.mutation and one.verb in NOTES:
                assert one.device is not None
                found.effects[one.device, one.mutation] += 1
                found.written.setdefault(str(one.mutation), []).extend((n, pair[1]) for n, pair in changes.items())
        for row in FieldConflict.objects.exclude(mutation=None):
            found.clashes.setdefault(str(row.mutation), []).append((row.field, row.yours))
        found._compare(folded)
        return found

    def _compare(self, folded: dict[str, dict[str, Any]]) -> None:
        for head in Head.objects.filter(collection="notes", deleted=False):
            document, state = orjson.loads(head.document), folded.get(str(head.record), {})
            if {name: value for name, value in document.items() if value != state.get(name)}:
                self.faults.append(f"{head.record}: served {document}, the history says {state}")
            if str(head.record) in self.deleted:
                self.faults.append(f"{head.record}: deleted and yet alive")

    def shows(self, sealed: Sealed, revision: int | None, *, corrected: bool = False) -> bool:
        """Whether every value of a mutation was written, stood already, or is kept beside what stands."""
        body, mutation, record = sealed.body, sealed.id, sealed.body["record"]
        if body["op"] == "delete":
            return record in self.deleted or ("", None) in self.clashes.get(mutation, [])
        if corrected:  # somebody may have mended it: then its values are those of the correction
            return mutation in self.written or mutation in self.clashes or record in self.states
        shown = self.written.get(mutation, []) + self.clashes.get(mutation, [])
        state = self.states.get(record, {}).get(revision or 0, {})
        return all(
            (name, value) in shown or state.get(name) == value
            or (name == "rows" and all(mark in str(state.get(name)) for mark in sealed.marks))
            for name, value in body["data"].items()
        )  # fmt: skip

    def misjudged(self, sealed: Sealed, answer: dict[str, Any], device: UUID) -> list[str]:
        """[5] The merge rule, told once more: a field clashes if and only if another device changed it after the base to a
        different value. Repeat groups are left out: their rows merge."""
        base, clashes = sealed.body["base"] or 0, {clash["field"] for clash in answer.get("conflicts", [])}
        found = []
        for name, mine in sealed.body["data"].items():
            stood: Any = None
            rival = False
            for revision, author, mutation, changes in self.past.get(sealed.body["record"], []):
                mine_too = (
                    mutation == sealed.id
                )  # an edit that changed nothing is answered with somebody else's revision
                if revision <= answer["revision"] and name in changes and not mine_too:
                    stood = changes[name][1]
                    rival = rival or (revision > base and author != device)
                if mine_too and name == "rows" and name in changes and name not in clashes:
                    found += _rows_lost(changes[name])
            if name != "rows" and (rival and stood != mine) != (name in clashes):
                found.append(f"{name} {'clashes without a rival' if name in clashes else 'was overwritten silently'}")
        return found


def _rows_lost(change: list[Any]) -> list[str]:
    """Nobody in these worlds removes a row, so a row that goes was overwritten."""
    before, after = ({row["_id"] for row in (side or {"g": []})["g"]} for side in change)
    return [f"rows {before - after} vanished"] if before - after else []
