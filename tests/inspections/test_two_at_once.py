"""Two people at once, on real connections: one of them wins, the other is told the state."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from core.problems import Problem
from inspections import actions, escalation
from inspections.actions import ActionRequest
from inspections.models import Issue, IssueAction, Supervision
from inspections.workflow import WrongState
from tests.inspections import cast
from tests.inspections.cast import World

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Any) -> list[Any]:
    """Run all at the same moment, each on a connection of its own."""
    gate = Barrier(len(works))

    def run(work: Any) -> Any:
        try:
            gate.wait(timeout=10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(run, work) for work in works]]


def acting(world: World, name: str, issue: Issue, action: str, **data: Any) -> Any:
    by = world.caller(name)
    assert by.held
    return lambda: actions.act([ActionRequest(issue.id, action, "x", data or None)], by=by, at=world.now)[0]


def acting_plainly(world: World, name: str, issue: Issue, action: str, **data: Any) -> Any:
    by = world.caller(name)
    assert by.held
    return lambda: actions.act([ActionRequest(issue.id, action, None, data)], by=by, at=world.now)[0]


def test_row_39_of_four_who_acknowledge_at_once_one_wins_and_the_others_are_told_the_state(
    transactional_db: None,
) -> None:
    world = cast.settle()
    issue = world.reports()
    outcomes = together(*(acting(world, name, issue, "acknowledge") for name in ("hrss", "hrss2", "hrss", "hrss2")))

    losers = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert len(losers) == 3
    assert all(isinstance(loser, WrongState) and loser.extra["state"] == "in_progress" for loser in losers)
    assert IssueAction.objects.filter(issue=issue, action="acknowledge").count() == 1


def test_row_39_a_return_and_an_acknowledgement_cannot_both_be_first(transactional_db: None) -> None:
    world = cast.settle()
    issue = world.reports()
    returning = acting(world, "hrss", issue, "request_return", ground="x", suggested_department="EMB")
    together(returning, acting(world, "hrss2", issue, "acknowledge"))

    moves = set(IssueAction.objects.filter(issue=issue).values_list("from_state", "to_state"))
    assert moves - {("submitted", "dispatched")} in (
        {("dispatched", "return_pending")},
        {("dispatched", "in_progress"), ("in_progress", "return_pending")},
    )
    assert Issue.objects.get().state == "return_pending"


def test_row_38_two_workers_warn_once(transactional_db: None) -> None:
    world = cast.settle()
    for _ in range(5):
        world.reports()
    world.on("2026-12-20T09:00")
    swept = together(*(lambda: escalation.sweep(at=world.now).warned for _ in range(3)))

    assert sum(swept) == 5
    assert Supervision.objects.filter(cause="far_overdue").count() == 5


def test_row_39_a_transfer_while_the_department_replies(transactional_db: None) -> None:
    """Whichever comes first stands; whoever comes second is told that things have moved on, and what stands is told once."""
    world = cast.settle()
    issue = world.reports()
    world.does("hrss", issue, "acknowledge")
    world.does("edu", issue, "assist_opinion", "可开设定向班")
    replied, transferred = together(
        acting(world, "hrss", issue, "reply", outcome="solved"),
        acting(world, "office", issue, "transfer", lead="EMB", reason="职责调整"),
    )

    refused = [outcome for outcome in (replied, transferred) if isinstance(outcome, Problem)]
    now = Issue.objects.get()
    assert [type(one) for one in refused] == [WrongState]
    assert refused[0].extra["state"] == now.state
    assert (now.state, now.lead_code) in (("replied", "HRSS"), ("dispatched", "EMB"))
    told = set(IssueAction.objects.filter(action__in=("reply", "transfer")).values_list("action", flat=True))
    assert told == ({"reply"} if now.state == "replied" else {"transfer"})


def test_row_39_two_at_the_office_merge_two_issues_into_each_other(transactional_db: None) -> None:
    world = cast.settle()
    pair = []
    for _ in range(2):
        issue = world.reports()
        world.does("hrss", issue, "request_return", ground="不属职责", suggested_department="EMB")
        pair.append(world.does("office", issue, "approve_return"))
    one, other = pair
    outcomes = together(
        acting_plainly(world, "office", one, "merge", into=str(other.id)),
        acting_plainly(world, "office", other, "merge", into=str(one.id)),
    )

    assert sum(isinstance(outcome, Problem) for outcome in outcomes) == 1
    assert sorted(Issue.objects.values_list("state", flat=True)) == ["merged", "submitted"]
