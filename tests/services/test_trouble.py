"""The database in trouble under a real server: what callers are told, and that nothing acknowledged is missing after."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.services import ROOT, database_url
from tests.services.postgres import Postgres, find_programs
from tests.services.process import free_ports, make_folder
from tests.services.production import Server

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
PASSWORD = "Trouble-Is-1-Friend"


@dataclass
class Site:
    """A server with one connection to its database, and an office that enters departments."""

    server: Server
    database: Postgres
    url: str
    http: httpx.Client
    acknowledged: list[str] = field(default_factory=list)
    troubles: list[httpx.Response] = field(default_factory=list)

    def enters(self, code: str) -> httpx.Response:
        """One department, once; the answer is noted."""
        body = {"code": code, "name": f"{code}局"}
        answer = self.http.post("departments", json=body, headers={"Idempotency-Key": code})
        if answer.status_code == 201:
            self.acknowledged.append(code)
        else:
            self.troubles.append(answer)
        return answer

    def recovers(self, code: str) -> None:
        """It takes what it refused, without anybody's help."""
        end = time.monotonic() + 30
        while self.enters(code).status_code != 201:
            assert time.monotonic() < end, self.troubles[-1].text
            time.sleep(0.2)

    def keeps_its_word(self) -> None:
        """All that was acknowledged is there; whatever was not was refused for now, with a time to come again."""
        held = {row["code"] for row in self.http.get("departments?limit=1000").raise_for_status().json()["results"]}
        assert set(self.acknowledged) <= held
        assert {trouble.status_code for trouble in self.troubles} <= {503}
        assert all(int(trouble.headers["Retry-After"]) > 0 for trouble in self.troubles)
        self.acknowledged.clear()
        self.troubles.clear()


def copy_tables(source: str, target: str) -> None:
    """The tables as the migrations left them, which takes a second where the migrations take ten."""
    programs = find_programs()
    dumped = subprocess.run([str(programs / "pg_dump"), "--no-owner", source], capture_output=True, check=True)
    filled = subprocess.run(
        [str(programs / "psql"), "-q", "-v", "ON_ERROR_STOP=1", target],
        input=dumped.stdout,
        capture_output=True,
        check=False,
    )
    assert filled.returncode == 0, filled.stderr


@pytest.fixture(scope="module")
def running(django_db_setup: None) -> Iterator[Site]:
    folder, [port] = make_folder("trouble"), free_ports(1)
    with Postgres(durable=True) as database:
        url = database.create("office")
        environment = {
            "ENV_FILE": "/dev/null", "VAR_DIR": str(folder), "DATABASE_URL": url, "DATABASE_POOL": "1",
            "REQUESTS_AT_ONCE": "4", "PROCESSES": "1", "SECRET_KEY": secrets.token_urlsafe(48),
        }  # fmt: skip
        copy_tables(database_url(), url)
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "add_person", "office", "Office"], env=os.environ | environment,
            input=PASSWORD, text=True, check=True, capture_output=True,
        )  # fmt: skip
        with Server(environment, port=port, worker=False) as server:
            http = httpx.Client(base_url=f"{server.base_url}/api/v1/", timeout=30)
            device = {"id": "0197f0c2-0000-7000-8000-0000000000aa", "name": "desk"}
            asked = {"username": "office", "password": PASSWORD, "device": device}
            access = http.post("auth/token", json=asked).raise_for_status().json()["access"]
            http.headers["Authorization"] = f"Bearer {access}"
            yield Site(server, database, url, http)
            http.close()
    subprocess.run(["rm", "-rf", str(folder)], check=False)


def test_row_11_a_full_disk_of_the_database_is_a_503_until_there_is_room(running: Site) -> None:
    with psycopg.connect(running.url, autocommit=True) as office:
        [place] = office.execute("SELECT pg_relation_filepath('api_keptanswer')").fetchone() or ()
        table = Path(running.database.data) / place
        # a table whose file takes not one byte more; the server opens it anew on new connections
        kept = table.rename(table.with_name("kept"))
        table.symlink_to("/dev/full")
        disconnect(office)
        time.sleep(0.5)

        for number in range(3):
            running.enters(f"FULL{number}")

        assert running.acknowledged == []
        said = running.database.log.read_text(errors="replace")
        assert "No space left on device" in said
        table.unlink()
        kept.rename(table)
        disconnect(office)
    running.recovers("FULL0")
    running.keeps_its_word()


def disconnect(office: psycopg.Connection[tuple[object, ...]]) -> None:
    office.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = 'office'"
    )


def test_row_13_a_restart_of_the_database_under_load_is_a_503_for_a_while(running: Site) -> None:
    stop = threading.Event()

    def load() -> None:
        number = 0
        while not stop.is_set():
            running.enters(f"LOAD{number}")
            number += 1

    thread = threading.Thread(target=load)
    thread.start()
    time.sleep(0.7)
    running.database.kill()
    time.sleep(0.7)
    running.database.start()
    time.sleep(1.5)
    stop.set()
    thread.join()
    assert running.acknowledged
    assert running.troubles
    running.recovers("AFTER")
    running.keeps_its_word()


def test_row_15_who_gets_no_connection_is_told_to_come_again(running: Site) -> None:
    with psycopg.connect(running.url) as office:
        office.execute("LOCK TABLE organizations_department IN ACCESS EXCLUSIVE MODE")  # holds the only connection up
        crowd = [threading.Thread(target=running.enters, args=(f"CROWD{number}",)) for number in range(4)]
        for one in crowd:
            one.start()
        end = time.monotonic() + 20
        while len(running.troubles) < 3 and time.monotonic() < end:
            time.sleep(0.1)
        assert [trouble.status_code for trouble in running.troubles] == [503] * 3
    for one in crowd:
        one.join()
    assert len(running.acknowledged) == 1
    running.recovers("LATER")
    running.keeps_its_word()
