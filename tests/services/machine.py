"""deploy/README.md followed on a machine of its own: a Debian that systemd boots, every line as root, no stand-ins.

    make systemd-drill      # as root, with debootstrap and systemd-container installed

The page is followed to the first sign-in and to the next version; then every unit is killed in turn while a phone keeps
sending, the units are stopped, a setting is taken away, the power is cut. What is installed is the last
commit. The machine's network has nothing in it, so packages and wheels are brought before; `var/machines` keeps them.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import trustme

from tests.services import guide
from tests.services.drill import drill
from tests.services.process import Service, make_folder
from tests.services.production import ROOT

RELEASE = "bookworm"
KEPT = ROOT / "var" / "machines"
NEEDED = ("debootstrap", "systemd-nspawn", "nsenter")
BROUGHT = ("systemd-sysv", "dbus", "sudo", "curl", "ca-certificates", "procps")
"""What a server has before anybody follows the page."""
CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LC_ALL": "C.UTF-8"}
NEW_NETWORK = 0x40000000
ASKING = {"createuser": ("PASSWORD", "PASSWORD"), "add_person": ("PASSWORD",), "manage.py restore": ("yes",)}
"""What people answer to commands that ask."""
EXPOSURE = 3.0
"""How open `systemd-analyze security` may find a unit, of 10."""


class Machine(Service):
    """A Debian under systemd. `kill` is the power cut, `start` the boot."""

    patience = 90.0

    def __init__(self, packages: list[str]) -> None:
        super().__init__("the machine", make_folder("machine"))
        self.root = self.folder / "root"
        try:
            subprocess.run(["cp", "-a", "--reflink=auto", debian(packages), self.root], check=True)
            self._bring(wheels())
            argv = [
                "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--private-network", "--console=pipe",
                "--machine=sanyuantong", f"--directory={self.root}", "--boot",
            ]  # fmt: skip
            self.keep(argv, stop=signal.SIGTERM, grace=60)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Boot, and move this process into the machine's network."""
        super().start()
        network = os.open(f"/proc/{self._first()}/ns/net", os.O_RDONLY)
        if ctypes.CDLL(None, use_errno=True).setns(network, NEW_NETWORK):
            raise OSError(ctypes.get_errno(), "cannot enter the machine's network")
        os.close(network)

    def kill(self) -> None:
        """The first process goes, and with it at once every other; its supervisor alone would leave them running."""
        os.kill(int(self._first()), signal.SIGKILL)
        super().kill()

    def ready(self) -> bool:
        return bool(self._first()) and self.says("systemctl is-system-running") in ("running", "degraded")

    def run(self, script: str) -> None:
        """Run lines of shell in the machine, as root; the drill ends at the first that fails."""
        if subprocess.run(self._argv("set -euo pipefail\n" + script), env=CLEAN, check=False).returncode:
            raise SystemExit("the last line failed")

    def says(self, script: str) -> str:
        """What a line says, whether it fails or not."""
        asked = subprocess.run(self._argv(script), env=CLEAN, capture_output=True, text=True, check=False)
        return asked.stdout.strip()

    def _argv(self, script: str) -> list[str]:
        return ["nsenter", "--target", self._first(), "--all", "--", "bash", "-c", script]

    def _first(self) -> str:
        """The process id, out here, of the machine's first process; empty while there is none."""
        told = subprocess.run(
            ["pgrep", "--full", f"^systemd-nspawn .*--directory={self.root} "],
            capture_output=True,
            text=True,
            check=False,
        )
        supervisor = told.stdout.split()[:1]
        children = Path(f"/proc/{supervisor[0]}/task/{supervisor[0]}/children") if supervisor else None
        return (children.read_text().split() or [""])[0] if children and children.exists() else ""

    def _bring(self, wheels: Path) -> None:
        """What the network would give: the wheels, and the repository with its next version."""
        shutil.copytree(wheels, self.root / "srv" / "wheels")
        (self.root / "etc" / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /srv/wheels\n")
        subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, self.root / "srv" / "sanyuantong.git"], check=True)
        (self.root / "etc" / "machine-id").write_text("")
        (self.root / "etc" / "hosts").write_text("127.0.0.1 localhost sanyuantong\n")
        (self.root / "etc" / "hostname").write_text("sanyuantong\n")
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(self.folder / "authority.pem"))
        certificate.private_key_pem.write_to_path(str(self.root / "etc/ssl/private/sanyuantong.key"))
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(str(self.root / "etc/ssl/sanyuantong.pem"), append=number > 0)


def debian(packages: list[str]) -> Path:
    """A Debian with these packages, made once."""
    place = KEPT / RELEASE
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        KEPT.mkdir(parents=True, exist_ok=True)
        included = ",".join([*BROUGHT, *packages])
        print(f"making a Debian in {place} …", flush=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={included}", RELEASE, place], check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        (place / "complete").touch()
    return place


def wheels() -> Path:
    """What `requirements.txt` names, for the machine's Python."""
    place = KEPT / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--only-binary=:all:",
         "--python-version=3.11", "--dest", place, "-r", ROOT / "requirements.txt"], check=True,
    )  # fmt: skip
    return place


def follow(machine: Machine, lines: list[str], settings: dict[str, str], password: str) -> None:
    """The lines of the page in one shell, and what people do between them: fill in the settings, answer questions."""
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    (machine.root / "root" / "filled").write_text(guide.filled(example, dict(settings)), encoding="utf-8")
    script = []
    for line in lines:
        script.append(f"printf '%s\\n' {shlex.quote('$ ' + line)}")
        answers = next((words for command, words in ASKING.items() if command in line), ())
        told = " ".join(password if word == "PASSWORD" else word for word in answers)
        script.append(f"{{\n{line}\n}} < <(printf '%s\\n' {told})" if answers else line)
        if "then fill it in" in line:
            script.append("cat /root/filled > /etc/sanyuantong/env")
    machine.run("\n".join(script))


def killed(machine: Machine, unit: str, *, only_first: bool = False) -> Callable[[], None]:
    """Kill a unit's processes; nobody but systemd starts them again."""
    whom = "main" if only_first else "all"

    def kill() -> None:
        machine.run(f"systemctl kill --kill-whom={whom} --signal=KILL {unit}")
        for _ in range(100):
            time.sleep(0.2)
            if machine.says(f"systemctl is-active {unit}") == "active":
                return
        raise SystemExit(f"{unit} did not come back:\n" + machine.says(f"journalctl -n 20 -u {unit}"))

    return kill


def stops_cleanly(machine: Machine) -> None:
    units = "sanyuantong-web sanyuantong-worker"
    began = time.monotonic()
    machine.run(f"systemctl stop {units}")
    took = time.monotonic() - began
    results = machine.says(f"systemctl show --property=Result --value {units}").split()
    left = machine.says("pgrep --uid sanyuantong --list-full")
    if results != ["success", "success"] or left or took > 25:
        raise SystemExit(f"stopped in {took:.1f} s as {results}, leaving: {left or 'nothing'}")
    machine.run(f"systemctl start {units}")
    print(f"both units stop in {took:.1f} s and leave no process behind", flush=True)


def names_what_is_missing(machine: Machine) -> None:
    machine.run("cp -p /etc/sanyuantong/env /root/whole && sed -i '/^SECRET_KEY=/d' /etc/sanyuantong/env")
    machine.run("systemctl restart sanyuantong-web")
    time.sleep(8)
    told = machine.says("journalctl --unit sanyuantong-web --since=-30s --output=cat")
    machine.run("cat /root/whole > /etc/sanyuantong/env && systemctl restart sanyuantong-web")
    if "SECRET_KEY" not in told:
        raise SystemExit(f"the journal does not name the missing setting:\n{told}")
    print("a setting that is missing is named in the journal", flush=True)


def shut_in(machine: Machine) -> None:
    for unit in ("sanyuantong-web", "sanyuantong-worker"):
        found = re.search(r"exposure level for \S+ ([0-9.]+)", machine.says(f"systemd-analyze security {unit}.service"))
        if not found or float(found[1]) > EXPOSURE:
            raise SystemExit(f"{unit} is too open: {found and found[1]}")
        print(f"{unit}: exposure {found[1]} of 10", flush=True)


def proves(machine: Machine, settings: dict[str, str], password: str) -> int:
    """Install, upgrade, kill, stop, starve, cut the power. Answers the exit code."""
    page = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    told = {"REPOSITORY": "/srv/sanyuantong.git", "VERSION": "origin/HEAD", "USERNAME NAME": "desk 产改办"}
    lines = guide.commands(page, told=told)
    upgrade = next(number for number, line in enumerate(lines) if "git fetch" in line)
    follow(machine, lines[:upgrade], settings, password)
    guide.serves("https://127.0.0.1", password)
    shut_in(machine)
    follow(machine, lines[upgrade:], settings, password)
    guide.serves("https://127.0.0.1", password)
    stops_cleanly(machine)
    names_what_is_missing(machine)
    guide.serves("https://127.0.0.1", password)
    demo = "sudo -u sanyuantong ENV_FILE=/etc/sanyuantong/env .venv/bin/python manage.py demo --force --months 1"
    machine.run(f"cd /opt/sanyuantong && {demo.replace('ENV_FILE', f'DEMO_PASSWORD={password} ENV_FILE')}")
    parts = {
        "nginx": killed(machine, "nginx"),
        "the app processes": killed(machine, "sanyuantong-web"),
        "their parent": killed(machine, "sanyuantong-web", only_first=True),
        "the worker": killed(machine, "sanyuantong-worker"),
        "PostgreSQL": killed(machine, "postgresql@*"),
    }
    code = drill("https://127.0.0.1", password, parts)
    machine.kill()
    machine.start()
    guide.serves("https://127.0.0.1", password)
    machine.run(
        "cd /opt/sanyuantong && sudo -u sanyuantong ENV_FILE=/etc/sanyuantong/env .venv/bin/python manage.py verify_journal"
    )
    print("after a power cut everything came up by itself", flush=True)
    follow(machine, guide.commands(page, told={}, sections=(4, 4)), settings, password)
    guide.serves("https://127.0.0.1", password)
    print("backed up and brought back as the page says", flush=True)
    return code


def main() -> int:
    missing = [name for name in NEEDED if not shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")]
    if os.geteuid() or missing:
        print("needs root and:", *(missing or NEEDED), "(Debian: debootstrap, systemd-container, util-linux)")
        return 2
    page = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    packages = guide.packages(page)
    password = "Machines-Are-2-Boot"
    settings = {
        "SECRET_KEY": secrets.token_urlsafe(48), "PHOTO_ROOT_KEY": secrets.token_urlsafe(48), "PROCESSES": "2",
        "PUBLIC_URL": "https://127.0.0.1", "ALLOWED_HOSTS": "127.0.0.1", "MEDIA_STORAGE": "disk",
        "DATABASE_URL": f"postgres://sanyuantong:{password}@127.0.0.1:5432/sanyuantong",
    }  # fmt: skip
    with Machine(packages) as machine:
        os.environ["SSL_CERT_FILE"] = str(machine.folder / "authority.pem")
        return proves(machine, settings, password)


if __name__ == "__main__":
    sys.exit(main())
