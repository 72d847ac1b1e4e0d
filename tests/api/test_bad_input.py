"""What comes in wrong is told where and why, in the caller's language, alike on both databases."""

from __future__ import annotations

import pytest

from api import parsing
from tests.api.line import Line

GOOD = {"name": "造船厂", "region": "320281104"}


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"nul", b'{"name": NaN}', b'{"name": Infinity}', b'{"name": 1e999}', b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}', b'{"name\\u0000": 1}', b'{"name": "a", "name": "b"}', b'{"a": {"b": 1, "b": 2}}',
        b'{"employees": 123456789012345678901234567890}', b'{"employees": 9007199254740993}',
        b"[" * 100_000, b"[" * 65 + b"]" * 65, b'{"a":' * 100 + b"1" + b"}" * 100, b"1" * 5000,
        '{"name": "造船厂"}'.encode("gb18030"), b'\xef\xbb\xbf{}', b'{"name": "\xed\xa0\x80"}', b'{"name": "a\x00"}',
    ],
)  # fmt: skip
def test_row_32_json_that_is_not_quite_json_is_a_400(cast, raw):
    refused = Line(cast.office).post("enterprises", raw)
    assert refused.status_code == 400
    assert refused.data["type"] == "/problems/malformed" and refused.data["errors"]


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"a": "\\u0000 is only written about"}', rb'{"a": "\"b\": 1, \"b\": 2"}', b'{"a": {"b": 1}, "c": {"b": 2}}',
        b'{"a": "12345678901234567890"}', b'{"a": 1.1234567890123456}', b"[" * 64 + b"]" * 64, b'{"": 1, "a\\"": 2}',
        '{"a": "𠮷🏭\u200b\u202e"}'.encode(),
    ],
)  # fmt: skip
def test_unusual_but_sound_json_passes(raw):
    parsing.loads(raw)


def test_row_30_a_body_beyond_the_limit_is_refused_before_it_is_read(cast):
    refused = Line(cast.office).post("enterprises", b'"' + b"x" * 1_000_001 + b'"')
    assert refused.status_code == 413 and refused.data["limits"] == {"bytes": 1_000_000}


def test_row_34_a_body_in_another_encoding_or_type_is_refused(cast):
    line = Line(cast.office)
    for kind in ("application/json; charset=gb18030", "text/plain", "application/xml"):
        assert line.send("POST", "enterprises", b"{}", Content_Type=kind).status_code == 415


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ([], {("", "invalid")}),
        ({}, {("/name", "required"), ("/region", "required")}),
        (GOOD | {"id": "x", "is_staff": True}, {("/id", "unknown"), ("/is_staff", "unknown")}),
        (GOOD | {"name": 5}, {("/name", "invalid")}),
        (GOOD | {"name": None}, {("/name", "null")}),
        (GOOD | {"name": " "}, {("/name", "blank")}),
        (GOOD | {"name": "长" * 201}, {("/name", "max-length")}),
        (GOOD | {"region": "999999999"}, {("/region", "unknown")}),
        (GOOD | {"employees": -1}, {("/employees", "min-value")}),
        (GOOD | {"employees": 1.5}, {("/employees", "invalid")}),
        (GOOD | {"employees": True}, {("/employees", "invalid")}),
        (GOOD | {"employees": 2**31}, {("/employees", "max-value")}),
        (GOOD | {"uscc": "91350100M000100Y44"}, {("/uscc", "uscc-check")}),
        (GOOD | {"uscc": "91350100I000100Y43"}, {("/uscc", "uscc-shape")}),
        (GOOD | {"pilot_tier": "galaxy"}, {("/pilot_tier", "invalid-choice")}),
        (GOOD | {"brands": "一镇一品"}, {("/brands", "not-a-list")}),
        (GOOD | {"brands": ["a", 5]}, {("/brands/1", "invalid")}),
        (GOOD | {"location": {"lat": 91, "lon": 120, "crs": "mars"}},
         {("/location/lat", "max-value"), ("/location/crs", "invalid-choice")}),
        (GOOD | {"active": "yes"}, {("/active", "invalid")}),
    ],
)  # fmt: skip
def test_row_51_each_wrong_field_is_named_undeclared_ones_too(cast, body, faults):
    line = Line(cast.office)
    refused = line.post("enterprises", body)
    assert refused.status_code == 422, refused.content
    assert line.faults(refused) == faults


def test_problems_speak_the_callers_language(cast):
    line = Line(cast.office)
    assert line.post("enterprises", {}).data["errors"][0]["detail"] == "必填"
    assert line.post("enterprises", {}, Accept_Language="en-GB,zh;q=0.5").data["errors"][0]["detail"] == "Is required"


def test_an_address_that_does_not_exist_is_a_problem_too(db):
    for path in ("/api/v1/nothing", "/nothing"):
        refused = Line().get(path)
        assert refused.status_code == 404 and refused.data["type"] == "/problems/not-found"


@pytest.mark.parametrize("query", ["colour=red", "limit=0", "limit=x", "limit=-1", "cursor=x", "cursor=WyJhIl0", "cursor=bnVsbA",
                                    "active=maybe", "pilot_tier=x", "q=%00", "region=x%00", "cursor=WyJhXHUwMDAwIiwiYSJd"])  # fmt: skip
def test_filters_and_cursors_that_are_not_ours_are_refused(cast, query):
    refused = Line(cast.office).get(f"enterprises?{query}")
    assert refused.status_code in (400, 422), refused.content
    assert refused.data["errors"]


@pytest.mark.parametrize(
    "path", ["regions/%00", "public/questionnaires/a%00", "enterprises?q=%00", "users/%00", "/console/%00/"]
)
def test_row_32_an_address_with_a_nul_is_a_400(cast, path):
    refused = Line(cast.office).get(path)
    assert refused.status_code == 400 and refused.data["errors"][0]["code"] == "nul"


@pytest.mark.parametrize(
    "path", ["users?q=a&q=b", "issues?limit=1&limit=2", "sync/pull?cursor=a&%63ursor=b", "schema?a&a"]
)
def test_a_parameter_that_stands_there_twice_is_a_400(cast, path):
    refused = Line(cast.office).get(path)
    assert refused.status_code == 400 and refused.data["errors"][0]["code"] == "repeated"


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/", "/api/v1/", "/check/ABC", "/api/v1/photos/links/x"]
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_a_public_door_does_not_know_is_told_as_a_problem(db, path, method):
    refused = Line().send(method, path, {})
    assert refused.status_code == 405 and refused["Allow"] == "GET"
    assert refused["Content-Type"] == "application/problem+json"
    assert refused.data["type"] == "/problems/method-not-allowed"


CODECS = [
    "rot13",
    "base64",
    "zlib",
    "undefined",
    "idna",
    "punycode",
    "utf-16",
    "unicode_escape",
    "utf-7",
    "nobody-knows",
]


@pytest.mark.parametrize(
    "kind",
    [*(f"application/json; charset={name}" for name in CODECS), "multipart/form-data; boundary=x; charset=rot13",
     "a/b; q*7; q*", "application/json; a*=UTF-5''x", "multipart/form-data; boundary*=UTF-5''x", "a/b; x*0*=zz''1",
     "a/b; charset*=utf-8''%00"],
)  # fmt: skip
def test_row_32_a_kind_of_content_in_no_known_encoding_is_no_500(db, http, kind):
    told = {"Content-Type": kind}
    signing_in = http.post("/api/v1/auth/token?q=%e4", headers=told, content=b"{}")
    assert signing_in.status_code in (400, 415, 422)
    assert http.post("/console/login/?next=/%e4", headers=told, content=b"username=%e4").status_code in (200, 400, 403)
    assert http.get("/api/v1/me?q=%e4", headers=told).status_code == 401
    assert http.get("/healthz?q=%e4", headers=told).status_code == 200


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/json;charset=UTF-8"])
def test_a_kind_of_content_that_says_its_encoding_is_taken(db, http, kind):
    assert http.post("/api/v1/auth/token", headers={"Content-Type": kind}, content=b"{}").status_code == 422


@pytest.mark.parametrize("kind", ["application/json; q*7; q*", "*/*, a/b; q*=UTF-5''x", ";q*7;q*"])
def test_row_32_an_accept_that_cannot_be_read_is_no_500(db, http, kind):
    assert http.get("/api/v1/schema", headers={"Accept": kind}).status_code == 406
    assert http.get("/api/v1/me", headers={"Accept": kind}).status_code in (401, 406)
    assert http.get("/console/login/", headers={"Accept": kind}).status_code == 200


def test_row_32_a_part_of_a_form_whose_header_cannot_be_read_is_passed_over(cast):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"; q*7; q*\r\n\r\n'
    body = head + "企业名称\n甲\n".encode() + b"\r\n--b--\r\n"
    sent = Line(cast.office).send("POST", "enterprises/import", body, Content_Type="multipart/form-data; boundary=b")
    assert (sent.status_code, sent.data["errors"][0]["pointer"]) == (422, "/file")
