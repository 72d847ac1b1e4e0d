"""What browsers are told: cookies that scripts and other sites do not get, pages that take nothing from elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from tests.config.test_safety import STRICT
from tests.config.test_settings import load_settings

NAMES = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT",
         "SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "CONSOLE_SECOND_FACTOR", "SESSION_COOKIE_AGE")  # fmt: skip


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
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000


def test_what_is_hashed_with_what(tmp_path: Path) -> None:
    loaded = load_settings(tmp_path, "from config import settings; print(settings.PASSWORD_HASHERS[0])")
    assert loaded.stdout.strip().endswith("Argon2PasswordHasher")
