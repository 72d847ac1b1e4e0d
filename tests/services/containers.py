"""deploy/compose.yaml tried: built, started, installed, toured, every part killed in turn, all of it thrown away again.

    make compose-drill      # needs Docker with its compose plugin, and the images that the file names

COMPOSE names another program (`COMPOSE="podman compose"`). The proxy is nginx on this machine, as the file says.
"""

from __future__ import annotations

import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack

from tests.services import guide
from tests.services.drill import drill
from tests.services.nginx import Nginx
from tests.services.process import free_ports
from tests.services.production import ROOT

FILE = ROOT / "deploy" / "compose.yaml"
PARTS = ("web", "worker", "database", "storage")
PASSWORD = "Containers-Are-2-Start"


def compose(*words: str, said: str | None = None) -> str:
    """Run one command of compose on a project of its own; gives what it prints."""
    program = shlex.split(os.environ.get("COMPOSE", "docker compose"))
    argv = [*program, "--project-name", "sanyuantong-drill", "--file", str(FILE), *words]
    return subprocess.run(argv, cwd=ROOT, input=said, stdout=subprocess.PIPE, text=True, check=True).stdout


def killed(part: str) -> Callable[[], None]:
    """End a container's first process as a crash would; nobody but Docker starts it again."""

    def kill() -> None:
        container = compose("ps", "--quiet", part).split()[0]
        asked = ["docker", "inspect", "--format", "{{.State.Pid}}", container]
        found = subprocess.run(asked, capture_output=True, text=True, check=True)
        os.kill(int(found.stdout), signal.SIGKILL)

    return kill


def main() -> int:
    front, plain = free_ports(2)
    base_url = f"https://127.0.0.1:{front}"
    told = {
        name: secrets.token_urlsafe(48)
        for name in ("SECRET_KEY", "PHOTO_ROOT_KEY", "POSTGRES_PASSWORD", "S3_SECRET_KEY")
    }
    os.environ |= told | {"PUBLIC_URL": base_url, "ALLOWED_HOSTS": "127.0.0.1"}
    with ExitStack() as stack:
        stack.callback(compose, "down", "--volumes")
        compose("up", "--detach", "--build")
        compose("run", "--rm", "worker", "furnish")
        compose("run", "--rm", "-T", "worker", "add_person", "desk", "产改办", said=f"{PASSWORD}\n")
        proxy = stack.enter_context(Nginx(port=front, plain_port=plain, upstreams=[8000]))
        os.environ["SSL_CERT_FILE"] = str(proxy.authority)
        guide.serves(base_url, PASSWORD)
        compose("up", "--detach")  # a second time changes nothing
        compose("run", "--rm", "--env", f"DEMO_PASSWORD={PASSWORD}", "worker", "demo", "--force", "--months", "1")
        return drill(base_url, PASSWORD, {part: killed(part) for part in PARTS})


if __name__ == "__main__":
    sys.exit(main())
