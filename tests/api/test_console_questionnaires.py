"""The office's pages for questionnaires and what was answered."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import uuid7
from journal.models import Head
from organizations.permissions import caller
from surveys import questionnaires, responses
from surveys.models import Response, Version
from surveys.samples import sample
from tests.api.test_console import enter
from tests.surveys.sheets import form

FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"
TODAY = date(2026, 11, 22)


def answered(cast) -> Response:
    version = questionnaires.upload((FORMS / "visit.xlsx").read_bytes(), by=SYSTEM, at=timezone.now())
    questionnaires.publish("visit", version.number, by=SYSTEM, at=timezone.now())
    answers = sample("visit", Random(1), TODAY) | {"training_spend": 12.5, "arrears": "none", "issues": [
        {"issue_category": "work_safety", "issue_description": "<b>车间通道</b>被原料堵塞,应急门打不开"}]}  # fmt: skip
    told = {"enterprise": str(cast.bakery.id), "questionnaire": "visit", "version": 1, "status": "submitted",
            "answers": answers, "started_at": "2026-11-22T08:40:00+08:00"}  # fmt: skip
    by = caller(cast.liaison.id, on=timezone.localdate(), device=uuid7())
    [row] = responses.put([Draft(uuid7(), told)], by=by, at=timezone.now())
    assert isinstance(row, Response), row.errors
    return row


def test_a_response_is_read_in_words_and_sent_back_with_a_comment_beside_each_answer(cast):
    row, office = answered(cast), enter("office")
    assert "面包厂" in office.get("/console/surveys/response/").content.decode()
    address = reverse("admin:surveys_response_change", args=[row.pk])
    page = office.get(address).content.decode()
    assert "职工总数" in page and "超过 8%,请核对" in page and "安全生产" in page
    assert "&lt;b&gt;车间通道&lt;/b&gt;" in page and 'name="q:issues/0/issue_description"' in page

    silent = office.post(address, {"decision": "return", "comment": " "})
    assert "退回时请说明原因" in silent.content.decode()
    sent = office.post(
        address, {"decision": "return", "comment": "", "q:issues/0/issue_description": "请补充位置", "q:employees": " "}
    )
    assert sent.status_code == 302
    row.refresh_from_db()
    assert (row.status, row.comments) == ("returned", {"issues/0/issue_description": "请补充位置"})
    assert "请补充位置" in str(Head.objects.get(record=row.id).document)
    assert "请补充位置" in office.get(address).content.decode()


def test_the_office_accepts_several_at_once_and_nobody_else_sees_the_page(cast):
    row = answered(cast)
    assert enter("liaison").get(reverse("admin:surveys_response_change", args=[row.pk])).status_code == 302
    office = enter("office")
    office.post("/console/surveys/response/", {"action": "accept", "_selected_action": [str(row.pk)]})
    row.refresh_from_db()
    assert row.status == "accepted"
    assert office.get(reverse("admin:surveys_response_change", args=[uuid7()])).status_code == 404


def test_a_version_shows_what_changed_in_words_its_preview_and_its_workbook(cast):
    for label in ("甲", "乙"):
        content = form(f"| type | name | label\n| text | a | {label}")
        questionnaires.upload(content, by=SYSTEM, at=timezone.now())
    new = Version.objects.get(number=2)
    office = enter("office")

    page = office.get(reverse("admin:surveys_version_change", args=[new.pk])).content.decode()
    assert "“乙”(a)的文字(zh)由“甲”改为“乙”" in page
    assert "乙" in office.get(reverse("admin:surveys_version_preview", args=[new.pk])).content.decode()
    assert office.get(reverse("admin:surveys_version_file", args=[new.pk])).content == content
    assert enter("liaison").get(reverse("admin:surveys_version_file", args=[new.pk])).status_code == 302
    office.post("/console/surveys/version/", {"action": "try_out", "_selected_action": [str(new.pk)]})
    new.refresh_from_db()
    assert new.status == "test"
