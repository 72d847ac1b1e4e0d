"""Signing in over HTTP, as ``sync-protocol.md`` §2 fixes it."""

from __future__ import annotations

from uuid import uuid4

import jwt
import pytest
from django.conf import settings

from organizations import people
from tests.api.line import Line
from tests.organizations.cast import PASSWORD


def test_the_answer_has_the_shape_of_the_protocol(cast):
    line = Line(cast.liaison)

    assert set(line.answer) == {"access", "refresh", "expires_in", "device", "user"}
    assert line.answer["device"]["id"] == str(line.hardware)
    assert line.answer["user"] == {"id": str(cast.liaison.id), "name": "Liaison", "roles": ["liaison"]}


def test_me_tells_roles_and_places(cast):
    me = Line(cast.liaison).get("me").data
    assert me["username"] == "liaison" and me["roles"] == ["liaison"]
    assert me["assignments"][0]["place"] == "面包厂"


def test_a_lost_refresh_answer_is_given_again_to_the_letter(cast):
    line = Line(cast.liaison)
    first = line.post("auth/token/refresh", {"refresh": line.answer["refresh"]})
    again = line.post("auth/token/refresh", {"refresh": line.answer["refresh"]})
    assert first.data == again.data and first.status_code == 200

    line.take(first.data)
    assert line.get("me").status_code == 200
    line.post("auth/token/refresh", {"refresh": first.data["refresh"]})
    stolen = line.post("auth/token/refresh", {"refresh": again.data["refresh"]})
    assert stolen.status_code == 200  # a phone that lost this answer in turn


def test_row_50_an_old_token_shown_after_its_successor_was_used_ends_the_family(cast):
    line = Line(cast.liaison)
    second = line.post("auth/token/refresh", {"refresh": line.answer["refresh"]}).data
    third = line.post("auth/token/refresh", {"refresh": second["refresh"]}).data

    assert line.post("auth/token/refresh", {"refresh": line.answer["refresh"]}).status_code == 401
    assert line.post("auth/token/refresh", {"refresh": third["refresh"]}).status_code == 401
    line.access = third["access"]
    assert line.get("me").status_code == 401


def test_a_revoked_device_is_told_to_wipe(cast):
    line, office = Line(cast.liaison), Line(cast.office)
    assert office.get(f"devices/{line.answer['device']['id']}").data["last_push_at"] is None

    assert office.delete(f"devices/{line.answer['device']['id']}").status_code == 204

    for refused in (line.get("me"), line.post("auth/token/refresh", {"refresh": line.answer["refresh"]})):
        assert refused.status_code == 401
        assert refused.data["type"].endswith("/device-revoked") and refused.data["wipe"] is True


def test_an_ordinary_401_never_says_wipe(cast):
    line = Line(cast.liaison)
    line.post("auth/logout")
    refused = line.get("me")
    assert refused.status_code == 401 and "wipe" not in refused.data
    assert refused["Content-Type"] == "application/problem+json"


def test_a_locked_name_is_a_429_with_the_time_to_wait(cast):
    line = Line()
    for _ in range(5):
        assert line.sign_in("liaison", "wrong").status_code == 401
    refused = line.sign_in("liaison")
    assert refused.status_code == 429 and 0 < int(refused["Retry-After"]) <= 1800
    assert Line().sign_in("outsider").status_code == 200


def test_row_50_a_changed_password_ends_all_sessions_and_opens_one_here(cast):
    here, elsewhere = Line(cast.liaison), Line(cast.liaison)
    changed = here.post("auth/password", {"old": PASSWORD, "new": "Better-Horse-10"})

    assert changed.status_code == 200
    assert elsewhere.get("me").status_code == 401
    assert here.get("me").status_code == 401
    here.take(changed.data)
    assert here.get("me").status_code == 200


def test_a_code_from_the_office_signs_a_phone_in_once(cast):
    invitation = Line(cast.office).post("enrollments", {"person": cast.liaison.id})
    assert invitation.status_code == 201 and invitation.data["qr"].startswith("<svg")

    body = {"code": invitation.data["code"], "device": {"id": str(uuid4())}}
    assert Line().post("auth/enroll", body).data["user"]["name"] == "Liaison"
    assert Line().post("auth/enroll", body).status_code == 401


def forged(cast, line, **changes):
    claims = jwt.decode(line.access, options={"verify_signature": False})
    key, headers = changes.pop("key", settings.SECRET_KEY), changes.pop("headers", None)
    algorithm = changes.pop("algorithm", "HS256")
    return jwt.encode(claims | changes, key, algorithm=algorithm, headers=headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "another-key-of-thirty-two-bytes-or-more"},
        {"key": None, "algorithm": "none"},
        {"token_type": "refresh"},
        {"sid": "not-a-uuid"},
        {"sid": None},
        {"exp": 1},
        {"key": "another-key-of-thirty-two-bytes-or-more", "headers": {"kid": "../../dev/null"}},
        {"key": "another-key-of-thirty-two-bytes-or-more", "headers": {"jwk": {"kty": "oct", "k": "YQ"}}},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_row_49_forged_tokens_are_refused(cast, changes):
    line = Line(cast.liaison)
    line.access = forged(cast, line, **changes)
    assert line.get("me").status_code == 401


def test_an_honest_copy_of_the_token_is_accepted(cast):
    line = Line(cast.liaison)
    line.access = forged(cast, line)
    assert line.get("me").status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer é", "Bearer a.b.c", "Basic YTpi", "bearer " + "x" * 5000]
)
def test_nonsense_in_the_header_is_a_401(cast, header):
    assert Line().get("me", Authorization=header).status_code == 401


def test_a_person_switched_off_is_out_at_the_next_request(cast):
    line = Line(cast.liaison)
    people.change(cast.liaison.id, {"is_active": False}, by=cast.by(cast.office), at=cast.at)
    assert line.get("me").status_code == 401
    assert Line().sign_in("liaison").status_code == 401


def test_row_49_a_stolen_token_on_another_device_ends_the_session_it_was_stolen_from(cast):
    line, thief = Line(cast.liaison), Line(cast.outsider)
    stolen = {"refresh": line.answer["refresh"], "device": str(thief.hardware)}

    assert thief.post("auth/token/refresh", stolen).status_code == 401
    assert line.get("me").status_code == 401
    assert thief.get("me").status_code == 200


def test_a_phone_that_says_who_it_is_refreshes_as_ever(cast):
    line = Line(cast.liaison)
    body = {"refresh": line.answer["refresh"], "device": str(line.hardware)}
    assert line.post("auth/token/refresh", body).data == line.post("auth/token/refresh", body).data
