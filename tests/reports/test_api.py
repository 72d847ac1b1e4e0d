"""Reports over HTTP: shapes, forms, who sees what, and refusals with their pointers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import docx
import openpyxl
import pytest
import time_machine

from core.ids import uuid7
from tests.api.line import Line
from tests.inspections.cast import World
from tests.reports.desk import PERIOD, body, line


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
