"""Where somebody is signed in, seen and ended over HTTP: phones and the console in one list."""

from __future__ import annotations

from django.utils import timezone

from organizations import totp
from tests.api.line import Line
from tests.api.test_console import enter, inside
from tests.organizations.cast import PASSWORD


def listed(line):
    return {row["id"]: row for row in line.get("auth/sessions").data["results"]}


def test_one_list_of_phones_and_console_and_nobody_elses(cast):
    line, other, desk = Line(cast.office), Line(cast.office), enter("office")
    Line(cast.liaison)
    rows = listed(line)
    assert sorted(row["kind"] for row in rows.values()) == ["console", "phone", "phone"]
    assert [row["device"] for row in rows.values() if row["current"]] == [line.answer["device"]["id"]]
    assert {row["name"] for row in rows.values()} == {"红米", None}

    [console] = [key for key, row in rows.items() if row["kind"] == "console"]
    assert line.post("auth/sessions/end", {"password": PASSWORD, "sessions": [console]}).status_code == 204
    assert not inside(desk)
    assert other.get("me").status_code == 200


def test_ending_them_takes_the_password_and_leaves_the_one_that_asks(cast):
    line, other, stranger = Line(cast.liaison), Line(cast.liaison), Line(cast.outsider)
    refused = line.post("auth/sessions/end", {"password": "wrong"})
    assert refused.status_code == 422 and refused.data["errors"][0]["pointer"] == "/password"
    mine = list(listed(line))
    assert stranger.post("auth/sessions/end", {"password": PASSWORD, "sessions": mine}).status_code == 404
    assert other.get("me").status_code == 200

    assert line.post("auth/sessions/end", {"password": PASSWORD}).status_code == 204
    assert other.get("me").status_code == 401
    assert len(listed(line)) == 1


def test_the_office_signs_somebody_out_everywhere(cast):
    office, line = Line(cast.office), Line(cast.liaison)
    assert line.delete(f"users/{cast.office.id}/sessions").status_code == 403
    assert office.delete(f"users/{cast.liaison.id}/sessions").status_code == 204
    assert line.get("me").status_code == 401
    assert Line(cast.liaison).get("me").status_code == 200


def test_leaving_the_console_leaves_nothing_in_the_browser(cast):
    desk = enter("office")
    key = desk.session["console_session"]
    left = desk.post("/console/logout/")
    assert left["Clear-Site-Data"] == '"cache", "storage"'
    assert not inside(desk)
    assert key not in listed(Line(cast.office))


def test_signing_in_again_at_the_same_browser_ends_what_was_there(cast):
    desk = enter("office")
    before, cookie = desk.session["console_session"], desk.session.session_key
    desk.post("/console/login/?next=/console/", {"username": "office", "password": PASSWORD})
    assert desk.session.session_key != cookie
    assert before not in listed(Line(cast.office))


def test_a_cookie_without_a_session_of_ours_opens_nothing(cast):
    desk = enter("office")
    session = desk.session
    del session["console_session"]
    session.save()
    assert not inside(desk)


def test_a_second_factor_is_asked_for_at_the_phones_door(cast):
    at, seed = timezone.now(), totp.new_seed()
    code = totp.code(totp.secret(seed), totp.step_of(at))
    totp.enable(cast.office.id, seed, code, by=cast.by(cast.office), at=at)
    refused = Line().sign_in("office")
    assert refused.status_code == 422
    assert [(each["pointer"], each["code"]) for each in refused.data["errors"]] == [("/code", "required")]
