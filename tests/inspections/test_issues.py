from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.drafts import Draft
from core.ids import uuid7
from core.problems import Forbidden, Invalid, NotFound, Problem
from inspections import actions, issues
from inspections.actions import ActionRequest
from inspections.models import Extension, Issue, IssueAction, Segment, Supervision
from inspections.workflow import WrongState
from journal.models import Entry, Head
from tests.inspections.cast import World, at


def test_an_issue_is_routed_answered_reviewed_and_closed(world: World) -> None:
    issue = world.reports(category="work_injury", description="冲压车间手指受伤,公司未报工伤")

    assert (issue.state, issue.lead_code, issue.assists) == ("dispatched", "HRSS", ["NHC", "EMB"])
    assert issue.due == at("2026-11-23T17:30")
    assert issue.acknowledge_due == at("2026-11-17T17:30")
    assert "类别的默认" in issue.routing_reason["zh"]

    world.later(hours=3).does("hrss", issue, "acknowledge")
    assert world.codes("hrss", issue, "reply", "已受理", outcome="solved") == {"assist-opinion-missing"}
    world.does("emb", issue, "assist_opinion", "已到现场查看")
    world.does("office", issue, "assist_opinion", "卫健委电话答复", department="NHC")
    world.later(days=1).does("hrss", issue, "reply", "已认定工伤", outcome="solved")
    world.does("office", issue, "accept_reply")
    world.does("liaison", issue, "follow_up", solved=True, satisfaction="satisfied", method="on_site")
    closed = world.does("office", issue, "close", satisfaction="satisfied", solved=True, method="phone")

    assert closed.state == "closed"
    segment = Segment.objects.get(issue=issue)
    assert segment.acknowledged_at == at("2026-11-16T12:00")
    assert segment.ended_at is not None
    assert [a.action for a in IssueAction.objects.filter(issue=issue).order_by("at", "id")] == [
        "dispatch", "acknowledge", "assist_opinion", "assist_opinion", "reply", "accept_reply", "follow_up", "close",
    ]  # fmt: skip


def test_what_the_phones_hold_of_it_names_no_reporter(world: World) -> None:
    issue = world.reports()
    head = Head.objects.get(record=issue.id, deleted=False)

    assert head.scope.name == f"enterprise:{world.bakery.id}"
    assert '"lead":"HRSS"' in head.document
    assert str(world.people["liaison"].id) not in head.document


def test_outsiders_do_not_learn_that_it_exists(world: World) -> None:
    issue = world.reports()

    for outsider in ("liaison2", "emb", "town2", "auditor"):
        assert not issues.visible(world.caller(outsider)).exists()
        assert isinstance(world.refused(outsider, issue, "comment", "hello"), NotFound)
    for insider in ("liaison", "colleague", "town", "hrss", "edu", "office", "station"):
        assert issues.visible(world.caller(insider)).get() == issue


def test_those_who_see_it_may_not_do_what_is_not_theirs(world: World) -> None:
    issue = world.reports()

    for name, action in [
        ("liaison", "acknowledge"),
        ("edu", "acknowledge"),
        ("office", "acknowledge"),
        ("town", "dispatch"),
    ]:
        assert isinstance(world.refused(name, issue, action), Forbidden)


def test_a_confidential_issue_is_seen_by_its_reporter_the_departments_and_the_office_alone(world: World) -> None:
    issue = world.reports(confidential=True)

    assert Head.objects.get(record=issue.id).scope.name == f"user:{world.people['liaison'].id}"
    for name in ("colleague", "town", "station", "observer", "liaison2"):
        assert not issues.visible(world.caller(name)).exists()
    for name in ("liaison", "hrss", "edu", "office"):
        assert issues.visible(world.caller(name)).exists()


def test_two_acknowledge_at_once_and_one_of_them_is_told_the_state(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    loser = world.refused("hrss2", issue, "acknowledge")

    assert isinstance(loser, WrongState)
    assert loser.extra["state"] == "in_progress"
    assert "reply" not in loser.extra["open_actions"], "an opinion is missing still"


def test_a_second_return_is_adjudicated(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "request_return", ground="不属人社职责", suggested_department="EMB")
    assert world.codes("office", issue, "adjudicate", lead="EMB") == {"first-return"}
    back = world.does("office", issue, "approve_return")
    assert (back.state, back.lead_code, back.due) == ("submitted", "", None)
    assert not issues.visible(world.caller("hrss")).exists()

    world.later(days=1).does("office", issue, "dispatch", lead="EMB", assists=[], deadline_class="B")
    world.does("emb", issue, "acknowledge")
    world.does("emb", issue, "request_return", ground="应由人社处理", suggested_department="HRSS")
    assert world.codes("office", issue, "approve_return") == {"adjudicate"}
    settled = world.does("office", issue, "adjudicate", lead="HRSS")

    assert (settled.state, settled.lead_code, settled.due) == ("dispatched", "HRSS", at("2026-11-24T17:30"))
    assert world.codes("hrss", issue, "request_return", ground="再退", suggested_department="EMB") == {
        "adjudicated", "returned-before",
    }  # fmt: skip
    assert list(Segment.objects.filter(issue=issue).values_list("lead_code", "return_result")) == [
        ("HRSS", "approved"), ("EMB", "adjudicated"), ("HRSS", ""),
    ]  # fmt: skip
    assert Supervision.objects.get(issue=issue).cause == "jurisdiction"


def test_a_refused_return_leaves_the_due_time_alone(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "request_return", ground="不属人社职责", suggested_department="EMB")
    back = world.does("office", issue, "refuse_return")

    assert (back.state, back.due) == ("dispatched", issue.due)


def test_more_time_is_given_once_and_in_time(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    longer = world.does("hrss", issue, "request_extension", workdays=3, reason="等待招聘会")

    assert longer.due == at("2026-11-26T17:30")
    assert Extension.objects.get().old_due == at("2026-11-23T17:30")
    assert world.codes("hrss", issue, "request_extension", workdays=1, reason="再等") == {"extended-before"}


def test_an_urgent_issue_is_never_extended(world: World) -> None:
    issue = world.reports(category="wage_arrears", workers_affected=12)
    assert (issue.deadline_class_id, issue.due) == ("E", at("2026-11-17T17:30"))
    world.does("hrss", issue, "acknowledge")

    assert "never-extended" in world.codes("hrss", issue, "request_extension", workdays=1, reason="x")


def test_a_pause_is_asked_for_granted_and_moves_the_due_time(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    asked = world.does("hrss", issue, "suspend", reason_code="statutory_procedure", until="2026-12-01")
    assert asked.state == "in_progress"
    paused = world.does("office", issue, "suspend")
    assert paused.state == "suspended"
    resumed = world.on("2026-11-19T10:00").does("hrss", issue, "resume")

    assert (resumed.state, resumed.due, resumed.paused_workdays) == ("in_progress", at("2026-11-26T17:30"), 3)


def test_an_unsatisfied_worker_gets_a_second_round_in_half_the_time(world: World) -> None:
    issue = world.replied()
    world.does("office", issue, "accept_reply")
    again = world.does("office", issue, "rework", reason="工人称未落实")

    assert (again.state, again.round, again.limit, again.due) == ("dispatched", 2, 3, at("2026-11-19T17:30"))
    world.does("hrss", issue, "acknowledge")
    assert world.codes("hrss", issue, "reply", "又办", outcome="solved") == {"assist-opinion-missing"}


def test_after_two_reworks_it_goes_to_the_joint_conference(world: World) -> None:
    issue = world.replied()
    for _ in range(2):
        world.does("office", issue, "accept_reply")
        world.does("office", issue, "rework", reason="未落实")
        world.does("hrss", issue, "acknowledge")
        world.does("edu", issue, "assist_opinion", "同前")
        world.does("hrss", issue, "reply", "已办", outcome="partly")
    world.does("office", issue, "accept_reply")

    assert world.codes("office", issue, "rework", reason="仍未落实") == {"reworked-twice"}
    assert Supervision.objects.get(cause="second_rework").card == "red"
    assert world.does("office", issue, "refer", reason="政策空白").level == 4


def test_a_refused_reply_is_not_on_time_until_a_better_one_comes(world: World) -> None:
    issue = world.replied()
    back = world.does("office", issue, "reject_reply", reason="答非所问")

    assert (back.state, back.replied_at, back.due, back.colour) == ("in_progress", None, issue.due, "yellow")


def test_whoever_handled_it_does_not_close_it(world: World) -> None:
    issue = world.reports(category="park_facilities")
    world.does("town", issue, "acknowledge")
    world.does("office", issue, "assist_opinion", "各部门均无异议")
    world.does("town", issue, "reply", "食堂已恢复", outcome="solved")
    world.does("office", issue, "accept_reply")
    closing = {"satisfaction": "satisfied", "solved": True, "method": "on_site"}

    assert world.codes("town", issue, "close", **closing) == {"is-the-handler"}
    assert world.does("office", issue, "close", **closing).state == "closed"


def test_a_merged_issue_inherits_the_result_of_its_master(world: World) -> None:
    master, other = world.reports(), world.reports("colleague")
    world.does("hrss", other, "request_return", ground="与前件重复", suggested_department="HRSS")
    world.does("office", other, "approve_return")
    assert world.codes("office", other, "merge", into=str(other.id)) == {"same-issue"}
    world.does("office", other, "merge", into=str(master.id))
    world.does("hrss", master, "acknowledge")
    world.does("edu", master, "assist_opinion", "同意")
    world.does("hrss", master, "reply", "已办", outcome="solved")
    world.does("office", master, "accept_reply")
    world.does("office", master, "close", satisfaction="satisfied", solved=True, method="phone")

    merged = Issue.objects.get(pk=other.pk)
    assert (merged.state, merged.master_id, merged.outcome, merged.solved) == ("merged", master.id, "solved", True)
    assert isinstance(world.refused("hrss", merged, "reply", "x", outcome="solved"), WrongState)
    assert isinstance(
        world.refused("office", merged, "close", satisfaction="satisfied", solved=True, method="phone"), WrongState
    )


def test_a_closed_issue_is_reopened_on_new_facts_within_thirty_days(world: World) -> None:
    issue = world.replied()
    world.does("office", issue, "accept_reply")
    world.does("office", issue, "close", satisfaction="satisfied", solved=True, method="phone")
    again = world.later(days=20).does("office", issue, "reopen", new_facts="承诺未兑现")

    assert (again.state, again.round, again.closed_at, again.lead_code) == ("submitted", 2, None, "")


def test_the_station_answers_on_the_spot_before_any_department_is_troubled(world: World) -> None:
    (issue,) = issues.put([world.draft(category="sme_policy")], by=world.caller("station"), at=world.now)
    assert isinstance(issue, Issue)
    done = world.does("station", issue, "answer_now", "可在线申报,窗口已演示")

    assert (done.state, done.instant) == ("closed", True)
    assert issues.route([issue.id], at=world.now) == []


def test_what_fits_no_department_the_office_leads_itself_and_the_town_closes(world: World) -> None:
    issue = world.reports(category="other")
    assert (issue.state, issue.lead_code, issue.deadline_class_id) == ("dispatched", "OFFICE", "B")
    assert isinstance(world.refused("hrss", issue, "acknowledge"), NotFound)
    world.does("office", issue, "acknowledge")
    world.does("office", issue, "reply", "已协调", outcome="solved")
    world.does("office", issue, "accept_reply")
    closing = {"satisfaction": "satisfied", "solved": True, "method": "phone"}

    assert world.codes("office", issue, "close", **closing) == {"is-the-handler"}
    assert world.does("town", issue, "close", **closing).state == "closed"


def test_a_town_leads_where_the_category_says_so(world: World) -> None:
    issue = world.reports(category="park_facilities")

    assert (issue.lead_code, issue.assists) == ("320281105", ["TRA", "SAMR"])
    assert world.does("town", issue, "acknowledge").state == "in_progress"
    assert isinstance(world.refused("town2", issue, "comment", "x"), NotFound)


def test_it_is_edited_until_it_is_dispatched(world: World) -> None:
    draft = world.draft()
    issues.put([draft], by=world.caller("liaison"), at=world.now)
    edit = Draft(draft.id, {"description": "补充:缺 12 名焊工"}, new=False)
    (edited,) = issues.put([edit], by=world.caller("colleague"), at=world.now)
    assert isinstance(edited, Issue)
    (fixed,) = issues.put([Draft(draft.id, {"severity": "high"}, new=False)], by=world.caller("liaison"), at=world.now)
    assert isinstance(fixed, Invalid)
    issues.route([draft.id], at=world.now)
    (late,) = issues.put([edit], by=world.caller("liaison"), at=world.now)

    assert isinstance(late, Problem)
    assert late.kind == "already-dispatched"


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"category": "wages"}, {"/category": "unknown"}),
        ({"description": ""}, {"/description": "too-short"}),
        ({"description": "坏\0字"}, {"/description": "bad-character"}),
        ({"description": "坏\ud800字"}, {"/description": "bad-character"}),
        ({"description": None, "category": ...}, {"/description": "required", "/category": "required"}),
        ({"workers_affected": "12"}, {"/workers_affected": "type"}),
        ({"workers_affected": True}, {"/workers_affected": "type"}),
        ({"workers_affected": 2**40}, {"/workers_affected": "out-of-range"}),
        ({"severity": "terrible"}, {"/severity": "not-a-choice"}),
        ({"occurred_at": "2026-02-30T10:00:00+08:00"}, {"/occurred_at": "type"}),
        ({"occurred_at": "2026-02-20T10:00:00"}, {"/occurred_at": "no-offset"}),
        ({"lead": "HRSS", "a/b": 1}, {"/lead": "unknown-field", "/a~1b": "unknown-field"}),
        ({"visit": "0197f0c1-0000-7000-8000-000000000000"}, {"/visit": "unknown"}),
        ({"visit": "x"}, {"/visit": "type"}),
        ({"immediate_danger": "yes"}, {"/immediate_danger": "type"}),
    ],
)
def test_what_is_wrong_with_a_report_is_named(world: World, changes: dict[str, Any], faults: dict[str, str]) -> None:
    (outcome,) = issues.put([world.draft(**changes)], by=world.caller("liaison"), at=world.now)

    assert isinstance(outcome, Invalid)
    assert {fault.pointer: fault.code for fault in outcome.errors} == faults


@pytest.mark.parametrize("who", ["liaison2", "hrss", "town", "auditor"])
def test_nobody_reports_where_they_have_no_business(world: World, who: str) -> None:
    (outcome,) = issues.put([world.draft()], by=world.caller(who), at=world.now)

    assert isinstance(outcome, Forbidden)
    assert not Issue.objects.exists()


def test_a_bad_report_does_not_hurt_its_neighbours(world: World) -> None:
    drafts = [world.draft(), world.draft(category="wages"), world.draft()]
    outcomes = issues.put(drafts, by=world.caller("liaison"), at=world.now)

    assert [isinstance(outcome, Issue) for outcome in outcomes] == [True, False, True]
    assert Issue.objects.count() == 2


def test_an_action_pushed_from_a_phone_is_judged_like_any_other(world: World) -> None:
    issue = world.reports()
    told = {"issue": str(issue.id), "at": "2026-11-16T08:00:00+08:00"}
    drafts = [
        Draft(uuid7(), told | {"action": "comment", "text": "又问了一次"}),
        Draft(uuid7(), told | {"action": "withdraw"}),
        Draft(uuid7(), told | {"action": "explode"}),
        Draft(uuid7(), told | {"action": "verify", "data": {"solved": "yes"}}),
        Draft(uuid7(), {"action": "comment"}),
    ]
    outcomes = actions.put(drafts, by=world.caller("liaison"), at=world.now)

    assert isinstance(outcomes[0], Issue)
    assert [getattr(outcome, "kind", None) for outcome in outcomes[1:]] == [
        "wrong-state",
        "invalid",
        "invalid",
        "invalid",
    ]
    document = Head.objects.get(record=drafts[0].id).document
    assert '"by":"field"' in document
    assert str(world.people["liaison"].id) not in document


def test_every_step_is_in_the_journal_with_what_it_changed(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    entry = Entry.objects.get(record=issue.id, verb="issue.acknowledge")

    assert '"state":["dispatched","in_progress"]' in entry.changes
    assert entry.person == world.people["hrss"].id


def test_the_number_of_queries_does_not_grow_with_the_set(world: World) -> None:
    def queries(size: int) -> tuple[int, int, int]:
        drafts = [world.draft() for _ in range(size)]
        counts = []
        with CaptureQueriesContext(
            connection,
        ) as found:
            issues.put(drafts, by=world.caller("liaison"), at=world.now)
        counts.append(len(found))
        with CaptureQueriesContext(connection) as found:
            issues.route([draft.id for draft in drafts], at=world.now)
        counts.append(len(found))
        wanted = [ActionRequest(draft.id, "acknowledge") for draft in drafts]
        with CaptureQueriesContext(connection) as found:
            outcomes = actions.act(wanted, by=world.caller("hrss"), at=world.now)
        counts.append(len(found))
        assert all(isinstance(outcome, Issue) for outcome in outcomes)
        return counts[0], counts[1], counts[2]

    queries(1)
    assert queries(2) == queries(60)


def test_what_came_back_from_a_department_may_still_be_rejected_later(world: World) -> None:
    issue = world.reports()
    world.does("hrss", issue, "request_return", ground="已进入仲裁", suggested_department="OFFICE")
    world.later(days=4).does("office", issue, "approve_return")

    assert (
        world.does("office", issue, "reject", "请等待仲裁结果", reason_code="in_court_or_arbitration").state
        == "rejected"
    )
