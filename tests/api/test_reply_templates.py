"""Reply templates: the office's for everybody, a department's for itself, filled in from the issue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from journal.models import Entry
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

BODY = "贵单位 {enterprise} 反映的“{category}”问题由{lead}牵头,{assists}协办,现答复如下。期限 {due_on}。人数 {workers_affected}。"


@pytest.fixture
def world(db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def made(desk: Line, **values: Any) -> dict[str, Any]:
    answer = desk.post("reply-templates", {"title": "办结答复", "body": BODY} | values)
    assert answer.status_code == 201, answer.data
    found: dict[str, Any] = answer.data
    return found


def titles(desk: Line, path: str = "reply-templates") -> set[str]:
    return {row["title"] for row in desk.get(path).data["results"]}


def test_a_reply_begins_with_a_template_filled_from_the_issue(world: World) -> None:
    office, hrss, edu = (Line(world.people[name]) for name in ("office", "hrss", "edu"))
    everybodys, ours = made(office, title="通用答复"), made(hrss, outcome="solved", category="recruitment")
    made(hrss, title="欠薪答复", category="wage_arrears")
    made(edu, title="教育局答复")
    assert (everybodys["party"], ours["party"], ours["outcome"]) == (None, "HRSS", "solved")
    assert titles(hrss) == {"通用答复", "办结答复", "欠薪答复"}
    assert titles(office) == {"通用答复", "办结答复", "欠薪答复", "教育局答复"}

    issue = world.reports(workers_affected=12)
    offered = hrss.get(f"issues/{issue.id}/reply-templates").data["results"]
    assert [row["title"] for row in offered] == ["办结答复", "通用答复"]
    text = offered[0]["text"]
    for word in ("华士面包厂", "人力资源和社会保障局牵头", "教育局协办", "人数 12"):
        assert word in text
    assert "{" not in text
    assert "liaison" not in text
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "可开设定向班")
    body = {"action": "reply", "text": text, "data": {"outcome": offered[0]["outcome"]}}
    assert hrss.post(f"issues/{issue.id}/actions", body).data["state"] == "replied"


def test_a_department_writes_its_own_and_touches_no_other(world: World) -> None:
    office, hrss, emb = (Line(world.people[name]) for name in ("office", "hrss", "emb"))
    ours, everybodys = made(hrss), made(office, title="通用答复")
    where = f"reply-templates/{ours['id']}"
    assert hrss.patch(where, {"body": "已办"}).data["body"] == "已办"
    assert (
        emb.get(where).status_code
        == emb.patch(where, {"body": "x"}).status_code
        == emb.delete(where).status_code
        == 404
    )
    shared = f"reply-templates/{everybodys['id']}"
    assert emb.get(shared).status_code == 200
    assert emb.patch(shared, {"body": "x"}).status_code == emb.delete(shared).status_code == 403
    assert hrss.post("reply-templates", {"title": "x", "body": "y", "party": "EMB"}).status_code == 403
    assert hrss.patch(where, {"party": ""}).status_code == 403
    assert made(office, party="EMB")["party"] == "EMB"
    assert hrss.delete(where).status_code == 204
    assert hrss.get(where).status_code == 404
    assert made(hrss)["title"] == "办结答复", "a name is free again when its template is out of use"
    assert set(Entry.objects.filter(collection="reply_templates").values_list("verb", flat=True)) == {
        "template.created", "template.changed", "template.ended",
    }  # fmt: skip


def test_everything_wrong_with_a_template_is_named(world: World) -> None:
    hrss = Line(world.people["hrss"])
    made(hrss)
    refused = hrss.post("reply-templates", {"title": "办结答复", "body": "{reporter} {x}", "category": "nothing"})

    assert refused.status_code == 422
    assert sorted((fault["pointer"], fault["code"]) for fault in refused.data["errors"]) == [
        ("/body", "unknown-placeholder"), ("/body", "unknown-placeholder"), ("/category", "unknown"), ("/title", "taken"),
    ]  # fmt: skip
    assert hrss.post("reply-templates", {"title": "t", "body": "b", "outcome": "done"}).status_code == 422


def test_templates_are_no_door_to_issues_or_for_outsiders(world: World) -> None:
    made(Line(world.people["office"]))
    issue = world.reports(confidential=True)
    assert Line(world.people["emb"]).get(f"issues/{issue.id}/reply-templates").status_code == 404
    for name in ("liaison", "observer", "station", "auditor"):
        assert Line(world.people[name]).get("reply-templates").status_code == 403


def test_a_town_that_leads_has_templates_too(world: World) -> None:
    town = Line(world.people["town"])
    assert made(town)["party"] == "320281105"
    assert titles(Line(world.people["town2"])) == set()
