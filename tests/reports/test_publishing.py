"""Schemes and snapshots over HTTP: drafted, objected to, published, and led back to their issues."""

from __future__ import annotations

from io import BytesIO

import openpyxl
import pytest

from inspections.models import Issue, Supervision
from tests.inspections.cast import World
from tests.reports.desk import PERIOD, body, line


def test_a_snapshot_goes_its_way_over_http(busy: World) -> None:
    office, hrss = line(busy, "office"), line(busy, "hrss")
    body = {"kind": "supervision", "period": "2026-11", "group_by": "department"}
    taken = office.post("reports/snapshots", body, Idempotency_Key="november")
    again = office.post("reports/snapshots", body, Idempotency_Key="november")
    where = f"reports/snapshots/{taken.data['id']}"

    assert (taken.status_code, again.data) == (201, taken.data)
    assert [row["group"]["code"] for row in hrss.get(where).data["document"]["report"]["rows"]] == ["HRSS"]
    objection = hrss.post(f"{where}/objections", {"unit": "HRSS", "text": "已联系"})
    assert objection.status_code == 201, objection.content
    assert office.post(f"{where}/freeze", {"early": "市委要求"}).status_code == 409
    answer = f"reports/objections/{objection.data['id']}/answer"
    assert hrss.post(answer, {"accepted": True, "answer": "自答"}).status_code == 403
    assert office.post(answer, {"accepted": False, "answer": "维持"}).data["accepted"] is False
    frozen = office.post(f"{where}/freeze", {"early": "市委要求"})
    assert (frozen.status_code, frozen.data["state"]) == (200, "frozen")
    read = office.get(where).data
    assert (read["intact"], read["digest"]) == (True, taken.data["digest"])
    assert office.post("reports/snapshots", body).status_code == 409
    behind = f"{where}/evidence?indicator=on_time_rate&side=denominator"
    whole, first = office.get(behind).data, office.get(f"{behind}&limit=1").data
    assert (len(whole["results"]), whole["next"]) == (2, None)
    rest = office.get(first["next"]).data
    assert (first["results"] + rest["results"], rest["next"]) == (whole["results"], None)
    assert office.get(f"{behind}&cursor=9").data["results"] == []
    assert office.get(f"{behind}&cursor=-1").status_code == 400
    assert [one["id"] for one in office.get("reports/snapshots?state=frozen").data["results"]] == [taken.data["id"]]


def test_schemes_and_entries_over_http(busy: World) -> None:
    office = line(busy, "office")
    listed = office.get("reports/schemes").data["results"]
    department = next(one for one in listed if one["code"] == "department")
    entry = {
        "item": "bonus",
        "unit": "HRSS",
        "period": "2026-11",
        "value": 2,
        "reason": "现场会",
        "evidence": ["文件1号"],
    }
    made = office.post(f"reports/schemes/{department['id']}/entries", entry)
    assert made.status_code == 201, made.content

    def score() -> float:
        return office.get(f"reports/assessment?{PERIOD}&scheme=department").data["rows"][0]["score"]

    with_bonus = score()
    assert office.delete(f"reports/entries/{made.data['id']}").status_code == 204
    assert with_bonus - score() == 2
    draft = {
        "code": "mine",
        "title": {"zh": "我的", "en": "Mine"},
        "group_by": "region",
        "items": department["items"][:2],
    }
    scheme = office.post("reports/schemes", draft)
    assert scheme.status_code == 201, scheme.content
    assert office.post(f"reports/schemes/{scheme.data['id']}/publish").data["state"] == "published"
    assert office.post(f"reports/schemes/{scheme.data['id']}/publish").status_code == 409
    wrong = office.post("reports/schemes", draft | {"items": [{"code": "x"}]})
    assert wrong.status_code == 422
    assert "/items/0/title" in {fault["pointer"] for fault in wrong.data["errors"]}
    assert line(busy, "hrss").get("reports/schemes").status_code == 403


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ("indicator=on_time_rate&group=NOSUCH", "/group"),
        ("indicator=visit_coverage", "/indicator"),
        ("indicator=luck", "/indicator"),
    ],
)
def test_evidence_of_a_snapshot_says_what_it_does_not_know(busy: World, asked: str, pointer: str) -> None:
    office = line(busy, "office")
    taken = office.post("reports/snapshots", {"kind": "supervision", "period": "2026-11", "group_by": "department"})

    told = office.get(f"reports/snapshots/{taken.data['id']}/evidence?side=numerator&{asked}")
    live = office.get(f"reports/supervision/evidence?{PERIOD}&side=numerator&{asked}")
    other = office.get(f"reports/snapshots/{taken.data['id']}/evidence?side=numerator&indicator=on_time_rate&group=EDU")

    assert (told.status_code, live.status_code) == (422, 422), told.content
    assert told.json()["errors"] == live.json()["errors"]
    assert told.json()["errors"][0]["pointer"] == pointer
    assert other.data["results"] == []


@pytest.mark.parametrize("indicator", ["ack_timeliness", "yellow_cards", "on_time_rate", "workload"])
def test_evidence_of_a_snapshot_leads_to_the_issues_as_live_evidence_does(busy: World, indicator: str) -> None:
    issue = Issue.objects.order_by("id").first()
    Supervision.objects.create(
        issue=issue,
        segment=1,
        lead_code="HRSS",
        level=1,
        card="yellow",
        cause="urged",
        at=busy.on("2026-11-20T09:00").now,
    )
    office = line(busy, "office")
    taken = office.post("reports/snapshots", {"kind": "supervision", "period": "2026-11", "group_by": "department"})
    side = "denominator" if indicator == "ack_timeliness" else "numerator"
    asked = f"side={side}&indicator={indicator}"
    where = {"live": f"reports/supervision/evidence?{PERIOD}&{asked}"}
    where["frozen"] = f"reports/snapshots/{taken.data['id']}/evidence?{asked}"

    told = {name: office.get(path).json() for name, path in where.items()}
    sheets = {
        name: sorted(
            tuple(cell.value for cell in row)
            for row in openpyxl.load_workbook(BytesIO(body(office.get(f"{path}&format=xlsx"))))
            .worksheets[0]
            .iter_rows()
            if row[1].value in ("派单段", "黄红牌", "问题")
        )
        for name, path in where.items()
    }

    assert told["live"]["results"]
    for one in told.values():
        one["pairs"] = dict(zip(one["results"], one.get("issues", one["results"]), strict=True))
    assert ("issues" in told["frozen"]) == ("issues" in told["live"])
    assert told["frozen"]["pairs"] == told["live"]["pairs"]
    assert sheets["frozen"] == sheets["live"] != []
    assert all(row[3] for row in sheets["frozen"])
