"""Reports over HTTP: shapes, forms, who sees what, and refusals with their pointers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import docx
import openpyxl
import pytest
import time_machine

from core.ids import uuid7
from inspections.models import Issue, Supervision
from reports import schemes
from tests import scenery
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD

PERIOD = "period=2026-11"


@pytest.fixture
def busy(db: None) -> Any:
    world = scenery.stage(november)
    with time_machine.travel(world.now, tick=True):
        yield world


def november() -> World:
    """A month with one issue of HRSS in time and one late; the clock stands in December."""
    world = cast.settle()
    world.on("2026-11-02T09:00").replied()
    world.reports()
    world.on("2026-12-01T09:00")
    schemes.load_defaults(by=world.caller("office"), at=world.now)
    for person in world.people.values():
        person.set_password(PASSWORD)
        person.save()
    return world


def line(world: World, name: str) -> Line:
    return Line(world.people[name])


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_the_supervision_report_has_the_shape_that_was_agreed(busy: World) -> None:
    told = line(busy, "office").get(f"reports/supervision?{PERIOD}&group_by=department")

    assert told.status_code == 200, told.content
    assert told.data["period"] == {"from": "2026-11-01", "to": "2026-11-30", "code": "2026-11"}
    assert told.data["group_by"] == "department"
    (row,) = told.data["rows"]
    assert row["group"] == {"code": "HRSS", "name": "市人力资源和社会保障局"}
    assert row["indicators"]["on_time_rate"] == {"value": 50.0, "numerator": 1, "denominator": 2, "too_small": True}
    assert told.data["total"]["on_time_rate"]["value"] == 50.0


def test_names_follow_the_language_and_an_unchanged_report_is_not_sent_again(busy: World) -> None:
    office = line(busy, "office")
    told = office.get(f"reports/supervision?{PERIOD}", Accept_Language="en")

    assert told.data["rows"][0]["group"]["name"] == "Human Resources and Social Security Bureau"
    for known in (told["ETag"], f'"other", W/{told["ETag"]}', "*"):
        again = office.get(f"reports/supervision?{PERIOD}", Accept_Language="en", If_None_Match=known)
        assert (again.status_code, again.content) == (304, b""), known
    sheet = office.get(f"reports/supervision?{PERIOD}&format=csv")
    assert body(sheet)
    weakened = office.get(f"reports/supervision?{PERIOD}&format=csv", If_None_Match=f"W/{sheet['ETag']}")
    assert weakened.status_code == 304, "a proxy that compresses has weakened the tag"
    assert office.get(f"reports/supervision?{PERIOD}", If_None_Match='W/"other"').status_code == 200


@pytest.mark.parametrize(
    "group_by", ["region", "park", "field_member", "pilot_tier", "designation_level", "dimension", "category"]
)
def test_every_grouping_answers(busy: World, group_by: str) -> None:
    told = line(busy, "office").get(f"reports/supervision?from=2026-11-01&to=2026-11-30&group_by={group_by}")

    assert told.status_code == 200, told.content
    assert told.data["total"]["on_time_rate"]["denominator"] == 2


def test_the_same_numbers_come_as_csv_and_xlsx(busy: World) -> None:
    office = line(busy, "office")
    raw = body(office.get(f"reports/supervision?{PERIOD}&format=csv")).decode("utf-8-sig")
    book = openpyxl.load_workbook(BytesIO(body(office.get(f"reports/supervision?{PERIOD}&format=xlsx"))))

    assert raw.splitlines()[1].startswith("HRSS,市人力资源和社会保障局,2,")
    assert "50.00" in raw.splitlines()[1]
    sheet = book.worksheets[0]
    assert (sheet["A5"].value, sheet["C5"].value) == ("HRSS", 2)
    assert any(cell.value == 50.0 for cell in sheet[5])
    pressing = next(one for one in book.worksheets if "督办清单" in str(one["A1"].value))
    assert pressing["G5"].value is not None


def test_a_workbook_that_compares_says_by_how_many_points(busy: World) -> None:
    asked = "reports/supervision?period=2026-12&compare=previous&format=xlsx&group_by=department"
    busy.on("2026-12-02T09:00").replied()
    with time_machine.travel(busy.on("2026-12-20T09:00").now, tick=True):
        sheets = openpyxl.load_workbook(BytesIO(body(line(busy, "office").get(asked)))).worksheets
    (sheet,) = [one for one in sheets if one.title.endswith("环比同比")]
    rows = list(sheet.iter_rows(values_only=True))
    column = rows[2].index("按期办结率")

    assert rows[3][column : column + 2] == ("本期", "较上期")
    assert rows[4][column : column + 2] == (100, 50)
    assert "较上期：2026年11月。" in {row[0] for row in rows}


def test_accept_chooses_the_form_too(busy: World) -> None:
    office = line(busy, "office")

    told = office.get(f"reports/supervision?{PERIOD}", Accept="text/csv")
    assert told["Content-Type"].startswith("text/csv")
    assert body(told).startswith(b"\xef\xbb\xbf")
    for accept, kind in {
        "text/csv;q=0.1, application/json": "application/json",
        "application/json;q=0.2, text/*;q=0.9": "text/csv",
        "application/json;q=0, text/csv": "text/csv",
        "text/html, */*;q=0.8": "application/json",
    }.items():
        answer = office.get(f"reports/supervision?{PERIOD}", Accept=accept)
        assert body(answer) and answer["Content-Type"].startswith(kind), accept
    for accept in ("image/png", "application/json;q=0", "application/json;q=many"):
        assert office.get(f"reports/supervision?{PERIOD}", Accept=accept).status_code == 406, accept


def test_the_bulletin_names_the_late_issue(busy: World) -> None:
    told = line(busy, "office").get(f"reports/supervision?{PERIOD}&format=docx")
    texts = [paragraph.text for paragraph in docx.Document(BytesIO(body(told))).paragraphs]

    assert texts[0] == "关于2026年11月产改走访与问题办理情况的督查通报"
    assert any("牵头单位市人力资源和社会保障局" in text for text in texts)


def test_a_department_sees_its_own_row_and_a_member_theirs(busy: World) -> None:
    def seen(name: str) -> tuple[list[str], int]:
        told = line(busy, name).get(f"reports/supervision?{PERIOD}").data
        return [row["group"]["code"] for row in told["rows"]], told["total"]["workload"]["numerator"]

    assert seen("hrss") == (["HRSS"], 2)
    assert seen("liaison") == (["HRSS"], 2)
    assert seen("town") == (["HRSS"], 2)
    assert seen("edu") == ([], 0)
    assert seen("station") == ([], 0)
    assert seen("liaison2") == ([], 0)
    assert seen("town2") == ([], 0)


def test_the_outsiders_stay_outside(busy: World) -> None:
    assert Line().get(f"reports/supervision?{PERIOD}").status_code == 401
    assert line(busy, "auditor").get(f"reports/supervision?{PERIOD}").status_code == 403
    handler = line(busy, "hrss")
    assert handler.get(f"reports/assessment?{PERIOD}&scheme=department").status_code == 403
    assert handler.get(f"reports/supervision?{PERIOD}&format=docx").status_code == 403
    evidence = line(busy, "edu").get(f"reports/supervision/evidence?{PERIOD}&indicator=on_time_rate&group=HRSS")
    assert evidence.data["denominator"]["results"] == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("period=2026-13", "/period"),
        ("", "/period"),
        ("period=2026&from=2026-01-01", "/period"),
        ("from=2026-01-01&to=tomorrow", "/to"),
        (f"{PERIOD}&group_by=star", "/group_by"),
        (f"{PERIOD}&format=pdf", "/format"),
        (f"{PERIOD}&compare=tomorrow", "/compare"),
        (f"{PERIOD}&colour=red", "/colour"),
    ],
)
def test_a_bad_question_is_told_where(busy: World, query: str, pointer: str) -> None:
    told = line(busy, "office").get(f"reports/supervision?{query}")

    assert told.status_code == 422
    assert [fault["pointer"] for fault in told.data["errors"]] == [pointer]


def test_the_ids_behind_a_number_come_in_pages(busy: World) -> None:
    office = line(busy, "office")
    where = f"reports/supervision/evidence?{PERIOD}&indicator=on_time_rate&group=HRSS"
    both = office.get(where).data
    first = office.get(f"{where}&side=denominator&limit=1").data
    second = office.get(first["next"]).data

    assert (len(both["numerator"]["results"]), len(both["denominator"]["results"])) == (1, 2)
    assert first["results"] + second["results"] == both["denominator"]["results"]
    assert second["next"] is None
    assert office.get(f"reports/nonsense/evidence?{PERIOD}&indicator=on_time_rate").status_code == 404
    for place in ("x", "2026-11-02T09:00:00~", f"2026-11-02~{uuid7()}", f"later~{uuid7()}"):
        wrong = office.get(f"{where}&side=denominator&cursor={place}")
        assert (wrong.status_code, wrong.data["errors"][0]["pointer"]) == (422, "/cursor"), place
    assert office.get(f"reports/supervision/evidence?{PERIOD}&indicator=charm").status_code == 422
    nobody = office.get(f"reports/supervision/evidence?{PERIOD}&indicator=on_time_rate&group=NOBODY")
    assert [fault["pointer"] for fault in nobody.data["errors"]] == ["/group"]
    assert b"".join(office.get(f"{where}&format=csv").streaming_content).count(b"\r\n") == 4


def test_the_assessment_shows_its_sums(busy: World) -> None:
    office = line(busy, "office")
    told = office.get(f"reports/assessment?{PERIOD}&scheme=department").data
    (row,) = told["rows"]
    on_time = next(item for item in row["items"] if item["code"] == "on_time")

    assert told["scheme"]["version"] == 1
    assert (on_time["points"], on_time["arithmetic"]) == (0.0, "max(0；25 − 1 × (100 − 50)) = 0") or on_time[
        "points"
    ] == 0
    assert row["flags"] == ["too_small"]
    book = openpyxl.load_workbook(
        BytesIO(body(office.get(f"reports/assessment?{PERIOD}&scheme=department&format=xlsx")))
    )
    assert any(one["A1"].value == "考核计算过程" for one in book.worksheets)
    assert office.get(f"reports/assessment?{PERIOD}&scheme=nobody").status_code == 404


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


@pytest.mark.parametrize("kind", ["pressing", "issues", "duties", "tasks", "members", "boards", "stations", "doubtful"])
def test_every_register_comes_as_json_csv_and_xlsx(busy: World, kind: str) -> None:
    office = line(busy, "office")
    told = office.get(f"reports/registers/{kind}?{PERIOD}")
    book = openpyxl.load_workbook(BytesIO(body(office.get(f"reports/registers/{kind}?{PERIOD}&format=xlsx"))))

    assert told.status_code == 200, told.content
    assert told.data["tables"][0]["title"] == book.worksheets[0]["A1"].value
    assert body(office.get(f"reports/registers/{kind}?{PERIOD}&format=csv")).startswith(b"\xef\xbb\xbf")


def test_what_is_late_stays_on_the_list_and_in_the_bulletin_when_its_month_is_over(busy: World) -> None:
    office = line(busy, "office")
    then, now = (
        office.get(f"reports/registers/pressing?period={month}").data["tables"][0]["rows"]
        for month in ("2026-11", "2026-12")
    )
    book = openpyxl.load_workbook(BytesIO(body(office.get("reports/supervision?period=2026-12&format=xlsx"))))
    bulletin = docx.Document(BytesIO(body(office.get("reports/supervision?period=2026-12&format=docx"))))

    assert [row["number"] for row in now] == [row["number"] for row in then]
    assert len(now) == 1
    assert book.worksheets[-1]["A5"].value == "（本期无）"
    assert any(now[0]["number"] in paragraph.text for paragraph in bulletin.paragraphs)


def test_the_list_of_issues_shows_each_its_own_and_hides_what_is_confidential(busy: World) -> None:
    busy.reports(confidential=True, description="有人扣押身份证")

    def rows(name: str) -> list[dict[str, Any]]:
        return line(busy, name).get("reports/registers/issues?period=2026").data["tables"][0]["rows"]

    assert len(rows("office")) == 3
    assert all("身份证" not in str(row) for row in rows("office"))
    assert rows("edu") == []
    assert line(busy, "office").get(f"reports/registers/secrets?{PERIOD}").status_code == 404


def test_the_duty_record_counts_for_each_member(busy: World) -> None:
    told = line(busy, "office").get(f"reports/registers/members?{PERIOD}").data["tables"][0]["rows"]
    liaison = next(row for row in told if row["name"] == "liaison")

    assert (liaison["visit_completion.done"], liaison["visit_completion.owed"], liaison["workload"]) == (0, 1, 2)
    assert (liaison["role"], liaison["visits_per_member.done"]) == ("联络员", 0)


def test_what_is_behind_an_acknowledgement_leads_to_its_issue(busy: World) -> None:
    office = line(busy, "office")
    told = office.get(f"reports/supervision/evidence?{PERIOD}&indicator=ack_timeliness&side=denominator").data

    assert told["kind"] == "segment"
    assert len(told["issues"]) == len(told["results"]) == 2
    assert office.get(f"issues/{told['issues'][0]}").status_code == 200


def test_the_office_edits_the_layout_in_word_and_sends_it_back(busy: World) -> None:
    office = line(busy, "office")
    where = "reports/layouts/bulletin"
    layout = docx.Document(BytesIO(office.get(where).content))
    layout.paragraphs[0].insert_paragraph_before("内部资料 注意保存")
    edited = BytesIO()
    layout.save(edited)

    def send(who: Line, content: bytes) -> Any:
        raw = (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="l.docx"\r\n\r\n'
            + content
            + b"\r\n--x--\r\n"
        )
        return who.send("POST", where, raw, Content_Type="multipart/form-data; boundary=x")

    def first_line() -> str:
        made = body(office.get(f"reports/supervision?{PERIOD}&format=docx"))
        return docx.Document(BytesIO(made)).paragraphs[0].text

    assert send(line(busy, "hrss"), edited.getvalue()).status_code == 403
    assert send(office, b"no document").status_code == 422
    assert send(office, edited.getvalue()).status_code == 204
    assert first_line() == "内部资料 注意保存"
    assert office.delete(where).status_code == 204
    assert first_line().startswith("关于2026年11月")


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
