"""What stands in the way of an action, and what a refusal says of it: guards, evidence, mergers, twice the same."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from core.drafts import Draft
from core.problems import Forbidden, Problem
from inspections import actions, issues
from inspections.actions import ActionRequest
from inspections.models import Issue, IssueAction
from inspections.workflow import WrongState
from media.models import Photo
from tests.inspections.cast import World


def answered(world: World) -> Issue:
    issue = world.replied()
    return world.does("office", issue, "accept_reply")


def test_not_rated_means_asked_three_times_in_vain(world: World) -> None:
    issue = answered(world)
    closing = {"satisfaction": "not_rated", "solved": None, "method": "phone"}
    for _ in range(2):
        world.does("liaison", issue, "follow_up", solved=None, method="phone")
    assert world.codes("office", issue, "close", **closing) == {"asked-too-seldom"}

    world.does("town", issue, "follow_up", solved=None)
    assert world.does("office", issue, "close", **closing).state == "closed"


def test_attempts_of_an_earlier_round_do_not_count(world: World) -> None:
    issue = answered(world)
    for _ in range(3):
        world.does("liaison", issue, "follow_up", solved=None)
    world.does("office", issue, "rework", reason="未兑现")
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "同意")
    world.does("hrss", issue, "reply", "已办", outcome="solved")
    world.does("office", issue, "accept_reply")

    closing = {"satisfaction": "not_rated", "solved": None, "method": "phone"}
    assert world.codes("office", issue, "close", **closing) == {"asked-too-seldom"}


def photo(world: World, issue: Issue | None, *, there: str = "stored", **more: Any) -> Photo:
    told = {
        "enterprise": world.bakery, "author": world.people["hrss"], "owner": world.people["hrss"].id, "issue": issue and issue.id,
        "taken_at": world.now, "received_at": world.now, "sha256": "0" * 64, "size": 1, "content_type": "image/jpeg",
        "code": uuid4().hex[:12], "bytes": there,
    }  # fmt: skip
    return Photo.objects.create(**told | more)


def test_evidence_has_to_be_there_and_to_be_about_this_case(world: World) -> None:
    issue, other = world.reports(category="other"), world.reports(category="other")
    away = {"enterprise": world.shipyard, "visit": uuid4(), "author": world.people["liaison2"]}
    photos = {
        "good": photo(world, issue),
        "unseen": photo(world, None, **away),
        "elsewhere": photo(world, None, **away | {"author": world.people["office"]}),
        "awaited": photo(world, issue, there="awaiting_bytes"),
        "of_the_same_place": photo(world, other),
    }
    world.does("office", issue, "acknowledge")
    named = [str(photos[name].id) for name in ("good", "unseen", "awaited")] + [str(uuid4())]
    refused = world.refused("office", issue, "reply", "已办", outcome="solved", evidence=named)

    assert {(fault.pointer, fault.code) for fault in refused.errors} == {
        ("/data/evidence/1", "elsewhere"), ("/data/evidence/2", "not-stored"), ("/data/evidence/3", "unknown"),
    }  # fmt: skip
    assert "unknown" in {
        fault.code
        for fault in world.refused(
            "office", issue, "suspend", reason_code="seasonal_window", until="2026-11-20", document=str(uuid4())
        ).errors
    }
    kept = [str(photos[name].id) for name in ("good", "of_the_same_place")]
    assert world.does("office", issue, "reply", "已办", outcome="solved", evidence=kept).state == "replied"


def test_a_phone_may_send_its_photos_after_what_they_prove(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "同意")
    elsewhere = photo(world, None, visit=uuid4(), enterprise=world.shipyard, author=world.people["hrss"])

    def pushed(*evidence: str) -> Any:
        told = {"issue": str(issue.id), "action": "reply", "text": "已办", "at": world.now.isoformat()}
        told |= {"data": {"outcome": "solved", "evidence": list(evidence)}}
        (outcome,) = actions.put([Draft(uuid4(), told)], by=world.caller("hrss"), at=world.now)
        return outcome

    assert [fault.code for fault in pushed(str(elsewhere.id)).errors] == ["elsewhere"]
    assert pushed(str(uuid4()), str(photo(world, issue, there="awaiting_bytes").id)).state == "replied"


def test_a_department_names_no_photo_it_may_not_see(world: World) -> None:
    issue = world.reports()
    hidden = photo(
        world, None, visit=uuid4(), author=world.people["liaison"], owner=world.people["liaison"].id, private=True
    )
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "同意")

    refused = world.refused("hrss", issue, "reply", "已办", outcome="solved", evidence=[str(hidden.id)])
    absent = world.refused("hrss", issue, "reply", "已办", outcome="solved", evidence=[str(uuid4())])
    assert [fault.code for fault in refused.errors] == [fault.code for fault in absent.errors] == ["unknown"]


def test_everything_wrong_with_an_action_is_named_at_once(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    refused = world.refused("hrss", issue, "reply", None, outcome="done", mood="good")

    assert {(fault.pointer, fault.code) for fault in refused.errors} == {
        ("/text", "required"), ("/data/outcome", "not-a-choice"), ("/data/mood", "unknown-field"),
        ("/action", "assist-opinion-missing"),
    }  # fmt: skip


def test_what_stands_in_the_way_of_an_action_is_told_beforehand(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")

    def ways(name: str) -> dict[str, list[str]]:
        row = Issue.objects.get(pk=issue.pk)
        found = actions.open_to(row, world.caller(name), at=world.now)
        return {one.row.action: [fault.code for fault in one.obstacles] for one in found}

    assert ways("hrss") == {
        "request_return": [], "request_extension": [], "suspend": [], "reply": ["assist-opinion-missing"], "comment": [],
    }  # fmt: skip
    assert ways("office")["refuse_suspension"] == ["nothing-asked"]
    world.does("edu", issue, "assist_opinion", "同意")
    world.does("hrss", issue, "suspend", reason_code="seasonal_window", until="2026-11-18")
    assert ways("hrss")["reply"] == []
    grant = {one.row.action: one for one in actions.open_to(Issue.objects.get(), world.caller("office"), at=world.now)}
    assert (grant["suspend"].requires, grant["refuse_suspension"].open) == ((), True)
    late = ways("hrss") if world.on("2026-11-20T18:00") else {}
    assert (late["request_return"], late["request_extension"]) == (["too-late"], ["too-late"])


def test_the_same_thing_done_twice_is_told_with_what_is_open_now(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    again = world.refused("hrss", issue, "acknowledge")

    assert isinstance(again, WrongState)
    assert (again.extra["state"], again.extra["done_at"]) == ("in_progress", "2026-11-16T09:00:00+08:00")
    assert "您已于 2026-11-16 09:00 进行过“签收”" in again.detail
    assert again.extra["open_actions"] == ["request_return", "request_extension", "suspend", "comment"]
    assert IssueAction.objects.filter(action="acknowledge").count() == 1


def test_a_refusal_says_whose_the_action_is(world: World) -> None:
    refused = world.refused("liaison", world.reports(), "acknowledge")

    assert isinstance(refused, Forbidden)
    assert "牵头部门" in refused.detail
    assert refused.extra["open_actions"] == ["comment", "verify"]


def test_a_merged_issue_sends_whoever_asks_to_its_master(world: World) -> None:
    one, other = returned(world), returned(world)
    world.does("office", one, "merge", into=str(other.id))

    refused = world.refused("office", one, "dispatch", lead="EMB", deadline_class="B")
    assert (refused.extra["state"], refused.extra["merged_into"]) == ("merged", str(other.id))
    assert "主件" in refused.detail


def returned(world: World) -> Issue:
    issue = world.reports()
    world.does("hrss", issue, "request_return", ground="不属职责", suggested_department="EMB")
    return world.does("office", issue, "approve_return")


def test_two_issues_are_not_merged_into_each_other(world: World) -> None:
    one, other = returned(world), returned(world)
    asked = [ActionRequest(a.id, "merge", None, {"into": str(b.id)}) for a, b in ((one, other), (other, one))]
    first, second = actions.act(asked, by=world.caller("office"), at=world.now)

    assert not isinstance(first, Problem)
    assert isinstance(second, Problem)
    assert [fault.code for fault in second.errors] == ["master-ended"]


def test_the_result_reaches_whoever_was_merged_through_another(world: World) -> None:
    one, two, three = (returned(world) for _ in range(3))
    world.does("office", one, "merge", into=str(two.id))
    world.does("office", two, "merge", into=str(three.id))
    world.does("office", three, "dispatch", lead="EMB", assists=[], deadline_class="B")
    world.does("emb", three, "acknowledge")
    world.does("emb", three, "reply", "已修复", outcome="solved")
    world.does("office", three, "accept_reply")
    world.does("office", three, "close", satisfaction="satisfied", solved=True, method="phone")

    assert set(Issue.objects.values_list("outcome", "solved", "satisfaction")) == {("solved", True, "satisfied")}


def test_a_town_that_assists_in_a_confidential_issue_may_read_it(world: World) -> None:
    issue = returned(world)
    Issue.objects.update(confidential=True)
    world.does("office", issue, "dispatch", lead="EMB", assists=["320281105"], deadline_class="B")

    assert issues.visible(world.caller("town")).get() == issue
    assert not issues.visible(world.caller("town2")).exists()
    world.does("town", issue, "assist_opinion", "情况属实")
    world.does("emb", issue, "acknowledge")
    assert world.does("emb", issue, "reply", "已办", outcome="solved").state == "replied"
