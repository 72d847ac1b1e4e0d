"""Row 59: the audit trail is changed by nobody and shows whoever tries; what people type is data to the database and the log."""

from __future__ import annotations

import logging
from collections import Counter
from io import StringIO
from random import Random
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.contrib import admin
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.db.models import F

from api.policy import ROUTES
from config.logs import JSONLines
from core.actors import SYSTEM
from journal import chain, digests, journal
from journal.models import Entry, Feed, Unit
from organizations import enterprises, people
from organizations.models import Enterprise, Person
from tests.api.line import Line

TAMPERINGS = 1_000
pytestmark = pytest.mark.django_db


@pytest.fixture
def history(cast) -> Random:
    """A day's work: changes of one record and of many, by people and by the system, with and without a device."""
    dice = Random(59)
    for number in range(4):
        row = dice.choice([cast.bakery, cast.foundry, cast.mill])
        enterprises.change(
            row.id, {"employees": number + 1, "address": f"{number} 号"}, by=cast.by(cast.office), at=cast.at
        )
    people.change(cast.liaison.id, {"name": "李四"}, by=SYSTEM, at=cast.at)
    Line(cast.liaison)
    with journal.unit(by=cast.by(cast.office), at=cast.at):
        for row in (cast.bakery, cast.foundry, cast.mill):
            enterprises.change(row.id, {"industry": "食品"}, by=cast.by(cast.office), at=cast.at)
    assert list(chain.verify()) == []
    return dice


def other(field: models.Field[Any, Any], value: Any, dice: Random) -> Any:
    """A value of the column's kind that is not the one that is there."""
    match value:
        case UUID():
            return UUID(int=value.int ^ 1 << dice.randrange(128))
        case None if isinstance(field, models.UUIDField):
            return UUID(int=dice.getrandbits(128))
        case None if isinstance(field, models.DateTimeField):
            return Entry.objects.latest("id").at
        case None:
            return dice.randrange(1, 9)
        case bool() | int():
            return value + dice.choice([-1, 1, 1000])
        case "":
            return "0"
        case str():
            at = dice.randrange(len(value))
            letter = "0" if value[at] != "0" else "1"
            return dice.choice([value[:at] + letter + value[at + 1 :], value[:at] + value[at + 1 :]])
    return value + dice.choice([-1, 1]) * type(value - value)(microseconds=dice.randrange(1, 10**9))


def tamper(dice: Random) -> str:
    """One thing that somebody with the database in hand might do; gives what."""
    kind = dice.choice(
        ["entry", "entry", "entry", "unit", "unit", "drop", "drop-unit", "forge", "swap", "move", "feed", "cut"]
    )
    entry = dice.choice(list(Entry.objects.all()))
    match kind:
        case "entry" | "unit":
            row: models.Model = entry if kind == "entry" else dice.choice(list(Unit.objects.all()))
            field = dice.choice([one for one in row._meta.fields if not one.primary_key])
            value = other(field, getattr(row, field.attname), dice)
            type(row)._default_manager.filter(pk=row.pk).update(**{field.attname: value})
            return f"{kind}.{field.name}"
        case "drop":
            entry.delete()
        case "drop-unit":
            unit = dice.choice(list(Unit.objects.all()))
            Entry.objects.filter(version=unit.pk).delete()
            unit.delete()
        case "forge":
            entry.pk = None
            entry.save(force_insert=True)
        case "swap":
            two = dice.choice([one for one in Entry.objects.all() if one.changes != entry.changes])
            for one, changes in ((entry, two.changes), (two, entry.changes)):
                Entry.objects.filter(pk=one.pk).update(changes=changes)
        case "move":
            Entry.objects.filter(pk=entry.pk).update(version=F("version") + dice.choice([-1, 1]))
        case "feed":
            Feed.objects.update(**dice.choice([{"version": F("version") - 1}, {"digest": "0" * 64}]))
        case "cut":
            last = dice.randrange(1, Unit.objects.count())
            Unit.objects.filter(pk__gt=last).delete()
            Entry.objects.filter(version__gt=last).delete()
    return kind


def test_row_59_a_thousand_random_tamperings_of_the_journal_are_all_found(history):
    found: Counter[str] = Counter()
    unseen = []
    for _ in range(TAMPERINGS):
        with transaction.atomic():
            what = tamper(history)
            (found.update([what]) if any(chain.verify()) else unseen.append(what))
            transaction.set_rollback(True)
    assert unseen == []
    assert found.total() == TAMPERINGS and len(found) >= 20
    assert list(chain.verify()) == []


def test_row_59_whoever_writes_the_whole_chain_anew_misses_what_the_auditor_noted(history):
    said = StringIO()
    call_command("verify_journal", stdout=said)
    noted = said.getvalue().split()[-2:]
    call_command("verify_journal", "--noted", *noted, stdout=StringIO())

    Entry.objects.filter(pk=Entry.objects.earliest("id").pk).update(changes="{}")
    write_anew()
    assert list(chain.verify()) == [], "a chain by itself cannot tell"
    with pytest.raises(CommandError, match="written anew"):
        call_command("verify_journal", "--noted", *noted, stdout=StringIO())


def write_anew() -> None:
    """What somebody does who has the database and our code: every seal and every link made again."""
    before = ""
    for unit in Unit.objects.order_by("pk"):
        seals = []
        for one in Entry.objects.filter(version=unit.pk).order_by("id"):
            one.digest = digests.entry_seal(
                one.verb, one.collection, one.record, one.revision, one.person, one.device, one.mutation, one.claimed_at,
                one.changes.encode(),
            )  # fmt: skip
            one.save()
            seals.append(one.digest)
        unit.digest = before = digests.link(before, unit.pk, unit.at, unit.person, unit.device, seals, unit.request)
        unit.save()
    Feed.objects.update(digest=before)


def test_row_59_no_door_and_no_page_changes_the_audit_trail(cast):
    assert ROUTES["journal"] == {"GET": "journal.read"}
    assert not {Entry, Unit, Feed} & set(admin.site._registry)
    before = list(Entry.objects.order_by("id").values())
    for person in (cast.auditor, cast.office):
        line = Line(person)
        written = Entry.objects.count()
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in ("journal", f"journal/{before[0]['id']}"):
                assert line.send(method, path, {}).status_code in (404, 405)
        assert Entry.objects.count() == written
    assert list(Entry.objects.order_by("id").values())[: len(before)] == before


INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE organizations_person; --", '" OR ""="', "1) OR (1=1", "\\'; SELECT pg_sleep(9); --",
    "%' OR name LIKE '%", "_", "%", "') UNION SELECT password FROM person --", "${jndi:ldap://x}", "$1", "?", "%s",
]  # fmt: skip


@pytest.mark.parametrize("typed", INJECTIONS)
def test_row_59_what_is_typed_into_a_search_is_data(cast, typed):
    line, outsider = Line(cast.office), Line(cast.outsider)
    people_before, places = Person.objects.count(), {str(cast.mill.id)}
    for path in ("users", "enterprises", "regions", "departments"):
        answer = line.get(f"{path}?q={quote(typed)}")
        assert answer.status_code == 200 and answer.data["results"] == [], (path, typed)
        scoped = outsider.get(f"{path}?q={quote(typed)}")
        assert scoped.data["results"] == []
    for parameter in ("cursor", "limit", "region", "active", "ordering", "order_by", "sort"):
        refused = line.get(f"enterprises?{parameter}={quote(typed)}")
        assert refused.status_code in (400, 422) or refused.data["results"] == [], (parameter, typed)
    assert Line().sign_in(typed, typed).status_code in (401, 422)
    stored = line.patch(f"enterprises/{cast.mill.id}", {"name": typed})
    assert stored.status_code == 200 and stored.data["name"] == typed
    assert {row["id"] for row in outsider.get(f"enterprises?q={quote(typed)}").data["results"]} == places
    assert Person.objects.count() == people_before and Enterprise.objects.count() == 3


def test_row_59_values_reach_the_database_as_parameters(cast):
    line, statements = Line(cast.office), []
    with connection.execute_wrapper(
        lambda run, sql, params, many, context: statements.append(sql) or run(sql, params, many, context)
    ):
        line.get("enterprises?q=Zq9x&region=320281104")
        line.get("users?q=Zq9x")
        line.patch(f"enterprises/{cast.bakery.id}", {"address": "Zq9x"})
        line.post("sync/push", {"schema": 1, "epoch": "Zq9x", "mutations": []})
    assert len(statements) > 10 and not [sql for sql in statements if "Zq9x" in sql]


def test_row_59_nobody_writes_lines_of_their_own_into_the_log(cast, caplog, settings):
    caplog.set_level(logging.DEBUG)
    evil = 'x\r\n{"level":"info","message":"all is well"}\u2028\u2029\x85\x0b\x1b[2J'
    line = Line(cast.office)
    line.sign_in(evil, evil)
    line.get("enterprises/x%0d%0a%e2%80%a8forged")
    line.get("enterprises?q=x%0d%0aforged", User_Agent="x\tforged", Accept_Language="zh\tforged")
    line.get("me", X_Request_ID="forged\u2028line")
    logging.getLogger("api").error("somebody said %s", evil, extra={"told": {"name": evil}})
    try:
        raise ValueError(evil)
    except ValueError:
        logging.getLogger("api").exception("it broke on %s", evil)

    written = [JSONLines().format(record) for record in caplog.records]
    assert len(written) >= 2
    for text in written:
        assert len(text.splitlines()) == 1 and "\x1b" not in text, text
