"""One simulated world: people, phones, an office, a server and everything that can go wrong between them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import orjson
from django.db import DatabaseError, OperationalError, connection, transaction

from core.drafts import Draft
from core.problems import Problem, Unavailable
from journal import counter, journal, upkeep
from journal.journal import enterprise_scope
from journal.models import Entry, Feed, Head
from organizations.models import Device, Person
from organizations.permissions import Caller, Held, Standing
from organizations.roles import Role
from sync import conflicts, envelope, quarantine
from sync import pull as pulling
from sync import push as pushing
from sync import verify as verifying
from sync.models import FieldConflict, Mutation, Quarantined
from tests.sync import ground, toys
from tests.sync.handset import Handset, Key
from tests.sync.judge import Judge
from tests.sync.simulator import Fate

ENTERPRISES = [UUID(int=0xE0 + number) for number in range(4)]
POISON: list[dict[str, Any]] = [
    {"title": None}, {"title": 7}, {"text": "explode"}, {"text": "explode late"}, {"title": "a\0b"}, {"colour": "red"}, {"title": ["x"]},
]  # fmt: skip


class Crash(BaseException):
    """The server dies here; nothing in the product may catch this."""


@dataclass
class Saboteur:
    """Raises at one writing statement of a unit: these are the same on both engines."""

    countdown: int
    error: BaseException

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "COPY", "UPDATE", "DELETE")):
            self.countdown -= 1
            if self.countdown == 0:
                raise self.error
        return execute(sql, params, many, context)


@dataclass
class Backup:
    picture: ground.Picture
    epoch: str
    version: int
    at: datetime
    judge: Judge
    durable_until: datetime | None = None


@dataclass
class Late:
    """A request that the network still holds."""

    phone: Handset
    body: bytes


class World:
    def __init__(self, fate: Fate) -> None:
        self.fate, self.judge = fate, Judge()
        self.chance = fate.chance
        self.sends = 0
        self.words = 0
        self.skew = timedelta()
        self.late: list[Late] = []
        self.promised: list[str] = []
        self.backups: list[Backup] = []
        with transaction.atomic():
            ground.wipe()
        self.office = self._office()
        people = [self._person(f"p{number}") for number in range(4)]
        owners = [*people, *self.chance.sample(people, self.chance.randint(0, 2))]
        self.phones = [self._phone(f"phone{number}", owner) for number, owner in enumerate(owners)]

    # --- who is there -----------------------------------------------------------------------------------------------

    def _office(self) -> Caller:
        made = Person.objects.create(id=self.fate.uuid(), username="office", name="office")
        self._grant(made.id, ENTERPRISES)
        return Caller(person=made.id, standing=Standing(made.id, self.fate.now.date(), (Held(Role.OFFICE),)))

    def _person(self, name: str) -> UUID:
        made = Person.objects.create(id=self.fate.uuid(), username=name, name=name)
        self._grant(made.id, self.chance.sample(ENTERPRISES, self.chance.randint(1, 3)))
        return made.id

    def _phone(self, name: str, person: UUID) -> Handset:
        device = self.fate.uuid()
        Device.objects.create(id=device, hardware=device, person_id=person, bound_at=self.fate.now)
        return Handset(name, person, device, self.ask_push, self.ask_pull, lambda what: self.fate.strikes(what, 0.06))

    def _caller(self, phone: Handset) -> Caller:
        return self.caller(phone.person, phone.device)

    def caller(self, person: UUID, device: UUID) -> Caller:
        return Caller(person=person, device=device, standing=Standing(person, self.fate.now.date(), ()))

    def server_now(self) -> datetime:
        return self.fate.pass_time(self.chance.uniform(0.2, 3)) + self.skew

    # --- the office -------------------------------------------------------------------------------------------------

    def _grant(self, person: UUID, enterprises: list[UUID]) -> None:
        names = [enterprise_scope(one) for one in enterprises]
        with journal.unit(by=journal_actor(person), at=self.server_now()):
            journal.grant(person, names)
        self.judge.book.setdefault(person, set()).update(names)

    def _revoke(self, person: UUID, enterprises: list[UUID]) -> None:
        names = [enterprise_scope(one) for one in enterprises]
        with journal.unit(by=journal_actor(person), at=self.server_now()):
            journal.revoke(person, names)
        self.judge.book[person].difference_update(names)

    def office_assigns(self) -> None:
        phone = self.chance.choice(self.phones)
        enterprise = self.chance.choice(ENTERPRISES)
        holds = enterprise_scope(enterprise) in self.judge.held(phone.person)
        if holds and self.fate.strikes("revocation", 0.7):
            self._revoke(phone.person, [enterprise])
            if self.fate.strikes("grant again before anyone looked", 0.2):
                self._grant(phone.person, [enterprise])
        elif not holds:
            self.fate.faults["late grant"] += 1
            self._grant(phone.person, [enterprise])
        self.fate.tell(f"{phone.name} and {enterprise}: {sorted(self.judge.held(phone.person))}")

    def office_edits(self) -> None:
        heads = list(
            Head.objects.filter(collection="notes", deleted=False).order_by("record").values_list("record", flat=True)
        )
        if not heads:
            return
        record = self.chance.choice(heads)
        kind = self.chance.choice(["edit", "edit", "move", "delete"])
        with journal.unit(by=self.office, at=self.server_now()):
            if kind == "delete":
                self.fate.faults["deletion by the office"] += 1
                toys.delete([Draft(record, by=self.office)], by=self.office, at=self.fate.now)
            else:
                changes: dict[str, Any] = {self.chance.choice(["title", "text"]): self.word()}
                if kind == "move":
                    self.fate.faults["move by the office"] += 1
                    changes = {"enterprise": str(self.chance.choice(ENTERPRISES)), "private": None}
                toys.put([Draft(record, changes, new=False, by=self.office)], by=self.office, at=self.fate.now)
        self.fate.tell(f"office {kind} {record}")

    def office_settles(self) -> None:
        """A person at the desk applies, dismisses, chooses; what is refused again stays."""
        waiting = Quarantined.objects.filter(state="waiting").order_by("received_at", "id").first()
        wish = self.chance.choice(
            [
                {"resolution": "dismiss", "reason": "x"},
                {"resolution": "apply"},
                {"resolution": "apply", "data": {"title": self.word()}},
            ]
        )
        choice = {"resolution": self.chance.choice(["kept", "yours"])}
        conflict = FieldConflict.objects.filter(state="open").order_by("noticed_at", "id").first()
        try:
            if waiting is not None:
                quarantine.resolve(waiting.pk, wish, by=self.office, at=self.server_now(), operations=toys.OPERATIONS)
            if conflict is not None:
                conflicts.resolve(conflict.pk, choice, by=self.office, at=self.server_now(), operations=toys.OPERATIONS)
        except (Problem, RuntimeError) as problem:  # poison explodes at the desk as well, and nothing of it stands
            self.fate.tell(f"the desk was refused: {problem!r}")

    # --- what a person does on a phone ------------------------------------------------------------------------------

    def word(self) -> str:
        self.words += 1
        return self.chance.choice(["好", "同"]) if self.chance.random() < 0.15 else f"w{self.words}"

    def write(self, phone: Handset) -> None:
        kinds = ["create"] * 4 + ["edit"] * 8 + ["rows"] * 3 + ["delete"] + ["desk"] * 2 + ["child"]
        kind = self.chance.choice(kinds)
        getattr(self, f"_{kind}")(phone)

    def _seal(
        self, phone: Handset, record: str, op: str, data: Any, collection: str = "notes", marks: tuple[str, ...] = ()
    ) -> None:
        at: Any = (self.fate.now + timedelta(days=3650 * self.chance.choice([-1, 1]))).isoformat()
        if not self.fate.strikes("wrong clock", 0.06):
            at = self.fate.now.isoformat() if self.chance.random() < 0.95 else "yesterday"
        identity = str(self.fate.uuid())
        if phone.acknowledged and self.fate.strikes("mutation id used again", 0.05):
            identity = self.chance.choice(sorted(phone.acknowledged))
            if identity in {one.id for one in phone.outbox}:
                identity = str(self.fate.uuid())
        if op == "put" and collection == "notes" and self.fate.strikes("poison", 0.06):
            data = data | self.chance.choice(POISON)
            marks = ()
        sealed = phone.seal(identity, collection, record, op, data, at, marks)
        self.fate.tell(f"{phone.name} writes {sealed.body}")

    def _new(self, phone: Handset, record: str, **more: Any) -> None:
        held = sorted(name for name in self.judge.held(phone.person) if name.startswith("enterprise:"))
        anywhere = [enterprise_scope(one) for one in ENTERPRISES]
        outside = not held or self.fate.strikes("write outside of what is held", 0.05)
        enterprise = self.chance.choice(anywhere if outside else held).removeprefix("enterprise:")
        data = {"enterprise": enterprise, "title": self.word(), "text": self.word()} | more
        if self.chance.random() < 0.08:
            data["private"] = str(phone.person)
        phone.made.add(record)
        self._seal(phone, record, "put", data)

    def _create(self, phone: Handset) -> None:
        record = self.promised.pop() if self.promised and self.chance.random() < 0.5 else str(self.fate.uuid())
        self._new(phone, record)
        while self.chance.random() < 0.3:
            self._seal(phone, record, "put", {self.chance.choice(["title", "text"]): self.word()})

    def _child(self, phone: Handset) -> None:
        parent, child = str(self.fate.uuid()), str(self.fate.uuid())
        self.fate.faults["child before parent"] += 1
        if self.chance.random() < 0.3:
            self._new(phone, child, note=parent)
            self.promised.append(parent)  # somebody else will write the parent
            return
        self._new(phone, child, note=parent)
        if self.chance.random() < 0.5:
            self._seal(phone, child, "put", {"text": self.word()})
        for _ in range(self.chance.randint(0, 3)):
            self.write(phone)
        if self.chance.random() < 0.9:
            self._new(phone, parent)

    def _some(self, phone: Handset, collection: str = "notes") -> str | None:
        known = sorted(record for name, record in phone.rows if name == collection)
        if collection == "notes":
            known = sorted({*known, *sorted(phone.made)[-5:]})
        return self.chance.choice(known) if known else None

    def _edit(self, phone: Handset) -> None:
        record = self._some(phone)
        if record is None:
            return
        data: dict[str, Any] = {
            name: self.word() for name in self.chance.sample(["title", "text"], self.chance.randint(1, 2))
        }
        if self.fate.strikes("move between scopes", 0.08):
            held = sorted(name for name in self.judge.held(phone.person) if name.startswith("enterprise:"))
            if held:
                data = {"enterprise": self.chance.choice(held).removeprefix("enterprise:")}
            data["private"] = str(phone.person) if self.chance.random() < 0.3 else None
        self._seal(phone, record, "put", data)

    def _rows(self, phone: Handset) -> None:
        """A row of a repeat group changes, comes or goes; the whole field is sent, as the protocol says."""
        record = self._some(phone)
        row = phone.rows.get(("notes", record or ""))
        if record is None or row is None or phone.told.get(("notes", record)) != row["revision"]:
            return
        if any(one.body["record"] == record and "rows" in (one.body["data"] or {}) for one in phone.outbox):
            return
        standing = (row["data"].get("rows") or {"g": []})["g"]
        rows = [dict(one) for one in standing]
        mark = f"r{self.words}.{len(rows)}"
        self.words += 1
        if rows and self.chance.random() < 0.6:
            self.chance.choice(rows)["v"] = mark
        else:
            rows.append({"_id": str(self.fate.uuid()), "v": mark})
        self._seal(phone, record, "put", {"rows": {"g": rows}}, marks=(mark,))

    def _delete(self, phone: Handset) -> None:
        record = self._some(phone)
        if record is not None:
            self.fate.faults["deletion by a phone"] += 1
            self._seal(phone, record, "delete", None)

    def _desk(self, phone: Handset) -> None:
        collection = self.chance.choice(["quarantine", "conflicts"])
        record = self._some(phone, collection)
        if record is None:
            return
        wish: dict[str, Any] = {"resolution": self.chance.choice(["kept", "yours"])}
        if collection == "quarantine":
            wish = self.chance.choice(
                [{"resolution": "dismiss", "reason": "x"}, {"resolution": "apply", "data": {"title": self.word()}}]
            )
        self._seal(phone, record, "put", wish, collection)

    # --- the network ------------------------------------------------------------------------------------------------

    def ask_push(self, phone: Handset, body: bytes) -> dict[str, Any] | None:
        """A push through the network; None when the phone gets no answer."""
        self.sends += len(orjson.loads(body)["mutations"])
        if self.fate.strikes("request lost", 0.06):
            return None
        if self.fate.strikes("request late", 0.07):
            self.late.append(Late(phone, body))
            return None
        if self.fate.strikes("request twice", 0.07):
            self.late.append(Late(phone, body))
        answer = self.serve_push(phone, body)
        if answer is None or self.fate.strikes("answer lost", 0.07):
            return None
        return answer

    def ask_pull(self, phone: Handset, cursor: str | None, scope: str | None) -> dict[str, Any] | None:
        if self.fate.strikes("pull lost", 0.05):
            return None
        limit = self.chance.choice([1, 2, 3, 7, 20, 500])
        try:
            page: dict[str, Any] = orjson.loads(
                pulling.pull(
                    by=self._caller(phone), owner=phone.device, cursor=cursor, limit=limit, scope=scope, key=toys.KEY,
                    at=self.server_now(),
                )
            )  # fmt: skip
        except Problem as problem:
            if not (scope and problem.kind in ("scope-not-held",)):
                self.judge.note("error", f"a pull of {phone.name} was refused: {problem!r}")
            return None
        self.judge.page_served(phone, cursor, scope, page)
        if self.fate.strikes("page lost", 0.05):
            return None
        return page

    def deliver_late(self) -> None:
        if self.late:
            late = self.late.pop(self.chance.randrange(len(self.late)))
            self.fate.tell(f"a late request of {late.phone.name} arrives")
            self.serve_push(late.phone, late.body)

    # --- the server -------------------------------------------------------------------------------------------------

    def serve_push(self, phone: Handset, body: bytes) -> dict[str, Any] | None:
        """What the server makes of a request; None when it dies on the way or says 503."""
        batch = orjson.loads(body)
        homes = self.judge.before_push(batch)
        try:
            raw = self._sabotaged(phone, body)
        except Crash:
            return None
        except Unavailable:
            return None
        answer: dict[str, Any] = orjson.loads(raw)
        self.judge.push_served(phone, batch, answer, homes)
        self.fate.tell(f"{phone.name} is answered {answer['results']}")
        return answer

    def _sabotaged(self, phone: Handset, body: bytes) -> bytes:
        def push() -> bytes:
            return pushing.push(
                envelope.read(body), by=self._caller(phone), at=self.server_now(), operations=toys.OPERATIONS
            )

        error: BaseException | None = None
        if self.fate.strikes("server dies within a unit", 0.07):
            error = Crash()
        elif self.fate.strikes("database refuses once", 0.05):
            error = OperationalError("deadlock detected")
        if error is None:
            return push()
        with connection.execute_wrapper(Saboteur(self.chance.randint(1, 14), error)):
            return push()

    def backs_up(self) -> None:
        feed = counter.feed()
        self.backups.append(Backup(ground.picture(), feed.epoch, feed.version, self.server_now(), deepcopy(self.judge)))
        self.fate.tell(f"backup at {feed.version}")

    def marks_backup(self) -> None:
        if self.backups and self.backups[-1].durable_until is None:
            newest = self.backups[-1]
            newest.durable_until = upkeep.mark_durable(epoch=newest.epoch, version=newest.version, at=newest.at)
            self.fate.tell(f"durable until {newest.durable_until}")

    def is_restored(self) -> None:
        if not self.backups:
            return
        newest = self.backups[-1]
        self.fate.faults["restore from a backup"] += 1
        with transaction.atomic():
            ground.bring_back(newest.picture)
        epoch = upkeep.begin_epoch(durable_until=newest.durable_until)
        found = self.judge.found
        self.judge = deepcopy(newest.judge)
        self.judge.found = found
        self.fate.tell(f"restored to {newest.version}: epoch {epoch}")

    def purges(self) -> None:
        self.fate.faults["purge of tombstones"] += 1
        upkeep.purge(before=self.fate.now + self.skew - timedelta(seconds=self.chance.randint(20, 400)))

    def clock_jumps(self) -> None:
        self.fate.faults["server clock jumps"] += 1
        self.skew = timedelta(seconds=self.chance.randint(-900, 60))

    # --- a life -----------------------------------------------------------------------------------------------------

    def run(self, sends: int) -> None:
        """Live with all faults until that many mutations were sent, then heal and be judged."""
        kept = toys.OPERATIONS.caller
        object.__setattr__(toys.OPERATIONS, "caller", self.caller)
        try:
            while self.sends < sends and not self.judge.found:
                self.step()
            self.fate.tell("--- the faults stop ---")
            self.fate.rate = 0
            self.heal()
            self.judge.verdict(self.phones)
        except (
            RuntimeError,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
            AssertionError,
            DatabaseError,
            Problem,
        ) as error:
            self.judge.note("error", f"{error!r} {traceback.format_exc()[-500:]}")
        finally:
            object.__setattr__(toys.OPERATIONS, "caller", kept)

    def step(self) -> None:
        self.fate.pass_time(self.chance.uniform(0, 20))
        draw = self.chance.random()
        phone = self.chance.choice(self.phones)
        if draw < 0.40:
            self.write(phone)
        elif draw < 0.75:
            self.sync(phone)
        elif draw < 0.80:
            self.deliver_late()
        elif draw < 0.87:
            self.office_assigns()
        elif draw < 0.94:
            self.office_edits()
        elif draw < 0.96:
            self.office_settles()
        else:
            self._event()

    def _event(self) -> None:
        events = (
            [self.backs_up] * 2
            + [self.marks_backup] * 2
            + [self.is_restored, self.purges, self.clock_jumps, self.damages]
        )
        self.chance.choice(events)()

    def damages(self) -> None:
        """A phone's storage loses or changes a row; it finds out by verifying."""
        phone = self.chance.choice(self.phones)
        if phone.rows:
            key: Key = self.chance.choice(sorted(phone.rows))
            self.fate.faults["mirror damaged"] += 1
            phone.clean = False
            del phone.rows[key]

    def sync(self, phone: Handset) -> bool:
        """Push, then pull, as far as faults let it; True when it came to its end."""
        sent_at = self.fate.now.isoformat()
        for _ in range(60):
            if not (phone.again or phone.outbox):
                break
            if not phone.push(self.chance.randint(1, 6), sent_at):
                return False
        for _ in range(400):
            if phone.again is not None:
                return False
            if phone.pull():
                return self._look(phone)
            if self.chance.random() < 0.1 * self.fate.rate:
                return False
        return False

    def _look(self, phone: Handset) -> bool:
        """After a complete pull the mirror must verify, or be found damaged and healed."""
        assert phone.cursor is not None
        told = verifying.verify(
            by=self._caller(phone),
            owner=phone.device,
            cursor=phone.cursor,
            claimed=verifying.claims(phone.sums()),
            key=toys.KEY,
        )
        if told["status"] == "match":
            phone.clean = True
            return True
        if phone.clean:
            self.judge.note("diverged", f"{phone.name} after a complete pull: {told}")
        if told["status"] == "mismatch":
            healed = [phone.heal(scope) for scope in told["scopes"]]
            phone.clean = all(healed)
        return False

    def heal(self) -> None:
        """No faults any more: whatever the network holds arrives, and everyone syncs until nothing changes."""
        while self.late:
            self.deliver_late()
        for _ in range(12):
            before = Feed.objects.get(pk=1).version
            settled = [self.sync(phone) for phone in self.phones]
            idle = not any(phone.outbox or phone.again for phone in self.phones)
            if all(settled) and idle and before == Feed.objects.get(pk=1).version:
                break
        else:
            self.judge.note(
                "endless", [(p.name, len(p.outbox), p.again and len(p.again), p.clean) for p in self.phones]
            )
        for phone in self.phones:
            self._compare(phone)

    def _compare(self, phone: Handset) -> None:
        """The mirror law: what it holds is what a new phone of the same person gets."""
        fresh = Handset("fresh", phone.person, phone.device, self.ask_push, self.ask_pull, lambda what: False)
        for _ in range(2000):
            if fresh.pull():
                break
        mine, other = phone.mirror(), fresh.mirror()
        if mine != other:
            differing = {key for key in mine.keys() | other.keys() if mine.get(key) != other.get(key)}
            self.judge.note(
                "diverged", f"{phone.name}: {[(key, mine.get(key), other.get(key)) for key in sorted(differing)][:3]}"
            )

    def digest(self) -> str:
        """Everything that the world came to, the same on both engines."""
        seal = blake2b(digest_size=16)
        for one in Entry.objects.order_by("version", "id").values_list("version", "verb", "record", "changes"):
            seal.update(repr(one).encode())
        heads = Head.objects.order_by("scope__name", "collection", "record")
        for scope, record, revision, deleted, document in heads.values_list(
            "scope__name", "record", "revision", "deleted", "document"
        ):
            content = orjson.dumps(orjson.loads(document), option=orjson.OPT_SORT_KEYS)
            seal.update(f"{scope} {record} {revision} {bool(deleted)} ".encode() + content)
        for row in Mutation.objects.order_by("device", "mutation").values_list("mutation", "content", "revision"):
            seal.update(repr(row).encode())
        return seal.hexdigest()


def journal_actor(person: UUID) -> Any:
    from core.actors import Actor

    return Actor(person=person)
