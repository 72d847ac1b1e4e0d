"""The services that tests run on are real, are ours alone, and go when we go."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest
from botocore.exceptions import ClientError

from tests.config.test_supervision import gone
from tests.services import ROOT
from tests.services.loopback import OutsideRefused
from tests.services.postgres import Postgres
from tests.services.process import ServiceMissing
from tests.services.s3 import S3

HOLD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
from tests.services.postgres import Postgres
server = Postgres()
print((server.data / "postmaster.pid").read_text().split()[0], server.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.postgres
def test_a_durable_server_keeps_what_it_acknowledged_through_a_kill() -> None:
    with Postgres(durable=True) as server:
        url = server.create("office")
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE visit (id int)")
            connection.execute("INSERT INTO visit VALUES (1)")
        server.kill()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url)
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT id FROM visit").fetchall() == [(1,)]
    assert not server.folder.exists()


@pytest.mark.postgres
def test_a_stranger_without_the_password_does_not_get_in() -> None:
    with Postgres() as server, pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(re.sub(r":[^:@/]+@", ":wrong@", server.url()))


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_dies_with_its_user(number: signal.Signals) -> None:
    user = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert user.stdout is not None
    pid, folder = user.stdout.readline().split()
    user.send_signal(number)
    user.communicate(timeout=60)
    assert gone(int(pid))
    end_of_folder = Path(folder)
    assert gone_folder(end_of_folder)


def gone_folder(folder: Path) -> bool:
    import time

    end = time.monotonic() + 10
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not folder.exists()


@pytest.mark.postgres
def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServiceMissing, match="no_such_setting"):
        Postgres(settings={"no_such_setting": "1"})


@pytest.mark.s3
def test_the_storage_keeps_bytes_and_refuses_strangers(s3_server: S3) -> None:
    client = s3_server.client()
    client.put_object(Bucket=s3_server.bucket, Key="a/photo.jpg", Body=b"bytes")
    assert client.get_object(Bucket=s3_server.bucket, Key="a/photo.jpg")["Body"].read() == b"bytes"
    assert httpx.get(f"{s3_server.endpoint}/{s3_server.bucket}/a/photo.jpg").status_code == 403
    with pytest.raises(ClientError):
        client.get_object(Bucket=s3_server.bucket, Key="a/other.jpg")


def test_nothing_outside_this_machine_is_reached() -> None:
    with pytest.raises(OutsideRefused):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("example.org", 80)
