"""Reports that go out by mail: on the office's working day, once, to each what they may see."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import time_machine
from django.core import mail

from config import post
from notifications import deliveries
from organizations.models import Assignment
from reports.models import Mailing
from tests import scenery
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

WHERE = "reports/mailings"


@pytest.fixture
def busy(db: None, settings: Any) -> Iterator[World]:
    settings.EMAIL_HOST = "mail.example"
    world = scenery.stage(october)
    with time_machine.travel(world.now, tick=True):
        yield world


def october() -> World:
    """Two issues, and everybody has an address and a way in."""
    world = cast.settle()
    world.on("2026-10-12T09:00").replied()
    world.reports()
    for name, person in world.people.items():
        person.email = f"{name}@example.com"
        person.set_password(PASSWORD)
        person.save()
    return world.on("2026-10-20T09:00")


def body(world: World, *names: str, **more: Any) -> dict[str, Any]:
    return {
        "title": "督查月报",
        "report": "supervision",
        "query": {"group_by": "department", "format": "xlsx"},
        "rhythm": "month",
        "workday": 2,
        "hour": 10,
        "people": [str(world.people[name].id) for name in names],
    } | more


def send(world: World, at: str) -> int:
    world.on(at)
    posted = post.send_reports(at=world.now)
    deliveries.deliver(at=world.now)
    return posted


def test_the_month_goes_out_on_the_second_working_day_once(busy: World) -> None:
    office = Line(busy.people["office"])
    made = office.post(WHERE, body(busy, "office", "hrss", "edu", "auditor"))

    assert made.status_code == 201, made.content
    assert made.data["next_at"].startswith("2026-11-03T10:00")
    assert send(busy, "2026-11-02T11:00") == 0
    assert send(busy, "2026-11-03T09:59") == 0
    assert send(busy, "2026-11-03T10:05") == 3
    assert send(busy, "2026-11-03T10:10") == 0
    assert {one.to[0] for one in mail.outbox} == {"office@example.com", "hrss@example.com", "edu@example.com"}
    assert mail.outbox[0].subject == "督查月报（2026年10月）"
    assert send(busy, "2026-12-02T10:05") == 3


def test_each_reader_gets_what_they_may_see(busy: World) -> None:
    Line(busy.people["office"]).post(WHERE, body(busy, "hrss", "edu"))
    send(busy, "2026-11-03T10:05")

    def rows(address: str) -> list[Any]:
        letter = next(one for one in mail.outbox if one.to == [address])
        ((name, content, kind),) = letter.attachments
        assert (name, kind.rpartition(".")[2]) == ("supervision-2026-10-department.xlsx", "sheet")
        sheet = openpyxl.load_workbook(BytesIO(content)).worksheets[0]
        return [cell.value for cell in sheet["A"][4:6]]

    assert rows("hrss@example.com") == ["HRSS", None]
    assert rows("edu@example.com") == ["（本期无）", None]


def test_nothing_is_sent_to_whoever_has_lost_the_right_nor_without_a_mail_server(busy: World, settings: Any) -> None:
    Line(busy.people["office"]).post(WHERE, body(busy, "hrss"))
    Assignment.objects.filter(person=busy.people["hrss"]).update(revoked_at=busy.now)
    settings.EMAIL_HOST = ""
    assert send(busy, "2026-11-03T10:05") == 0
    settings.EMAIL_HOST = "mail.example"
    assert send(busy, "2026-11-03T10:10") == 0

    assert mail.outbox == []
    assert Mailing.objects.get().sent_for == "2026-10"


def test_a_worker_that_was_away_too_long_leaves_the_period_out(busy: World) -> None:
    Line(busy.people["office"]).post(WHERE, body(busy, "office"))

    assert send(busy, "2026-11-20T10:05") == 0
    assert send(busy, "2026-12-03T10:05") == 1


def test_the_office_changes_and_cancels_and_nobody_else_does(busy: World) -> None:
    office = Line(busy.people["office"])
    row = office.post(WHERE, body(busy, "office")).data
    where = f"{WHERE}/{row['id']}"
    changed = office.patch(where, {"rhythm": "week", "report": "registers/pressing", "query": {"format": "csv"}})

    assert (changed.data["report"], changed.data["sent_for"]) == ("registers/pressing", "2026-W42")
    for name in ("hrss", "town", "liaison", "auditor"):
        who = Line(busy.people[name])
        assert who.get(WHERE).status_code == 403
        assert who.post(WHERE, body(busy, name)).status_code == 403
        assert who.delete(where).status_code == 403
    assert office.delete(where).status_code == 204
    assert office.get(where).status_code == 404


def test_a_mailing_that_cannot_be_made_hinders_no_other(busy: World) -> None:
    office = Line(busy.people["office"])
    office.post(WHERE, body(busy, "office", title="甲"))
    office.post(WHERE, body(busy, "office", title="乙"))
    broken = Mailing.objects.get(title="甲")
    broken.wanted |= {"report": "assessment", "scheme": "long-gone"}
    broken.save()

    assert send(busy, "2026-11-03T10:05") == 1
    assert office.post(WHERE, body(busy, "office", report="assessment", query={"scheme": "nobody"})).status_code == 404


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"people": []}, "/people"),
        ({"people": ["00000000-0000-0000-0000-000000000001"]}, "/people/0"),
        ({"workday": 30}, "/workday"),
        ({"hour": 24}, "/hour"),
        ({"rhythm": "daily"}, "/rhythm"),
        ({"query": {"format": "json"}}, "/format"),
        ({"query": {"format": "pdf"}}, "/query/format"),
        ({"title": " "}, "/title"),
    ],
)
def test_a_bad_mailing_is_told_where(busy: World, more: dict[str, Any], pointer: str) -> None:
    told = Line(busy.people["office"]).post(WHERE, body(busy, "office", **more))

    assert told.status_code == 422, told.content
    assert [fault["pointer"] for fault in told.data["errors"]] == [pointer]
