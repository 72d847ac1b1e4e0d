"""The seeded defects: one line of one function each, written otherwise at run time.

The source of the function is read, the line replaced, and the result put in its place wherever the function is known. A
line that is gone fails loudly, so the table stays in step with the code. ``mutants`` hunts them.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mutant:
    """``where`` is module:function or module:Class.function; ``right`` is replaced by ``wrong`` in its source."""

    name: str
    what: str
    where: str
    right: str
    wrong: str

    def infect(self) -> None:
        """Put the defect into this process."""
        module = importlib.import_module(self.where.partition(":")[0])
        *owners, name = self.where.partition(":")[2].split(".")
        owner: Any = module
        for one in owners:
            owner = getattr(owner, one)
        original = inspect.getattr_static(owner, name)
        source = textwrap.dedent(inspect.getsource(original))
        if self.right not in source:
            raise LookupError(f"{self.name}: {self.where} has no line {self.right!r} any more")
        told: dict[str, Any] = {}
        exec(compile(source.replace(self.right, self.wrong), f"<{self.name}>", "exec"), vars(module), told)
        setattr(owner, name, told[name])
        for known in [one for key, one in sys.modules.items() if key.startswith(("sync", "journal", "tests.sync"))]:
            for key, value in list(vars(known).items()):
                if value is original:
                    setattr(known, key, told[name])


M = Mutant
HEALTHY = M(
    "healthy", "no defect at all: what is caught here is the hunters' own", "sync.push:push", "ATTEMPTS", "ATTEMPTS"
)
MUTANTS = [
    # --- the journal
    M(
        "no-exit",
        "a record that moves leaves no exit row",
        "journal.journal:_write_heads",
        "was != now:",
        "now is None:",
    ),
    M(
        "count-grows",
        "scope counts are never taken down",
        "journal.journal:_write_heads",
        "total[0] -= 1",
        "total[0] -= 0",
    ),
    M(
        "digest-grows",
        "scope digests keep old hashes",
        "journal.journal:_write_heads",
        "total[1] -= int(state.stored_hash, 16)",
        "pass",
    ),
    M(
        "wrong-modulus",
        "digests wrap at the wrong place",
        "journal.journal:_write_heads",
        "% MODULUS",
        "% (MODULUS - 1)",
    ),
    M(
        "old-version",
        "a scope does not tell of its news",
        "journal.journal:_write_heads",
        "changed.append((scope.pk, name, version,",
        "changed.append((scope.pk, name, scope.version,",
    ),
    M(
        "stale-head",
        "heads keep their first position",
        "journal.journal:_write_heads",
        "old.append((record_id, collection, scopes[was].pk, version,",
        "old.append((record_id, collection, scopes[was].pk, 1,",
    ),
    M(
        "half-undone",
        "a failed savepoint leaves its journal entries",
        "journal.journal:savepoint",
        "del work.entries[entries:]",
        "pass",
    ),
    M(
        "late-grant",
        "a grant counts from the beginning",
        "journal.journal:_write_grants",
        "pk, version, live)",
        "pk, 0 if live else version, live)",
    ),
    M("no-revoke", "a revocation is forgotten", "journal.journal:revoke", "False for scope", "True for scope"),
    M(
        "waiting-lost",
        "what waits is dropped when asked for",
        "journal.later:Later._look",
        "self.write()",
        "self.forget()",
    ),
    M(
        "waiting-stays",
        "what waited is kept of work undone",
        "journal.journal:savepoint",
        "work.later.forget()",
        "pass",
    ),
    M(
        "broken-chain",
        "the feed forgets the chain's end",
        "journal.journal:_write",
        "keep_digest(digest,",
        "keep_digest(previous,",
    ),
    M(
        "revision-stays",
        "an edit does not count the revision up",
        "journal.journal:record",
        "state.revision + 1",
        "max(1, state.revision)",
    ),
    M(
        "undead",
        "a deletion keeps the document alive",
        "journal.journal:_settle",
        "if change.document is None:",
        "if False:",
    ),
    M(
        "hasty-durable",
        "a backup promises what came behind its snapshot",
        "journal.upkeep:mark_durable",
        "min(at, missed) if missed else at",
        "at",
    ),
    M(
        "same-epoch",
        "a restore keeps the epoch",
        "journal.upkeep:begin_epoch",
        "feed.epoch = counter.new_epoch()",
        "pass",
    ),
    M(
        "careless-promise",
        "old devices are told the new promise",
        "journal.upkeep:safe",
        "return feed.told_until or NEVER",
        "return feed.durable_until or NEVER",
    ),
    M(
        "no-floor",
        "tombstones go without a floor",
        "journal.upkeep:purge",
        "update(floor=floor)",
        "update(floor=feed.floor)",
    ),
    # --- pushing
    M("forgets-answers", "answers are not stored", "sync.push:_remember", "found.append(", "len("),
    M(
        "asks-twice",
        "a repeated mutation is applied again",
        "sync.push:_Desk.place",
        "if before is not None:",
        "if False:",
    ),
    M(
        "any-content",
        "a known id answers for any content",
        "sync.push:_Desk.place",
        "before[0] == asked.content",
        "True",
    ),
    M(
        "twins",
        "the same mutation twice in a batch is two",
        "sync.push:_Desk.place",
        "if twin is not None:",
        "if False:",
    ),
    M(
        "answers-late",
        "answers are stored after the commit",
        "sync.push:_push_once",
        "        _remember(by.device, desk.items, at)",
        "    _remember(by.device, desk.items, at)",
    ),
    M(
        "quarantine-unanswered",
        "refusals are judged again each time",
        "sync.push:_remember",
        "if verdict is None",
        "if verdict is None or verdict.status == 'quarantined'",
    ),
    M(
        "believes-old-bases",
        "a base of another epoch is believed",
        "sync.push:_push_once",
        "batch.epoch in (None, feed.epoch)",
        "True",
    ),
    M(
        "clock-promise",
        "received times follow a clock that goes back",
        "sync.push:_push_once",
        "max(at, latest or at, feed.durable_until or at, work.durable_until or at)",
        "at",
    ),
    M(
        "nowhere-answers",
        "answers to edits that change nothing take no position",
        "sync.push:_remember",
        "journal.take_position()",
        "pass",
    ),
    # --- judging
    M(
        "open-doors",
        "edits outside of the scopes are applied",
        "sync.intake:Session._check_present",
        "state.scope not in self.held_by(item.by)",
        "False",
    ),
    M(
        "takes-over",
        "another device's record is taken over",
        "sync.intake:Session._check_present",
        "creator != item.by.device",
        "False",
    ),
    M("edits-the-dead", "deleted records are edited", "sync.intake:Session._check_present", "raise Gone", "pass"),
    M(
        "orphans",
        "children do not wait for parents",
        "sync.intake:Session._check_references",
        "if absent:",
        "if False:",
    ),
    M(
        "never-released",
        "nobody notices that a parent came",
        "sync.intake:Session._accept",
        "if before == 0:",
        "if False:",
    ),
    M(
        "last-first",
        "a chain of edits is applied backwards",
        "sync.items:waves",
        "yield from waves",
        "yield from reversed(waves)",
    ),
    M(
        "shows-all",
        "answers show records out of scope",
        "sync.intake:Session.current",
        "or state.scope not in self.held_by(item.by)",
        "",
    ),
    M(
        "no-history",
        "a merge does not look at what others did",
        "sync.intake:Session._past",
        "if not edited:",
        "if True:",
    ),
    M(
        "one-spoils-all",
        "one failing mutation takes its neighbours along",
        "sync.intake:Session._run",
        "self._run([pair], operation, delete=delete)",
        "self._refuse(pair[0], Internal())",
    ),
    M(
        "resurrects",
        "records come back after their tombstones went",
        "sync.intake:Session._forgotten",
        "if self.floor else set()",
        "if False else set()",
    ),
    # --- merging
    M(
        "fights-itself",
        "own edits conflict",
        "sync.merge:merge",
        "foreign = one.device != device or device is None",
        "foreign = True",
    ),
    M(
        "last-writer-wins",
        "later edits overwrite silently",
        "sync.merge:merge",
        "foreign = one.device != device or device is None",
        "foreign = False",
    ),
    M(
        "off-by-one",
        "the base's own change counts as news",
        "sync.merge:merge",
        "one.revision <= since",
        "one.revision < since",
    ),
    M("equal-fights", "equal values conflict", "sync.merge:merge", "same(yours, kept) or ", ""),
    M(
        "both-win",
        "a conflicting value is applied too",
        "sync.merge:merge",
        "merged.clashes.append(Clash(name, yours, kept, rival.revision))",
        "merged.clashes.append(Clash(name, yours, kept, rival.revision)); merged.changes[name] = yours",
    ),
    M(
        "rows-trample",
        "an edit of one row replaces the others",
        "sync.merge:merge",
        "merged.changes[name] = both",
        "merged.changes[name] = yours",
    ),
    # --- the desks
    M(
        "first-come-last",
        "what waited is applied backwards",
        "sync.quarantine:release",
        'order_by("received_at", "id")',
        'order_by("-received_at", "-id")',
    ),
    M(
        "no-blockage",
        "nobody knows what a mutation waits for",
        "sync.quarantine:keep",
        "Blockage.objects.bulk_create(blockages)",
        "pass",
    ),
    M(
        "half-kept",
        "quarantine keeps a part",
        "sync.quarantine:keep",
        "payload=asked.payload,",
        "payload=asked.payload[:60] + '\"}',",
    ),
    M(
        "wrong-author",
        "what is released is written by whoever pushed",
        "sync.quarantine:_item",
        "session.operations.caller(row.person, row.device)",
        "session.by",
    ),
    M(
        "twice-settled",
        "a settled item is settled again",
        "sync.quarantine:resolve",
        "if row.state != WAITING:",
        "if False:",
    ),
    M(
        "edits-superseded",
        "edits of a waiting creation are thrown aside",
        "sync.quarantine:_supersede",
        "(later if after else past)",
        "past",
    ),
    M(
        "conflict-unkept",
        "the newcomer of a conflict is dropped",
        "sync.conflicts:notice",
        "FieldConflict.objects.bulk_create(found)",
        "pass",
    ),
    M(
        "choice-ignored",
        "choosing the newcomer changes nothing",
        "sync.conflicts:_take",
        "changes={row.field: row.yours} if row.field else {}",
        "changes={}",
    ),
    # --- pulling
    M(
        "page-edge",
        "the rest of a unit is skipped at a page's edge",
        "sync.walk:Walk._add",
        "Tie(*last[:4])",
        "Tie(last[0] if self.cursor.bulk else 2**31 - 1, *last[1:4])",
    ),
    M(
        "bulk-edge",
        "the rest of a version is skipped at a page's edge",
        "sync.walk:Walk._add",
        "Tie(*last[:4])",
        "Tie(last[0], last[1] + 1, '', '') if self.cursor.bulk else Tie(*last[:4])",
    ),
    M("leaks-revoked", "revoked scopes go on flowing", "sync.walk:Walk._tail", "if one.live and self", "if self"),
    M(
        "no-fresh-start",
        "a scope granted again keeps its old rows",
        "sync.walk:Walk._open",
        "elif one.live and late:",
        "elif False:",
    ),
    M(
        "no-drop",
        "a revoked scope stays on the phone",
        "sync.walk:Walk._open",
        "if not one.live and position > self.cursor.baseline:",
        "if False:",
    ),
    M(
        "blind-to-grants",
        "late grants are not seen",
        "sync.walk:Walk._since",
        "max(holding.granted, self.cursor.baseline)",
        "self.cursor.baseline",
    ),
    M(
        "epoch-blind",
        "a cursor of another epoch is taken",
        "sync.pull:_start",
        "state.epoch != epoch or state.position > head",
        "state.position > head",
    ),
    M("no-expiry", "a cursor below the floor is taken", "sync.pull:_start", "if state.position < floor:", "if False:"),
    M(
        "nothing-new",
        "a revocation is not news",
        "sync.pull:_nothing_new",
        "max(one.granted, one.version if one.live else 0)",
        "(one.version if one.live else 0)",
    ),
    M("no-reset", "a first page does not say reset", "sync.pull:_answer", "reason is not None", "False"),
    M(
        "early-end",
        "a full page claims to be the last",
        "sync.walk:Walk.run",
        "if not self._tail(stop):\n            return False",
        "if not self._tail(stop):\n            return True",
    ),
    M("anybodys-cursor", "a borrowed cursor is taken", "sync.cursors:_sign", "person=owner.bytes", "person=b''"),
    # --- verifying, reading
    M(
        "always-fine",
        "a damaged mirror is called whole",
        "sync.verify:verify",
        "if held.get(name, nothing) != claimed.get(name, nothing)",
        "if False",
    ),
    M("never-behind", "a mirror that is behind is called damaged", "sync.verify:verify", "if behind or", "if"),
    M(
        "content-blind",
        "the content of a mutation is not digested",
        "sync.envelope:asked",
        "else orjson.dumps(data, option=orjson.OPT_SORT_KEYS)",
        "else b''",
    ),
    M(
        "holds-revoked",
        "a revoked scope counts as held",
        "sync.scopes:held_names",
        "person=person, live=True",
        "person=person",
    ),
]
BY_NAME = {mutant.name: mutant for mutant in [HEALTHY, *MUTANTS]}
