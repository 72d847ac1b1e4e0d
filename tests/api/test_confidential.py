"""Whoever reported in confidence: nobody beside the office learns who it was, and most not even that anything was reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from inspections.models import Issue
from notifications import outbox
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

GROUPS = ("region", "field_member", "category")
LISTS = ("issues", "issues?sort=due", "issues/counts", "conference/agenda", "conference/tasks", "messages", "visits")


@pytest.fixture
def world(db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    for name, person in world.people.items():
        person.name = f"{name}先生"
        person.set_password(PASSWORD)
        person.save()
    return world


def told(world: World) -> None:
    while outbox.read(at=world.now):
        pass


def everything(desk: Line, period: str) -> dict[str, Any]:
    """What somebody can read that might tell of issues, numbers included."""
    reports = [f"reports/supervision?period={period}&group_by={group}" for group in GROUPS]
    evidence = [
        f"reports/supervision/evidence?period={period}&indicator=workload&group_by={group}" for group in GROUPS[:2]
    ]
    registers = [f"reports/registers/{kind}?period={period}" for kind in ("issues", "pressing", "members", "stations")]
    found = {}
    for path in (*LISTS, *reports, *evidence, *registers):
        answer = desk.get(path)
        found[path] = answer.data if answer.status_code == 200 else answer.status_code
    pulled = desk.get("sync/pull?limit=1000").data
    found["sync/pull"] = sorted((op["op"], op.get("id", ""), op.get("hash", "")) for op in pulled["ops"])
    return found


OUTSIDERS = ("colleague", "observer", "station", "town", "emb", "liaison2")


def test_for_everybody_who_has_no_part_in_it_nothing_has_changed(world: World) -> None:
    world.reports()
    told(world)
    period = f"{world.now:%Y-%m}"
    desks = {name: Line(world.people[name]) for name in OUTSIDERS}
    before = {name: everything(desk, period) for name, desk in desks.items()}
    issue = world.reports(confidential=True, external_case_no="JY-1", description="匿名反映")
    world.does("hrss", issue, "acknowledge")
    world.does("office", issue, "refer", reason="政策空白")
    told(world)

    for name, desk in desks.items():
        after = everything(desk, period)
        for path, seen in before[name].items():
            assert after[path] == seen, (name, path)
        for path in ("", "/history", "/likenesses"):
            assert desk.get(f"issues/{issue.id}{path}").status_code == 404
        for query in ("q=匿名", "external_case_no=JY-1", "confidential=true"):
            assert desk.get(f"issues?{query}").data["results"] == []
        act = desk.post(f"issues/{issue.id}/actions", {"action": "comment", "text": "x"})
        batch = desk.post("issues/actions", {"issues": [str(issue.id)], "action": "comment", "text": "x"})
        assert act.status_code == 404
        assert batch.data["results"][0]["problem"]["status"] == 404


def test_the_departments_work_on_it_and_do_not_learn_who_reported_it(world: World) -> None:
    period = f"{world.now:%Y-%m}"
    issue = world.reports(confidential=True)
    other = world.reports("colleague", confidential=True)
    world.does("liaison", issue, "comment", "我再补充一点")
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "同意")
    world.does("hrss", issue, "reply", "已办", outcome="solved")
    world.does("office", issue, "accept_reply")
    world.does("liaison", issue, "follow_up", solved=True)
    told(world)
    reporter = world.people["liaison"]

    for name in ("hrss", "hrss2", "edu"):
        desk = Line(world.people[name])
        assert desk.get(f"issues/{issue.id}").status_code == 200
        pages = [desk.get(f"issues/{issue.id}{path}") for path in ("", "/history", "/likenesses", "/reply-templates")]
        seen = everything(desk, period)
        seen |= {
            who: desk.get(
                f"reports/supervision/evidence?period={period}&indicator=workload&group_by=field_member&group={person.id}"
            ).data
            for who, person in (("liaison", reporter), ("colleague", world.people["colleague"]))
        }
        text = f"{[page.data for page in pages]} {seen}"
        assert reporter.name not in text, name
        assert str(reporter.id) not in text.replace(f"group={reporter.id}", ""), name
        by_member = seen[f"reports/supervision?period={period}&group_by=field_member"]
        assert by_member["rows"] == []
        assert [seen[who]["numerator"]["results"] for who in ("liaison", "colleague")] == [[], []]
        assert str(other.id) in text, "though it is on the desk like any other"
    assert Issue.objects.filter(confidential=True).count() == 2


def test_the_reporter_and_the_office_know(world: World) -> None:
    issue = world.reports(confidential=True)
    for name in ("liaison", "office"):
        assert Line(world.people[name]).get(f"issues/{issue.id}").data["reporter"] == str(world.people["liaison"].id)
