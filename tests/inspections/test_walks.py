"""Random walks through the workflow: whatever people try, in any order, certain things stay true."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest

from core.problems import Problem
from inspections import actions, calendar, deadlines, documents, escalation
from inspections.actions import ActionRequest
from inspections.models import Issue, IssueAction, Segment, Suspension
from inspections.workflow import ASKABLE, OPEN, ROWS, TABLE, State
from journal.models import Entry, Head
from tests.inspections.cast import World

PEOPLE = ("liaison", "colleague", "liaison2", "observer", "station", "hrss", "edu", "emb", "town", "office", "auditor")
WITH_CLOCK = {"dispatched", "in_progress", "return_pending", "suspended", "replied", "follow_up"}
LEGAL = {(before, row.to or before) for row in TABLE for before in row.before} | {
    ("return_pending", "dispatched"), ("return_pending", "in_progress"), ("in_progress", "in_progress"),
}  # fmt: skip


def data(random: Random, world: World, others: list[UUID]) -> dict[str, Any]:
    """Something for every field that any action knows; most of it right."""
    ahead = (world.now + timedelta(days=random.randint(-1, 30))).date().isoformat()
    return {
        "reason_code": "seasonal_window", "into": str(random.choice(others)), "lead": random.choice(["HRSS", "EMB", "EDU"]),
        "assists": random.choice([[], ["EDU"]]), "deadline_class": random.choice("ABCSE"), "ground": "不属职责",
        "suggested_department": "EMB", "reason": "因故", "workdays": random.randint(1, 6), "until": ahead,
        "outcome": random.choice(["solved", "partly", "explained"]), "satisfaction": "satisfied", "solved": True,
        "method": "phone", "new_facts": "新情况",
    }  # fmt: skip


def attempt(random: Random, world: World, issue: UUID, others: list[UUID]) -> bool:
    action, who = random.choice(ASKABLE), random.choice(PEOPLE)
    if random.random() < 0.7:
        row = Issue.objects.get(pk=issue)
        sensible = [
            (one.row.action, name) for name in PEOPLE for one in actions.open_to(row, world.caller(name), at=world.now)
        ]
        action, who = random.choice([pair for pair in sensible if pair[0] != "comment"] or sensible or [(action, who)])
    everything = data(random, world, others)
    given = {field.name: everything[field.name] for field in ROWS[action].fields if field.name in everything}
    before = Issue.objects.filter(pk=issue).values().get()
    entries = Entry.objects.count()
    (outcome,) = actions.act([ActionRequest(issue, action, "说明", given)], by=world.caller(who), at=world.now)
    if isinstance(outcome, Problem):
        assert Issue.objects.filter(pk=issue).values().get() == before, (action, who)
        assert Entry.objects.count() == entries
        return False
    assert (before["state"], outcome.state) in LEGAL, (action, who)
    return True


def check(issue: Issue) -> None:
    """What holds of an issue at any time."""
    assert issue.state in set(State)
    running = list(Segment.objects.filter(issue=issue, ended_at=None))
    assert len(running) == (issue.state in WITH_CLOCK), issue.state
    if issue.state in WITH_CLOCK:
        assert issue.dispatched_at is not None
        assert issue.due == deadlines.due(calendar.current(), issue.dispatched_at, issue.allowance).at
        assert (running[0].due, running[0].lead_code, running[0].number) == (issue.due, issue.lead_code, issue.segment)
        assert issue.lead_code not in issue.assists
    live = Suspension.objects.filter(issue=issue, state="running").count()
    assert live == (issue.state == "suspended")
    if issue.state in OPEN and issue.state != "submitted":
        assert issue.lead_code
    assert orjson.loads(Head.objects.get(record=issue.id, collection="issues").document) == documents.issue(issue)


def folded(issue: Issue) -> dict[str, Any]:
    """The issue as its history alone tells it."""
    told: dict[str, Any] = {}
    for entry in Entry.objects.filter(record=issue.id).order_by("version", "id"):
        for name, (old, new) in orjson.loads(entry.changes).items():
            if name != "cause":
                assert told.get(name, old) == old, (entry.verb, name)
                told[name] = new
    return told


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_tried_the_issue_stays_whole(world: World, seed: int) -> None:
    random = Random(seed)
    walked = [world.reports(category=category).id for category in ("recruitment", "work_safety", "wage_arrears")]
    accepted = 0
    for _ in range(120):
        issue = random.choice(walked)
        if attempt(random, world, issue, walked):
            accepted += 1
            check(Issue.objects.get(pk=issue))
        if random.random() < 0.1:
            world.later(hours=random.choice([3, 20, 60]))
            escalation.sweep(at=world.now)
    assert accepted > 20
    for key in walked:
        issue = Issue.objects.get(pk=key)
        check(issue)
        history = folded(issue)
        for name in ("state", "lead_code", "round", "colour", "level", "allowance", "extended", "outcome", "returns"):
            if name in history:
                assert history[name] == getattr(issue, name), name
        for action in IssueAction.objects.filter(issue=issue):
            assert action.to_state in set(State)
