"""Signing in over HTTP, as ``sync-protocol.md`` §2 fixes it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from uuid import uuid4

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
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


STRANGE = "another-key-of-thirty-two-bytes-or-more"
PAIR = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": STRANGE},
        {"key": "", "algorithm": "none"},
        {"algorithm": "HS384"},
        {"algorithm": "HS512"},
        {"key": PAIR, "algorithm": "RS256"},
        {"key": PAIR, "algorithm": "PS256", "headers": {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}}},
        {"key": STRANGE, "headers": {"kid": "../../dev/null"}},
        {"key": STRANGE, "headers": {"kid": "' UNION SELECT 'a"}},
        {
            "key": STRANGE,
            "headers": {"jwk": {"kty": "oct", "k": "YW5vdGhlci1rZXktb2YtdGhpcnR5LXR3by1ieXRlcy1vci1tb3Jl"}},
        },
        {"key": STRANGE, "headers": {"jku": "http://127.0.0.1:9/keys", "x5u": "http://127.0.0.1:9/chain"}},
        {"key": STRANGE, "headers": {"x5c": ["MIIB"], "typ": "at+jwt", "crit": ["b64"], "b64": False}},
        {"token_type": "refresh"},
        {"token_type": None},
        {"aud": "another-service"},
        {"aud": None},
        {"iss": "another-service"},
        {"sid": "not-a-uuid"},
        {"sid": None},
        {"sid": "00000000-0000-4000-8000-000000000000"},
        {"exp": 1},
        {"exp": None},
        {"exp": "9999999999"},
        {"exp": 1e400},
    ],
    ids=lambda forged: str(
        {name: value for name, value in forged.items() if value is not PAIR}
    ),  # the same in every process
)
def test_row_49_forged_tokens_are_refused(cast, changes):
    line = Line(cast.liaison)
    line.access = forged(cast, line, **changes)
    assert line.get("me").status_code == 401


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, "HS256 ", "hs256", ["HS256"], 256])
def test_row_49_no_other_name_of_the_algorithm_opens(cast, algorithm):
    line = Line(cast.liaison)
    _, claims, seal = line.answer["access"].split(".")
    head = urlsafe_b64encode(orjson.dumps({"alg": algorithm, "typ": "JWT"})).rstrip(b"=").decode()
    for forged in (f"{head}.{claims}.", f"{head}.{claims}.{seal}", f"{head}.{claims}"):
        assert Line().get("me", Authorization=f"Bearer {forged}").status_code == 401
        assert Line().post("auth/token/refresh", {"refresh": forged}).status_code == 401


def test_row_49_the_kinds_of_token_are_not_taken_for_each_other(cast):
    line = Line(cast.liaison)
    access, refresh = line.answer["access"], line.answer["refresh"]
    assert Line().get("me", Authorization=f"Bearer {refresh}").status_code == 401
    assert line.post("auth/token/refresh", {"refresh": access}).status_code == 401
    assert line.get("me").status_code == 200, "nobody loses a session by that"


def test_row_49_a_token_is_good_in_one_spelling_only(cast):
    line = Line(cast.liaison)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for token in ("access", "refresh"):
        honest = line.answer[token]
        head, claims, seal = honest.split(".")
        changed = {honest[:-1] + letter for letter in letters} | {
            f"{head}.{claims}.{seal}{end}" for end in ("=", "A", "\n", ".")
        }
        changed |= {
            f"{head}=.{claims}.{seal}",
            f".{claims}.{seal}",
            f"{head}.{claims}.",
            f"{claims}.{head}.{seal}",
            honest.swapcase(),
        }
        for forged in changed - {honest}:
            if token == "access":
                answer = Line().get("me", Authorization=f"Bearer {forged}".rstrip())
                assert answer.status_code == 401 or forged.strip() == honest, forged
            else:
                assert (
                    line.post("auth/token/refresh", {"refresh": forged}).status_code in (401, 422)
                    or forged.strip() == honest
                )
    assert line.get("me").status_code == 200


def test_row_49_a_token_tells_its_device_and_another_cannot_borrow_it(cast):
    """The revoked phone's token is dead wherever it is shown, and the thief's own session is no help to it."""
    line, thief, office = Line(cast.liaison), Line(cast.outsider), Line(cast.office)
    office.delete(f"devices/{line.answer['device']['id']}")
    for path in ("me", "sync/pull", "issues"):
        refused = Line(hardware=thief.hardware).get(path, Authorization=f"Bearer {line.access}")
        assert refused.status_code == 401 and refused.data["wipe"] is True
    assert thief.get("me").data["username"] == "outsider"


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


def test_a_device_told_as_a_text_is_refused_with_the_shape_it_should_have(cast):
    body = {"username": "liaison", "password": PASSWORD, "device": "my phone"}
    refused = Line().post("auth/token", body, Accept_Language="en")
    [fault] = refused.data["errors"]
    assert (refused.status_code, fault["pointer"], fault["code"]) == (422, "/device", "invalid")
    assert fault["detail"] == "Must be an object; it may hold id, name, platform, app_version"
    strange = Line().post("auth/token", body | {"device": {"id": "1", "name": 2}}, Accept_Language="en")
    told = {fault["pointer"]: fault["detail"] for fault in strange.data["errors"]}
    assert told == {"/device/id": "Must be a UUID", "/device/name": "Must be text"}
