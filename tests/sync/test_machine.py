"""A state machine of a few phones and an office: whatever order things happen in, everyone agrees after a complete pull.

The simulator lives long lives; this one lives short ones and shrinks them to the shortest that fails.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from core.drafts import Draft
from core.ids import uuid7
from journal import journal, upkeep
from journal.models import Entry, Head
from tests.sync import ground, toys
from tests.sync.toys import Phone, give, person, take

PLACES = [UUID(int=0xA1), UUID(int=0xA2)]
WHO = st.integers(0, 2)
WHERE = st.sampled_from(PLACES)
WORDS = st.sampled_from(["一", "二", "三"])
FIELDS = st.sampled_from(["title", "text"])


class Phones(RuleBasedStateMachine):
    notes = Bundle("notes")
    unsent = Bundle("unsent")

    @initialize()
    def people(self) -> None:
        ground.wipe()
        everyone = [person("li", *PLACES), person("wang", PLACES[0])]
        self.phones = [Phone(everyone[0]), Phone(everyone[0]), Phone(everyone[1])]
        self.office = toys.caller(person("office", *PLACES).id, uuid7())
        self.answers: dict[str, Any] = {}

    # --- what happens ---------------------------------------------------------------------------------------------

    @rule(target=notes, who=WHO, where=WHERE, title=WORDS)
    def create(self, who: int, where: UUID, title: str) -> str:
        record = str(uuid7())
        self._push(who, self.phones[who].put(record, enterprise=str(where), title=title))
        return record

    @rule(target=unsent, who=WHO, record=notes, name=FIELDS, word=WORDS)
    def edit_offline(self, who: int, record: str, name: str, word: str) -> tuple[int, dict[str, Any]]:
        row = self.phones[who].rows.get(("notes", record))
        return who, self.phones[who].put(record, row["revision"] if row else None, **{name: word})

    @rule(sent=consumes(unsent), times=st.integers(1, 2))
    def send(self, sent: tuple[int, dict[str, Any]], times: int) -> None:
        for _ in range(times):
            self._push(*sent)

    @rule(sent=unsent)
    def send_and_lose_the_answer(self, sent: tuple[int, dict[str, Any]]) -> None:
        self._push(*sent)

    @rule(who=WHO, record=notes)
    def delete(self, who: int, record: str) -> None:
        row = self.phones[who].rows.get(("notes", record))
        self._push(who, self.phones[who].put(record, row["revision"] if row else None) | {"op": "delete", "data": None})

    @rule(who=WHO, record=notes, where=WHERE)
    def move(self, who: int, record: str, where: UUID) -> None:
        row = self.phones[who].rows.get(("notes", record))
        self._push(who, self.phones[who].put(record, row["revision"] if row else None, enterprise=str(where)))

    @rule(target=notes, who=WHO, where=WHERE)
    def child_before_parent(self, who: int, where: UUID) -> str:
        parent, child = str(uuid7()), str(uuid7())
        phone = self.phones[who]
        self._push(who, phone.put(child, enterprise=str(where), title="子", note=parent), phone.put(child, text="子"))
        self._push(who, phone.put(parent, enterprise=str(where), title="父"))
        return child

    @rule(record=notes, word=WORDS)
    def office_edits(self, record: str, word: str) -> None:
        with journal.unit(by=self.office, at=toys.NOON):
            toys.put([Draft(UUID(record), {"text": word}, new=False, by=self.office)], by=self.office, at=toys.NOON)

    @rule(who=WHO, where=WHERE)
    def grant(self, who: int, where: UUID) -> None:
        give(self.phones[who].person, where)

    @rule(who=WHO, where=WHERE)
    def revoke(self, who: int, where: UUID) -> None:
        take(self.phones[who].person, where)

    @rule(who=WHO, limit=st.integers(1, 3), pages=st.integers(1, 3))
    def pull_some(self, who: int, limit: int, pages: int) -> None:
        for _ in range(pages):
            if self.phones[who].step(limit):
                break

    @rule(who=WHO, limit=st.sampled_from([1, 2, 500]))
    def pull_all(self, who: int, limit: int) -> None:
        phone = self.phones[who].pull(limit)
        assert phone.mirror() == phone.fresh()
        assert phone.verify() == {"status": "match"}

    @rule()
    def purge(self) -> None:
        upkeep.purge(before=max(phone.now for phone in self.phones))

    @rule()
    def restart_elsewhere(self) -> None:
        upkeep.begin_epoch(durable_until=None)

    def _push(self, who: int, *mutations: dict[str, Any]) -> None:
        for sent, result in zip(mutations, self.phones[who].push(*mutations), strict=True):
            assert self.answers.setdefault(sent["id"], result) == result, "an answer changed"

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def all_adds_up(self) -> None:
        assert list(upkeep.check()) == []

    @invariant()
    def no_mutation_has_two_effects(self) -> None:
        told = list(
            Entry.objects.filter(verb__in=["note.put", "note.deleted"]).exclude(mutation=None).values_list("mutation")
        )
        assert len(told) == len(set(told))

    @invariant()
    def what_was_deleted_stays_deleted(self) -> None:
        gone = Entry.objects.filter(verb="note.deleted").values("record")
        assert not Head.objects.filter(record__in=gone, deleted=False).exists()


Phones.TestCase.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


class PhonesTest(Phones.TestCase, TestCase):  # type: ignore[misc,name-defined]
    """The machine, each run of it in a transaction that is undone."""
