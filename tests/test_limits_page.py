"""docs/limits.md says what the code says."""

from __future__ import annotations

import re
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from tests.services import ROOT

ROWS = re.findall(
    r"^\| [^|]+ \| ([^|]+) \| `([\w.]+)` \|$", (ROOT / "docs" / "limits.md").read_text("utf-8"), re.MULTILINE
)


def figure(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {figure(each)}" for name, each in value.items())
    if isinstance(value, timedelta):
        minutes = int(value.total_seconds() // 60)
        size, unit = next((size, unit) for size, unit in ((1440, "d"), (60, "h"), (1, "min")) if minutes % size == 0)
        return f"{minutes // size} {unit}"
    return f"{value >> 20} MiB" if value >= 1 << 20 and value % (1 << 20) == 0 else f"{value:,}"


@pytest.mark.parametrize(("said", "constant"), ROWS, ids=[constant for _, constant in ROWS])
def test_every_limit_is_what_the_code_says(said: str, constant: str) -> None:
    module, _, name = constant.rpartition(".")
    assert said == figure(getattr(import_module(module), name))


def test_the_page_is_not_empty() -> None:
    assert len(ROWS) > 40
