from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from inspections import aloud, guards, particulars, reference, workflow
from inspections.deadlines import SHANGHAI
from inspections.guards import GUARDS, Facts
from inspections.workflow import ROWS, TABLE, State, Who, WrongState
from organizations.permissions import VERBS

NOON = datetime(2026, 11, 18, 12, tzinfo=SHANGHAI)
WEI, LI = UUID(int=1), UUID(int=2)

AS_AGREED = {
    "submitted": {
        "reject": "rejected", "merge": "merged", "withdraw": "withdrawn", "dispatch": "dispatched",
        "answer_now": "closed",
    },
    "dispatched": {"acknowledge": "in_progress", "request_return": "return_pending"},
    "return_pending": {"approve_return": "submitted", "refuse_return": "in_progress", "adjudicate": "dispatched"},
    "in_progress": {
        "request_return": "return_pending", "transfer": "dispatched", "request_extension": "in_progress",
        "suspend": "suspended", "reply": "replied", "refuse_suspension": "in_progress",
    },
    "suspended": {"resume": "in_progress"},
    "replied": {"reject_reply": "in_progress", "accept_reply": "follow_up"},
    "follow_up": {"close": "closed", "rework": "dispatched", "follow_up": "follow_up"},
    "closed": {"reopen": "submitted"},
    "rejected": {}, "merged": {}, "withdrawn": {},
}  # fmt: skip
BESIDE = {"comment", "verify", "assist_opinion", "urge", "supervise", "admonish", "refer", "submit"}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", [row.action for row in TABLE if row.action not in BESIDE])
def test_every_action_in_every_state(state: State, action: str) -> None:
    if action in AS_AGREED[state]:
        assert workflow.step(state, action, previous="in_progress") == AS_AGREED[state][action]
    else:
        with pytest.raises(WrongState) as refused:
            workflow.step(state, action)
        assert refused.value.extra["state"] == state.value
        assert refused.value.status == 409


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", sorted(BESIDE - {"submit"}))
def test_what_is_said_beside_the_work_leaves_the_state_alone(state: State, action: str) -> None:
    if state in ROWS[action].before:
        assert workflow.step(state, action) == state


def test_a_refused_return_goes_back_to_where_it_came_from() -> None:
    assert workflow.step("return_pending", "refuse_return", previous="dispatched") == State.DISPATCHED


def test_the_table_is_read_aloud_in_docs() -> None:
    page = Path(__file__).parents[2] / "docs/workflow.md"

    assert page.read_text(encoding="utf-8") == aloud.page(), "run python -m inspections.aloud > docs/workflow.md"


def test_every_row_of_the_agreement_is_there_and_every_guard_exists() -> None:
    assert [row.number for row in TABLE if row.number] == list(range(1, 22))
    assert {name for row in TABLE for name in row.guards} == set(GUARDS)


def test_the_lead_is_told_what_it_may_do_and_the_outsider_nothing() -> None:
    mine = {
        row.action: row.requires
        for row in workflow.open_actions("dispatched", lambda action: Who.LEAD in ROWS[action].who)
    }

    assert mine == {"acknowledge": [], "request_return": ["ground", "suggested_department"], "comment": ["text"]}
    assert workflow.open_actions("dispatched", lambda action: False) == []


def refused(action: str, text: object = None, data: object = None) -> set[tuple[str, str]]:
    found = particulars.check(ROWS[action], text, data, departments={"HRSS", "EMB"}, classes={"B", "E"})
    return {(fault.pointer, fault.code) for fault in found}


@pytest.mark.parametrize(
    ("action", "text", "data", "faults"),
    [
        ("acknowledge", None, None, set()),
        ("acknowledge", None, {"handler": "me"}, {("/data/handler", "type")}),
        ("reply", None, None, {("/text", "required"), ("/data/outcome", "required")}),
        ("reply", "  ", {"outcome": "done"}, {("/text", "required"), ("/data/outcome", "not-a-choice")}),
        ("reply", "已发放", {"outcome": "solved"}, set()),
        ("reply", "已发放\0", {"outcome": "solved"}, {("/text", "bad-character")}),
        ("reply", 5, {"outcome": ["solved"]}, {("/text", "type"), ("/data/outcome", "type")}),
        ("reply", "x", {"outcome": "solved", "evidence": [7]}, {("/data/evidence", "type")}),
        ("reply", "x", [], {("/data", "type")}),
        ("reply", "x", {"outcome": "solved", "evidence": ["a"] * 51}, {("/data/evidence", "too-long")}),
        (
            "dispatch",
            None,
            {"lead": "NSA", "assists": ["EMB"]},
            {("/data/lead", "unknown"), ("/data/deadline_class", "required")},
        ),
        ("dispatch", None, {"lead": "HRSS", "assists": "EMB", "deadline_class": "B"}, {("/data/assists", "type")}),
        (
            "dispatch",
            None,
            {"lead": "HRSS", "assists": [{}], "deadline_class": "Q"},
            {("/data/assists", "unknown"), ("/data/deadline_class", "unknown")},
        ),
        ("close", None, {"satisfaction": "satisfied", "solved": None, "method": "phone"}, set()),
        ("close", None, {"satisfaction": "satisfied", "method": "phone"}, {("/data/solved", "required")}),
        ("request_extension", None, {"workdays": True, "reason": "x"}, {("/data/workdays", "type")}),
        ("suspend", None, {"reason_code": "seasonal_window", "until": "2026-02-30"}, {("/data/until", "type")}),
        ("verify", None, {"solved": True, "mood": "good"}, {("/data/mood", "unknown-field")}),
        ("comment", "字" * 4001, None, {("/text", "too-long")}),
    ],
)
def test_what_an_action_carries(action: str, text: object, data: object, faults: set[tuple[str, str]]) -> None:
    assert refused(action, text, data) == faults


def broken(action: str, **known: object) -> list[str]:
    facts = Facts(at=NOON, calendar=reference.calendar(), **known)  # type: ignore[arg-type]
    return [fault.code for fault in guards.check(ROWS[action], facts)]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("action", "known", "codes"),
    [
        ("reject", {"submitted_at": day("2026-11-17T08:00")}, []),
        ("reject", {"submitted_at": day("2026-11-16T08:00")}, ["too-late"]),
        ("merge", {"issue": WEI, "master": (LI, "closed")}, []),
        ("merge", {"issue": WEI, "master": (WEI, "submitted")}, ["same-issue"]),
        ("merge", {"issue": WEI, "master": (LI, "merged")}, ["master-ended"]),
        ("merge", {"issue": WEI}, ["unknown"]),
        ("acknowledge", {"data": {"handler": str(WEI)}, "lead_people": frozenset({LI})}, ["not-of-the-lead"]),
        ("request_return", {"lead": "HRSS", "dispatched_at": day("2026-11-17T08:00")}, []),
        ("request_return", {"lead": "HRSS", "dispatched_at": day("2026-11-16T08:00")}, ["too-late"]),
        ("request_return", {"lead": "HRSS", "returns": ("HRSS",), "dispatched_at": NOON}, ["returned-before"]),
        ("request_return", {"lead": "HRSS", "adjudicated": True, "dispatched_at": NOON}, ["adjudicated"]),
        ("approve_return", {"returns": ("HRSS",)}, []),
        ("approve_return", {"returns": ("HRSS", "EMB")}, ["adjudicate"]),
        ("adjudicate", {"returns": ("HRSS",)}, ["first-return"]),
        ("transfer", {"lead": "HRSS", "data": {"lead": "HRSS"}}, ["same-department"]),
        ("request_extension", {"limit": 5, "due": day("2026-11-19T17:30"), "data": {"workdays": 5}}, []),
        ("request_extension", {"limit": 5, "due": day("2026-11-18T17:30"), "data": {"workdays": 5}}, ["too-late"]),
        ("request_extension", {"limit": 5, "data": {"workdays": 6}}, ["out-of-range"]),
        (
            "request_extension",
            {"limit": 5, "extended": True, "data": {"workdays": 0}},
            ["extended-before", "out-of-range"],
        ),
        ("request_extension", {"limit": 5, "may_be_extended": False, "data": {"workdays": 1}}, ["never-extended"]),
        ("suspend", {"data": {"until": "2026-12-30"}}, []),
        ("suspend", {"data": {"until": "2026-12-31"}}, ["too-long"]),
        ("suspend", {"data": {"until": "9999-12-31"}}, ["too-long"]),
        ("suspend", {"paused": 85, "data": {"until": "2026-11-30"}}, ["too-long"]),
        ("suspend", {"data": {"until": "2026-11-18"}}, ["not-ahead"]),
        ("reply", {"assists": ("FTU", "PSB"), "opinions": frozenset({"FTU"})}, ["assist-opinion-missing"]),
        ("reply", {"assists": ("FTU",), "opinions": frozenset({"FTU"})}, []),
        ("assist_opinion", {"assists": ("FTU",), "data": {"department": "EMB"}}, ["not-assisting"]),
        ("close", {"actor": WEI, "handler": WEI}, ["is-the-handler"]),
        ("close", {"actor": LI, "handler": WEI}, []),
        ("rework", {"reworks": 1}, []),
        ("rework", {"reworks": 2}, ["reworked-twice"]),
        ("reopen", {"closed_at": NOON - timedelta(days=30)}, []),
        ("reopen", {"closed_at": NOON - timedelta(days=31)}, ["too-late"]),
        ("refuse_suspension", {}, ["nothing-asked"]),
    ],
)
def test_guards(action: str, known: dict[str, object], codes: list[str]) -> None:
    assert broken(action, **known) == codes


WHO = {
    Who.LEAD: {("handler", "lead"), ("town_officer", "lead")},
    Who.ASSIST: {("handler", "assist"), ("town_officer", "assist")},
    Who.TOWN: {("town_officer", "assigned")},
    Who.STATION: {("station_staff", "assigned")},
    Who.FIELD: {(role, "assigned") for role in ("instructor", "liaison", "observer")},
    Who.OFFICE: {("office", "all")},
    Who.REPORTER: {("everyone", "own")},
    Who.RULE: set(),
}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.action)
def test_the_table_read_aloud_and_the_table_of_permissions_name_the_same_people(row: workflow.Row) -> None:
    granted = {(str(role), str(rel)) for role, rels in VERBS[f"issue.{row.action}"].items() for rel in rels}
    told = set().union(*(WHO[who] for who in row.who))

    assert (
        told - granted <= {("town_officer", "assist"), ("town_officer", "lead")}
        if row.action == "comment"
        else told == granted
    )
