"""Judging and applying mutations in sets: the part of a push that the quarantine desk uses too.

They are taken in the order of ``sync.items``, so that a wave is one call of the collection's verb with as many drafts as there are
records.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, InterfaceError, OperationalError, connection

from core.actors import Actor
from core.drafts import Draft
from core.problems import Fault, NotFound, Problem
from journal import journal, upkeep
from journal.heads import HeadState, Key
from journal.models import Entry
from sync import conflicts, envelope, scopes
from sync.items import Item, Verdict, references, runs, waves
from sync.merge import Clash, Merged, Past, merge
from sync.operations import Delete, Operation, Operations
from sync.problems import Blocked, Gone, Internal, NotPushable, OutOfScope, RecordExists

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Session:
    """One push, or one resolution at a desk: the callers' scopes and what has arrived so far.

    ``made_by`` tells which quarantined mutation made a record that arrived out of quarantine. One that is not ``careful``
    calls its verbs without savepoints: what fails then fails the whole, which is tried again with care.
    """

    by: Actor
    at: datetime
    operations: Operations
    epoch: str
    floor: int = 0
    last_try: bool = True
    careful: bool = True
    arrived: dict[str, list[UUID]] = field(default_factory=dict)
    made_by: dict[UUID, Any] = field(default_factory=dict)
    held: dict[UUID, frozenset[str]] = field(default_factory=dict)

    def apply(self, items: Sequence[Item]) -> None:
        """Give every item its verdict, in the order sent."""
        for item in items:
            item.references = tuple(references(item.asked, self.operations))
        journal.fetch(
            key for item in items if item.asked.record and not item.asked.faults for key in (item.key, *item.references)
        )
        for run in runs(items, self.operations):
            for collection in sorted({item.asked.collection for item in run}, key=self.operations.rank):
                for wave in waves(item for item in run if item.asked.collection == collection):
                    self._apply_wave(collection, wave)

    def _apply_wave(self, collection: str, wave: list[Item]) -> None:
        operation = self.operations.table.get(collection)
        heads = journal.load(item.key for item in wave if item.asked.record is not None)
        past = self._past(wave, heads)
        forgotten = self._forgotten(heads)
        ready: list[tuple[Item, Merged]] = []
        for item in wave:
            state = heads.get(item.key, HeadState()) if item.asked.record else HeadState()
            try:
                if item.asked.record and not item.asked.faults and item.key in forgotten:
                    raise _Settled if item.asked.op == "delete" else Gone
                ready.append((item, self._judge(item, operation, state, past)))
            except Problem as problem:
                self._refuse(item, problem)
            except _Settled:
                item.verdict = Verdict("applied", revision=state.revision)
        if operation:
            self._run([pair for pair in ready if pair[0].asked.op == "put"], operation, delete=False)
            self._run([pair for pair in ready if pair[0].asked.op == "delete"], operation, delete=True)

    # --- judging ------------------------------------------------------------------------------------------------

    def _judge(self, item: Item, operation: Operation | None, state: HeadState, past: dict[Key, list[Past]]) -> Merged:
        """What of the mutation is to be applied. Raises the Problem for which it goes to quarantine."""
        asked = item.asked
        if asked.faults:
            raise envelope.problem(asked)
        if operation is None or (asked.op == "delete" and operation.delete is None):
            raise NotPushable
        if state.revision == 0:
            if not operation.creates:
                raise OutOfScope
            return self._judge_creation(item)
        self._check_present(item, state, past.get(item.key, []))
        self._check_references(item)
        known_base = item.known_base and (asked.base or 0) <= state.revision  # nobody was told a revision to come
        if asked.op == "delete":
            merged = merge(
                {}, {}, past.get(item.key, []), base=asked.base, device=item.by.device, known_base=known_base
            )  # fmt: skip
            clash = Clash("", None, None, state.revision)
            return Merged(clashes=[clash] if merged.foreign else [], foreign=merged.foreign)
        return merge(
            asked.data,
            orjson.loads(state.document),
            past.get(item.key, []),
            base=asked.base,
            device=item.by.device,
            known_base=known_base,
        )

    def _judge_creation(self, item: Item) -> Merged:
        asked = item.asked
        if asked.op == "delete" or asked.base is not None:
            raise Blocked(blocked=[asked.record])
        self._check_references(item)
        return Merged(changes=asked.data)

    def _check_present(self, item: Item, state: HeadState, past: Sequence[Past]) -> None:
        if not state.live:
            if item.asked.op == "delete":
                raise _Settled
            raise Gone
        if state.scope not in self.held_by(item.by):
            raise OutOfScope
        creator = past[0].device if past and past[0].revision == 1 else None
        if item.asked.base is None and creator != item.by.device:
            raise RecordExists

    def _check_references(self, item: Item) -> None:
        absent = [key[1] for key in item.references if journal.head(key).revision == 0]
        if absent:
            raise Blocked(blocked=absent)

    def held_by(self, by: Actor) -> frozenset[str]:
        assert by.person is not None
        if by.person not in self.held:
            self.held[by.person] = scopes.held_names(by.person)
        return self.held[by.person]

    def _forgotten(self, heads: dict[Key, HeadState]) -> set[Key]:
        """Records that were deleted so long ago that their tombstones are gone; the history still knows them."""
        unknown = {key for key, state in heads.items() if state.revision == 0} if self.floor else set()
        return upkeep.purged({record for _, record in unknown}) & unknown if unknown else set()

    def _past(self, wave: Sequence[Item], heads: dict[Key, HeadState]) -> dict[Key, list[Past]]:
        """The earlier changes of the records whose edit does not rest on their present revision; one query."""
        edited = {
            item.key
            for item in wave
            if item.asked.record and (state := heads.get(item.key)) and state.live
            and (item.asked.base != state.revision or not item.known_base)
        }  # fmt: skip
        found: dict[Key, list[Past]] = {}
        if not edited:
            return found
        entries = Entry.objects.filter(record__among={record for _, record in edited}, revision__isnull=False).order_by(
            "revision"
        )
        columns = ("collection", "record", "revision", "device", "mutation", "changes")
        for collection, record, revision, device, mutation, changes in entries.values_list(*columns):
            if revision is not None and (collection, record) in edited:
                before = _before(orjson.loads(changes))
                found.setdefault((collection, record), []).append(
                    Past(revision, device, before, sent=mutation is not None)
                )
        for entry in journal.current().entries:
            key = (entry.change.collection, entry.change.record)
            if key in edited and entry.revision is not None:
                by = entry.change.by or journal.current().by
                before = _before(entry.change.changes)
                found.setdefault(key, []).append(Past(entry.revision, by.device, before, sent=by.mutation is not None))
        return found

    # --- applying -----------------------------------------------------------------------------------------------

    def _run(self, ready: list[tuple[Item, Merged]], operation: Operation, *, delete: bool) -> None:
        """Call the verb with everything that is ready; if it fails on the set, item by item."""
        if not ready:
            return
        if not self.careful:
            self._call(ready, operation, delete=delete)
            return
        arrived, made_by = {name: list(ids) for name, ids in self.arrived.items()}, dict(self.made_by)
        try:
            with journal.savepoint():
                self._call(ready, operation, delete=delete)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:  # one mutation must not hurt its neighbours: it is found, and kept whole
            if isinstance(error, IntegrityError) and not self.last_try:
                raise
            if connection.needs_rollback:  # the savepoint could not be undone: nothing of this try can stand
                raise OperationalError("a savepoint could not be undone") from error
            self.arrived, self.made_by = arrived, made_by  # a row that waited fails after it was accepted
            if len(ready) > 1:
                for pair in ready:
                    self._run([pair], operation, delete=delete)
                return
            log.exception("a mutation failed in %s and is quarantined", operation.collection)
            self._refuse(ready[0][0], Internal(), trace=traceback.format_exc())

    def _call(self, ready: list[tuple[Item, Merged]], operation: Operation, *, delete: bool) -> None:
        heads = journal.load(item.key for item, _ in ready)
        before = {key: state.revision for key, state in heads.items()}
        wanted = [(item, merged) for item, merged in ready if not (delete and merged.clashes)]
        verb = operation.delete if delete else operation.put
        assert verb is not None
        refused: dict[int, Problem] = {}
        for author, theirs in _by_author(wanted):
            drafts = [_draft(item, merged, before[item.key] == 0) for item, merged in theirs]
            outcomes = verb(drafts, by=author, at=self.at)
            told = zip(theirs, outcomes, strict=True)
            refused |= {id(item): _seen_by_phone(one) for (item, _), one in told if isinstance(one, Problem)}
        for item, merged in ready if delete else ():
            if merged.clashes and (problem := self._refusal(item, merged, verb)):
                refused[id(item)] = _seen_by_phone(problem)
        for item, merged in ready:
            problem = refused.get(id(item))
            if problem is not None:
                self._refuse(item, problem)
            else:
                self._accept(item, merged, before[item.key])

    def _refusal(self, item: Item, merged: Merged, verb: Delete) -> Problem | None:
        """Why a deletion that met a change would not be done even if nobody had changed the record: tried, and undone."""
        try:
            with journal.savepoint():
                (outcome,) = verb([_draft(item, merged, new=False)], by=item.by, at=self.at)
                raise _Tried
        except _Tried:
            return outcome if isinstance(outcome, Problem) else None

    def _accept(self, item: Item, merged: Merged, before: int) -> None:
        state = journal.head(item.key)
        if merged.clashes:
            conflicts.notice(item.key, merged.clashes, state, by=item.author, bump=state.revision == before, at=self.at)
        if before == 0:
            self.arrived.setdefault(item.asked.collection, []).append(item.key[1])
            if item.waiting is not None:
                self.made_by[item.key[1]] = item.waiting
        status = "merged" if merged.foreign or merged.clashes else "applied"
        item.verdict = Verdict(status, revision=state.revision, clashes=tuple(merged.clashes))
        if status == "merged":
            item.verdict.current = self.current(item)

    def _refuse(self, item: Item, problem: Problem, trace: str = "") -> None:
        blocked = tuple(problem.extra.pop("blocked", ()))
        item.verdict = Verdict("quarantined", problem=problem, blocked_by=blocked, trace=trace)
        item.verdict.current = self.current(item)
        state = journal.current().heads.get(item.key) if item.asked.record else None
        item.edits = state is not None and state.revision > 0

    def show(self, items: Sequence[Item]) -> None:
        """Put the records as they stand into the answers of mutations that were refused unread."""
        shown = [item for item in items if item.asked.record is not None and item.verdict is not None]
        journal.fetch(item.key for item in shown)
        for item in shown:
            if item.verdict is not None:
                item.verdict.current = self.current(item)

    def current(self, item: Item) -> dict[str, Any] | None:
        """The record as it stands, if there is one and the caller may see it."""
        if item.asked.record is None or not item.asked.collection:
            return None
        state = journal.current().heads.get(item.key)
        if state is None or not state.live or state.scope not in self.held_by(item.by):
            return None
        return {"revision": state.revision, "hash": state.hash, "data": orjson.Fragment(state.document)}


class _Tried(Exception):
    """Undoes what was done for the sake of its outcome."""


class _Settled(Exception):
    """Nothing is left to do: what the mutation wants is so already."""


def _seen_by_phone(problem: Problem) -> Problem:
    """What a verb does not find although the server has it is out of the caller's sight: that is answered, not hidden."""
    if not isinstance(problem, NotFound):
        return problem
    title = OutOfScope.title
    return OutOfScope(errors=[Fault(fault.pointer, "forbidden", title) for fault in problem.errors])


def _before(changes: dict[str, Any]) -> dict[str, Any]:
    return {name: pair[0] if isinstance(pair, list) and len(pair) == 2 else None for name, pair in changes.items()}


def _by_author(pairs: Sequence[tuple[Item, Merged]]) -> Iterator[tuple[Actor, list[tuple[Item, Merged]]]]:
    """A push has one author; what is let out of quarantine may have several."""
    found: dict[tuple[UUID | None, UUID | None], list[tuple[Item, Merged]]] = {}
    for pair in pairs:
        found.setdefault((pair[0].by.person, pair[0].by.device), []).append(pair)
    for theirs in found.values():
        yield theirs[0][0].by, theirs


def _draft(item: Item, merged: Merged, new: bool) -> Draft:
    return Draft(id=item.key[1], changes=merged.changes, new=new, by=item.author, claimed_at=item.asked.at)
