"""What browsers are told: cookies that scripts and other sites do not get, pages that take nothing from elsewhere."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from tests.config.test_safety import STRICT
from tests.config.test_settings import load_settings

NAMES = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "SESSION_COOKIE_NAME", "CSRF_COOKIE_SECURE",
         "CSRF_COOKIE_HTTPONLY", "CSRF_COOKIE_SAMESITE", "CSRF_COOKIE_NAME", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS",
         "SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_PROXY_SSL_HEADER", "CONSOLE_SECOND_FACTOR", "SESSION_COOKIE_AGE")  # fmt: skip
EVERYWHERE = ("/console/login/", "/healthz", "/api/v1/me", "/api/v1/schema", "/api/v1/docs", "/api/v1/nowhere", "/nowhere",
              "/api/v1/public/questionnaires/none", "/static/unfold/js/app.js", "/%00")  # fmt: skip
LEAST_POLICY = ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")


@pytest.mark.django_db
def test_pages_are_told_to_take_nothing_from_elsewhere_and_to_stand_in_no_frame() -> None:
    answer = Client().get("/console/login/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", EVERYWHERE)
def test_every_answer_says_what_it_may_load_and_that_its_type_is_no_guess(address: str, settings: Settings) -> None:
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    with closing(Client().get(address, secure=True)) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert all(words in policy for words in LEAST_POLICY)
        assert "default-src" in policy and "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "max-age=31536000; includeSubDomains" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["Referrer-Policy"] == "same-origin" or "questionnaires" in address
        assert "Access-Control-Allow-Origin" not in answer.headers or address.startswith("/static/")


@pytest.mark.django_db
def test_people_are_led_to_tls_and_programs_are_refused_without_it(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    led = client.get("/console/login/")
    assert (led.status_code, led.headers["Location"]) == (301, "https://testserver/console/login/")
    refused = client.get("/api/v1/me", headers={"Authorization": "Bearer x"})
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/tls-required")
    assert client.get("/api/v1/me", secure=True).status_code == 401
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_no_answer_of_the_api_is_kept_by_a_browser_unless_it_says_so() -> None:
    for address in ("me", "nowhere", "public/questionnaires/none"):
        assert "no-store" in Client().get(f"/api/v1/{address}").headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/console/login/", "/api/v1/me", "/healthz", "/static/unfold/js/app.js"])
def test_methods_that_nobody_needs_are_unknown_here(address: str) -> None:
    for method in ("TRACE", "CONNECT", "PROPFIND", "DEBUG"):
        answer = Client().generic(method, address, headers={"Authorization": "Bearer secret"})
        assert answer.status_code == 405 and b"secret" not in answer.content


@pytest.mark.django_db
def test_a_form_of_another_site_is_refused() -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/console/login/")
    assert client.post("/console/login/", {"username": "office", "password": "x"}).status_code == 403


@pytest.mark.django_db
def test_the_api_answers_no_other_origin_and_reads_no_cookie() -> None:
    answer = Client().get("/api/v1/me", headers={"Origin": "https://elsewhere.example"})
    assert answer.status_code == 401
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert not answer.cookies


def test_production_cookies_travel_by_tls_only_and_out_of_scripts_reach(tmp_path: Path) -> None:
    ask = (
        f"import json; from config import settings; print(json.dumps([getattr(settings, name) for name in {NAMES!r}]))"
    )
    loaded = load_settings(tmp_path, ask, **STRICT)
    found = dict(zip(NAMES, json.loads(loaded.stdout), strict=True))
    assert all(found.values())
    assert found["SESSION_COOKIE_AGE"] == 1800
    assert found["SESSION_COOKIE_NAME"].startswith("__Host-") and found["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert (found["SESSION_COOKIE_SAMESITE"], found["CSRF_COOKIE_SAMESITE"]) == ("Lax", "Strict")
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000


def test_what_is_hashed_with_what(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, "from config import settings; print(settings.PASSWORD_HASHERS[0])")
    assert loaded.stdout.strip().endswith("Argon2PasswordHasher")
