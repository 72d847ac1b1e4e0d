"""Enterprises, people, assignments, departments and regions over REST: lists, ETags, retries, imports."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from openpyxl import Workbook

from journal.models import Head, Unit
from organizations.models import Enterprise
from organizations.roles import Role
from tests.api.line import Line

GOOD = {"name": "造船厂", "region": "320281104", "uscc": "91350100M000100Y43", "employees": 120}


def listed(line, path):
    found = []
    while path:
        answer = line.get(path)
        assert answer.status_code == 200, answer.content
        found += answer.data["results"]
        path = answer.data["next"]
    return found


def test_the_office_enters_an_enterprise_and_phones_hold_it(cast):
    answer = Line(cast.office).post("enterprises", GOOD)
    assert answer.status_code == 201 and answer.data["region"] == str(cast.xiake.id)

    head = Head.objects.get(collection="enterprises", record=answer.data["id"])
    assert head.scope.name == f"enterprise:{answer.data['id']}" and "造船厂" in head.document
    assert {"造船厂", "面包厂", "铸造厂"} == {row["name"] for row in listed(Line(cast.town), "enterprises")}
    assert [row["name"] for row in listed(Line(cast.outsider), "enterprises")] == ["纺织厂"]


def test_nobody_but_the_office_writes_places(cast):
    for person in (cast.liaison, cast.town, cast.handler, cast.auditor, cast.observer):
        line = Line(person)
        assert line.post("enterprises", GOOD).status_code == 403
        assert line.patch(f"enterprises/{cast.bakery.id}", {"name": "x"}).status_code in (403, 404)
        assert line.patch("departments/HRSS", {"name": "x"}).status_code == 403


def test_pages_neither_repeat_nor_skip_while_rows_come_and_go(cast):
    for number in range(7):
        cast.enterprise(f"厂{number}", cast.xiake)
    line = Line(cast.office)
    first = line.get("enterprises?limit=4")
    cast.enterprise("厂A 在游标之前", cast.xiake)
    found = first.data["results"] + listed(line, first.data["next"])
    names = [row["name"] for row in found]
    assert len(names) == len(set(names)) >= 10
    assert {f"厂{number}" for number in range(7)} <= set(names)


def test_declared_filters_narrow_the_list(cast):
    line = Line(cast.office)
    line.post("enterprises", GOOD | {"pilot_tier": "city", "industrial_park": "霞客湾"})
    for query in (
        "q=造船",
        "q=91350100M000100Y43",
        "pilot_tier=city",
        "industrial_park=霞客湾",
        "region=320281104&q=造船",
    ):
        assert [row["name"] for row in listed(line, f"enterprises?{query}")] == ["造船厂"], query


def test_two_officers_do_not_overwrite_each_other(cast):
    line = Line(cast.office)
    seen = line.get(f"enterprises/{cast.bakery.id}")
    assert line.get(f"enterprises/{cast.bakery.id}", If_None_Match=seen["ETag"]).status_code == 304

    first = line.patch(f"enterprises/{cast.bakery.id}", {"address": "霞客大道 1 号"}, If_Match=seen["ETag"])
    second = line.patch(f"enterprises/{cast.bakery.id}", {"address": "别处"}, If_Match=seen["ETag"])

    assert first.status_code == 200 and second.status_code == 412
    assert line.get(f"enterprises/{cast.bakery.id}").data["address"] == "霞客大道 1 号"


def test_a_repeated_post_has_one_effect_and_one_answer(cast):
    line = Line(cast.office)
    first = line.post("enterprises", GOOD, Idempotency_Key="k1")
    again = line.post("enterprises", GOOD, Idempotency_Key="k1")
    other = line.post("enterprises", GOOD | {"name": "别的厂"}, Idempotency_Key="k1")

    assert (again.status_code, again.data) == (201, first.data)
    assert other.status_code == 422 and other.data["type"].endswith("idempotency-key-reused")
    assert Enterprise.objects.filter(name="造船厂").count() == 1


def test_a_change_that_changes_nothing_takes_no_position(cast):
    line = Line(cast.office)
    before = Unit.objects.count()
    assert line.patch(f"enterprises/{cast.bakery.id}", {"name": "面包厂"}).status_code == 200
    assert Unit.objects.count() == before


def test_people_are_seen_by_those_who_share_their_places_and_without_their_numbers(cast):
    office = Line(cast.office)
    office.patch(f"users/{cast.town.id}", {"phone": "13800000000"})

    seen = {row["username"] or row["name"]: row for row in listed(Line(cast.liaison), "users")}
    assert set(seen) == {"liaison", "Town"}
    assert seen["Town"]["phone"] is None and seen["Town"]["username"] is None
    assert "13800000000" in {row["phone"] for row in listed(office, "users")}


def test_the_office_enters_a_person_who_signs_in_and_sees_their_place(cast):
    office = Line(cast.office)
    person = office.post("users", {"username": "new", "name": "新人", "password": "Correct-Horse-9"}).data
    body = {"person": person["id"], "role": "liaison", "enterprise": cast.mill.id}
    assert office.post("assignments", body).status_code == 201
    assert office.post("assignments", body).data["errors"][0]["code"] == "assigned-already"

    line = Line()
    line.take(line.sign_in("new").data)
    assert [row["name"] for row in listed(line, "enterprises")] == ["纺织厂"]


def test_whoever_was_assigned_until_yesterday_can_be_assigned_again_from_the_same_day(cast):
    office = Line(cast.office)
    body = {"person": cast.liaison.id, "role": "liaison", "enterprise": cast.mill.id, "starts_on": "2026-01-05"}
    first = office.post("assignments", body).data["id"]
    assert office.patch(f"assignments/{first}", {"ends_on": "2026-01-06"}).status_code == 200

    phone = Line(cast.liaison)
    assert "纺织厂" not in {row["name"] for row in listed(phone, "enterprises")}
    assert office.post("assignments", body).status_code == 201
    assert "纺织厂" in {row["name"] for row in listed(phone, "enterprises")}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"role": "handler"}, "/role"),
        ({"enterprise": str(uuid4())}, "/enterprise"),
        ({"region": "320281104"}, "/region"),
        ({"starts_on": "2026-02-30"}, "/starts_on"),
        ({"starts_on": "2026-03-01", "ends_on": "2026-02-01"}, "/ends_on"),
        ({"person": str(uuid4())}, "/person"),
    ],
)
def test_assignments_that_make_no_sense_are_refused(cast, change, pointer):
    line = Line(cast.office)
    body = {"person": cast.observer.id, "role": "liaison", "enterprise": cast.mill.id} | change
    refused = line.post("assignments", body)
    assert refused.status_code == 422 and pointer in {fault[0] for fault in line.faults(refused)}


def test_ending_an_assignment_takes_the_place_out_of_sight(cast):
    office, line = Line(cast.office), Line(cast.liaison)
    key = line.get("me").data["assignments"][0]["id"]
    assert office.delete(f"assignments/{key}").status_code == 204
    assert line.get("enterprises").status_code == 403  # no role is left
    cast.assign(cast.liaison, Role.LIAISON, enterprise=cast.mill.id)
    assert [row["name"] for row in listed(line, "enterprises")] == ["纺织厂"]
    assert line.get(f"enterprises/{cast.bakery.id}").status_code == 404


def sheet(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


HEADER = ["企业名称", "统一社会信用代码", "镇街", "职工人数", "试点层级"]
ROWS = [
    ["造船厂", "91350100M000100Y43", "徐霞客镇", 120, "市级试点"],
    ["坏码厂", "91350100M000100Y44", "徐霞客镇", 5, ""],
    ["迷路厂", "", "不存在镇", 5, ""],
    ["面包分厂", "", "320281105", 3, "镇"],
]


def upload(line, content, name="table.xlsx", boundary="b", **headers):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return line.send("POST", "enterprises/import", head + content + f"\r\n--{boundary}--\r\n".encode(),
                     Content_Type=f"multipart/form-data; boundary={boundary}", **headers)  # fmt: skip


def as_csv(encoding):
    return "\n".join(",".join(map(str, row)) for row in [HEADER, *ROWS]).encode(encoding)


@pytest.mark.parametrize(
    "content", [sheet(HEADER, *ROWS), as_csv("utf-8-sig"), as_csv("gb18030")], ids=["xlsx", "utf-8", "gb18030"]
)
def test_a_table_is_imported_row_by_row(cast, content):
    line = Line(cast.office)
    report = upload(line, content)
    assert report.status_code == 200, report.content
    assert [(row["row"], row["status"]) for row in report.data["rows"]] == [
        (2, "created"), (3, "failed"), (4, "failed"), (5, "created"),
    ]  # fmt: skip
    assert {row["errors"][0]["code"] for row in report.data["rows"] if row["errors"]} == {"uscc-check", "unknown"}
    assert Enterprise.objects.get(name="造船厂").pilot_tier == "city"

    again = upload(line, content)
    assert again.data["rows"][0]["status"] == "unchanged"


def test_a_table_sent_again_under_its_key_has_one_effect_whatever_the_boundary(cast):
    line = Line(cast.office)
    first = upload(line, as_csv("utf-8"), Idempotency_Key="k1")
    again = upload(line, as_csv("utf-8"), Idempotency_Key="k1", boundary="other")
    other = upload(line, as_csv("gb18030"), Idempotency_Key="k1")

    assert (again.status_code, again.data) == (200, first.data)
    assert Enterprise.objects.filter(name="面包分厂").count() == 1, "it has no code by which it would be known"
    assert other.status_code == 422 and other.data["type"].endswith("idempotency-key-reused")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04nonsense", b"\xff\xfe\x00", b"colour,size\nred,1\n", "企业名称,颜色\na,b\n".encode()]
)
def test_what_is_no_table_is_refused(cast, content):
    refused = upload(Line(cast.office), content)
    assert refused.status_code == 422 and refused.data["errors"][0]["pointer"] == "/file"
