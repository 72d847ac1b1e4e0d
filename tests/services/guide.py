"""deploy/README.md carried out: its commands are run as they stand, from the first user to the second version.

    python -m tests.services.guide

The page's shell blocks of §1 to §3 run line by line in a folder that stands for the machine. What needs root has a
stand-in that does the same in there: `sudo` runs the command, `systemctl` starts what the unit says, as the unit says.
PostgreSQL and the S3 server are real; the proxy is the drill's matter.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.services.postgres import Postgres, settings_of
from tests.services.process import free_ports, make_folder
from tests.services.production import ROOT
from tests.services.s3 import S3

PASSWORD = "Guides-Are-2-Follow"
STAND_INS = r"""
set -euo pipefail
sudo() { while true; do case "$1" in -u) shift 2;; *=*) export "$1"; shift;; *) break;; esac; done; "$@"; }
apt-get() { :; }
useradd() { :; }
createuser() { :; }
createdb() { :; }
nginx() { :; }
python3() { if [ "$1 $2" = "-m venv" ]; then ln -sfn "$REAL_VENV" "$3"; else command python3 "$@"; fi; }
install() { local words=(); while [ $# -gt 0 ]; do case "$1" in -o|-g) shift 2;; *) words+=("$1"); shift;; esac; done
    command install "${words[@]}"; }
systemctl() { local word="$1"; shift; [ "$word" != daemon-reload ] || return 0
    for unit in "$@"; do case "$unit" in --now|nginx|postgresql) ;; *)
    "$REAL_VENV/bin/python" -P "$GUIDE" unit "$MACHINE" "$word" "$unit";; esac; done; }
"""


def commands(page: str, *, told: dict[str, str], sections: tuple[int, int] = (1, 3)) -> list[str]:
    """The lines of the shell blocks of some sections, with what their reader would put in place of some words."""
    first, last = sections
    part = page.partition(f"## {first}.")[2].partition(f"## {last + 1}.")[0]
    blocks = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines() if line.strip()]
    for old, new in told.items():
        lines = [line.replace(old, new) for line in lines]
    return lines


def packages(page: str) -> list[str]:
    """What the page has installed from the distribution."""
    [line] = [line for line in commands(page, told={}) if "apt-get install" in line]
    return [word for word in line.partition("apt-get install")[2].split() if not word.startswith("-")]


def led_into(machine: Path) -> dict[str, str]:
    """The page's words for this repository, its paths led into the folder."""
    version = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
    return {
        "REPOSITORY": str(ROOT), "VERSION": version.stdout.strip(), "USERNAME NAME": "desk 产改办",
        "/opt/": f"{machine}/opt/", "/etc/": f"{machine}/etc/", "/var/lib/": f"{machine}/var/lib/",
    }  # fmt: skip


def filled(example: str, values: dict[str, str]) -> str:
    """The settings file with these values in place of the example's."""
    lines = []
    for line in example.splitlines():
        key = line.partition("=")[0]
        lines.append(f"{key}={values.pop(key)}" if key in values else line)
    return "\n".join([*lines, *(f"{key}={value}" for key, value in values.items())]) + "\n"


def unit(machine: Path, word: str, name: str) -> None:
    """What `systemctl` would do with a unit of ours: (re)start it as it says."""
    said: dict[str, str] = {}
    for line in (machine / "etc/systemd/system" / f"{name}.service").read_text(encoding="utf-8").splitlines():
        key, _, value = line.partition("=")
        said.setdefault(key, value.replace("/opt/", f"{machine}/opt/").replace("/etc/", f"{machine}/etc/"))
    note = machine / f"{name}.pid"
    if word == "restart" and note.exists():
        end(note)
    with (machine / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            shlex.split(said["ExecStart"]), cwd=said["WorkingDirectory"], stdin=subprocess.DEVNULL, stdout=log,
            stderr=log, env=os.environ | dict([said["Environment"].split("=", 1)]), start_new_session=True,
        )  # fmt: skip
    note.write_text(str(process.pid))


def end(note: Path) -> None:
    """Stop what a note names, and wait until it is gone."""
    pid = int(note.read_text())
    try:
        os.kill(pid, signal.SIGTERM)
        for _ in range(300):
            os.kill(pid, 0)
            time.sleep(0.1)
    except ProcessLookupError:
        pass
    note.unlink()


def end_all(machine: Path) -> None:
    for note in machine.glob("*.pid"):
        end(note)


def follow(lines: list[str], machine: Path, settings: dict[str, str]) -> None:
    """Run every line in one shell; after the settings file was copied, it is filled in."""
    script = [
        STAND_INS,
        f"mkdir -p {machine}/opt {machine}/etc/systemd/system {machine}/etc/nginx/conf.d {machine}/etc/postgresql/17/main/conf.d",
    ]
    for line in lines:
        script += [
            f"printf '%s\\n' {shlex.quote('$ ' + line)}",
            line if "add_person" not in line else f"echo {PASSWORD} | {line}",
        ]
        if "then fill it in" in line:
            script.append(f"cp {machine}/filled {machine}/etc/sanyuantong/env")
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    (machine / "filled").write_text(filled(example, settings), encoding="utf-8")
    clean = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
    }
    told = clean | {"REAL_VENV": str(Path(sys.executable).parents[1]), "MACHINE": str(machine), "GUIDE": __file__}
    subprocess.run(["bash", "-c", "\n".join(script)], cwd=machine, env=told, check=True)


def serves(base_url: str, password: str = PASSWORD, *, within: float = 60, **said: str) -> None:
    """The first person signs in, and the worker works. ``said`` are the headers that a proxy would add."""
    end_at = time.monotonic() + within
    http = httpx.Client(base_url=base_url, headers=said)
    while time.monotonic() < end_at:
        try:
            ready = http.get("/readyz")
            if ready.status_code == 200 and all(ready.json()["checks"].values()):
                break
        except httpx.TransportError:
            pass
        time.sleep(0.3)
    else:
        raise SystemExit("what was installed does not serve")
    device = {"id": "0197f0c2-0000-7000-8000-0000000000bb", "name": "desk"}
    asked = {"username": "desk", "password": password, "device": device}
    me = http.post("/api/v1/auth/token", json=asked).raise_for_status().json()["user"]
    print(f"{me['name']} signed in; database, disk, storage and worker are well")


def main() -> int:
    if sys.argv[1:2] == ["unit"]:
        unit(Path(sys.argv[2]), sys.argv[3], sys.argv[4])
        return 0
    machine, [port] = make_folder("machine"), free_ports(1)
    with ExitStack() as stack:
        stack.callback(subprocess.run, ["rm", "-rf", str(machine)], check=False)
        told = settings_of(ROOT / "deploy" / "postgresql.conf") | {"shared_buffers": "128MB"}
        database = stack.enter_context(Postgres(durable=True, settings=told))
        storage = stack.enter_context(S3())
        stack.callback(end_all, machine)
        url = database.create("sanyuantong")
        settings = {
            "SECRET_KEY": secrets.token_urlsafe(48), "PHOTO_ROOT_KEY": secrets.token_urlsafe(48), "DATABASE_URL": url,
            "PUBLIC_URL": "https://office.example", "ALLOWED_HOSTS": "office.example", "PORT": str(port),
            "PROCESSES": "1", "VAR_DIR": f"{machine}/var/lib/sanyuantong", **storage.environment(),
        }  # fmt: skip
        proxied = {"Host": "office.example", "X-Forwarded-Proto": "https"}
        print(f"a machine at {machine}, its database at port {urlsplit(url).port}", flush=True)
        page = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
        lines = commands(page, told=led_into(machine))
        upgrade = next(number for number, line in enumerate(lines) if "git fetch" in line)
        follow(lines[:upgrade], machine, dict(settings))
        serves(f"http://127.0.0.1:{port}", **proxied)
        follow(lines[upgrade:], machine, dict(settings))
        serves(f"http://127.0.0.1:{port}", **proxied)
    print("installed and upgraded as the page says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
