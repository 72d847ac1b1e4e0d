"""The office's console: Chinese pages whose saves are the verbs of the house."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from inspections import rules
from inspections.models import Issue
from inspections.rulebook import ReplyTemplate, RoutingRule
from journal.models import Entry, Grant
from organizations import totp
from organizations.models import Assignment, Device, Enterprise, Person
from surveys.models import Version
from tests.api.line import Line
from tests.inspections import cast as issues_cast
from tests.organizations.cast import PASSWORD

LISTS = ("organizations_person", "organizations_assignment", "organizations_device", "organizations_enterprise",
         "organizations_region", "organizations_department", "inspections_routingrule", "inspections_issuecategory",
         "surveys_version", "inspections_issue", "inspections_replytemplate", "privacy_request", "privacy_period")  # fmt: skip


def enter(username: str, password: str = PASSWORD, **more: str) -> Client:
    client = Client()
    client.post("/console/login/?next=/console/", {"username": username, "password": password, **more})
    return client


def inside(client: Client) -> bool:
    return client.get("/console/").status_code == 200


@pytest.fixture
def office(cast, client):
    return enter("office")


def save(client, page, values, *args):
    """Post a form as the browser would; gives the response."""
    return client.post(reverse(f"admin:{page}", args=args), values)


def test_the_office_is_let_in_and_others_are_not(cast):
    assert inside(enter("office"))
    for username in ("liaison", "town", "hrss", "auditor", "observer", "nobody"):
        assert not inside(enter(username))
    assert not inside(enter("office", "wrong"))
    assert Entry.objects.filter(verb="console.entered", record=cast.office.id).count() == 1


def test_guessing_at_the_console_locks_the_name(cast):
    for _ in range(5):
        enter("office", "wrong")
    assert not inside(enter("office"))


def test_every_list_and_form_opens_in_chinese(cast, office):
    rules.load(by=SYSTEM, at=cast.at)
    front = office.get("/console/").content.decode()
    assert "三员通管理台" in front and "组织与人员" in front
    assert not re.findall(r'(?:src|href)="(?:https?:)?//[^"]+', front)  # nothing is fetched from elsewhere
    for name in LISTS:
        page = office.get(reverse(f"admin:{name}_changelist"))
        assert page.status_code == 200, name
        model = page.context["cl"].model
        row = model.objects.first()
        if row is not None:
            assert office.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200, name
        if page.context["has_add_permission"]:
            assert office.get(reverse(f"admin:{name}_add")).status_code == 200, name


def test_an_assignment_made_here_reaches_the_phone(cast, office):
    values = {"person": cast.liaison.id, "role": "liaison", "enterprise": cast.mill.id, "starts_on": "2020-01-01"}
    answer = save(office, "organizations_assignment_add", values)
    assert answer.status_code == 302, answer.content.decode()

    assert Grant.objects.filter(person=cast.liaison.id, scope__name=f"enterprise:{cast.mill.id}", live=True).exists()
    entry = Entry.objects.filter(verb="assignment.begun").latest("id")
    assert entry.person == cast.office.id

    row = Assignment.objects.get(person=cast.liaison, enterprise=cast.mill)
    office.post(reverse("admin:organizations_assignment_changelist"), {"action": "end", "_selected_action": [row.pk]})
    assert not Grant.objects.filter(
        person=cast.liaison.id, scope__name=f"enterprise:{cast.mill.id}", live=True
    ).exists()


def test_what_a_verb_refuses_is_shown_beside_the_field(cast, office):
    values = {"name": "某厂", "uscc": "91350100M000100Y44", "region": cast.xiake.id, "active": "on",
              "location": "null", "brands": "[]"}  # fmt: skip
    page = save(office, "organizations_enterprise_add", values)
    assert page.status_code == 200 and "校验位不对" in page.content.decode()
    assert not Enterprise.objects.filter(name="某厂").exists()

    save(office, "organizations_enterprise_add", values | {"uscc_override": "已核对原件"})
    assert Enterprise.objects.get(name="某厂").uscc_override == "已核对原件"


def test_an_enterprise_changed_here_changes_on_phones(cast, office):
    values = {"name": "面包二厂", "region": cast.huashi.id, "active": "on", "location": "null", "brands": "[]"}
    assert save(office, "organizations_enterprise_change", values, cast.bakery.id).status_code == 302
    assert not Grant.objects.filter(person=cast.town.id, scope__name=f"enterprise:{cast.bakery.id}", live=True).exists()
    assert Entry.objects.filter(verb="enterprise.changed", record=cast.bakery.id, person=cast.office.id).exists()


def test_a_person_entered_here_signs_in_and_a_new_password_ends_sessions(cast, office):
    values = {
        "username": "new",
        "name": "新人",
        "new_password": "Correct-Horse-9",
        "language": "zh-Hans",
        "is_active": "on",
    }
    assert save(office, "organizations_person_add", values).status_code == 302
    line = Line(Person.objects.get(username="new"))

    weak = values | {"new_password": "short"}
    page = save(office, "organizations_person_change", weak, Person.objects.get(username="new").pk)
    assert "密码长度" in page.content.decode() and line.get("me").status_code == 200

    again = values | {"new_password": "Better-Horse-10"}
    assert save(office, "organizations_person_change", again, Person.objects.get(username="new").pk).status_code == 302
    assert line.get("me").status_code == 401


def test_a_qr_code_lets_one_phone_in(cast, office):
    page = office.post(
        reverse("admin:organizations_person_changelist"), {"action": "enroll", "_selected_action": [cast.liaison.id]}
    ).content.decode()
    code = re.search(r"font-mono\">([0-9A-Z]{26})<", page)[1]
    assert Line().post("auth/enroll", {"code": code, "device": {"id": str(cast.liaison.id)}}).status_code == 200


def test_a_device_signed_off_here_wipes(cast, office):
    line = Line(cast.liaison)
    device = Device.objects.get(person=cast.liaison)
    office.post(reverse("admin:organizations_device_changelist"), {"action": "revoke", "_selected_action": [device.pk]})
    assert line.get("me").data["wipe"] is True


def test_a_changed_rule_is_a_new_version(cast, office):
    rules.load(by=SYSTEM, at=cast.at)
    row = RoutingRule.objects.filter(ended_at=None).first()
    values = {name: getattr(row, name) for name in ("priority", "category", "place", "when", "lead", "deadline_class")}
    answer = save(office, "inspections_routingrule_change", values | {"add_assists": "[]", "why": "改了"}, row.pk)
    assert answer.status_code == 302, answer.content.decode()
    row.refresh_from_db()
    assert row.ended_at is not None
    assert RoutingRule.objects.get(line=row.line, ended_at=None).why == "改了"


def test_a_questionnaire_is_uploaded_and_published(cast, office):
    file = next(iter(sorted(Path("data").rglob("*.xlsx"))))
    with file.open("rb") as opened:
        answer = save(office, "surveys_version_add", {"file": opened})
    assert answer.status_code == 302, answer.content.decode()
    row = Version.objects.get()
    office.post(reverse("admin:surveys_version_changelist"), {"action": "publish", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.status == "published"


def test_no_page_holds_a_script_of_its_own(cast, office):
    """So the policy that browsers are told need not allow any, and what somebody typed can never become one."""
    pages = ["/console/", "/console/login/", *(reverse(f"admin:{name}_changelist") for name in LISTS)]
    pages += [reverse(f"admin:{name}_add") for name in ("organizations_person", "surveys_version")]
    pages += [reverse("admin:organizations_person_change", args=[cast.liaison.id]), "/console/second-factor/"]
    for address in pages:
        answer = office.get(address)
        assert "'unsafe-inline'" not in answer["Content-Security-Policy"].split("script-src")[1].split(";")[0]
        page = answer.content.decode()
        assert not re.search(r"<script(?![^>]*(?:\bsrc=|application/json))", page), address
        assert not re.search(r"<[^>]+\son[a-z]+=|javascript:", page), address


def test_passwords_are_typed_masked_and_may_be_pasted(cast, office):
    pages = ["/console/login/", "/console/second-factor/", reverse("admin:organizations_person_add")]
    for address, client in zip(pages, (Client(), office, office), strict=True):
        page = client.get(address).content.decode()
        fields = re.findall(r"<input[^>]*name=\"(?:new_)?password\"[^>]*>", page)
        assert fields, address
        assert all('type="password"' in field and "paste" not in field and "readonly" not in field for field in fields)


def test_every_page_has_a_way_out(cast, office):
    for name in LISTS:
        assert 'action="/console/logout/"' in office.get(reverse(f"admin:{name}_changelist")).content.decode(), name


def test_rows_are_never_deleted_here(cast, office):
    assert (
        office.post(reverse("admin:organizations_person_delete", args=[cast.liaison.id]), {"post": "yes"}).status_code
        == 403
    )


def test_the_session_ends_after_half_an_hour_of_silence(cast, office):
    assert office.session.get_expiry_age() == 1800
    assert office.session.get_expire_at_browser_close() is False


def test_a_person_who_loses_the_office_loses_the_console(cast, office):
    Assignment.objects.filter(person=cast.office).update(ends_on=timezone.localdate() - timedelta(1))
    assert not inside(office)


def test_where_a_second_factor_is_asked_for_the_console_opens_only_with_it(cast, settings):
    settings.CONSOLE_SECOND_FACTOR = True
    client = enter("office")
    assert client.get("/console/")["Location"].endswith("/second-factor/")
    assert "<svg" in client.get("/console/second-factor/").content.decode()

    seed, now = client.session["totp_seed"], timezone.now()
    code = totp.code(totp.secret(seed), totp.step_of(now))
    client.post("/console/second-factor/", {"code": code, "password": "not it"})
    assert not Person.objects.get(pk=cast.office.id).totp_secret, "a session left open is not enough"
    client.post("/console/second-factor/", {"code": code, "password": PASSWORD})
    assert inside(client)

    assert not inside(enter("office"))
    assert not inside(enter("office", code=code))
    Person.objects.filter(pk=cast.office.id).update(totp_step=0)
    assert inside(enter("office", code=totp.code(totp.secret(seed), totp.step_of(timezone.now()))))


def test_the_desk_is_worked_in_the_console_too(db):
    world = issues_cast.settle()
    world.now = timezone.now()
    world.people["office"].set_password(PASSWORD)
    world.people["office"].save()
    issue = world.reports(confidential=True)
    console = enter("office")
    queue = console.get(reverse("admin:inspections_issue_changelist")).content.decode()
    assert "招不到熟练工人" in queue and "在办" in queue
    where = reverse("admin:inspections_issue_change", args=[issue.pk])
    page = console.get(where).content.decode()
    for words in ("华士面包厂", "派单规则 派单", "可进行的操作", "督办"):
        assert words in page

    refused = console.post(where, {"action": "supervise", "reason": ""})
    assert refused.status_code == 200 and "必填" in refused.content.decode()
    assert console.post(where, {"action": "supervise", "reason": "久拖不决"}).status_code == 302
    assert "久拖不决" in console.get(where).content.decode()
    assert Issue.objects.get().colour == "yellow"

    world.does("hrss", issue, "acknowledge")
    late = console.post(where, {"action": "approve_return"})
    assert "该操作已不可进行" in late.content.decode()
    opinion = {"action": "assist_opinion", "text": "电话征求:同意", "department": "EDU"}
    assert console.post(where, opinion).status_code == 302
    world.does("hrss", issue, "reply", "已对接技校", outcome="solved")
    console.post(reverse("admin:inspections_issue_changelist"), {"action": "accept", "_selected_action": [issue.pk]})
    closing = {"action": "close", "satisfaction": "not_rated", "solved": "", "method": "phone"}
    assert "三次回访" in console.post(where, closing).content.decode()
    console.post(where, closing | {"satisfaction": "satisfied", "solved": "true"})
    assert (Issue.objects.get().state, Issue.objects.get().solved) == ("closed", True)
    assert console.get(where.replace(str(issue.pk), str(uuid4()))).status_code == 404
    assert Client().get(where).status_code == 302


def test_reply_templates_are_written_in_the_console(cast, office):
    values = {
        "title": "已办结",
        "body": "{enterprise}反映的问题已办结。{someone}",
        "party": "",
        "outcome": "",
        "category": "",
    }
    page = save(office, "inspections_replytemplate_add", values)
    assert "没有占位符 {someone}" in page.content.decode()
    assert save(office, "inspections_replytemplate_add", values | {"body": "{enterprise}已办"}).status_code == 302
    assert ReplyTemplate.objects.get().party == ""
