"""What `deploy/` says is what the product knows."""

from __future__ import annotations

import re

import yaml
from django.core.management import get_commands

from tests.services import ROOT, documented_keys

DEPLOY = ROOT / "deploy"


def test_the_units_run_commands_that_exist() -> None:
    units = sorted(DEPLOY.glob("systemd/*.service"))
    asked = {word for unit in units for word in re.findall(r"manage\.py (\w+)", unit.read_text(encoding="utf-8"))}
    assert asked == {"serve", "work"}
    assert asked <= get_commands().keys()


def test_the_settings_for_a_server_are_settings() -> None:
    lines = (DEPLOY / "env.example").read_text(encoding="utf-8").splitlines()
    keys = {line.partition("=")[0] for line in lines if line[:1].isupper()}
    assert keys <= set(documented_keys())


def test_the_containers_get_settings_and_commands_that_exist() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = [service for service in services.values() if service.get("image") == "sanyuantong"]
    assert len(ours) == 3
    for service in ours:
        assert set(service["environment"]) <= set(documented_keys())
        assert service["command"][0] in get_commands()
