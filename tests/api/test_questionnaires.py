"""Questionnaires and responses over HTTP: from the XLSForm to the answer sent back, exported, given without a name."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path
from random import Random

import openpyxl
import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from core.drafts import Draft
from core.ids import uuid7
from inspections.models import Issue
from journal.models import Head
from organizations.models import Enterprise
from organizations.permissions import caller
from surveys import anonymous, responses
from surveys.models import PublicLink, Response
from surveys.samples import sample
from tests.api.line import V1, Line
from tests.inspections import cast as issues_cast
from tests.organizations.cast import PASSWORD
from tests.surveys.sheets import form as workbook

FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"
TODAY = date(2026, 11, 22)
PAGE = "application/x-www-form-urlencoded"


def upload(line: Line, content: bytes, **headers: str):
    file = SimpleUploadedFile("form.xlsx", content)
    given = {"Authorization": f"Bearer {line.access}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    response = line.client.post(f"{V1}questionnaires", {"file": file}, headers=given)
    response.data = orjson.loads(response.content)
    return response


def publish(line: Line, code: str) -> None:
    uploaded = upload(line, (FORMS / f"{code}.xlsx").read_bytes())
    assert uploaded.status_code == 201, uploaded.content
    version = uploaded.data["version"]
    assert line.post(f"questionnaires/{code}/versions/{version}/publish").status_code == 200


def submit(cast, code: str, count: int, person=None) -> list[Response]:
    by = caller((person or cast.liaison).id, on=timezone.localdate(), device=uuid7())
    drafts = [
        Draft(uuid7(), {
            "enterprise": str(cast.bakery.id), "questionnaire": code, "version": 1, "status": "submitted",
            "answers": sample(code, Random(seed), TODAY), "started_at": "2026-11-22T08:40:00+08:00",
        })
        for seed in range(count)
    ]  # fmt: skip
    return responses.put(drafts, by=by, at=timezone.now())


def test_a_form_sent_again_under_its_key_makes_no_second_version(cast):
    office, form = Line(cast.office), (FORMS / "visit.xlsx").read_bytes()
    first = upload(office, form, Idempotency_Key="k1")
    again = upload(office, form, Idempotency_Key="k1")

    assert (again.status_code, again.data) == (201, first.data)
    assert [row["version"] for row in office.get("questionnaires/visit/versions").data["results"]] == [1]


def test_the_office_uploads_a_form_and_publishes_it(cast):
    office = Line(cast.office)

    uploaded = upload(office, (FORMS / "visit.xlsx").read_bytes())
    assert (uploaded.status_code, uploaded.data) == (
        201,
        {"code": "visit", "version": 1, "status": "draft", "warnings": []},
    )
    assert Line(cast.liaison).get("questionnaires/visit/versions/1").status_code == 404

    published = office.post("questionnaires/visit/versions/1/publish")
    assert published.data["status"] == "published"
    seen = Line(cast.liaison).get("questionnaires/visit/versions/1")
    assert seen.data["form"]["title"]["en"] == "Visit to a pilot enterprise"
    [listed] = Line(cast.liaison).get("questionnaires").data["results"]
    assert (listed["code"], listed["published"]) == ("visit", 1)
    again = Line(cast.liaison).get("questionnaires/visit/versions/1/form", If_None_Match=Line(cast.liaison).get(
        "questionnaires/visit/versions/1/form")["ETag"])  # fmt: skip
    assert again.status_code == 304
    workbook_back = office.get("questionnaires/visit/versions/1/xlsx")
    assert workbook_back.content == (FORMS / "visit.xlsx").read_bytes()
    assert office.get("questionnaires/visit/versions/1/xform").content.startswith(b"<?xml")
    preview = office.get("questionnaires/visit/versions/1/preview", Accept_Language="en")
    page = preview.content.decode()
    assert "Visit to a pilot enterprise" in page
    assert "Constraint <code>. &gt;= 1 and . &lt;= 50000</code> — This must be between 1 and 50000" in page
    assert 'Its own <span class="hint">(5)</span>' in page and "Dimension <code>political</code>" in page


def test_nobody_else_writes_questionnaires(cast):
    for person in (cast.liaison, cast.observer, cast.town, cast.handler, cast.auditor):
        line = Line(person)
        assert upload(line, b"").status_code == 403
        assert line.post("questionnaires/visit/versions/1/publish").status_code == 403
    assert Line().get("questionnaires").status_code == 401


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"<?xml version='1.0'?>", b"\xff" * 1000])
def test_what_is_no_workbook_is_refused_in_the_callers_language(cast, content):
    answer = upload(Line(cast.office), content, Accept_Language="en")
    assert answer.status_code == 422
    assert answer.data["errors"][0]["detail"] == "This is not a valid .xlsx file" or not content


def test_a_faulty_form_is_named_by_sheet_row_and_column(cast):
    faulty = workbook("| type | name | label | relevant |\n| text | a | A | |\n| text | b | B | nosuch(${a}) |")

    answer = upload(Line(cast.office), faulty, Accept_Language="en")

    assert answer.status_code == 422
    [fault] = answer.data["errors"]
    assert fault["pointer"] == "/survey/3/relevant"
    assert "Sheet survey, row 3, column D" in fault["detail"] and "nosuch" in fault["detail"]


def test_a_new_version_is_compared_with_the_old_one_in_words(cast):
    office = Line(cast.office)
    choices = "| list_name | name | label::Chinese (zh) | label::English (en) | score\n| l | x | 一 | One | 1\n| l | y | 二 | Two |"
    upload(
        office,
        workbook("| type | name | label |\n| text | a | 甲 |\n| text | b | 乙 |\n| select_one l | s | 选", choices),
    )
    new = (
        "| type | name | label | required |\n| text | a | 甲 | yes |\n| text | c | 丙 | |\n| select_one l | s | 选一 |"
    )
    upload(office, workbook(new, choices.replace("二", "贰").replace("| 1", "| 3")))

    said = office.get("questionnaires/demo/versions/2/diff", Accept_Language="en").data

    assert said["since"] == 1
    assert said["differences"] == [
        "“甲” (a): required was “none”, now “yes”", "“丙” (c) was added", "“选一” (s): wording (zh) was “选”, now “选一”",
        "“乙” (b) was removed", "“One” (x) in the list l: score was “1.0”, now “3.0”",
        "“Two” (y) in the list l: wording (zh) was “二”, now “贰”",
    ]  # fmt: skip
    told = office.get("questionnaires/demo/versions/2/diff").data["differences"]
    assert told[0] == "“甲”(a)的是否必答由“无”改为“是”"


def test_the_office_says_whose_visits_want_a_questionnaire_and_phones_are_told(cast):
    office = Line(cast.office)
    publish(office, "visit")
    wanted = {"requirements": [{"role": "liaison", "pilot_tier": "city"}, {"role": "instructor", "pilot_tier": None}]}

    said = office.send("PUT", "questionnaires/visit/requirements", wanted)

    assert said.status_code == 200, said.content
    [head] = Head.objects.filter(collection="questionnaires")
    assert orjson.loads(head.document)["required_for"] == sorted(wanted["requirements"], key=lambda each: each["role"])
    assert Line(cast.liaison).get("questionnaires/visit/requirements").data == {
        "requirements": sorted(wanted["requirements"], key=lambda each: each["role"])
    }
    assert Line(cast.liaison).send("PUT", "questionnaires/visit/requirements", wanted).status_code == 403
    assert (
        office.send("PUT", "questionnaires/visit/requirements", {"requirements": [{"role": "king"}]}).status_code == 422
    )
    assert office.send("PUT", "questionnaires/nothing/requirements", wanted).status_code == 404
    assert office.get("questionnaires/visit").data["published"] == 1


def test_the_office_reviews_and_the_outsider_sees_nothing(cast):
    office = Line(cast.office)
    publish(office, "visit")
    [row] = submit(cast, "visit", 1)

    seen = office.get(f"responses/{row.id}").data
    assert seen["scoring"]["political"]["score"] == seen["scores"]["political"]
    assert "÷" in seen["scoring"]["political"]["working"]
    assert Line(cast.outsider).get(f"responses/{row.id}").status_code == 404
    assert Line(cast.outsider).get("responses").data["results"] == []
    assert Line(cast.outsider).post(f"responses/{row.id}/review", {"decision": "accept"}).status_code == 403

    body = {"decision": "return", "comments": {"employees": "请核对"}}
    returned = office.post(f"responses/{row.id}/review", body)
    assert (returned.status_code, returned.data["status"]) == (200, "returned")
    late = office.post(f"responses/{row.id}/review", {"decision": "accept"})
    assert (late.status_code, late.data["state"]) == (409, "returned")


def test_lists_are_narrowed_by_what_people_look_for(cast):
    office = Line(cast.office)
    publish(office, "visit")
    submit(cast, "visit", 3)

    def count(query: str) -> int:
        return len(office.get(f"responses?{query}").data["results"])

    assert count("questionnaire=visit&status=submitted") == 3
    assert count("status=accepted") == 0
    assert count(f"enterprise={cast.bakery.id}") == 3
    assert count("received_from=2000-01-01&received_to=2000-01-02") == 0
    assert office.get("responses?colour=red").status_code == 422
    first = office.get("responses?limit=2").data
    assert len(first["results"]) == 2 and len(office.get(first["next"]).data["results"]) == 1


def exported(line: Line, query: str) -> bytes:
    response = line.get(f"responses/export?questionnaire=visit&{query}")
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def test_answers_leave_as_tables_maps_and_workbooks(cast):
    office = Line(cast.office)
    publish(office, "visit")
    rows = submit(cast, "visit", 30)

    main = list(csv.DictReader(io.StringIO(exported(office, "format=csv").decode("utf-8-sig"))))
    assert {each["id"] for each in main} == {str(row.id) for row in rows}
    one = next(each for each in main if each["id"] == str(rows[0].id))
    assert one["employees"] == str(rows[0].answers["employees"])
    issues = list(csv.DictReader(io.StringIO(exported(office, "format=csv&table=issues").decode("utf-8-sig"))))
    assert len(issues) == sum(len(row.answers["issues"]) for row in rows)
    labelled = exported(office, "format=csv&labels=true").decode("utf-8-sig")
    assert "职工总数" in labelled.splitlines()[0] and "单独建立" in labelled
    assert "实地走访" in exported(office, "format=csv&table=codebook").decode("utf-8-sig")

    features = orjson.loads(exported(office, "format=geojson"))["features"]
    assert len(features) == 30
    on_site = [each for each in features if each["properties"]["mode"] == "on_site"]
    assert all(abs(each["geometry"]["coordinates"][1] - 31.84) < 0.1 for each in on_site)

    book = openpyxl.load_workbook(io.BytesIO(exported(office, "format=xlsx")))
    assert book.sheetnames == ["responses", "open_issues", "issues", "issue_photos", "codebook"]
    assert book["responses"].max_row == 31
    assert Line(cast.liaison).get("responses/export?questionnaire=visit").status_code == 403
    assert office.get("responses/export?questionnaire=visit&table=nothing").status_code == 422


def test_labels_name_regions_and_enterprises_too(cast):
    office = Line(cast.office)
    upload(office, workbook("""
        | type | name | label
        | select_one_from_file regions.csv | town | 镇
        | select_multiple_from_file enterprises.csv | firms | 企业
    """))  # fmt: skip
    office.post("questionnaires/demo/versions/1/publish")
    answers = {"town": cast.bakery.region.code, "firms": [str(cast.bakery.id)]}
    given = {"enterprise": str(cast.bakery.id), "questionnaire": "demo", "version": 1, "status": "submitted",
             "answers": answers, "started_at": "2026-11-22T08:40:00+08:00"}  # fmt: skip
    by = caller(cast.liaison.id, on=timezone.localdate(), device=uuid7())
    [row] = responses.put([Draft(uuid7(), given)], by=by, at=timezone.now())
    assert isinstance(row, Response), row.errors

    def last_line(asked: str) -> list[str]:
        address = f"responses/export?questionnaire=demo&{asked}"
        content = b"".join(office.get(address).streaming_content).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(content)))[-1][-2:]

    assert last_line("labels=true") == [cast.bakery.region.name, cast.bakery.name]
    assert last_line("labels=false") == [cast.bakery.region.code, str(cast.bakery.id)]


def test_a_spreadsheet_takes_no_answer_for_a_formula(cast):
    office = Line(cast.office)
    upload(office, workbook("| type | name | label |\n| text | a | 甲 |"))
    office.post("questionnaires/demo/versions/1/publish")
    by = caller(cast.liaison.id, on=timezone.localdate())
    changes = {"enterprise": str(cast.bakery.id), "questionnaire": "demo", "version": 1, "status": "submitted",
               "answers": {"a": '=HYPERLINK("http://x")'}, "started_at": "2026-11-22T08:40:00+08:00"}  # fmt: skip
    responses.put([Draft(uuid7(), changes)], by=by, at=timezone.now())

    content = b"".join(office.get("responses/export?questionnaire=demo").streaming_content).decode("utf-8-sig")

    assert "'=HYPERLINK" in content


def test_whatever_a_draft_holds_comes_back_from_the_file_as_it_was(cast):
    office = Line(cast.office)
    upload(office, workbook("| type | name | label\n| text | a | 甲\n| integer | n | 数\n| select_multiple l | s | 选",
                            "| list_name | name | label\n| l | x | X\n| l | y | Y"))  # fmt: skip
    office.post("questionnaires/demo/versions/1/publish")
    told = ['说 "好", 行', "两行\n字", "C:\\temp\\x", "[x]", "{y}", "null", "", "普通"]
    odd = [{"a": ["x", 1]}, {"a": {"b": 2}}, {"n": "1,2"}, {"n": True}, {"n": 1.5}, {"s": ["x", "y"]}, {"s": "x"}, {}]
    given = {"enterprise": str(cast.bakery.id), "questionnaire": "demo", "version": 1, "status": "draft",
             "started_at": "2026-11-22T08:40:00+08:00"}  # fmt: skip
    drafts = [Draft(uuid7(), given | {"answers": answers}) for answers in [*({"a": text} for text in told), *odd]]
    responses.put(drafts, by=caller(cast.liaison.id, on=timezone.localdate(), device=uuid7()), at=timezone.now())

    content = b"".join(office.get("responses/export?questionnaire=demo").streaming_content).decode("utf-8-sig")

    by_id = {line["id"]: line for line in csv.DictReader(io.StringIO(content, newline=""))}
    lines = [by_id[str(draft.id)] for draft in drafts]
    assert [line["a"] for line in lines[:8]] == told
    assert [line["a"] for line in lines[8:10]] == ["['x', 1]", "{'b': 2}"]
    assert [line["n"] for line in lines[10:13]] == ["1,2", "true", "1.5"]
    assert [line["s"] for line in lines[13:15]] == ["x y", "x"]
    assert all(len(line) == 13 and None not in line for line in lines)


def test_the_next_visit_begins_with_what_is_known(cast):
    office = Line(cast.office)
    publish(office, "visit")
    [row] = submit(cast, "visit", 1)

    known = Line(cast.liaison).get(f"questionnaires/visit/prefill?enterprise={cast.bakery.id}").data["answers"]

    assert known["employees"] == row.answers["employees"]
    assert "check_in" not in known and "issues" not in known and "senior_share" not in known
    assert "arrears" not in known, "what happened lately is asked anew"
    assert Line(cast.outsider).get(f"questionnaires/visit/prefill?enterprise={cast.bakery.id}").status_code == 404


def test_the_next_visit_asks_about_the_issues_still_open(db):
    world = issues_cast.settle()
    for name in ("liaison", "office"):
        world.people[name].set_password(PASSWORD)
        world.people[name].save()
    publish(Line(world.people["office"]), "visit")
    liaison = Line(world.people["liaison"])

    def reports(description: str, **more) -> str:
        told = {"enterprise": str(world.bakery.id), "category": "recruitment", "description": description}
        made = liaison.post("issues", told | more)
        assert made.status_code == 201, made.content
        return made.data["id"]

    open_one = reports("招不到熟练工人")
    reports("要求保密的一个问题", confidential=True)
    Issue.objects.filter(pk=reports("已经办结的一个问题")).update(state="closed", closed_at=timezone.now())

    found = liaison.get(f"questionnaires/visit/prefill?enterprise={world.bakery.id}").data["answers"]
    assert found == {
        "open_issues": [{"open_issue": open_one, "open_category": "recruitment", "open_description": "招不到熟练工人"}]
    }, "neither the confidential one nor the closed one"


def link(office: Line, cast) -> str:
    publish(office, "worker_satisfaction")
    made = office.post("questionnaires/worker_satisfaction/links", {"enterprise": str(cast.bakery.id)})
    assert made.status_code == 201, made.content
    return made.data["url"].replace("http://testserver", "")


def test_a_worker_answers_without_a_name_on_a_plain_page(cast):
    address = link(Line(cast.office), cast)
    phone = Client()

    page = phone.get(address, headers={"Accept": "text/html", "Accept-Language": "en"})
    assert "Will you take part?" in page.content.decode() and "<script" not in page.content.decode()
    refused = phone.post(address, "consent=yes", content_type=PAGE)
    assert refused.status_code == 422 and "年龄" in refused.content.decode()
    thanks = phone.post(address, "consent=no&age=25_34", content_type=PAGE)
    assert (thanks.status_code, "感谢" in thanks.content.decode()) == (201, True)

    kept = Response.objects.get()
    assert (kept.author, kept.device, kept.visit) == (None, None, None)
    assert kept.answers == {"consent": "no"}, "what is not asked is dropped"
    assert (kept.received_at.minute, kept.received_at.second) == (0, 0)


def test_a_worker_may_choose_the_town_on_the_page(cast):
    office = Line(cast.office)
    settings = "| form_id | anonymous\n| demo | yes"
    upload(
        office,
        workbook("| type | name | label\n| select_one_from_file regions.csv | home | 居住镇街", settings=settings),
    )
    office.post("questionnaires/demo/versions/1/publish")
    made = office.post("questionnaires/demo/links", {"enterprise": str(cast.bakery.id)})
    address = made.data["url"].replace("http://testserver", "")
    region = cast.bakery.region

    page = Client().get(address, headers={"Accept": "text/html"}).content.decode()
    assert f'value="{region.code}"' in page and region.name in page
    assert Client().post(address, "home=nowhere", content_type=PAGE).status_code == 422
    assert Client().post(address, f"home={region.code}", content_type=PAGE).status_code == 201
    assert Response.objects.get().answers == {"home": region.code}


def test_groups_under_five_are_suppressed_everywhere(cast):
    office = Line(cast.office)
    address = link(office, cast)
    phone = Line()
    for seed in range(4):
        answer = phone.post(address, {"answers": sample("worker_satisfaction", Random(seed), TODAY)})
        assert answer.status_code == 201, answer.content

    summary = "questionnaires/worker_satisfaction/summary"
    assert office.get(summary).data == {"count": None, "suppressed": True, "scores": {}, "choices": {}, "alerts": []}
    export = "responses/export?questionnaire=worker_satisfaction"
    assert len(b"".join(office.get(export).streaming_content).splitlines()) == 1
    assert office.get("responses").data["results"] == []

    phone.post(address, {"answers": sample("worker_satisfaction", Random(9), TODAY)})
    assert office.get(summary).data["count"] == 5
    lines = b"".join(office.get(export).streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("number,score_political"), "no id, no enterprise, no time, no version"
    assert office.get(f"responses/{Response.objects.first().id}").status_code == 404
    assert Line(cast.outsider).get(summary).data["suppressed"]


def give(cast, **counts: int) -> dict[str, str]:
    """So many anonymous answers to each enterprise; the address of each."""
    office, addresses = Line(cast.office), {}
    publish(office, "worker_satisfaction")
    for name, count in counts.items():
        firm = str(getattr(cast, name).id)
        made = office.post("questionnaires/worker_satisfaction/links", {"enterprise": firm})
        addresses[name] = made.data["url"].replace("http://testserver", "")
        for seed in range(count):
            anonymous.take(made.data["token"], sample("worker_satisfaction", Random(seed), TODAY), at=timezone.now())
    return addresses


def test_what_one_answer_hides_no_other_tells(cast):
    cast.cannery = Enterprise.objects.create(name="周庄罐头厂", region=cast.bakery.region)
    give(cast, bakery=12, cannery=3, mill=6)
    office, town = Line(cast.office), Line(cast.town)
    address = "questionnaires/worker_satisfaction/summary"

    def count(line: Line, **asked) -> int | None:
        return line.get(address + "?" + "&".join(f"{name}={value}" for name, value in asked.items())).data["count"]

    assert count(office, enterprise=cast.cannery.id) is None
    assert count(office, enterprise=cast.bakery.id) == 12
    assert count(office, region=cast.bakery.region_id) == 12, "not 15: the difference would be the cannery"
    assert count(office) == 18, "nor does the whole tell"
    assert count(town) in (12, None)
    export = "responses/export?questionnaire=worker_satisfaction"
    assert len(b"".join(office.get(export).streaming_content).splitlines()) == 19
    for telling in ("received_from=2026-01-01", "version=1", "status=submitted"):
        assert office.get(f"{export}&{telling}").status_code == 422

    cast.laundry = Enterprise.objects.create(name="周庄洗衣厂", region=cast.bakery.region)
    give(cast, laundry=2)
    assert count(office, enterprise=cast.laundry.id) is None
    assert count(office, region=cast.bakery.region_id) == 17, "two small ones hide each other: five people of two firms"
    assert count(office) == 23


def test_a_question_that_few_answered_is_a_small_group_too(cast):
    give(cast, bakery=0)
    token = PublicLink.objects.get(closed_at=None).token
    for seed in range(8):
        answers = sample("worker_satisfaction", Random(100 + seed), TODAY)
        answers = {"consent": "yes"} | answers | {"union_member": "no" if seed < 3 else "yes"}
        if seed < 3:
            answers["why_not"] = "no_union"
        else:
            answers.pop("why_not", None)
        anonymous.take(token, answers, at=timezone.now())
    said = Line(cast.office).get(f"questionnaires/worker_satisfaction/summary?enterprise={cast.bakery.id}").data
    assert said["choices"]["union_member"] == {"yes": 5, "no": 3}
    assert "why_not" not in said["choices"], "three people answered it"


def test_often_late_pay_raises_an_alert_of_the_group(cast):
    office = Line(cast.office)
    address = link(office, cast)
    for seed in range(20):
        answers = sample("worker_satisfaction", Random(seed), TODAY)
        if answers["consent"] == "yes":
            answers["pay_on_time"] = "often_late" if seed < 4 else "always"
        Line().post(address, {"answers": answers})

    alerts = office.get("questionnaires/worker_satisfaction/summary").data["alerts"]
    assert [each["code"] for each in alerts] == ["often-late-pay"]


@pytest.mark.parametrize("answers", [None, [], "x", 7, {"consent": ["yes"]}, {"consent": {"a": 1}}, {"unknown": 1}])
def test_any_shape_from_a_stranger_is_a_refusal(cast, answers):
    address = link(Line(cast.office), cast)
    assert Line().post(address, {"answers": answers}).status_code == 422
    assert Line().get("public/questionnaires/nothing").status_code == 404
    assert not Response.objects.exists()


def test_a_link_is_slowed_down_closed_and_replaced(cast):
    office = Line(cast.office)
    address = link(office, cast)
    PublicLink.objects.update(minute=timezone.now().replace(second=0, microsecond=0), taken_in_minute=60)
    busy = Line().post(address, {"answers": {"consent": "no"}})
    assert busy.status_code in (201, 429)
    if busy.status_code == 429:
        assert busy["Retry-After"]

    office.post("questionnaires/worker_satisfaction/links", {"enterprise": str(cast.bakery.id)})
    assert Line().get(address).status_code == 404
    other = office.post("questionnaires/visit/links", {"enterprise": str(cast.bakery.id)})
    assert other.status_code == 404
