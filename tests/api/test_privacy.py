"""What people may ask about their own data over REST, who settles it, and who learns nothing of it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import orjson
import pytest

from journal import chain
from journal.models import Entry
from organizations.models import Person
from organizations.roles import Role
from tests.api.line import Line


def asks(line: Line, kind: str, **more: Any) -> dict[str, Any]:
    answer = line.post("privacy/requests", {"kind": kind} | more)
    assert answer.status_code == 201, answer.content
    return answer.data


def settles(line: Line, request: dict[str, Any], **body: Any) -> Any:
    return line.patch(f"privacy/requests/{request['id']}", body)


def test_the_register_is_for_office_and_auditor(cast):
    for person in (cast.office, cast.auditor):
        told = Line(person).get("privacy/register").data["results"]
        assert {"account", "interviewees", "audit"} <= {row["category"] for row in told}
        assert all(row["purpose"] and row["seen_by"] and row["ending"] for row in told)
        assert Line(person).get("privacy/retention").status_code == 200
    for person in (cast.liaison, cast.handler, cast.town, cast.outsider):
        assert Line(person).get("privacy/register").status_code == 403
        assert Line(person).get("privacy/retention").status_code == 403


def test_the_office_sets_days_and_the_auditor_does_not(cast):
    office = Line(cast.office)
    assert office.send("PUT", "privacy/register/messages", {"days": 60}).status_code == 204
    days = {row["category"]: row["days"] for row in office.get("privacy/retention").data["results"]}
    assert days["messages"] == 60
    assert office.send("PUT", "privacy/register/messages", {"days": 3}).status_code == 422
    assert office.send("PUT", "privacy/register/audit", {"days": 60}).status_code == 422
    assert office.send("PUT", "privacy/register/no-such", {"days": 60}).status_code == 404
    assert Line(cast.auditor).send("PUT", "privacy/register/messages", {"days": 60}).status_code == 403


def test_somebody_gets_everything_about_themselves_once_the_office_has_granted_it(cast):
    mine, office = Line(cast.liaison), Line(cast.office)
    request = asks(mine, "access", reason="想看看")
    assert mine.get(f"privacy/requests/{request['id']}/file").status_code == 409
    assert settles(mine, request, grant=True).status_code == 403
    assert settles(office, request, grant=True).data["state"] == "granted"

    for line in (mine, office):
        file = line.get(f"privacy/requests/{request['id']}/file")
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert file.data["person"]["username"] == "liaison"
        assert file.data["assignments"][0]["enterprise__name"] == "面包厂"
        assert file.data["devices"][0]["name"] == "红米"
        assert "outsider" not in file.content.decode()
    assert Entry.objects.filter(verb="privacy.handed_out").count() == 2


def test_strangers_neither_see_nor_ask_for_somebody_else(cast):
    mine, stranger = Line(cast.liaison), Line(cast.outsider)
    request = asks(mine, "access")
    assert stranger.get("privacy/requests").data["results"] == []
    gone = stranger.get(f"privacy/requests/{uuid4()}")
    for path in (f"privacy/requests/{request['id']}", f"privacy/requests/{request['id']}/file"):
        assert stranger.get(path).status_code == 404
        assert stranger.get(path).data == gone.data
    assert stranger.post("privacy/requests", {"kind": "erasure", "person": str(cast.liaison.pk)}).status_code == 403
    assert Line().get("privacy/requests").status_code == 401


def test_a_correction_is_carried_out_when_it_is_granted(cast):
    mine, office = Line(cast.liaison), Line(cast.office)
    request = asks(mine, "correction", wanted={"name": "李小明", "phone": "13900000000"})
    assert settles(office, request, grant=True).status_code == 200
    person = Person.objects.get(pk=cast.liaison.pk)
    assert (person.name, person.phone) == ("李小明", "13900000000")
    assert not Entry.objects.filter(changes__contains="13900000000").exists()
    assert settles(office, request, grant=True).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "correction"},
        {"kind": "correction", "wanted": {"username": "root"}},
        {"kind": "access", "wanted": {"name": "x"}},
        {"kind": "everything"},
    ],
)
def test_what_makes_no_sense_is_refused(cast, body):
    assert Line(cast.liaison).post("privacy/requests", body).status_code == 422


def test_a_refusal_needs_its_reason(cast):
    request = asks(Line(cast.liaison), "erasure")
    assert settles(Line(cast.office), request, grant=False).status_code == 422
    told = settles(Line(cast.office), request, grant=False, answer="履职记录依法保存").data
    assert (told["state"], told["answer"]) == ("refused", "履职记录依法保存")
    assert Person.objects.get(pk=cast.liaison.pk).is_active


@pytest.mark.parametrize("way", ["request", "office"])
def test_an_erased_person_is_nowhere_and_what_they_did_is_accounted_for(cast, way):
    person = cast.person("wangxiaomei", Role.LIAISON, enterprise=cast.bakery.id)
    mine, office = Line(person), Line(cast.office)
    done = Entry.objects.filter(person=person.pk).count()
    if way == "request":
        assert settles(office, asks(mine, "erasure"), grant=True).status_code == 200
    else:
        assert office.delete(f"users/{person.pk}").status_code == 204

    assert mine.get("me").status_code == 401
    kept = orjson.dumps(list(Entry.objects.values_list("changes", flat=True))).decode()
    assert "wangxiaomei" not in kept.lower()
    assert Entry.objects.filter(person=person.pk).count() >= done
    assert list(chain.verify()) == []
    assert "wangxiaomei" not in office.get("users").content.decode().lower()
