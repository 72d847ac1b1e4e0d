"""The sync workloads of the design, measured beside a naive endpoint and the raw limits in one run: ``make bench``.

A *visit bundle* is one visit, one answered questionnaire and 0.3 issues: 2.3 records. 200 devices push batches of 100 bundles,
eight at a time; then they pull with nothing new; then one device syncs everything for the first time. Rates depend on the
machine; the ratios within one run are what counts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID, uuid4

import psycopg

from bench import naive
from bench.load import Connection, Outcome, cpu_seconds, request, resident_mb, run
from core.ids import uuid7
from surveys.samples import sample
from tests.services.production import install

CATEGORIES = ("skill_training", "hours_leave", "occupational_health", "housing_fund")


def bundle(random: Random, enterprise: str, person: str, version: int, now: datetime) -> list[dict[str, Any]]:
    """The mutations of one visit bundle."""
    visit, started = str(uuid7()), now - timedelta(hours=random.randint(1, 90))
    when, ended = started.isoformat(), (started + timedelta(minutes=70)).isoformat()
    place = {
        "lat": 31.91,
        "lon": 120.28,
        "crs": "wgs84",
        "accuracy_m": 12.5,
        "provider": "gps",
        "mock": False,
        "at": when,
    }
    made = [
        _put("visits", visit, when, {
            "enterprise": enterprise, "mode": "on_site", "started_at": when, "ended_at": ended, "participants": [person],
            "check_in": place, "interviewee": "工会主席 陈建国", "summary": "走访车间,了解培训和津贴落实情况", "status": "submitted",
        }),
        _put("responses", str(uuid7()), when, {
            "enterprise": enterprise, "visit": visit, "questionnaire": "visit", "version": version, "started_at": when,
            "ended_at": ended, "status": "submitted", "answers": sample("visit", random, started.date()),
        }),
    ]  # fmt: skip
    if random.random() < 0.3:
        text = "车间反映数控机床操作培训名额太少,每批只有六个人,希望协调增加培训班次"
        data = {"enterprise": enterprise, "visit": visit, "category": random.choice(CATEGORIES), "description": text,
                "severity": "normal", "workers_affected": random.randint(1, 9), "occurred_at": when}  # fmt: skip
        made.append(_put("issues", str(uuid7()), when, data))
    return made


def _put(collection: str, record: str, at: str, data: dict[str, Any]) -> dict[str, Any]:
    mutation = {"id": str(uuid7()), "collection": collection, "record": record, "op": "put", "base": None}
    return mutation | {"data": data, "at": at}


def batches(world: dict[str, Any], count: int, size: int) -> list[tuple[str, bytes, int]]:
    """Token, body and number of mutations of each push."""
    random, now, made = Random(1), datetime.now(UTC), []
    for number in range(count):
        device = world["devices"][number % (len(world["devices"]) - 1)]
        mutations: list[dict[str, Any]] = []
        for _ in range(size):
            mutations += bundle(random, random.choice(device["enterprises"]), device["person"], world["version"], now)
        order = {"visits": 0, "responses": 1, "issues": 2}
        mutations.sort(key=lambda one: order[one["collection"]])
        body = json.dumps(
            {"sent_at": now.isoformat(), "schema": 1, "epoch": None, "mutations": mutations}, ensure_ascii=False
        )
        made.append((device["token"], body.encode(), len(mutations)))
    return made


def pull_all(port: int, token: str, *headers: str) -> tuple[str, int, float]:
    """A device's whole pull: its cursor, the rows and the seconds."""
    connection, cursor, rows = Connection(port), "", 0
    began = datetime.now(UTC)
    while True:
        path = f"/api/v1/sync/pull?limit=1000{'&cursor=' + cursor if cursor else ''}"
        status, body = connection.ask(request("GET", path, token, b"", *headers))
        assert status == 200, body[:300]
        page = json.loads(gzip.decompress(body) if headers else body)
        rows += len(page["ops"])
        cursor = page["cursor"]
        if page["complete"]:
            return cursor, rows, (datetime.now(UTC) - began).total_seconds()


def measure(
    port: int, roots: list[int], requests: list[bytes], units: int, at_once: int, keep: bool = False
) -> tuple[Outcome, float, float]:
    """The outcome, units a second, and processor seconds for 1,000 units."""
    before = cpu_seconds(roots)
    outcome = run(port, requests, at_once=at_once, keep=keep)
    assert set(outcome.statuses) == {200}, outcome.statuses
    return outcome, units / outcome.seconds, (cpu_seconds(roots) - before) / units * 1000


def raw_limit(url: str, bodies: list[bytes], size: int) -> float:
    """Bundles a second that PostgreSQL takes from one connection as one jsonb row each, 100 a commit, two indexes."""
    began = datetime.now(UTC)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS raw_bundle")
        connection.execute("CREATE TABLE raw_bundle (id uuid PRIMARY KEY, at timestamptz DEFAULT now(), body jsonb)")
        connection.execute("CREATE INDEX ON raw_bundle (at)")
        connection.commit()
        began = datetime.now(UTC)
        for body in bodies:
            text = json.dumps(json.loads(body)["mutations"][:2])
            values = ", ".join(["(%s, %s)"] * size)
            arguments = [part for _ in range(size) for part in (uuid4(), text)]
            connection.execute(f"INSERT INTO raw_bundle (id, body) VALUES {values}", arguments)
            connection.commit()
    return len(bodies) * size / (datetime.now(UTC) - began).total_seconds()


def check_nothing_lost(url: str, sent: list[tuple[str, bytes, int]], answers: list[bytes]) -> None:
    """Every mutation was answered as applied, and every record is stored once."""
    results = [result for answer in answers for result in json.loads(answer)["results"]]
    statuses = {result["status"] for result in results}
    assert statuses == {"applied"}, next(result for result in results if result["status"] != "applied")
    wanted = {UUID(one["record"]) for _, body, _ in sent for one in json.loads(body)["mutations"]}
    with psycopg.connect(url) as connection:
        heads = connection.execute("SELECT record FROM journal_head WHERE record = ANY(%s)", [list(wanted)]).fetchall()
    assert len(heads) == len(wanted) == len(results), (len(heads), len(wanted), len(results))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument(
        "--batches", type=int, default=150, help="with few, one process ends alone for a good part of the time"
    )
    parser.add_argument("--size", type=int, default=100, help="bundles a batch")
    parser.add_argument("--polls", type=int, default=6000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--naive", action=argparse.BooleanOptionalAction, default=True)
    options = parser.parse_args()
    with install(processes=2, demo=False, worker=False) as installation:
        prepare = [sys.executable, "-m", "bench.prepare", str(options.devices), "5"]
        environment = os.environ | installation.environment
        world = json.loads(subprocess.run(prepare, env=environment, check=True, stdout=subprocess.PIPE).stdout)
        port = int(installation.environment["PORT"])
        url = installation.environment["DATABASE_URL"]
        roots = [os.getpid()]
        mine = partial(cpu_seconds_without_us, roots)
        print(f"{'workload':34}{'ours':>12}{'CPU-s/1,000':>14}{'p50 ms':>9}{'p99 ms':>9}")
        for _ in range(options.rounds):
            measure_round(options, world, port, url, mine)
        memory = resident_mb(roots, lambda command: "granian" in command)
        print(f"{'memory of an app process, MB':34}{max(memory):>12.0f}")


def cpu_seconds_without_us(roots: list[int]) -> float:
    times = os.times()
    return cpu_seconds(roots) - times.user - times.system


def measure_round(options: argparse.Namespace, world: dict[str, Any], port: int, url: str, cpu: Any) -> None:
    sent = batches(world, options.batches, options.size)
    requests = [request("POST", "/api/v1/sync/push", token, body) for token, body, _ in sent]
    run(port, requests[:4], at_once=2)  # both processes have met their first request
    bundles = options.batches * options.size
    before = cpu()
    outcome = run(port, requests, at_once=options.at_once, keep=True)
    used = cpu() - before
    check_nothing_lost(url, sent, outcome.bodies)
    line("push, bundles/s", bundles / outcome.seconds, used / bundles * 1000, outcome)

    cursors = [(device["token"], pull_all(port, device["token"])[0]) for device in world["devices"][:40]]
    polls = [
        request("GET", f"/api/v1/sync/pull?cursor={cursor}", token)
        for token, cursor in (cursors[number % len(cursors)] for number in range(options.polls))
    ]
    before = cpu()
    outcome = run(port, polls, at_once=options.at_once)
    assert set(outcome.statuses) == {200}, outcome.statuses
    line("nothing changed, req/s", outcome.rate, (cpu() - before) / options.polls * 1000, outcome)

    everything = world["devices"][-1]["token"]
    _, rows, seconds = min((pull_all(port, everything) for _ in range(3)), key=lambda found: found[2])
    print(f"{'first sync of 10,000 records, s':34}{seconds * 10_000 / rows:>12.2f}   ({rows} rows in {seconds:.2f} s)")
    raw = raw_limit(url, [body for _, body, _ in sent][:30], options.size)
    print(f"{'raw: jsonb rows/s, 1 connection':34}{raw:>12.0f}")
    if options.naive:
        naive.measure(url, [body for _, body, _ in sent], options, line)


def line(name: str, rate: float, cpu: float, outcome: Outcome) -> None:
    print(f"{name:34}{rate:>12.0f}{cpu:>14.3f}{outcome.percentile(50):>9.1f}{outcome.percentile(99):>9.1f}", flush=True)


if __name__ == "__main__":
    main()
