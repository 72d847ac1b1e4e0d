"""Reports in the background: asked for, made by the worker, fetched by whoever may still see what is in them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any
from unittest.mock import ANY

import openpyxl
import pytest
import time_machine

from organizations.models import Assignment
from organizations.roles import Role
from reports import commissions
from reports.models import Commission
from tests import scenery
from tests.api.line import Line
from tests.conftest import Logged
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

WHERE = "reports/tasks"
ASKED = {"report": "supervision", "query": {"period": "2026-11", "group_by": "region", "format": "xlsx"}}


@pytest.fixture
def busy(db: None, settings: Any, tmp_path: Any) -> Iterator[World]:
    settings.MEDIA_ROOT = str(tmp_path)
    world = scenery.stage(november)
    with time_machine.travel(world.now, tick=True):
        yield world


def november() -> World:
    """A month with two issues, looked at in December, with everybody able to sign in."""
    world = cast.settle()
    world.on("2026-11-02T09:00").replied()
    world.reports()
    world.on("2026-12-01T09:00")
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def line(world: World, name: str) -> Line:
    return Line(world.people[name])


def make(world: World) -> None:
    while commissions.make_due(at=world.now):
        pass


def test_a_report_is_asked_for_made_by_the_worker_and_fetched(busy: World) -> None:
    office = line(busy, "office")
    asked = office.post(WHERE, ASKED, Idempotency_Key="once")
    again = office.post(WHERE, ASKED, Idempotency_Key="once")
    task = asked.data

    assert (asked.status_code, again.data["id"]) == (202, task["id"])
    assert (task["state"], task["progress"], task["result"]) == ("waiting", 0, None)
    early = office.get(f"{WHERE}/{task['id']}/result")
    assert (early.status_code, early.data["type"], early.data["state"]) == (409, "/problems/not-ready", "waiting")

    make(busy)
    done = office.get(f"{WHERE}/{task['id']}").data
    fetched = office.get(done["result"])
    book = openpyxl.load_workbook(BytesIO(b"".join(fetched.streaming_content)))

    assert (done["state"], done["progress"]) == ("done", 100)
    assert fetched["Content-Disposition"] == 'attachment; filename="supervision-2026-11-region.xlsx"'
    assert book.worksheets[0]["A5"].value == "320281105"
    assert [one["id"] for one in office.get(WHERE).data["results"]] == [task["id"]]
    assert office.get(done["result"], If_None_Match=fetched["ETag"]).status_code == 304


def test_everybody_gets_their_own_and_nobody_anothers(busy: World) -> None:
    hrss = line(busy, "hrss")
    asked = hrss.post(WHERE, ASKED)
    assert asked.status_code == 202, asked.content
    task = asked.data["id"]
    make(busy)

    for name in ("edu", "office", "liaison"):
        for path in (f"{WHERE}/{task}", f"{WHERE}/{task}/result"):
            assert line(busy, name).get(path).status_code == 404
        assert line(busy, name).delete(f"{WHERE}/{task}").status_code == 404
    assert line(busy, "auditor").get(f"{WHERE}/{task}/result").status_code == 403
    assert Line().get(f"{WHERE}/{task}/result").status_code == 401
    fetched = hrss.get(f"{WHERE}/{task}/result")
    assert fetched.status_code == 200
    assert b"".join(fetched.streaming_content).startswith(b"PK")


def test_row_46_a_result_is_denied_once_the_rights_it_was_made_with_are_gone(busy: World) -> None:
    """Row 46: links and exports after revocation: denied."""
    office, town = line(busy, "office"), line(busy, "town")
    city, own = (who.post(WHERE, ASKED).data["id"] for who in (office, town))
    make(busy)
    Assignment.objects.create(
        person=busy.people["office"], role=Role.TOWN_OFFICER, region=busy.bakery.region, starts_on="2026-01-01"
    )
    Assignment.objects.filter(person=busy.people["office"], role=Role.OFFICE).update(revoked_at=busy.now)
    Assignment.objects.filter(person=busy.people["town"]).update(revoked_at=busy.now)

    narrowed = office.get(f"{WHERE}/{city}/result")
    gone = town.get(f"{WHERE}/{own}/result")

    assert (narrowed.status_code, narrowed.data["type"]) == (403, "/problems/rights-changed")
    assert gone.status_code == 403


def test_what_may_not_be_asked_for_is_not_made_either(busy: World) -> None:
    hrss = line(busy, "hrss")
    scheme = {"report": "assessment", "query": {"period": "2026-11", "scheme": "department"}}
    bulletin = {"report": "supervision", "query": {"period": "2026-11", "format": "docx"}}

    assert hrss.post(WHERE, scheme).status_code == 403
    assert hrss.post(WHERE, bulletin).status_code == 403
    assert Commission.objects.count() == 0


def test_rights_that_end_before_the_worker_comes_end_the_task(busy: World) -> None:
    town = line(busy, "town")
    task = town.post(WHERE, ASKED).data["id"]
    Assignment.objects.filter(person=busy.people["town"]).update(revoked_at=busy.now)
    make(busy)

    row = Commission.objects.get(pk=task)
    assert (row.state, row.refusal["en"]["status"]) == ("failed", 403)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"report": "gossip", "query": {}}, "/report"),
        ({"report": "supervision", "query": {}}, "/period"),
        ({"report": "supervision", "query": {"period": "2026-11", "colour": "red"}}, "/query/colour"),
        ({"report": "supervision", "query": {"period": "2026-11", "group_by": "star"}}, "/query/group_by"),
        ({"report": "registers/issues", "query": {"period": "2026-11", "format": "docx"}}, "/format"),
    ],
)
def test_a_bad_order_is_told_where(busy: World, body: dict[str, Any], pointer: str) -> None:
    told = line(busy, "office").post(WHERE, body)

    assert told.status_code == 422, told.content
    assert [fault["pointer"] for fault in told.data["errors"]] == [pointer]


def test_an_order_that_cannot_be_filled_says_why(busy: World) -> None:
    office = line(busy, "office")
    nobody = {
        "report": "supervision/evidence",
        "query": {"period": "2026-11", "indicator": "on_time_rate", "group": "X"},
    }
    task = office.post(WHERE, nobody).data["id"]
    make(busy)
    told = office.get(f"{WHERE}/{task}", Accept_Language="en").data

    assert (told["state"], told["result"]) == ("failed", None)
    assert told["problem"]["errors"] == [{"pointer": "/group", "code": "unknown-group", "detail": ANY}]


def test_a_task_whose_worker_died_is_taken_up_again_and_given_up_in_the_end(busy: World) -> None:
    task = line(busy, "office").post(WHERE, ASKED).data["id"]
    held = Commission.objects.filter(pk=task)
    held.update(state="running", leased_until=busy.now + timedelta(minutes=5), attempts=1)

    assert commissions.make_due(at=busy.now) == 0
    assert commissions.make_due(at=busy.now + timedelta(minutes=6)) == 1
    assert held.get().state == "done"

    held.update(state="running", leased_until=busy.now, attempts=3)
    commissions.make_due(at=busy.now + timedelta(minutes=6))
    assert held.get().state == "failed"


def test_files_are_kept_for_a_week_or_until_they_are_dropped(busy: World) -> None:
    office = line(busy, "office")
    first, second = (office.post(WHERE, ASKED).data["id"] for _ in range(2))
    make(busy)

    assert office.delete(f"{WHERE}/{first}").status_code == 204
    assert office.get(f"{WHERE}/{first}/result").status_code == 404
    assert commissions.sweep(at=busy.now + timedelta(days=6)) == 0
    assert commissions.sweep(at=busy.now + timedelta(days=8)) == 1
    assert office.get(f"{WHERE}/{second}/result").status_code == 404


def test_what_the_worker_does_for_a_report_bears_the_name_of_the_request(busy: World, logged: Logged) -> None:
    logging.getLogger("reports.commissions").setLevel(logging.INFO)  # as LOG_REQUESTS does
    asked = line(busy, "office").post(WHERE, ASKED, X_Request_ID="desk-request-7")
    assert asked.status_code == 202

    make(busy)

    [mine] = [line for line in logged() if line["logger"] == "reports.commissions"]
    assert (mine["request"], mine["message"], mine["task"]) == ("desk-request-7", "report done", asked.data["id"])
