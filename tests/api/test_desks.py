"""The office's desks over REST: what it lets pass is still the work of whoever did it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.api.line import Line

AT = "2026-11-20T09:00:00+08:00"


def push(line: Line, record: str, data: dict[str, Any], base: int | None = None) -> dict[str, Any]:
    mutation = {
        "id": str(uuid4()), "collection": "visits", "record": record, "op": "put", "base": base, "data": data, "at": AT
    }  # fmt: skip
    answer = line.post("sync/push", {"sent_at": AT, "schema": 1, "epoch": None, "mutations": [mutation]})
    assert answer.status_code == 200, answer.content
    (result,) = answer.data["results"]
    return result


def draft(enterprise: Any) -> dict[str, Any]:
    return {"enterprise": str(enterprise), "mode": "phone", "started_at": AT, "status": "draft"}


def only(line: Line, path: str) -> dict[str, Any]:
    (row,) = line.get(path).data["results"]
    return row


def test_what_was_done_before_an_assignment_ended_is_let_in_by_the_office_alone(cast):
    phone, office, visit = Line(cast.liaison), Line(cast.office), str(uuid4())
    begun = str(uuid4())
    assert push(phone, begun, draft(cast.bakery.id))["status"] == "applied"
    for row in office.get(f"assignments?person={cast.liaison.id}").data["results"]:
        assert office.delete(f"assignments/{row['id']}").status_code == 204

    assert push(phone, visit, draft(cast.bakery.id))["problem"]["type"].endswith("/forbidden")
    assert push(phone, begun, {"summary": "补记"}, 1)["problem"]["type"].endswith("/forbidden")
    for record in (visit, begun):
        case = only(office, f"quarantine?record={record}")["id"]
        assert phone.patch(f"quarantine/{case}", {"resolution": "apply"}).status_code == 403
        assert office.patch(f"quarantine/{case}", {"resolution": "apply"}).data["state"] == "applied"
        assert office.get(f"visits/{record}").data["author"] == str(cast.liaison.id)
    assert office.get(f"visits/{begun}").data["summary"] == "补记"


def test_the_office_does_not_give_anybody_a_place_that_was_never_theirs(cast):
    phone, office, visit = Line(cast.liaison), Line(cast.office), str(uuid4())
    assert push(phone, visit, draft(cast.mill.id))["status"] == "quarantined"
    case = only(office, f"quarantine?record={visit}")["id"]
    assert office.patch(f"quarantine/{case}", {"resolution": "apply"}).status_code == 403


def test_the_office_may_take_the_newcomer_of_a_conflict(cast):
    phone, other, office = Line(cast.liaison), Line(cast.liaison), Line(cast.office)
    visit = str(uuid4())
    push(phone, visit, draft(cast.bakery.id))
    push(other, visit, {"summary": "先到"}, 1)
    assert push(phone, visit, {"summary": "后到"}, 1)["status"] == "merged"

    case = only(office, f"conflicts?record={visit}")["id"]
    assert Line(cast.outsider).patch(f"conflicts/{case}", {"resolution": "yours"}).status_code == 404
    assert office.patch(f"conflicts/{case}", {"resolution": "yours"}).data["state"] == "yours"
    assert office.get(f"visits/{visit}").data["summary"] == "后到"
