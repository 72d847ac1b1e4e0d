"""From draft to frozen: objections, digests, and what never changes again."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.problems import Forbidden, Invalid
from reports import assessing, groups, schemes, snapshots
from reports.groups import WHOLE_CITY
from reports.models import IdList, Scheme, Snapshot
from reports.periods import read
from reports.snapshots import Frozen, NotYet
from tests import scenery
from tests.inspections import cast
from tests.inspections.cast import World

NOVEMBER = read("2026-11")


@pytest.fixture
def busy(db: None) -> World:
    return scenery.stage(november)


def november() -> World:
    """A month with one issue in time and one late, looked at on the first working day of December."""
    world = cast.settle()
    world.on("2026-11-02T09:00").replied()
    world.reports()
    return world.on("2026-12-01T09:00")


def draft(world: World) -> Snapshot:
    return snapshots.take(NOVEMBER, "department", by=world.caller("office"), at=world.now)


def faults(refusal: pytest.ExceptionInfo[NotYet]) -> set[str]:
    return {fault.code for fault in refusal.value.errors}


def test_after_three_working_days_the_office_freezes_what_was_said(busy: World) -> None:
    snapshot = draft(busy)
    busy.on("2026-12-05T09:00")

    frozen = snapshots.freeze(snapshot, by=busy.caller("office"), at=busy.now)

    assert snapshot.objections_until.isoformat() == "2026-12-04T17:30:00+08:00"
    assert frozen.state == "frozen"
    assert snapshots.verify(frozen) == []


def test_what_happens_later_leaves_a_snapshot_as_it_was(busy: World) -> None:
    snapshot = draft(busy)
    before = Snapshot.objects.get(pk=snapshot.pk).document
    busy.reports()

    after = Snapshot.objects.get(pk=snapshot.pk)

    assert after.document == before
    assert snapshots.verify(after) == []
    behind = snapshots.ids(after, "HRSS", "on_time_rate", "denominator")
    assert len(behind) == after.document["report"]["total"]["on_time_rate"]["denominator"] == 2


def test_a_touched_snapshot_is_found_out(busy: World) -> None:
    snapshot = draft(busy)
    document = snapshot.document
    document["report"]["total"]["on_time_rate"]["numerator"] = 2
    Snapshot.objects.filter(pk=snapshot.pk).update(document=document)
    row = IdList.objects.exclude(count=0).first()
    assert row is not None
    IdList.objects.filter(pk=row.pk).update(ids=bytes(16 * row.count))

    assert len(snapshots.verify(Snapshot.objects.get(pk=snapshot.pk))) == 2


def test_freezing_waits_for_the_month_for_objections_and_for_answers(busy: World) -> None:
    busy.on("2026-11-25T09:00")
    with pytest.raises(NotYet) as refusal:
        snapshots.freeze(draft(busy), by=busy.caller("office"), at=busy.now)
    assert faults(refusal) == {"not-over", "too-early", "objections-open"}

    busy.on("2026-12-01T09:00")
    snapshot = draft(busy)
    hrss = busy.caller("hrss")
    objection = snapshots.object_to(
        snapshot, unit="HRSS", text="该件已联系企业", sight=groups.sight(hrss), by=hrss, at=busy.now
    )
    busy.on("2026-12-07T09:00")
    with pytest.raises(NotYet) as refusal:
        snapshots.freeze(snapshot, by=busy.caller("office"), at=busy.now)
    assert faults(refusal) == {"unanswered"}

    snapshots.answer(objection, accepted=False, text="以反馈时间为准", by=busy.caller("office"), at=busy.now)
    assert snapshots.freeze(snapshot, by=busy.caller("office"), at=busy.now).state == "frozen"


def test_an_accepted_objection_asks_for_another_draft(busy: World) -> None:
    snapshot, hrss = draft(busy), busy.caller("hrss")
    objection = snapshots.object_to(
        snapshot, unit="HRSS", text="日期有误", sight=groups.sight(hrss), by=hrss, at=busy.now
    )
    snapshots.answer(objection, accepted=True, text="采纳", by=busy.caller("office"), at=busy.now)
    with pytest.raises(NotYet) as refusal:
        snapshots.freeze(snapshot, early="市委要求", by=busy.caller("office"), at=busy.now)
    assert faults(refusal) == {"accepted"}

    second = draft(busy)

    assert second.version == 2
    assert snapshots.freeze(second, early="市委要求", by=busy.caller("office"), at=busy.now).state == "frozen"


def test_frozen_is_frozen(busy: World) -> None:
    office, hrss = busy.caller("office"), busy.caller("hrss")
    snapshot = snapshots.freeze(draft(busy), early="市委要求", by=office, at=busy.now)

    with pytest.raises(Frozen):
        snapshots.freeze(snapshot, early="再来", by=office, at=busy.now)
    with pytest.raises(Frozen):
        draft(busy)
    with pytest.raises(Frozen):
        snapshots.object_to(snapshot, unit="HRSS", text="晚了", sight=groups.sight(hrss), by=hrss, at=busy.now)


def test_nobody_objects_for_others_and_only_the_office_freezes(busy: World) -> None:
    snapshot, edu = draft(busy), busy.caller("edu")
    with pytest.raises(Forbidden):
        snapshots.object_to(snapshot, unit="HRSS", text="替人说话", sight=groups.sight(edu), by=edu, at=busy.now)
    with pytest.raises(Invalid) as refusal:
        snapshots.object_to(
            snapshot, unit="HSSR", text="打错了", sight=WHOLE_CITY, by=busy.caller("office"), at=busy.now
        )
    assert [fault.pointer for fault in refusal.value.errors] == ["/unit"]
    with pytest.raises(Forbidden):
        snapshots.freeze(snapshot, early="自己来", by=edu, at=busy.now)
    with pytest.raises(Forbidden):
        snapshots.take(NOVEMBER, "department", by=busy.caller("liaison"), at=busy.now)


def test_the_schemes_that_ship_make_a_hundred_and_assess(busy: World) -> None:
    office = busy.caller("office")
    department, town = schemes.load_defaults(by=office, at=busy.now)
    assert schemes.load_defaults(by=office, at=busy.now) == []
    for scheme in (department, town):
        assert sum(item.worth for item in schemes.read(scheme).items if item.core) == 100

    schemes.enter(
        department, item="bonus", unit="EDU", period=NOVEMBER, value=2, reason="承办现场会", evidence=["文件1号"],
        by=office, at=busy.now,
    )  # fmt: skip
    made = assessing.run(department, NOVEMBER, at=busy.now)
    rows = {one.unit.code: one for one in made.assessed}

    assert rows["HRSS"].flags == ("too_small",)
    assert rows["HRSS"].rank is None
    assert rows["HRSS"].total is not None
    assert {row["group"]["code"] for row in made.document("en")["rows"]} >= {"HRSS", "EDU"}
    assert [table.key for table in made.tables()] == ["assessment-2026-11", "assessment-2026-11-workings"]


def test_a_scheme_changes_by_a_new_version_only(busy: World) -> None:
    office = busy.caller("office")
    department, _ = schemes.load_defaults(by=office, at=busy.now)
    document = {"code": "department", "title": {"zh": "新方案", "en": "New"}, "group_by": "department"}
    document["items"] = [item for item in department.items if item["code"] == "on_time"]
    second = schemes.draft(document, by=office, at=busy.now)

    assert (second.version, second.state) == (2, "draft")
    assert schemes.find("department").version == 1
    assert schemes.find("department@2") == second
    assert schemes.find(str(second.id)) == second
    with pytest.raises(schemes.AlreadyPublished):
        schemes.publish(department, by=office, at=busy.now)
    schemes.publish(second, by=office, at=busy.now)
    assert schemes.find("department").version == 2
    assert Scheme.objects.get(pk=department.pk).items == department.items


def test_an_entry_needs_reason_and_evidence(busy: World) -> None:
    office = busy.caller("office")
    department, _ = schemes.load_defaults(by=office, at=busy.now)
    with pytest.raises(Invalid) as refusal:
        schemes.enter(
            department, item="on_time", unit="NOBODY", period=NOVEMBER, value="-1", reason=" ", evidence=[], by=office,
            at=busy.now,
        )  # fmt: skip

    assert {fault.pointer for fault in refusal.value.errors} == {"/item", "/unit", "/value", "/reason", "/evidence"}


def test_an_assessment_is_frozen_with_its_scheme(busy: World) -> None:
    office = busy.caller("office")
    department, _ = schemes.load_defaults(by=office, at=busy.now)

    snapshot = snapshots.take(NOVEMBER, "department", scheme=department, by=office, at=busy.now)

    assert snapshot.document["assessment"]["scheme"]["version"] == 1
    assert snapshot.document["scheme_items"] == department.items
    assert snapshot.document["versions"]["calendar"]
    assert snapshots.verify(Snapshot.objects.get(pk=snapshot.pk)) == []


def test_a_command_says_whether_everything_published_still_stands(busy: World) -> None:
    snapshot = draft(busy)
    said = StringIO()
    call_command("verify_reports", stdout=said)
    assert "1 snapshots are what they were" in said.getvalue()

    Snapshot.objects.filter(pk=snapshot.pk).update(digest="0" * 64)
    with pytest.raises(CommandError, match="1 faults"):
        call_command("verify_reports", stderr=StringIO())
