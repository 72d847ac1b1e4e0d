"""What a server says to hostile requests, engine by engine. Run as a program it says it on the engine of DATABASE_URL:

python -m tests.api.verdicts FILE      writes one verdict a line
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.api.ground import Ground
    from tests.api.payloads import Attempt

SEED = int(os.environ.get("FUZZ_SEED", "32"))
_IDS = re.compile(rb"@([a-z]+)@")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")


def collect(ground: Ground, attempts: Iterable[Attempt]) -> list[list[Any]]:
    """The verdict on each: ``[request, status, problem, faults, answer]``; the answer is told without ids and times."""
    return [_judged(ground, attempt) for attempt in attempts]


def _judged(ground: Ground, attempt: Attempt) -> list[Any]:
    def filled(raw: bytes) -> bytes:
        return _IDS.sub(lambda found: ground.ids.get(found[1].decode(), found[1].decode()).encode(), raw)

    path = filled(attempt.path.encode()).decode()
    body = filled(attempt.body) if attempt.body is not None else None
    answer = ground.line(attempt.who).send(attempt.method, path, body)
    told = answer.data if isinstance(answer.data, dict) else {}
    refused = answer.status_code >= 400
    faults = _faults(told) if refused else []
    request = f"{attempt.who} {attempt.method} {attempt.path} {(attempt.body or b'')[:300].decode(errors='replace')}"
    return [
        request,
        answer.status_code,
        told.get("type") if refused else None,
        faults,
        None if refused else _plain(told),
    ]


def _plain(told: dict[str, Any]) -> str:
    """What was answered, as far as two servers can agree on it: how a push went, how much a list holds."""
    if "results" not in told:
        return ",".join(sorted(told))
    kept = [
        [one.get("status"), (one.get("problem") or {}).get("type"), _faults(one.get("problem") or {})]
        if isinstance(one, dict) else None
        for one in told["results"]
    ]  # fmt: skip
    return _TIME.sub("*", _UUID.sub("*", json.dumps(kept, ensure_ascii=False)))


def _faults(problem: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((_UUID.sub("*", fault["pointer"]), fault["code"]) for fault in problem.get("errors", []))


def all_attempts() -> list[Attempt]:
    from tests.api import payloads

    document = payloads.document()
    return [*payloads.queries(document, SEED), *payloads.bodies(document, SEED)]


def main(file: str) -> None:
    import django

    os.environ["ENV_FILE"] = "/dev/null"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.ALLOWED_HOSTS = ["*"]
    call_command("migrate", verbosity=0)
    logging.disable(logging.WARNING)
    from tests.api.ground import Ground
    from tests.world import World

    verdicts = collect(Ground(World()), all_attempts())
    Path(file).write_text(json.dumps(verdicts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
