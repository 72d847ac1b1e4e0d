"""Measures the naive endpoint of ``bench.naive_app`` with the same bundles, in the same run, on the same PostgreSQL."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg

from bench.load import Connection, Outcome, cpu_seconds, request, run
from tests.services.process import free_ports


def measure(
    url: str, bodies: list[bytes], options: argparse.Namespace, line: Callable[[str, float, float, Outcome], None]
) -> None:
    """Push the bundles and ask for changes that are not there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS naive")
        connection.execute("CREATE DATABASE naive")
    parts = urlsplit(url)
    told = {
        "NAIVE_NAME": "naive",
        "NAIVE_USER": unquote(parts.username or ""),
        "NAIVE_PASSWORD": unquote(parts.password or ""),
        "NAIVE_HOST": parts.hostname or "",
        "NAIVE_PORT": str(parts.port),
    }
    environment: dict[str, Any] = os.environ | told
    subprocess.run([sys.executable, "-m", "bench.naive_app"], env=environment, check=True)
    [port] = free_ports(1)
    argv = [
        sys.executable,
        "-m",
        "granian",
        "bench.naive_app:application",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
    ]
    argv += ["--port", str(port), "--workers", "2", "--blocking-threads", "4", "--no-ws", "--log-level", "warning"]
    server = subprocess.Popen(argv, env=environment)
    try:
        _wait(port)
        bundles = len(bodies) * options.size
        outcome, used = _timed(port, [request("POST", "/push", "", body) for body in bodies], options.at_once)
        line("naive DRF: push, bundles/s", bundles / outcome.seconds, used / bundles * 1000, outcome)
        polls = [request("GET", "/changed?since=2999-01-01T00:00:00Z")] * (options.polls // 2)
        outcome, used = _timed(port, polls, options.at_once)
        line("naive DRF: nothing changed, req/s", outcome.rate, used / len(polls) * 1000, outcome)
    finally:
        server.terminate()
        server.wait()


def _timed(port: int, requests: list[bytes], at_once: int) -> tuple[Outcome, float]:
    before = _used()
    outcome = run(port, requests, at_once=at_once)
    assert set(outcome.statuses) == {200}, outcome.statuses
    return outcome, _used() - before


def _used() -> float:
    times = os.times()
    return cpu_seconds([os.getpid()]) - times.user - times.system


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            Connection(port)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the naive server does not start")
