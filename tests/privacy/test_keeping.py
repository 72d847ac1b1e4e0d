"""What has reached the end of its time goes, from the record, the phones and the audit trail, and nothing else breaks."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.core.management import call_command
from django.utils import timezone

from core.actors import SYSTEM
from inspections.models import Visit
from journal import chain, redaction
from journal.models import Entry
from notifications.models import Message
from organizations import people
from organizations.models import Assignment, Person
from privacy import erasure, retention
from surveys import personal, questionnaires
from surveys.models import Response, dump
from surveys.xlsform import read_xlsform
from sync.models import Quarantined
from tests.services import ROOT
from tests.surveys.sheets import form
from tests.world import World

LONG = timedelta(days=1500)


def counts(world: World) -> dict[str, int]:
    return {due.category: due.count for due in retention.report(at=timezone.now()) if due.count}


def old_visit(world: World) -> Visit:
    """A visit of four years ago whose interviewee is named."""
    phone = world.phone(of=world.liaison)
    key = phone.puts("visits", {"enterprise": str(world.bakery.pk), "mode": "phone", "interviewee": "王建国",
                                "started_at": timezone.now().isoformat(), "status": "draft"})  # fmt: skip
    phone.push()
    Visit.objects.filter(pk=key).update(submitted_at=timezone.now() - LONG)
    return Visit.objects.get(pk=key)


def test_a_name_is_masked_in_the_record_on_the_phones_and_in_the_trail(world: World) -> None:
    visit, phone = old_visit(world), world.phone(of=world.liaison)
    assert phone.document("visits", str(visit.pk))["interviewee"] == "王建国"
    assert counts(world) == {"interviewees": 1}

    assert retention.keep(at=timezone.now()) == 1
    assert retention.keep(at=timezone.now()) == 0

    phone.pull()
    assert phone.document("visits", str(visit.pk))["interviewee"] is None
    phone.obeys_the_mirror_law()
    assert not Entry.objects.filter(changes__contains="王建国").exists()
    assert list(chain.verify()) == []


def test_a_report_changes_nothing_and_the_command_says_what_it_would_do(world: World) -> None:
    visit = old_visit(world)
    before = Entry.objects.count()
    said = StringIO()
    call_command("retention", stdout=said)
    assert any(line.split()[0] == "interviewees" and line.split()[-1] == "1" for line in said.getvalue().splitlines())
    assert Visit.objects.get(pk=visit.pk).interviewee == "王建国"
    assert Entry.objects.count() == before
    call_command("retention", "--apply", stdout=said)
    assert "1 rows let go" in said.getvalue()


def test_the_offices_own_days_count(world: World) -> None:
    old_visit(world)
    retention.set_period("interviewees", 3000, by=world.caller(world.office), at=timezone.now())
    assert counts(world) == {}


def test_contacts_in_answers_go_however_deep(world: World) -> None:
    now = timezone.now()
    world.publishes("sme_problems")
    answers = {"contact": {"phone": "13812345678", "confidential": "no"}, "description": "招不到焊工"}
    row = Response.objects.create(
        enterprise=world.bakery, questionnaire_id="sme_problems", version=1, answers=answers, status="submitted",
        started_at=now, received_at=now - LONG, submitted_at=now - LONG,
    )  # fmt: skip
    assert retention.keep(at=now) == 1
    row.refresh_from_db()
    assert row.answers == {"contact": {"confidential": "no"}, "description": "招不到焊工"}


def test_a_form_says_itself_which_questions_are_personal(world: World) -> None:
    """Old forms go by the usual names; a new one may ask for a phone of the firm, and for somebody's nickname."""
    now = timezone.now()
    survey = """
    | type        | name     | label  | personal |
    | text        | nickname | 称呼   | yes      |
    | text        | phone    | 总机   | no       |
    | begin group | person   | 联系人 | yes      |
    | text        | wechat   | 微信   |          |
    | end group   |          |        |          |
    | text        | wish     | 愿望   |          |"""
    by = world.caller(world.office)
    questionnaires.upload(form(survey), by=by, at=now)
    questionnaires.publish("demo", 1, by=by, at=now)
    answers = {"nickname": "老王", "phone": "86001234", "wechat": "wang-88", "wish": "新机床"}
    row = Response.objects.create(
        enterprise=world.bakery, questionnaire_id="demo", version=1, answers=answers, status="submitted",
        started_at=now, received_at=now - LONG, submitted_at=now - LONG,
    )  # fmt: skip
    assert counts(world) == {"contacts": 1}
    assert retention.keep(at=now) == 1
    row.refresh_from_db()
    assert row.answers == {"phone": "86001234", "wish": "新机床"}
    assert retention.keep(at=now) == 0 and counts(world) == {}


def test_the_shipped_forms_say_which_questions_are_personal() -> None:
    """None that reaches somebody is left to its name."""
    said = {}
    for workbook in sorted((ROOT / "data" / "questionnaires").glob("*.xlsx")):
        compiled = read_xlsform(workbook.read_bytes()).form
        found = personal.questions(compiled)
        assert found == {name for name in found if '"personal":true' in dump(_entry(compiled["questions"], name))}
        said[workbook.stem] = set(found)
    assert said == {
        "visit": {"interviewee"},
        "sme_problems": {"phone"},
        "observer": set(),
        "worker_satisfaction": set(),
    }


def _entry(entries: list[dict[str, Any]], name: str) -> Any:
    for entry in entries:
        found = entry if entry["name"] == name else _entry(entry.get("children", []), name)
        if found:
            return found
    return None


def test_a_disabled_account_is_erased_after_its_year_and_a_live_one_never(world: World) -> None:
    now = timezone.now()
    gone = world.edu_handler
    people.change(gone.pk, {"is_active": False}, by=SYSTEM, at=now)
    assert counts(world) == {}
    Person.objects.update(created_at=now - LONG)
    assert counts(world) == {}  # the assignment has not ended
    Assignment.objects.filter(person=gone).update(ends_on=(now - LONG).date(), starts_on=(now - LONG).date())
    assert counts(world) == {"account": 1}
    retention.keep(at=now)
    assert Person.objects.get(pk=gone.pk).username.startswith(erasure.MARK)
    assert Person.objects.get(pk=world.liaison.pk).name == "Liaison"
    assert list(chain.verify()) == []


def test_settled_quarantine_loses_its_text_and_waiting_keeps_it(world: World) -> None:
    now = timezone.now()
    told = {"person": world.liaison.pk, "device": uuid4(), "payload": '{"data": 1}', "problem": {}}
    waiting = Quarantined.objects.create(received_at=now - LONG, **told)
    settled = Quarantined.objects.create(received_at=now - LONG, state="dismissed", settled_at=now - LONG, **told)
    retention.keep(at=now)
    assert Quarantined.objects.get(pk=waiting.pk).payload == '{"data": 1}'
    assert Quarantined.objects.get(pk=settled.pk).payload == "{}"


def test_old_messages_are_deleted_and_new_ones_stay(world: World) -> None:
    now = timezone.now()
    for at in (now, now - LONG):
        Message.objects.create(id=uuid4(), person=world.liaison, kind="issue.due", title={}, body={}, at=at)
    retention.keep(at=now)
    assert Message.objects.count() == 1


# --- the chain under redaction ------------------------------------------------------------------------------------


@pytest.fixture
def redacted(world: World) -> Entry:
    """The entry of a person's creation after they were erased."""
    erasure.erase(world.stranger.pk, by=world.caller(world.office), at=timezone.now())
    return Entry.objects.get(verb="person.created", record=world.stranger.pk)


def test_what_was_redacted_is_hidden_and_the_chain_still_verifies(redacted: Entry) -> None:
    assert orjson.loads(redacted.changes)["name"] == [None, redaction.HIDDEN]
    assert "Stranger" not in redacted.changes
    assert list(chain.verify()) == []


def test_row_59_a_redacted_entry_that_is_altered_again_is_found(redacted: Entry) -> None:
    Entry.objects.filter(pk=redacted.pk).update(changes=redacted.changes.replace(redaction.HIDDEN, "Nobody", 1))
    assert [found.why for found in chain.verify()] == ["seal"]


def test_row_59_an_alteration_with_a_redaction_of_ones_own_is_found(world: World, redacted: Entry) -> None:
    victim = Entry.objects.filter(verb="person.created").exclude(pk=redacted.pk).earliest("pk")
    victim.changes = victim.changes.replace("Liaison", "Forged")
    Entry.objects.filter(pk=victim.pk).update(changes=victim.changes)
    proof = Entry.objects.filter(verb=redaction.VERB).latest("pk")
    now = orjson.dumps({"seal": [victim.digest, redaction.seal_of(victim)], "fields": [None, ["name"]]}).decode()
    proof.pk, proof.record, proof.changes = None, redaction.UUID(int=victim.pk), now
    proof.digest = redaction.seal_of(proof)
    proof.save()
    assert {found.why for found in chain.verify()} >= {"count"}
