from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from api.routing import last_quarter
from inspections.models import Issue
from media.models import Photo
from media.renditions import marks_of
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD


@pytest.fixture
def world(db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def line(world: World, name: str) -> Line:
    return Line(world.people[name])


def report(world: World, **changes: Any) -> dict[str, Any]:
    return {"enterprise": str(world.bakery.id), "category": "recruitment", "description": "招不到熟练工人"} | changes


def act(desk: Line, issue: dict[str, Any], action: str, **body: Any) -> Any:
    return desk.post(f"issues/{issue['id']}/actions", {"action": action, **body})


def test_a_department_works_its_desk(world: World) -> None:
    field, hrss, edu, office = (line(world, name) for name in ("liaison", "hrss", "edu", "office"))
    created = field.post("issues", report(world))
    assert created.status_code == 201, created.data
    issue = created.data
    assert (issue["state"], issue["lead"], issue["assists"], issue["deadline_class"]) == (
        "dispatched",
        "HRSS",
        ["EDU"],
        "B",
    )
    assert issue["routing"]["rule"] == "90 · *"
    assert issue["routing"]["reason"]
    assert issue["reporter"] == str(world.people["liaison"].id)
    assert (issue["overdue"], issue["region"]) == (False, "320281105")

    queue = hrss.get("issues?state=open&lead=HRSS&sort=due").data["results"]
    assert [row["id"] for row in queue] == [issue["id"]]
    assert queue[0]["reporter"] is None
    assert {row["action"]: row["requires"] for row in queue[0]["actions"]} == {
        "acknowledge": [], "request_return": ["ground", "suggested_department"], "comment": ["text"],
    }  # fmt: skip

    assert act(hrss, issue, "acknowledge").data["state"] == "in_progress"
    again = act(hrss, issue, "acknowledge")
    assert (again.status_code, again.data["state"]) == (409, "in_progress")
    assert act(hrss, issue, "reply", text="已办", data={"outcome": "solved"}).status_code == 422
    assert act(edu, issue, "assist_opinion", text="可开班").status_code == 200
    missing = act(hrss, issue, "reply", data={})
    assert hrss.faults(missing) == {("/text", "required"), ("/data/outcome", "required")}
    assert act(hrss, issue, "reply", text="已对接", data={"outcome": "solved"}).data["outcome"] == "solved"
    assert act(office, issue, "accept_reply").data["state"] == "follow_up"
    assert act(field, issue, "follow_up", data={"solved": True}).status_code == 200
    assert act(field, issue, "close", data={}).status_code == 403
    closing = {"satisfaction": "satisfied", "solved": True, "method": "on_site"}
    assert act(office, issue, "close", data=closing).data["state"] == "closed"

    told = office.get(f"issues/{issue['id']}/history", **{"Accept-Language": "zh"}).data["results"]
    assert [event["action"] for event in told][:3] == ["submit", "dispatch", "acknowledge"]
    assert "人力资源和社会保障局 签收" in told[2]["sentence"]
    assert told[2]["person"] == "hrss"
    assert field.get(f"issues/{issue['id']}/history").data["results"][2]["person"] is None


def test_the_outsider_finds_nothing_anywhere(world: World) -> None:
    issue = line(world, "liaison").post("issues", report(world)).data
    for name in ("liaison2", "emb", "town2"):
        outsider = line(world, name)
        assert outsider.get("issues").data["results"] == []
        for path in ("", "/history", "/likenesses"):
            hidden, absent = (outsider.get(f"issues/{key}{path}") for key in (issue["id"], uuid4()))
            assert hidden.status_code == absent.status_code == 404
            assert hidden.data == absent.data
        assert act(outsider, issue, "comment", text="x").status_code == 404
        assert outsider.get("issues/counts").data["open"] == 0


def test_a_confidential_reporter_is_named_to_the_office_alone(world: World) -> None:
    field = line(world, "liaison")
    went = {
        "enterprise": str(world.bakery.id),
        "mode": "on_site",
        "started_at": "2026-11-16T08:40:00+08:00",
        "status": "draft",
    }
    visit = field.post("visits", went).data["id"]
    issue = field.post("issues", report(world, confidential=True, visit=visit)).data
    assert issue["visit"] == visit
    photo = Photo.objects.create(
        enterprise=world.bakery, author=world.people["liaison"], owner=world.people["liaison"].id, private=True, issue=issue["id"],
        taken_at=world.now, received_at=world.now, sha256="0" * 64, size=1, content_type="image/jpeg", code="A" * 12,
    )  # fmt: skip
    assert world.people["liaison"].name not in " ".join(marks_of(photo).lines)
    reporter = str(world.people["liaison"].id)

    for name in ("hrss", "edu"):
        page = line(world, name)
        for path in ("issues", f"issues/{issue['id']}", f"issues/{issue['id']}/history", f"photos/{photo.id}"):
            shown = page.get(path)
            assert shown.status_code == 200
            assert reporter not in shown.content.decode()
            assert visit not in shown.content.decode()
    assert line(world, "office").get(f"issues/{issue['id']}").data["reporter"] == reporter
    for name in ("colleague", "town", "station"):
        assert line(world, name).get(f"issues/{issue['id']}").status_code == 404
        assert line(world, name).get("issues/counts").data["open"] == 0


def test_a_repeated_post_has_one_effect(world: World) -> None:
    field = line(world, "liaison")
    one, two = (field.post("issues", report(world), **{"Idempotency-Key": "k1"}) for _ in range(2))

    assert one.data == two.data
    assert Issue.objects.count() == 1
    taken = field.post("issues", report(world, id=one.data["id"]))
    assert taken.status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "faults"),
    [
        ({"action": "explode"}, 422, {("/action", "unknown")}),
        ({}, 422, {("/action", "required")}),
        ({"action": 5}, 422, {("/action", "type")}),
        ({"action": "comment", "text": "x", "colour": "red"}, 422, {("/colour", "unknown-field")}),
        ({"action": "comment", "text": {}}, 422, {("/text", "type")}),
        ({"action": "comment", "text": "x", "data": 5}, 422, {("/data", "type")}),
        ({"action": "comment"}, 422, {("/text", "required")}),
        ([], 400, set()),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(world: World, body: Any, status: int, faults: set[Any]) -> None:
    field = line(world, "liaison")
    issue = field.post("issues", report(world)).data
    refused = field.post(f"issues/{issue['id']}/actions", body)

    assert refused.status_code == status
    assert field.faults(refused) == faults


def test_a_desk_acknowledges_its_morning_in_one_go(world: World) -> None:
    field, hrss = line(world, "liaison"), line(world, "hrss")
    ids = [field.post("issues", report(world)).data["id"] for _ in range(3)]
    strange = str(uuid4())
    outcomes = hrss.post("issues/actions", {"issues": [*ids, strange], "action": "acknowledge"}).data["results"]

    assert [row["state"] for row in outcomes] == ["in_progress"] * 3 + [None]
    assert outcomes[3]["problem"]["status"] == 404
    assert hrss.get("issues/counts").data["state"] == {"in_progress": 3}


def test_lists_are_filtered_by_what_is_declared_and_paged(world: World) -> None:
    field, office = line(world, "liaison"), line(world, "office")
    for category in ("recruitment", "work_safety", "recruitment"):
        field.post("issues", report(world, category=category, external_case_no="12345-7"))
    assert len(office.get("issues?category=recruitment").data["results"]) == 2
    assert len(office.get("issues?lead=EMB").data["results"]) == 1
    assert len(office.get("issues?assists=EDU&region=320281105&q=12345-7&overdue=false").data["results"]) == 2
    assert office.get("issues?overdue=true").data["results"] == []
    assert office.get("issues?state=lost").status_code == 422
    assert office.get("issues?reporter=x").status_code == 422
    for sort in ("submitted", "due"):
        first = office.get(f"issues?limit=2&sort={sort}").data
        second = office.get(first["next"]).data
        assert len({row["id"] for row in (*first["results"], *second["results"])}) == 3
        assert second["next"] is None
    likenesses = office.get(f"issues/{first['results'][0]['id']}/likenesses").data["results"]
    assert len(likenesses) == 2


def test_it_is_read_again_only_when_it_changed_and_mended_only_as_it_was_read(world: World) -> None:
    field = line(world, "liaison")
    issue = field.post("issues", report(world)).data
    read = field.get(f"issues/{issue['id']}")

    assert field.get(f"issues/{issue['id']}", **{"If-None-Match": read["ETag"]}).status_code == 304
    stale = field.patch(f"issues/{issue['id']}", {"description": "x"}, **{"If-Match": '"old"'})
    assert stale.status_code == 412
    late = field.patch(f"issues/{issue['id']}", {"description": "x"})
    assert (late.status_code, late.data["type"]) == (409, "/problems/already-dispatched")


def test_the_preview_explains_every_rule(world: World) -> None:
    office = line(world, "office")
    found = office.post(
        "routing/preview", {"category": "wage_arrears", "enterprise": str(world.shipyard.id), "workers_affected": 30}
    )

    assert found.status_code == 200, found.data
    assert (found.data["lead"], found.data["deadline_class"]) == ("HRSS", "E")
    assert {row["priority"]: row["wins"] for row in found.data["rules"]} == {
        10: True, 11: False, 20: False, 21: False, 22: False, 23: False, 24: False, 90: False, 99: False,
    }  # fmt: skip
    assert all(row["why"] for row in found.data["rules"])
    assert line(world, "hrss").post("routing/preview", {"category": "other"}).status_code == 403
    assert office.faults(office.post("routing/preview", {"category": "x"})) == {("/category", "unknown")}


def test_rules_are_versioned_and_checked(world: World) -> None:
    office = line(world, "office")
    rules = office.get("routing/rules").data["results"]
    assert [rule["priority"] for rule in rules] == [10, 11, 20, 21, 22, 23, 24, 90, 99]
    changed = office.patch(f"routing/rules/{rules[0]['id']}", {"when": "workers_affected >= 20"})
    assert (changed.status_code, changed.data["version"]) == (200, 2)
    bad = office.patch(f"routing/rules/{rules[0]['id']}", {"when": "workers >= 20", "lead": "KGB"})
    assert office.faults(bad) == {("/when", "unknown-field"), ("/lead", "unknown")}
    assert office.delete(f"routing/rules/{rules[1]['id']}").status_code == 204
    assert len(office.get("routing/rules").data["results"]) == 8
    assert len(office.get("routing/rules?history=true").data["results"]) == 10


def test_rules_that_are_only_tried_have_to_stand_up_too(world: World) -> None:
    office = line(world, "office")
    tried = [{"priority": 1, "lead": "KGB"}, {"priority": 2, "place": "月球", "when": "x = 1 and y = 2"}]
    named = {
        ("/rules/0/lead", "unknown"), ("/rules/1/place", "unknown"), ("/rules/1/when", "unknown-field"),
    }  # fmt: skip
    for path, body in (("preview", {"category": "recruitment"}), ("compare", {"period": "2026-Q3"})):
        refused = office.post(f"routing/{path}", body | {"rules": tried})
        assert (refused.status_code, office.faults(refused)) == (422, named)
    nowhere = office.post("routing/preview", {"category": "x", "enterprise": str(uuid4())})
    assert office.faults(nowhere) == {("/category", "unknown"), ("/enterprise", "unknown")}


def test_a_change_of_rules_shows_what_of_last_quarter_would_have_gone_elsewhere(world: World) -> None:
    office = line(world, "office")
    issue = line(world, "liaison").post("issues", report(world)).data
    Issue.objects.update(submitted_at=last_quarter(world.now).start)
    default = next(rule for rule in office.get("routing/rules").data["results"] if rule["priority"] == 90)

    to_emb = {"priority": 5, "category": "recruitment", "lead": "EMB"}
    (moved,) = office.post("routing/compare", {"changed": [to_emb]}).data["results"]
    assert (moved["issue"], moved["now"]["lead"], moved["then"]["lead"]) == (issue["id"], "HRSS", "EMB")
    changed = office.post("routing/compare", {"changed": [{"id": default["id"], "lead": "EDU"}]}).data["results"]
    assert [one["then"]["lead"] for one in changed] == ["EDU"]
    assert len(office.post("routing/compare", {"ended": [default["id"]]}).data["results"]) == 1
    assert office.post("routing/compare", {"changed": [to_emb | {"category": "wage_arrears"}]}).data["results"] == []
    wrong = office.post(
        "routing/compare", {"changed": [{"lead": "EMB"}, {"id": str(uuid4())}], "ended": [str(uuid4())]}
    )
    assert office.faults(wrong) == {
        ("/changed/0/priority", "required"), ("/changed/1/id", "unknown"), ("/ended/0", "unknown"),
    }  # fmt: skip
    assert office.faults(office.post("routing/compare", {})) == {("/rules", "required")}


def test_the_actions_listed_say_what_stands_in_their_way(world: World) -> None:
    hrss = line(world, "hrss")
    issue = line(world, "liaison").post("issues", report(world)).data
    act(hrss, issue, "acknowledge")
    listed = {one["action"]: one for one in hrss.get(f"issues/{issue['id']}").data["actions"]}

    assert (listed["suspend"]["open"], listed["reply"]["open"]) == (True, False)
    assert [(o["pointer"], o["code"]) for o in listed["reply"]["obstacles"]] == [("/action", "assist-opinion-missing")]
    assert listed["reply"]["requires"] == ["text", "outcome"]
    (queued,) = hrss.get("issues?sort=due").data["results"]
    assert {one["action"]: one["open"] for one in queued["actions"]}["reply"] is False
    refused = act(line(world, "liaison"), issue, "reply", text="x", data={"outcome": "solved"})
    assert (refused.status_code, refused.data["open_actions"]) == (403, ["comment", "verify"])


def test_a_year_is_published_and_says_what_it_moved(world: World) -> None:
    office = line(world, "office")
    years = {row["year"]: row["official"] for row in office.get("calendar/years").data["results"]}
    assert years == {2024: True, 2025: True, 2026: True, 2027: False}
    body = {"official": True, "off": [{"day": "2027-01-01", "name": "元旦"}], "makeup": [{"day": "2027-01-04"}]}
    refused = office.send("PUT", "calendar/years/2027", body)
    assert office.faults(refused) == {("/makeup/0", "not-a-weekend")}
    body["makeup"] = [{"day": "2027-01-03", "name": "调休"}]
    put = office.send("PUT", "calendar/years/2027", body)
    assert (put.status_code, put.data["official"], put.data["moved"]) == (200, True, [])
    assert line(world, "hrss").send("PUT", "calendar/years/2027", body).status_code == 403


def test_visits_and_plans_over_rest(world: World) -> None:
    field, office = line(world, "liaison"), line(world, "office")
    planned = office.post(
        "visit-plans", {"enterprise": str(world.bakery.id), "due_from": "2026-11-01", "due_to": "2026-11-30"}
    )
    assert planned.status_code == 201, planned.data
    body = {
        "enterprise": str(world.bakery.id),
        "visit_plan": planned.data["id"],
        "mode": "phone",
        "started_at": "2026-11-16T08:40:00+08:00",
        "status": "submitted",
    }
    visit = field.post("visits", body)
    assert visit.status_code == 201, visit.data
    assert field.get(f"visit-plans/{planned.data['id']}").data["state"] == "done"
    assert line(world, "liaison2").get(f"visits/{visit.data['id']}").status_code == 404
    sent_back = office.post(f"visits/{visit.data['id']}/review", {"decision": "return", "comment": "缺小结"})
    assert sent_back.data["status"] == "returned"
    assert field.patch(f"visits/{visit.data['id']}", {"summary": "补充", "status": "submitted"}).status_code == 200
    assert field.post("visits", body | {"mode": "boat"}).status_code == 422
    assert [row["id"] for row in field.get("visits?status=submitted&region=320281105").data["results"]] == [
        visit.data["id"]
    ]


def test_what_the_joint_conference_decides_is_a_task_until_it_is_done(world: World) -> None:
    office, hrss = line(world, "office"), line(world, "hrss")
    issue = line(world, "liaison").post("issues", report(world)).data
    task = {"department": "HRSS", "minutes": "由人社牵头出台办法", "due": "2099-01-01"}
    assert office.post(f"issues/{issue['id']}/tasks", task).status_code == 409
    act(office, issue, "refer", data={"reason": "政策空白"})
    assert [row["id"] for row in office.get("conference/agenda").data["results"]] == [issue["id"]]
    assert office.faults(office.post(f"issues/{issue['id']}/tasks", task | {"department": "KGB"})) == {
        ("/department", "unknown")
    }
    assert hrss.post(f"issues/{issue['id']}/tasks", task).status_code == 403
    decided = office.post(f"issues/{issue['id']}/tasks", task)
    assert decided.status_code == 201, decided.data

    where = f"conference/tasks/{decided.data['id']}/done"
    assert line(world, "edu").post(where).status_code == 404
    assert line(world, "edu").get("conference/tasks").data["results"] == []
    assert hrss.post(where).data["done_at"]
    assert hrss.post(where).status_code == 409
    assert hrss.get("conference/tasks?done=false").data["results"] == []


def test_a_station_that_answers_on_the_spot_troubles_no_department(world: World) -> None:
    station = line(world, "station")
    closed = station.post("issues", report(world, category="sme_policy", answer="可在线申报,窗口已演示"))
    assert (closed.status_code, closed.data["state"], closed.data["instant"]) == (201, "closed", True)
    refused = line(world, "liaison").post("issues", report(world, answer="我来答"))
    assert refused.status_code == 403
    assert station.faults(station.post("issues", report(world, answer=""))) == {("/text", "required")}
    assert Issue.objects.count() == 1
