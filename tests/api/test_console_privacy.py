"""Requests about personal data at the office's desk: noted, looked at, settled, handed out."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from journal.models import Entry
from organizations.models import Person
from privacy.models import Period, Request
from tests.api.line import Line
from tests.api.test_console import enter

LIST = "/console/privacy/request/"


@pytest.fixture
def desk(cast) -> Client:
    return enter("office")


def asks(person, kind, **more):
    return Line(person).post("privacy/requests", {"kind": kind} | more).data["id"]


def page(key):
    return reverse("admin:privacy_request_change", args=[key])


def said(answer):
    return answer.content.decode()


def test_what_waits_is_listed_and_what_is_settled_only_when_asked_for(cast, desk):
    waiting, settled = asks(cast.liaison, "access", reason="想看看"), asks(cast.town, "access")
    desk.post(page(settled), {"decision": "grant"})
    shown = said(desk.get(LIST))
    assert page(waiting) in shown and page(settled) not in shown
    assert page(settled) in said(desk.get(LIST, {"state": "all"}))


def test_access_is_granted_seen_and_handed_out(cast, desk):
    key = asks(cast.liaison, "access", reason="想看看<b>")
    file = reverse("admin:privacy_request_file", args=[key])
    assert desk.get(file).status_code == 302, "not before it is granted"
    before = said(desk.get(page(key)))
    assert "想看看&lt;b&gt;" in before and "角色与分工:1 条" in before and file not in before

    assert desk.post(page(key), {"decision": "grant"}).status_code == 302
    assert file in said(desk.get(page(key)))
    handed = desk.get(file)
    assert handed["Content-Disposition"].startswith("attachment") and "no-store" in handed["Cache-Control"]
    assert handed.json()["person"]["username"] == "liaison"
    assert Entry.objects.filter(verb="privacy.handed_out").count() == 1


def test_a_refusal_needs_its_reason_and_is_told(cast, desk):
    key = asks(cast.liaison, "erasure")
    assert "不予办理须说明理由" in said(desk.post(page(key), {"decision": "refuse"}))
    assert "请选择" in said(desk.post(page(key), {}))
    assert desk.post(page(key), {"decision": "refuse", "answer": "仍在任"}).status_code == 302
    assert Line(cast.liaison).get(f"privacy/requests/{key}").data["answer"] == "仍在任"
    assert "该申请已办结" in said(desk.post(page(key), {"decision": "grant", "confirm": "liaison"}))


def test_nobody_is_erased_by_a_slip_of_the_hand(cast, desk):
    key = asks(cast.liaison, "erasure")
    for confirm in ("", "town"):
        assert "用户名以确认" in said(desk.post(page(key), {"decision": "grant", "confirm": confirm}))
    assert Person.objects.get(pk=cast.liaison.pk).username == "liaison"
    desk.post(page(key), {"decision": "grant", "confirm": "liaison"})
    assert Person.objects.get(pk=cast.liaison.pk).username.startswith("erased-")
    assert "已注销人员" in said(desk.get(page(key)))


def test_what_was_asked_on_paper_is_noted_and_carried_out(cast, desk):
    add = reverse("admin:privacy_request_add")
    values = {"kind": "correction", "person": str(cast.liaison.pk), "reason": "来信"}
    assert "请填写更正内容" in said(desk.post(add, values))
    assert desk.post(add, values | {"phone": "13812345678"}).status_code == 302
    row = Request.objects.get()
    assert "代为登记" in said(desk.get(page(row.pk)))
    desk.post(page(row.pk), {"decision": "grant"})
    assert Person.objects.get(pk=cast.liaison.pk).phone == "13812345678"


def test_the_office_sets_its_own_periods(cast, desk):
    add = reverse("admin:privacy_period_add")
    assert "不得少于 30 天" in said(desk.post(add, {"category": "messages", "days": 3}))
    assert desk.post(add, {"category": "messages", "days": 60}).status_code == 302
    assert "请直接修改" in said(desk.post(add, {"category": "messages", "days": 90}))
    change = reverse("admin:privacy_period_change", args=["messages"])
    assert desk.post(change, {"days": 90}).status_code == 302
    assert Period.objects.get().days == 90


def test_nobody_but_the_office_gets_there(cast):
    key = asks(cast.liaison, "access")
    for client in (Client(), enter("liaison"), enter("auditor")):
        for address in (LIST, page(key), reverse("admin:privacy_request_file", args=[key])):
            assert client.get(address)["Location"].startswith("/console/login/")
        assert client.post(page(key), {"decision": "grant"}).status_code == 302
    assert Request.objects.get().state == "open"
