"""What changes after a report is frozen: the frozen one stays, the next period says what was corrected, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest
import time_machine

from core.ids import uuid7
from inspections import copies
from inspections.models import Visit
from organizations.models import Enterprise
from reports import adjustments, numbers, reprints, schemes, snapshots
from reports.groups import WHOLE_CITY
from reports.models import Snapshot
from reports.periods import read
from reports.tables import Table
from surveys.models import Questionnaire, Response
from tests import scenery
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

OCTOBER, NOVEMBER, DECEMBER = (read(f"2026-{month}") for month in (10, 11, 12))


@pytest.fixture
def busy(db: None) -> Iterator[World]:
    world = scenery.stage(october)
    with time_machine.travel(world.now, tick=True):
        yield world


def october() -> World:
    """October with a pilot nobody was seen to visit, frozen in November."""
    world = cast.settle()
    Questionnaire.objects.create(code="visit", title="走访表", created_at=world.now)
    Enterprise.objects.filter(pk=world.bakery.pk).update(pilot_tier="city")
    world.on("2026-10-12T09:00").replied()
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world.on("2026-11-02T09:00")


def freeze(world: World, period: Any) -> Snapshot:
    office = world.caller("office")
    draft = snapshots.take(period, "region", by=office, at=world.now)
    return snapshots.freeze(draft, early="市委要求", by=office, at=world.now)


def visit(world: World, started: str, received: str) -> Visit:
    at = world.on(started).now
    late = world.on(received).now
    made = Visit.objects.create(
        id=uuid7(), enterprise=world.bakery,
        author=world.people["liaison"], mode="on_site", started_at=at, check_in={"lat": 31.9, "lon": 120.3},
        status="submitted", created_at=late, submitted_at=late,
    )  # fmt: skip
    Response.objects.create(
        enterprise=world.bakery, visit=made.id, questionnaire_id="visit", version=1, author=world.people["liaison"],
        answers={}, status="submitted", started_at=at, received_at=late,
    )  # fmt: skip
    copies.mend()
    return made


def told(world: World, period: Any) -> list[tuple[str, str, int, int]]:
    lines = adjustments.since(period, "region", sight=WHOLE_CITY, at=world.now)
    return [
        (line["period"], line["indicator"], line["published"]["numerator"], line["now"]["numerator"])
        for line in lines
        if line["group"]["code"] == "320281105"
    ]


def test_a_visit_that_came_in_late_is_told_in_the_next_period_and_only_there(busy: World) -> None:
    frozen = freeze(busy, OCTOBER)
    before = Snapshot.objects.get(pk=frozen.pk).document
    assert told(busy, NOVEMBER) == []

    visit(busy, "2026-10-20T10:00", "2026-11-10T10:00")
    busy.on("2026-12-01T09:00")
    lines = told(busy, NOVEMBER)

    assert ("2026-10", "visit_coverage", 0, 1) in lines
    assert ("2026-10", "visits_per_member", 0, 1) in lines
    assert Snapshot.objects.get(pk=frozen.pk).document == before
    november = freeze(busy, NOVEMBER)
    assert any(line["indicator"] == "visit_coverage" for line in november.document["adjustments"])
    busy.on("2027-01-04T09:00")
    assert [line for line in told(busy, DECEMBER) if line[0] == "2026-10"] == []


def test_what_moves_by_ordinary_work_is_no_correction(busy: World) -> None:
    issue = busy.on("2026-10-13T09:00").replied()
    busy.does("office", issue, "accept_reply")
    busy.on("2026-11-02T09:00")
    freeze(busy, OCTOBER)
    busy.does("office", issue, "close", satisfaction="satisfied", solved=True, method="phone")

    assert told(busy.on("2026-12-01T09:00"), NOVEMBER) == []


@pytest.mark.parametrize("months", [1, 12])
def test_a_cadence_that_is_changed_corrects_nothing(busy: World, months: int) -> None:
    office = busy.caller("office")
    frozen = freeze(busy, OCTOBER)
    owed = frozen.document["report"]["total"]["visit_completion"]["denominator"]

    schemes.set_cadence("liaison", visits=4, months=months, each="enterprise", by=office, at=busy.now)
    busy.on("2026-12-01T09:00")

    assert owed
    assert told(busy, NOVEMBER) == []
    assert ["liaison", 1, 1, "enterprise"] in frozen.document["versions"]["cadences"]
    visit(busy, "2026-10-20T10:00", "2026-11-10T10:00")
    busy.on("2026-12-01T09:00")
    assert ("2026-10", "visit_completion", 0, 1) in told(busy, NOVEMBER)


def test_a_snapshot_that_says_no_cadences_still_stands_and_is_printed(busy: World) -> None:
    frozen = freeze(busy, OCTOBER)
    assert "联络员：1个月1次" in said(reprints.tables(frozen))

    del frozen.document["versions"]["cadences"]
    Snapshot.objects.filter(pk=frozen.pk).update(document=frozen.document, digest=snapshots.digest_of(frozen.document))
    old = Snapshot.objects.get(pk=frozen.pk)

    assert snapshots.verify(old) == []
    assert told(busy.on("2026-12-01T09:00"), NOVEMBER) == []
    assert "走访频次" in said(reprints.tables(old))


def said(tables: list[Table]) -> str:
    return "；".join(str(cell) for table in tables for row in table.rows for cell in row)


def test_the_corrections_stand_in_the_report_and_in_its_workbook(busy: World) -> None:
    freeze(busy, OCTOBER)
    visit(busy, "2026-10-20T10:00", "2026-11-10T10:00")
    busy.on("2026-12-01T09:00")
    where = "reports/supervision?period=2026-11&group_by=region"

    with time_machine.travel(busy.now, tick=True):
        office = Line(busy.people["office"])
        shown = office.get(where).data["adjustments"]
        book = openpyxl.load_workbook(BytesIO(b"".join(office.get(f"{where}&format=xlsx").streaming_content)))
        hidden = Line(busy.people["town2"]).get(where).data

    assert {line["corrects"] for line in shown} == {str(Snapshot.objects.get().id)}
    assert any(sheet["A1"].value == "前期更正表" for sheet in book.worksheets)
    assert "adjustments" not in hidden


def test_a_frozen_snapshot_comes_as_sheets_with_its_ids(busy: World) -> None:
    frozen = freeze(busy, OCTOBER)
    office, hrss = Line(busy.people["office"]), Line(busy.people["hrss"])
    where = f"reports/snapshots/{frozen.id}"
    first = office.get(f"{where}?format=xlsx")
    content = b"".join(first.streaming_content)
    again = office.get(f"{where}?format=xlsx", If_None_Match=first["ETag"])
    book = openpyxl.load_workbook(BytesIO(content))
    text = [cell.value for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    behind = office.get(f"{where}/evidence?indicator=on_time_rate&side=denominator").data

    assert again.status_code == 304
    assert frozen.digest in text
    assert behind["kind"] == "issue"
    assert len(behind["results"]) == frozen.document["report"]["total"]["on_time_rate"]["denominator"] == 1
    assert hrss.get(f"{where}?format=xlsx").status_code == 403
    assert hrss.get(f"{where}/evidence?indicator=on_time_rate&side=denominator").status_code == 403


def test_bulletins_are_numbered_through_the_year(busy: World) -> None:
    assert "送审稿" in numbers.line(OCTOBER)
    freeze(busy, OCTOBER)
    office = Line(busy.people["office"])
    quarter = office.post("reports/bulletins", {"period": "2026-Q3"})
    again = office.post("reports/bulletins", {"period": "2026-Q3"})

    assert numbers.line(OCTOBER) == "督查通报〔2026〕第1期"
    assert (quarter.data["number"], again.data["number"]) == (2, 2)
    assert office.post("reports/bulletins", {"period": "2026-Q4"}).status_code == 409
    assert Line(busy.people["hrss"]).post("reports/bulletins", {"period": "2026-09"}).status_code == 403


def test_a_visit_from_the_future_counts_nowhere_and_is_listed(busy: World) -> None:
    visit(busy, "2026-11-25T10:00", "2026-11-03T10:00")
    visit(busy, "2026-11-03T10:20", "2026-11-03T10:00")
    busy.on("2026-12-01T09:00")
    with time_machine.travel(busy.now + timedelta(minutes=1), tick=True):
        office = Line(busy.people["office"])
        report = office.get("reports/supervision?period=2026-11&group_by=region", Accept_Language="en").data
        listed = office.get("reports/registers/doubtful?period=2026-11").data["tables"][0]["rows"]
        others = Line(busy.people["liaison2"]).get("reports/registers/doubtful?period=2026-11").data

    assert report["total"]["visits_per_member"]["numerator"] == 1
    assert report["findings"][0].startswith("1 visits are dated more than a day after")
    assert [row["started"] for row in listed] == ["2026-11-25T10:00:00+08:00"]
    assert others["tables"][0]["rows"] == []
