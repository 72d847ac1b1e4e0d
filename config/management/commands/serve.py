"""`manage.py serve`: the app processes and the worker, in one command."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from argparse import ArgumentParser
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from config import safety
from config.supervision import Program, Roof

MANAGE = Path(settings.BASE_DIR) / "manage.py"
SPARE_THREADS = 32


class Command(BaseCommand):
    help = "Serve the API and the console, with the worker, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--processes", type=int, default=settings.PROCESSES, help="app processes")
        parser.add_argument("--at-once", type=int, default=settings.REQUESTS_AT_ONCE, help="requests at once in each")
        parser.add_argument("--no-worker", action="store_true", help="the worker runs elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        safety.refuse_to_start()
        connection.close()  # what runs beneath has its own
        refuse_taken_port(host, port)
        programs = [Program("web server", web_server(host, port, options["processes"], options["at_once"]))]
        if not options["no_worker"]:
            programs.append(Program("worker", [sys.executable, str(MANAGE), "work"]))

        def when_up() -> bool:
            if not answers(host, port):
                return False
            self.stdout.write(welcome(port))
            self.stdout.flush()
            return True

        told = {"REQUESTS_AT_ONCE": str(options["at_once"]), "PROMETHEUS_MULTIPROC_DIR": str(empty_folder(port))}
        roof = Roof(programs, environment=os.environ | told, say=self.stderr.write)
        code = roof.run(when_up=when_up)
        if code:
            raise CommandError("stopped because a part could not be kept running", returncode=code)
        self.stdout.write("Stopped.")


def web_server(host: str, port: int, processes: int, at_once: int) -> list[str]:
    """The command line of the web server: WSGI, because ASGI is several times slower with Django.

    There is a thread for every request that works or waits at the gate (config/admission.py), and some that say no or
    wait for slow lines. They are made when they are needed.
    """
    threads = at_once + settings.REQUESTS_QUEUED + SPARE_THREADS
    return [
        sys.executable, "-m", "granian", "config.wsgi:application", "--interface", "wsgi",
        "--working-dir", str(settings.BASE_DIR), "--host", host, "--port", str(port),
        "--workers", str(processes), "--blocking-threads", str(threads), "--no-ws",
        "--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "10",
        "--http1-header-read-timeout", "15000",
        "--log-level", "error",
    ]  # fmt: skip


def empty_folder(port: int) -> Path:
    """Where the app processes of this server keep what they count, from zero at each start."""
    folder = Path(settings.VAR_DIR) / "counted" / str(port)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def refuse_taken_port(host: str, port: int) -> None:
    """Say so at once when somebody else serves there, instead of failing in a child again and again."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"cannot serve at {host}:{port}: {error.strerror}. Choose another with PORT.") from error


def answers(host: str, port: int) -> bool:
    """Whether the web server takes connections."""
    address = ip_address(host) if host[:1].isdigit() or ":" in host else None
    here = ("::1" if ":" in host else "127.0.0.1") if address and address.is_unspecified else host
    try:
        socket.create_connection((here, port), timeout=0.5).close()
    except OSError:
        return False
    return True


def welcome(port: int) -> str:
    """The addresses and, in a demo installation, the accounts."""
    base = settings.PUBLIC_URL
    if base == f"http://127.0.0.1:{settings.PORT}":
        base = f"http://127.0.0.1:{port}"
    lines = [
        "",
        f"三员通 Sanyuantong at {base}",
        f"  office console  控制台    {base}/console/",
        f"  API             接口      {base}/api/v1/",
        f"  API, readable   接口文档  {base}/api/v1/docs",
        *demo_accounts(),
        "Ctrl-C stops everything. 按 Ctrl-C 停止。",
    ]
    return "\n".join(lines)


def demo_accounts() -> list[str]:
    """What the demo command noted about its accounts; nothing where there is no demo world."""
    note = Path(settings.VAR_DIR) / "demo.json"
    if settings.PRODUCTION or not note.is_file():
        return []
    noted = json.loads(note.read_text(encoding="utf-8"))
    rows = [f"    {account['username']:<12} {account['zh']}  {account['en']}" for account in noted["accounts"]]
    return [f"  demo accounts   演示账号  (password 密码: {noted['password']})", *rows]
