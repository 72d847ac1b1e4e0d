"""The other engine, asked about a form."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def theirs(xform: str, modules: str) -> dict[str, list[dict[str, Any]]]:
    """What the engine says of every node: value, relevant, required, constraint, options."""
    done = subprocess.run(
        ["node", str(HERE / "judge.mjs"), modules], input=xform.encode(), capture_output=True, check=False, timeout=300
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr.decode()[:2000])
    found: dict[str, list[dict[str, Any]]] = json.loads(done.stdout)
    return found
