"""A production-like installation on this machine: PostgreSQL with safe settings, an S3 server, app processes, a worker.

    python -m tests.services.production -- python -m demo.tour      run a command against it, then stop everything
    python -m tests.services.production                             keep it until Ctrl-C

The command finds the address in BASE_URL and the demo accounts' password in DEMO_PASSWORD.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import httpx

from tests.services.postgres import Postgres, settings_of
from tests.services.process import Service, free_ports, make_folder
from tests.services.s3 import S3

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """A running installation: where it is, its parts, and the environments of its commands and of its servers."""

    base_url: str
    password: str
    environment: dict[str, str]
    strict: dict[str, str]
    database: Postgres
    storage: S3
    server: Server


class Server(Service):
    """`manage.py serve` as a service."""

    patience = 60.0

    def __init__(self, environment: dict[str, str], *, port: int, worker: bool = True) -> None:
        super().__init__("Sanyuantong", make_folder("server"))
        self.base_url = f"http://127.0.0.1:{port}"
        words = [] if worker else ["--no-worker"]
        argv = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port), *words]
        variables = [f"{name}={value}" for name, value in environment.items()]
        try:
            self.keep(["env", *variables, *argv], stop=signal.SIGTERM, grace=25)
            self.start()
        except BaseException:
            self.close()
            raise

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/healthz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


def manage(environment: dict[str, str], *words: str) -> None:
    """Run one of the product's commands in an installation's environment."""
    subprocess.run([sys.executable, str(ROOT / "manage.py"), *words], env=os.environ | environment, check=True)


@contextmanager
def install(
    *, processes: int = 2, demo: bool = True, months: int = 6, worker: bool = True, front: str = ""
) -> Iterator[Installation]:
    """Start everything, load the demo world, and stop everything at the end. ``front`` is the address of a proxy with TLS."""
    with ExitStack() as stack:
        folder = make_folder("installation")
        stack.callback(subprocess.run, ["rm", "-rf", str(folder)], check=False)
        told = settings_of(ROOT / "deploy" / "postgresql.conf") | {"shared_buffers": "128MB"}
        database = stack.enter_context(Postgres(durable=True, settings=told))
        storage = stack.enter_context(S3())
        [port] = free_ports(1)
        base_url = f"http://127.0.0.1:{port}"
        password = os.environ.get("DEMO_PASSWORD") or f"Demo-{secrets.token_hex(6)}"
        environment = {
            "ENV_FILE": "/dev/null",
            "VAR_DIR": str(folder),
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": database.create("sanyuantong"),
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "PUBLIC_URL": base_url,
            "PROCESSES": str(processes),
            "ALLOWED_HOSTS": "127.0.0.1",
            "DEMO_PASSWORD": password,
            **storage.environment(),
        }
        manage(environment, "migrate", "--verbosity", "0")
        if demo:
            manage(environment, "demo", "--months", str(months))
        strict = environment | {"PRODUCTION": "true"} | ({"PUBLIC_URL": front} if front else {"SSL_REDIRECT": "false"})
        server = stack.enter_context(Server(strict, port=port, worker=worker))
        yield Installation(base_url, password, environment, strict, database, storage, server)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    command = [word for word in options.command if word != "--"]

    def leave(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, leave)
    with install(processes=options.processes) as installation:
        print(f"PostgreSQL, S3 and {options.processes} app processes at {installation.base_url}", flush=True)
        try:
            if command:
                told = {"BASE_URL": installation.base_url, "DEMO_PASSWORD": installation.password}
                return subprocess.run(command, env=os.environ | told, check=False).returncode
            print(f"The demo accounts' password is {installation.password}. Ctrl-C stops everything.", flush=True)
            signal.pause()
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
