"""The main job, from a phone without signal to the office's report, with everybody who takes part and one who does not."""

from __future__ import annotations

import io
from random import Random

import pytest
from openpyxl import load_workbook

from client.line import Refused
from client.phone import shanghai_now
from demo import pictures
from surveys import samples
from tests.world import World

HERE = {"lat": 31.8622, "lon": 120.4151, "crs": "wgs84", "accuracy_m": 9.0, "provider": "gps", "mock": False}


def picture(number: int = 1) -> bytes:
    return pictures.jpeg(number, taken_at=shanghai_now(), lat=HERE["lat"], lon=HERE["lon"], width=640, height=480)


def test_an_issue_found_offline_reaches_the_right_department(world: World) -> None:
    phone = world.phone(of=world.liaison).goes_offline()
    visit = phone.starts_visit(world.bakery)
    issue = phone.reports_issue(visit, category="wage_arrears", workers_affected=12)

    phone.comes_online()

    found = world.server(issue)
    assert found.lead == world.hrss
    assert found.deadline_class_id == "E", "twelve people are an urgent case"
    assert "PSB" in found.assists
    assert phone.document("issues", issue)["state"] == "dispatched"
    phone.obeys_the_mirror_law()
    assert world.phone(of=world.other_liaison).cannot_see(issue)


def test_the_main_job_from_the_morning_to_the_closing(world: World) -> None:
    world.publishes("visit")
    phone, colleague = world.phone(of=world.liaison), world.phone(of=world.instructor)
    answers = samples.sample("visit", Random(7), shanghai_now().date())
    phone.goes_offline()
    visit = phone.starts_visit(world.bakery, participants=[colleague.person], check_in=HERE)
    response = phone.answers("visit", answers, visit=visit)
    issue = phone.reports_issue(visit, category="skill_training", workers_affected=30)
    photo = phone.takes_photo(picture(), issue=issue, caption="培训教室", location=HERE)
    phone.ends_visit(visit)

    phone.comes_online()

    assert all(phone.was_applied(record) for record in (visit, response, issue, photo))
    assert phone.document("photos", photo)["bytes"] == "stored"
    colleague.pull()
    assert colleague.holds(visit) and colleague.holds(issue), "a joint visit is on both phones"

    handler, office = world.clerk(world.hrss_handler), world.clerk(world.office)
    assert [row["id"] for row in handler.every("issues", state="open")] == [issue]
    handler.post(f"issues/{issue}/actions", {"action": "acknowledge"})
    office.post(f"issues/{issue}/actions", {"action": "assist_opinion", "text": "电话征求意见,无异议"})
    handler.post(
        f"issues/{issue}/actions", {"action": "reply", "text": "下月起增开夜班", "data": {"outcome": "solved"}}
    )
    office.post(f"issues/{issue}/actions", {"action": "accept_reply"})
    phone.pull().acts(issue, "follow_up", "职工满意", solved=True, satisfaction="satisfied", method="on_site")
    closing = {"satisfaction": "satisfied", "solved": True, "method": "on_site"}
    closed = office.post(f"issues/{issue}/actions", {"action": "close", "data": closing})

    assert closed["state"] == "closed" and closed["overdue"] is False
    phone.pull().obeys_the_mirror_law()
    colleague.pull().obeys_the_mirror_law()
    assert phone.document("issues", issue)["satisfaction"] == "satisfied"

    outsider = world.phone(of=world.other_liaison)
    assert all(outsider.cannot_see(record) for record in (visit, response, issue, photo))
    with pytest.raises(Refused, match="404"):
        outsider.line.get(f"issues/{issue}")


def test_the_office_reads_the_month_as_a_workbook_and_others_only_their_part(world: World) -> None:
    phone = world.phone(of=world.liaison)
    phone.reports_issue(enterprise=world.bakery, category="work_safety")
    month = shanghai_now().date().strftime("%Y-%m")

    office = world.clerk(world.office)
    book = load_workbook(
        io.BytesIO(office.fetch("reports/supervision", period=month, group_by="department", format="xlsx"))
    )
    report = office.get("reports/supervision", period=month, group_by="department")

    assert any("Emergency Management" in str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row)
    rows = {row["group"]["code"]: row["indicators"] for row in report["rows"]}
    assert rows["EMB"]["workload"]["numerator"] == 1
    with pytest.raises(Refused) as refused:
        world.clerk(world.stranger).get("reports/supervision", period=month, group_by="department")
    assert refused.value.status == 403


def test_a_wrong_answer_waits_in_quarantine_until_it_is_mended(world: World) -> None:
    world.publishes("visit")
    phone = world.phone(of=world.liaison)
    right = samples.sample("visit", Random(3), shanghai_now().date())
    visit = phone.starts_visit(world.bakery)
    response = phone.answers("visit", right | {"employees": 10, "frontline": 900}, visit=visit)

    refusal = phone.last_result(response)
    assert refusal["status"] == "quarantined"
    assert "/answers/frontline" in {fault["pointer"] for fault in refusal["problem"]["errors"]}
    (case, held), *_ = phone.mirror.of("quarantine").items()
    assert held["record"] == response and held["state"] == "waiting"

    phone.puts("quarantine", {"resolution": "apply", "data": {"answers": right}}, record=case)

    assert phone.holds(response)
    assert phone.document("responses", response)["answers"]["frontline"] == right["frontline"]
    assert phone.document("quarantine", case)["state"] == "applied"
    phone.obeys_the_mirror_law()
    assert world.phone(of=world.other_liaison).cannot_see(case)


def test_a_broken_upload_goes_on_where_it_stopped(world: World) -> None:
    phone = world.phone(of=world.liaison)
    visit = phone.starts_visit(world.bakery)
    phone.goes_offline()
    photo = phone.takes_photo(picture(5), visit=visit)
    phone.online = True
    phone.push()
    (upload,) = phone.uploads
    upload.begin(phone.line)
    head = upload.data[:20_000]
    phone.line.send(
        "PATCH", str(upload.where), content=head,
        headers={"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    )  # fmt: skip

    phone.comes_online()

    assert upload.resumed_at == [20_000]
    assert phone.document("photos", photo)["bytes"] == "stored"
    small = world.clerk(world.office).fetch(f"photos/{photo}/original")
    assert small == upload.data
    assert world.phone(of=world.other_liaison).cannot_see(photo)
