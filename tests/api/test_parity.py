"""Rows 45 and 47: over random scopes, phone, list, single thing, counts, filters and reports show one and the same set."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from organizations.models import Department, Enterprise, Person, Region
from organizations.roles import HOLDING_ROLES, PLACES, PlaceKind, Role
from tests.api.ground import Ground, stand
from tests.api.line import Line
from tests.api.test_texts import content

pytestmark = pytest.mark.django_db
SCOPES = 12
QUERIES = [
    "q=保密", "q=工资", "confidential=true", "category=wage_arrears", "state=dispatched", "lead=HRSS", "overdue=false",
    "region=320281106", "region=320281107", "severity=urgent", "assists=PSB", "external_case_no=A7",
]  # fmt: skip


@pytest.fixture
def ground(files) -> Ground:
    made = stand()
    for number, (username, enterprise) in enumerate(
        (("liaison", "steelworks"), ("liaison2", "mill"), ("liaison2", "mill"))
    ):
        for confidential in (False, True):
            (result,) = made.push(username, made.mutation("issues", {
                "enterprise": str(getattr(made.world, enterprise).id), "description": "保密的工资问题" if confidential else "工资问题",
                "category": ["wage_arrears", "skill_training", "wage_arrears"][number], "confidential": confidential,
            }))  # fmt: skip
            assert result["status"] == "applied", result
    return made


def somebody(ground: Ground, dice: Random, number: int) -> tuple[Line, set[Role]]:
    """A person with one to three roles over random places."""
    person: Person = ground.world.person(f"random{number}")
    roles = dice.sample([role for role in Role if role not in (Role.OFFICE, Role.AUDITOR)], dice.choice([1, 1, 2, 3]))
    if number % 8 == 7:
        roles = [dice.choice([Role.OFFICE, Role.AUDITOR])]
    for role in roles:
        kind = dice.choice(sorted(PLACES[role]))
        rows: dict[str, Any] = {
            PlaceKind.ENTERPRISE: Enterprise.objects, PlaceKind.DEPARTMENT: Department.objects.filter(code__in=["HRSS", "EMB", "PSB"]),
            PlaceKind.REGION: Region.objects.filter(code__in=["320281106", "320281107"]),
        }  # fmt: skip
        place = {} if kind == PlaceKind.CITY else {str(kind): dice.choice(list(rows[kind].order_by("name"))).id}
        ground.world.assign(person, role, **place)
    return ground.line(person.username), set(roles)


def listed(line: Line, path: str) -> set[str]:
    answer = line.get(path)
    return {row["id"] for row in answer.data["results"]} if answer.status_code == 200 else set()


def pulled(line: Line, collection: str) -> set[str]:
    ops = line.get("sync/pull?limit=1000").data["ops"]
    return {op["id"] for op in ops if op["op"] == "put" and op["collection"] == collection}


def behind_the_report(line: Line, month: str) -> set[str]:
    """The ids behind the workload of every department and town that the report shows the caller."""
    found: set[str] = set()
    for group_by in ("department", "region"):
        report = line.get(f"reports/supervision?period={month}&group_by={group_by}")
        rows = report.data["rows"] if report.status_code == 200 else []
        for code in {row["group"]["code"] for row in rows} - {None}:
            told = line.get(
                f"reports/supervision/evidence?period={month}&group_by={group_by}&group={code}&indicator=workload"
            )
            found |= set(told.data["numerator"]["results"])
    return found


def test_row_47_every_way_shows_the_same_set_over_random_scopes(ground):
    dice, everything = Random(47), listed(ground.line("office"), "issues?limit=100")
    assert len(everything) == 8
    sizes = set()
    for number in range(SCOPES):
        line, roles = somebody(ground, dice, number)
        shown = listed(line, "issues?limit=100")
        sizes.add(len(shown))
        assert {key for key in everything if line.get(f"issues/{key}").status_code == 200} == shown, roles
        counts = line.get("issues/counts")
        assert (counts.data["open"] if counts.status_code == 200 else 0) == len(shown), roles
        for query in QUERIES:
            assert listed(line, f"issues?{query}") <= shown, (roles, query)
        assert pulled(line, "issues") <= shown, roles
        if roles <= HOLDING_ROLES:
            assert pulled(line, "issues") == shown, roles
            assert pulled(line, "visits") == listed(line, "visits?limit=100"), roles
            assert pulled(line, "responses") == listed(line, "responses?limit=100"), roles
            assert pulled(line, "enterprises") == listed(line, "enterprises?limit=100"), roles
        reported = behind_the_report(line, ground.ids["month"])
        assert reported <= shown, roles
        if roles in ({Role.TOWN_OFFICER}, {Role.OFFICE}):
            assert reported == shown, roles
        exported = line.get("responses/export?questionnaire=visit&format=csv")
        if exported.status_code == 200:
            text = content(exported).decode()
            assert all(key in text for key in listed(line, "responses?limit=100")), roles
    assert len(sizes) > 3, "scopes of many sizes"


def test_row_45_no_filter_or_order_finds_what_the_list_hides(ground):
    secret = ground.ids["secret"]
    for username in ("instructor", "neighbour", "town", "education", "town2"):
        line = ground.line(username)
        for query in [*QUERIES, f"enterprise={ground.ids['enterprise']}", "sort=due", "sort=-due", "since=2020-01-01"]:
            answer = line.get(f"issues?{query}")
            assert secret.encode() not in answer.content and "举报人".encode() not in answer.content, (username, query)
            counted = line.get(f"issues/counts?{query}")
            if counted.status_code == 200 and answer.status_code == 200:
                assert counted.data["open"] == len(answer.data["results"]), (username, query)


WRITTEN = [
    (
        "visits",
        {"enterprise": "{elsewhere}", "mode": "phone", "started_at": "2026-11-20T09:00:00+08:00", "status": "draft"},
    ),
    ("issues", {"enterprise": "{elsewhere}", "category": "wage_arrears", "description": "拖欠工资两个月"}),
    (
        "issues",
        {
            "enterprise": "{enterprise}",
            "visit": "{hidden}",
            "category": "wage_arrears",
            "description": "拖欠工资两个月",
        },
    ),
]


def test_row_45_a_reference_to_anothers_thing_is_refused_like_one_to_nothing(ground):
    hidden = ground.mutation("visits", {
        "enterprise": ground.ids["elsewhere"], "mode": "phone", "started_at": ground.moment(-9), "status": "draft",
    })  # fmt: skip
    ground.push("liaison2", hidden)
    ids, line = ground.ids | {"hidden": hidden["record"]}, ground.line("liaison")
    nothing = dict.fromkeys(ids, str(ground.uuid())) | {"enterprise": ids["enterprise"]}
    for path, body in WRITTEN:
        theirs, none = (
            line.post(path, {name: text.format_map(known) for name, text in body.items()}) for known in (ids, nothing)
        )
        assert theirs.status_code in (403, 404, 409, 422), theirs.content
        told = [(one.status_code, one.data["type"], one.data["detail"], line.faults(one)) for one in (theirs, none)]
        assert told[0] == told[1], body
