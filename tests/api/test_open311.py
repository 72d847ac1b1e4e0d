"""The facade against the shapes of the published GeoReport v2 examples: names, types and order of what they hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import fromstring

import pytest
from django.test import Client

from inspections.models import Issue
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

V2 = "/api/v1/open311/v2/"
USCC = "91320281MA0JMTE960"
REQUEST = [
    "service_request_id", "status", "status_notes", "service_name", "service_code", "description", "agency_responsible",
    "service_notice", "requested_datetime", "updated_datetime", "expected_datetime", "address", "address_id", "zipcode", "lat",
    "long", "media_url",
]  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    world.bakery.uscc, world.bakery.location = USCC, {"lat": 31.8, "lon": 120.4, "crs": "wgs84"}
    world.bakery.save()
    for name in ("office", "hrss", "liaison"):
        world.people[name].set_password(PASSWORD)
        world.people[name].save()
    return world


@pytest.fixture
def key(world: World) -> str:
    made = Line(world.people["office"]).post("channels", {"code": "12345", "name": "政务服务便民热线"})
    assert made.status_code == 201, made.data
    found: str = made.data["api_key"]
    return found


def case(key: str, **changes: str) -> dict[str, str]:
    return {
        "api_key": key, "service_code": "wage_arrears", "description": "拖欠工资两个月", "attribute[uscc]": USCC,
        "attribute[case_no]": "JY2026110001", "first_name": "三", "last_name": "张", "phone": "13800000000",
    } | changes  # fmt: skip


def test_services_are_the_categories(world: World) -> None:
    listed = Client().get(f"{V2}services.json").json()
    assert len(listed) == 38
    assert list(listed[0]) == ["service_code", "service_name", "description", "metadata", "type", "keywords", "group"]
    tree = fromstring(Client().get(f"{V2}services.xml").content)
    assert [child.tag for child in tree] == ["service"] * 38
    assert tree[0].findtext("metadata") == "true"

    defined = Client().get(f"{V2}services/wage_arrears.json").json()
    assert defined["service_code"] == "wage_arrears"
    assert set(defined["attributes"][0]) == {
        "variable", "code", "datatype", "required", "datatype_description", "order", "description", "values",
    }  # fmt: skip
    assert (
        fromstring(Client().get(f"{V2}services/wage_arrears.xml").content).findtext("attributes/attribute/code")
        == "uscc"
    )
    assert Client().get(f"{V2}services/nothing.json").json() == [
        {"code": 404, "description": "service_code was not found"}
    ]


def test_a_case_of_another_system_is_routed_like_any_other_and_followed(world: World, key: str) -> None:
    posted = Client().post(f"{V2}requests.json", case(key))
    assert posted.status_code == 201, posted.content
    assert list(posted.json()[0]) == ["service_request_id", "service_notice", "account_id"]
    issue = Issue.objects.get()
    assert (issue.lead_code, issue.external_channel, issue.external_case_no) == ("HRSS", "12345", "JY2026110001")
    assert issue.reporter is None

    (read,) = Client().get(f"{V2}requests/{issue.id}.json", {"api_key": key}).json()
    assert list(read) == REQUEST
    assert (read["status"], read["lat"]) == ("open", 31.8)
    tree = fromstring(Client().get(f"{V2}requests.xml", {"api_key": key, "status": "open"}).content)
    assert tree.tag == "service_requests"
    assert [child.tag for child in tree[0]] == REQUEST
    assert Client().get(f"{V2}tokens/{issue.id}.json", {"api_key": key}).json() == [
        {"service_request_id": str(issue.id), "token": str(issue.id)}
    ]


def test_the_same_case_is_not_counted_twice(world: World, key: str) -> None:
    first, second = (Client().post(f"{V2}requests.json", case(key)).json()[0] for _ in range(2))

    assert first == second
    assert Issue.objects.count() == 1


def test_nothing_about_persons_is_kept(world: World, key: str) -> None:
    Client().post(f"{V2}requests.json", case(key))
    kept = str(Issue.objects.values().get())

    assert "13800000000" not in kept
    assert "张" not in kept


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"api_key": "guess"}, 403),
        ({"api_key": ""}, 403),
        ({"service_code": "nothing"}, 404),
        ({"description": ""}, 400),
        ({"attribute[uscc]": "91320281MA0JMTE961"}, 400),
        ({"description": "坏\0字"}, 400),
    ],
)
def test_what_is_wrong_is_said_in_open311s_own_shape(
    world: World, key: str, changes: dict[str, str], status: int
) -> None:
    refused = Client().post(f"{V2}requests.json", case(key, **changes))
    tree = fromstring(Client().post(f"{V2}requests.xml", case(key, **changes)).content)

    assert refused.status_code == status
    assert [set(error) for error in refused.json()] == [{"code", "description"}]
    assert refused.json()[0]["code"] == status
    assert (tree.tag, tree[0].tag, tree.findtext("error/code")) == ("errors", "error", str(status))
    assert not Issue.objects.exists()


def test_everything_that_is_missing_is_named(world: World, key: str) -> None:
    refused = Client().post(f"{V2}requests.json", {"api_key": key})

    assert [error["description"].split()[0] for error in refused.json()] == [
        "service_code", "description", "attribute[uscc]",
    ]  # fmt: skip


def test_what_is_closed_says_when_and_what_is_asked_for_twice_is_found(world: World, key: str) -> None:
    mine = Client().post(f"{V2}requests.json", case(key)).json()[0]["service_request_id"]
    issue = Issue.objects.get(pk=mine)
    Issue.objects.update(state="closed", closed_at=datetime(2026, 11, 20, 9, 30, 0, 123456, UTC))
    asked = (
        f"{V2}requests.json?api_key={key}&service_code=recruitment&service_code=wage_arrears,other&status=open,closed"
    )
    (read,) = Client().get(asked).json()

    assert (read["status"], read["updated_datetime"]) == ("closed", "2026-11-20T17:30:00+08:00")
    assert "." not in read["requested_datetime"]
    assert read["service_request_id"] == str(issue.id)
    assert Client().get(f"{asked}&service_request_id=").json() == [read], "empty means not asked"


def test_a_channel_reads_its_own_requests_only(world: World, key: str) -> None:
    office = Line(world.people["office"])
    other = office.post("channels", {"code": "12351", "name": "职工服务热线"}).data
    mine = Client().post(f"{V2}requests.json", case(key)).json()[0]["service_request_id"]
    phone = world.reports(external_channel="12351").id

    asked: dict[str, Any] = {"api_key": other["api_key"]}
    assert Client().get(f"{V2}requests.json", asked).json() == []
    for hidden in (mine, phone, uuid4()):
        assert Client().get(f"{V2}requests/{hidden}.json", asked).status_code == 404
    assert Client().get(f"{V2}requests.json").status_code == 403
    assert office.delete(f"channels/{other['id']}").status_code == 204
    assert Client().get(f"{V2}requests.json", asked).status_code == 403
    assert Line(world.people["hrss"]).get("channels").status_code == 403


@pytest.mark.parametrize(
    "asked", ["status=lost", "start_date=yesterday", "service_request_id=1", "start_date=2020-01-01T00:00:00Z"]
)
def test_filters_that_make_no_sense_are_refused(world: World, key: str, asked: str) -> None:
    assert Client().get(f"{V2}requests.json?api_key={key}&{asked}").status_code == 400
