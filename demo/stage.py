"""Where the tour takes place: a server that is there already, or one of its own; what is said, and what is kept."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "var" / "tour"
UP, DOWN = 90.0, 30.0


class NotAsTold(Exception):
    """The product did something else than the story says."""


class Stage:
    """Says the story aloud and keeps what was fetched in ``var/tour/``."""

    def __init__(self, base_url: str, password: str) -> None:
        self.base_url, self.password = base_url, password
        self.http = httpx.Client(base_url=base_url, follow_redirects=True)
        self.chapters = 0
        KEPT.mkdir(parents=True, exist_ok=True)

    def chapter(self, title: str) -> None:
        self.chapters += 1
        print(f"\n{self.chapters}. {title}", flush=True)

    def say(self, line: str) -> None:
        print(f"   {line}", flush=True)

    def holds(self, true: object, line: str, *instead: object) -> None:
        """Say what holds; stop the tour when it does not."""
        if not true:
            raise NotAsTold(" ".join([line, *map(str, instead)]))
        print(f"   ✓ {line}", flush=True)

    def keep(self, name: str, content: Any) -> Path:
        """Leave something for people to look at: bytes as they are, the rest as JSON."""
        path = KEPT / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(json.dumps(content, ensure_ascii=False, indent=2, default=str), encoding="utf-8")
        return path

    def wait_for(self, ask: Any, *, seconds: float, every: float = 0.5) -> Any:
        """Ask until there is an answer (not None), as long as that is worth it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = ask()
            if found is not None:
                return found
            time.sleep(every)
        return None


def noted_password() -> str | None:
    """The password that the demo command left for this machine's own installation."""
    note = Path(os.environ.get("VAR_DIR") or ROOT / "var") / "demo.json"
    return str(json.loads(note.read_text(encoding="utf-8"))["password"]) if note.is_file() else None


def answers(base_url: str) -> bool:
    try:
        return httpx.get(f"{base_url}/healthz", timeout=3).status_code == 200
    except httpx.TransportError:
        return False


@contextmanager
def own_server() -> Iterator[tuple[str, str]]:
    """An installation of the tour's own, in a folder that is gone afterwards: its address and its password."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="sanyuantong-tour-") as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        password = os.environ.get("DEMO_PASSWORD") or f"Demo-{secrets.token_hex(5)}"
        url = f"http://127.0.0.1:{port}"
        told = {
            "VAR_DIR": folder,
            "PORT": str(port),
            "DEMO_PASSWORD": password,
            "PUBLIC_URL": url,
            "ENV_FILE": os.devnull,
        }
        environment = os.environ | told
        environment.pop("DATABASE_URL", None)
        for words in (["migrate", "--verbosity", "0"], ["demo"]):
            subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)
        log = (KEPT / "server.log").open("wb")
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            end = time.monotonic() + UP
            while not answers(url):
                if server.poll() is not None or time.monotonic() > end:
                    raise NotAsTold("the server does not come up")
                time.sleep(0.3)
            yield url, password
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(DOWN)
            log.close()
