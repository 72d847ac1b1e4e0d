"""Whether the sync costs the same when the server holds a hundred times more: ``python -m bench.flat``.

One PostgreSQL, one process, no network: the same pushes, polls, first pulls and checks beside 10^5 and beside 10^7 records (heads and
stored answers) of other people. Printed are milliseconds a request and the ratio, which performance asks to stay below 1.5.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import psycopg

from bench import sync
from tests.services.postgres import Postgres

OTHERS = 10_000  # circles that the other records lie in
DEVICES = 1000  # that have sent them

SCOPES = """
INSERT INTO journal_scope (name, version, count, digest)
SELECT 'enterprise:' || gen_random_uuid(), 1, 0, '0000000000000000' FROM generate_series(1, %(scopes)s)
"""
HEADS = """
INSERT INTO journal_head (record, collection, scope_id, version, revision, deleted, hash, document)
SELECT ('0190' || lpad(to_hex(n), 12, '0') || '7000800000000000')::uuid, 'visits',
       s.low + (n - %(first)s) * %(scopes)s / (%(last)s - %(first)s + 1), 1, 1, false, substr(md5(n::text), 1, 16),
       '{"enterprise":"' || md5(n::text) || '","mode":"on_site","summary":"走访车间,了解培训和津贴落实情况","status":"submitted"}'
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n, (SELECT min(id) AS low FROM journal_scope WHERE version = 1 AND count = 0) s
"""
ANSWERS = """
INSERT INTO sync_mutation (device, mutation, content, revision, received_at, answer)
SELECT ('0190' || lpad(to_hex((n - %(first)s) * %(devices)s / (%(last)s - %(first)s + 1)), 12, '0') || '7000800000000000')::uuid,
       ('0190' || lpad(to_hex(n), 12, '0') || '7000800000000000')::uuid, md5(n::text), 1, now(), ''
FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""


class Bench:
    """The application in this process, asked as a server would ask it."""

    def __init__(self) -> None:
        from config.wsgi import application

        self.application = application

    def ask(self, method: str, path: str, token: str, body: bytes = b"") -> Any:
        where, _, query = path.partition("?")
        told: list[str] = []
        answer = b"".join(
            self.application(
                {
                    "REQUEST_METHOD": method, "PATH_INFO": where, "QUERY_STRING": query, "SERVER_NAME": "bench",
                    "SERVER_PORT": "80", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
                    "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "CONTENT_LENGTH": str(len(body)),
                    "CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": f"Bearer {token}",
                },
                lambda status, headers, error=None: told.append(status),
            )
        )  # fmt: skip
        assert told[0].startswith("200"), (told, answer[:300])
        return json.loads(answer)

    def first_pull(self, token: str) -> str:
        cursor = ""
        while True:
            page = self.ask("GET", f"/api/v1/sync/pull?limit=1000{'&cursor=' + cursor if cursor else ''}", token)
            cursor = page["cursor"]
            if page["complete"]:
                return str(cursor)


def timed(work: Callable[[int], Any], times: int) -> float:
    """Median milliseconds of one call."""
    found = []
    for number in range(times):
        began = time.perf_counter()
        work(number)
        found.append((time.perf_counter() - began) * 1000)
    return median(found)


def measure(bench: Bench, tokens: list[str], sent: list[tuple[str, bytes, int]]) -> dict[str, float]:
    """``tokens`` pull and check; others push, so that what is pulled stays the same."""
    cursors = [bench.first_pull(token) for token in tokens]
    claimed = {"cursor": cursors[0], "scopes": {}}
    return {
        "push of 100 bundles": timed(lambda number: bench.ask("POST", "/api/v1/sync/push", *sent[number][:2]), len(sent)),
        "nothing changed": timed(
            lambda number: bench.ask("GET", f"/api/v1/sync/pull?cursor={cursors[number % len(cursors)]}", tokens[number % len(tokens)]), 400
        ),
        "first pull": timed(lambda number: bench.first_pull(tokens[number % len(tokens)]), 20),
        "verify": timed(lambda _: bench.ask("POST", "/api/v1/sync/verify", tokens[0], json.dumps(claimed).encode()), 100),
    }  # fmt: skip


def grow(url: str, first: int, last: int) -> None:
    """The other people's records of these numbers, in the order of their ids, as time would have brought them."""
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM journal_scope WHERE version = 1 AND count = 0 LIMIT 1").fetchone():
            connection.execute(SCOPES, {"scopes": OTHERS})
        for statement in (HEADS, ANSWERS):
            connection.execute(statement, {"first": first, "last": last, "scopes": OTHERS, "devices": DEVICES})
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--few", type=int, default=10**5)
    parser.add_argument("--many", type=int, default=10**7)
    parser.add_argument("--batches", type=int, default=30)
    options = parser.parse_args()
    with Postgres(durable=True) as database, tempfile.TemporaryDirectory() as folder:
        url = database.create("flat")
        os.environ |= {
            "ENV_FILE": "/dev/null", "VAR_DIR": folder, "SECRET_KEY": "bench-" * 10, "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "config.settings", "ALLOWED_HOSTS": "*",
        }  # fmt: skip
        subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
        made = subprocess.run([sys.executable, "-m", "bench.prepare", "12", "5"], check=True, stdout=subprocess.PIPE)
        world, bench = json.loads(made.stdout), Bench()
        grow(url, 1, options.few)
        devices = world["devices"]
        sent = sync.batches(world | {"devices": devices[:6]}, 2 * options.batches + 2, 100)
        for token, body, _ in sync.batches(world | {"devices": devices[6:]}, 5, 100):
            bench.ask("POST", "/api/v1/sync/push", token, body)
        tokens = [device["token"] for device in devices[6:-1]]
        measure(bench, tokens, sent[:2])  # everything has been met once
        before = measure(bench, tokens, sent[2 : options.batches + 2])
        grow(url, options.few + 1, options.many)
        after = measure(bench, tokens, sent[options.batches + 2 :])
        print(f"{'ms a request beside records':30}{options.few:>12,}{options.many:>14,}{'ratio':>8}")
        for name, few in before.items():
            print(f"{name:30}{few:>12.2f}{after[name]:>14.2f}{after[name] / few:>8.2f}")
        from django.db import connections

        connections.close_all()


if __name__ == "__main__":
    main()
