"""The settings: what a person who installs the product may set, and how faults are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services import ROOT, documented_keys

ASK = "import json; from config import settings; print(json.dumps(settings.environment.known))"


def load_settings(tmp_path: Path, ask: str = ASK, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in {*documented_keys(), "DATABASE_URL"}}
    given = {"ENV_FILE": str(tmp_path / "nothing"), "VAR_DIR": str(tmp_path)} | environment
    return subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=clean | given, capture_output=True, text=True, check=False
    )


def documented_defaults() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    pairs = (line.lstrip("#").partition("=") for line in lines if line.startswith("#") and line[1:2].isupper())
    return {key: value for key, _, value in pairs if key in documented_keys()}


def test_the_example_file_names_every_setting_and_its_default(tmp_path: Path) -> None:
    known = json.loads(load_settings(tmp_path).stdout)
    documented = documented_defaults()
    documented.pop("ENV_FILE")  # read before there are settings

    assert documented.keys() == known.keys()
    beneath = {"DATABASE_URL"}  # told relative to the project in the file, absolute in the settings
    assert {key: value for key, value in documented.items() if key not in beneath} == {
        key: value for key, value in known.items() if key not in beneath
    }


def test_the_example_file_can_be_used_as_it_is(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    copy = tmp_path / "env"
    copy.write_text("\n".join(line[1:] if line[1:2].isupper() else line for line in lines), encoding="utf-8")
    loaded = load_settings(tmp_path, ENV_FILE=str(copy))
    assert loaded.returncode == 0, loaded.stderr


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    loaded = load_settings(
        tmp_path, PORT="eighty", DATABASE_URL="mysql://somewhere", MEDIA_STORAGE="s3", DEBUG="perhaps", LOG_LEVEL="LOUD"
    )
    assert loaded.returncode != 0
    for key in (
        "PORT",
        "DATABASE_URL",
        "S3_ENDPOINT_URL",
        "S3_BUCKET",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "DEBUG",
        "LOG_LEVEL",
    ):
        assert f"- {key}" in loaded.stderr
    assert "Traceback" not in loaded.stderr
    assert "Warning" not in loaded.stderr


@pytest.mark.parametrize(
    ("environment", "key"),
    [
        ({"ALLOWED_HOSTS": "office.example"}, "SECRET_KEY"),
        ({"ALLOWED_HOSTS": "office.example", "SECRET_KEY": "short"}, "SECRET_KEY"),
        ({"SECRET_KEY": "k" * 50}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "office.example", "DEBUG": "true"}, "DEBUG"),
        ({"SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "office.example", "PUBLIC_URL": "http://office"}, "PUBLIC_URL"),
        ({"DATABASE_URL": "postgres://a:b@10.1.2.3/c"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://a:b@database/c?sslmode=prefer"}, "DATABASE_URL"),
        ({"MEDIA_STORAGE": "s3", "S3_ENDPOINT_URL": "http://store.example"}, "S3_ENDPOINT_URL"),
        ({"EMAIL_HOST": "mail.example", "EMAIL_USE_TLS": "false"}, "EMAIL_USE_TLS"),
    ],
)
def test_production_refuses_unsafe_settings(tmp_path: Path, environment: dict[str, str], key: str) -> None:
    loaded = load_settings(tmp_path, PRODUCTION="true", **environment)
    assert loaded.returncode != 0
    assert f"- {key}" in loaded.stderr


@pytest.mark.parametrize(
    "told",
    [
        {"DATABASE_URL": "postgres://a:b@127.0.0.1/c"},
        {"DATABASE_URL": "postgres://a:b@database.example/c?sslmode=verify-full"},
        {"DATABASE_URL": "postgres://a:b@database/c", "TRUSTED_NETWORK": "true"},
        {"EMAIL_HOST": "mail.example"},
    ],
)
def test_what_stays_on_the_machine_or_is_encrypted_starts(tmp_path: Path, told: dict[str, str]) -> None:
    strict = {"SECRET_KEY": "k" * 50, "ALLOWED_HOSTS": "office.example", "PUBLIC_URL": "https://office.example"}
    assert load_settings(tmp_path, PRODUCTION="true", **strict, **told).returncode == 0


def test_an_installation_without_a_key_makes_one_and_keeps_it(tmp_path: Path) -> None:
    ask = "from config import settings; print(settings.SECRET_KEY)"
    first, second = (load_settings(tmp_path, ask).stdout for _ in range(2))
    assert len(first.strip()) >= 50
    assert first == second
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
