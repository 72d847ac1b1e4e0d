"""Photos by tus: 3 MB each in chunks of 1 MB, eight at a time, beside the Node tus server in the same run.

Run: ``python -m bench.uploads`` (``--rival FOLDER`` names a folder where ``npm i @tus/server @tus/file-store tus-js-client`` was run;
``--engine postgres --storage s3`` for production's parts). Every stored photo is compared with its digest afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from random import Random
from uuid import uuid4

from PIL import Image

from bench.load import Connection, cpu_seconds, resident_mb
from tests.services.postgres import Postgres
from tests.services.process import free_ports
from tests.services.production import Server, manage
from tests.services.s3 import S3

SIZE, CHUNK = 3 << 20, 1 << 20
HERE = Path(__file__).resolve().parent


@dataclass
class Picture:
    data: bytes
    sha256: str


def pictures(count: int) -> list[Picture]:
    """JPEGs of three megabytes: a real header, then noise in the scan, all different."""
    out = BytesIO()
    Image.new("RGB", (4000, 3000)).save(out, "JPEG")
    start = out.getvalue()[:-2]
    noise = os.urandom(SIZE).replace(b"\xff", b"\xfe")
    made = []
    for _ in range(count):
        data = start + secrets.token_hex(16).encode() + noise[: SIZE - len(start) - 34] + b"\xff\xd9"
        made.append(Picture(data, sha256(data).hexdigest()))
    return made


class Line(Connection):
    """A connection that reads the headers of an answer too."""

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> tuple[int, dict[str, str]]:
        fields = {"Host": "127.0.0.1", "Tus-Resumable": "1.0.0", "Content-Length": str(len(body)), **headers}
        head = (
            f"{method} {path} HTTP/1.1\r\n" + "".join(f"{key}: {value}\r\n" for key, value in fields.items()) + "\r\n"
        )
        self.socket.sendall(head.encode())
        if body:
            self.socket.sendall(body)
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        told = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        self.buffer = self.buffer[end + 4 :]
        if told.get("transfer-encoding") == "chunked":
            while not self.buffer.endswith(b"0\r\n\r\n"):
                self._more()
            self.buffer = b""
        left = int(told.get("content-length", 0))
        while len(self.buffer) < left:
            self._more()
        self.buffer = self.buffer[left:]
        return int(first.split()[1]), told


def upload(line: Line, path: str, picture: Picture, token: str) -> None:
    """One photo: a creation and three chunks."""
    told = {"photo": str(uuid4()), "sha256": picture.sha256, "filename": "a.jpg"}
    metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())
    sign = {"Authorization": f"Bearer {token}"} if token else {}
    length = len(picture.data)
    status, answer = line.send("POST", path, sign | {"Upload-Length": str(length), "Upload-Metadata": metadata})
    assert status == 201, (status, answer)
    address = "/" + answer["location"].split("//", 1)[-1].split("/", 1)[1]
    view = memoryview(picture.data)
    for offset in range(0, length, CHUNK):
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        status, answer = line.send("PATCH", address, sign | headers, view[offset : offset + CHUNK])  # type: ignore[arg-type]
        assert status == 204, (status, answer)


def interrupted(port: int, path: str, picture: Picture, token: str, dice: Random) -> int:
    """One photo over a line that is cut at random points, each time resumed as tus says; gives the number of cuts."""
    told = {"photo": str(uuid4()), "sha256": picture.sha256}
    metadata = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())
    sign, length, cuts = {"Authorization": f"Bearer {token}"}, len(picture.data), 0
    status, answer = Line(port).send("POST", path, sign | {"Upload-Length": str(length), "Upload-Metadata": metadata})
    assert status == 201, (status, answer)
    address = answer["location"]
    while True:
        status, answer = Line(port).send("HEAD", address, sign)
        assert status == 200, (status, answer)
        if (offset := int(answer["upload-offset"])) == length:
            return cuts
        chunk = picture.data[offset : offset + CHUNK]
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        line = Line(port)
        if dice.random() < 0.5:
            cuts += 1
            part, delay = dice.randrange(len(chunk)), dice.choice([0, 0, 0.02])
            head = {"Host": "127.0.0.1", "Tus-Resumable": "1.0.0", "Content-Length": str(len(chunk)), **sign, **headers}
            lines = "".join(f"{key}: {value}\r\n" for key, value in head.items())
            line.socket.sendall(f"PATCH {address} HTTP/1.1\r\n{lines}\r\n".encode() + chunk[:part])
            time.sleep(delay)
            line.socket.close()
            continue
        try:
            status, answer = line.send("PATCH", address, sign | headers, chunk)
        except OSError:
            continue  # refused before the chunk was through; the next HEAD tells
        assert status in (204, 409, 423), (status, answer)


def drill(place: tuple[int, list[str], Path, list[int]], count: int) -> None:
    """Interrupted photos, eight at a time: all must be whole in the end."""
    port, tokens, folder, _ = place
    dice, photos = Random(3), pictures(count)
    began, before = time.perf_counter(), check_whole(folder)
    with ThreadPoolExecutor(8) as phones:
        work = [
            phones.submit(
                interrupted, port, "/api/v1/uploads/", picture, tokens[n % len(tokens)], Random(dice.random())
            )
            for n, picture in enumerate(photos)
        ]
        cuts = sum(one.result() for one in work)
    whole = check_whole(folder) - before
    seconds = time.perf_counter() - began
    print(f"{whole} of {count} interrupted photos whole, cut {cuts} times, in {seconds:.0f} s", flush=True)
    assert whole == count


def foreign(place: tuple[int, list[str], Path, list[int]], rival: Path, count: int = 10) -> None:
    """Photos by an unmodified tus-js-client, each aborted four times at random and resumed."""
    port, tokens, folder, _ = place
    script, file, before = rival / "client.mjs", folder / "photo.jpg", check_whole(folder)
    shutil.copy(HERE / "rivals" / "client.mjs", script)
    for number, picture in enumerate(pictures(count)):
        file.write_bytes(picture.data)
        told = [f"http://127.0.0.1:{port}/api/v1/uploads/", tokens[number % len(tokens)], str(uuid4()), picture.sha256]
        subprocess.run(["node", str(script), *told, str(file), "4"], cwd=rival, check=True, stdout=subprocess.DEVNULL)
    whole = check_whole(folder) - before
    print(f"{whole} of {count} photos of tus-js-client whole, each cut four times", flush=True)
    assert whole == count


def load(port: int, path: str, photos: list[Picture], tokens: list[str], at_once: int) -> float:
    """Upload all, ``at_once`` at a time; gives the seconds it took."""
    queue, lock, faults = iter(enumerate(photos)), threading.Lock(), []

    def phone() -> None:
        line = Line(port)
        while True:
            with lock:
                number, picture = next(queue, (None, None))
            if picture is None or faults:
                return
            try:
                upload(line, path, picture, tokens[number % len(tokens)] if number is not None else "")
            except (AssertionError, OSError, IndexError) as fault:
                faults.append(fault)

    threads = [threading.Thread(target=phone) for _ in range(at_once)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[0]
    return time.perf_counter() - began


@contextmanager
def ours(engine: str, storage: str, processes: int) -> Iterator[tuple[int, list[str], Path, list[int]]]:
    """Our server without its worker: its port, tokens of signed-in devices, its folder, its process ids."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="bench-uploads-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        [port] = free_ports(1)
        environment = {
            "ENV_FILE": "/dev/null", "VAR_DIR": str(folder), "SECRET_KEY": secrets.token_urlsafe(48), "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3", "PROCESSES": str(processes),
        }  # fmt: skip
        if engine == "postgres":
            environment["DATABASE_URL"] = stack.enter_context(Postgres(durable=True)).create("bench")
        if storage == "s3":
            environment |= stack.enter_context(S3()).environment()
        manage(environment, "migrate", "--verbosity", "0")
        prepare = [sys.executable, "-m", "bench.prepare", "8", "2"]
        asked = subprocess.run(prepare, env=os.environ | environment, check=True, stdout=subprocess.PIPE)
        server = stack.enter_context(Server(environment, port=port, worker=False))
        del server
        yield port, [device["token"] for device in json.loads(asked.stdout)["devices"]], folder, [os.getpid()]


@contextmanager
def node(rival: Path) -> Iterator[tuple[int, list[str], Path, list[int]]]:
    [port] = free_ports(1)
    folder = Path(tempfile.mkdtemp(prefix="bench-tus-"))
    script = rival / "tus.mjs"
    shutil.copy(HERE / "rivals" / "tus.mjs", script)
    program = subprocess.Popen(["node", str(script), str(port), str(folder)], cwd=rival)
    try:
        for _ in range(100):
            try:
                Line(port)
                break
            except OSError:
                time.sleep(0.1)
        yield port, [""], folder, [program.pid]
    finally:
        program.kill()
        program.wait()
        shutil.rmtree(folder, ignore_errors=True)


def measure(name: str, path: str, place: tuple[int, list[str], Path, list[int]], options: argparse.Namespace) -> float:
    port, tokens, _, roots = place
    photos = pictures(options.photos + 8)
    load(port, path, photos[:8], tokens, 8)
    mine: Callable[[], float] = (lambda: sum(os.times()[:2])) if roots == [os.getpid()] else (lambda: 0.0)
    before = cpu_seconds(roots) - mine()
    seconds = load(port, path, photos[8:], tokens, options.at_once)
    used = cpu_seconds(roots) - mine() - before
    rate = options.photos * SIZE / 1e6 / seconds
    print(f"{name:44}{rate:>9.0f} MB/s{used / options.photos * 1000:>9.1f} CPU-ms a photo", flush=True)
    return rate


def check_whole(folder: Path) -> int:
    """Every file of a disk store hashes to its name."""
    files = [file for file in (folder / "media" / "originals").rglob("*") if file.is_file()]
    for file in files:
        assert sha256(file.read_bytes()).hexdigest() == file.name, file
    return len(files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=150)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--storage", choices=("disk", "s3"), default="disk")
    parser.add_argument("--rival", type=Path)
    parser.add_argument(
        "--client", action="store_true", help="also by an unmodified tus-js-client in the rival's folder"
    )
    parser.add_argument("--interrupted", type=int, default=0, help="photos over lines cut at random points")
    options = parser.parse_args()
    for _ in range(options.rounds):
        rival = 0.0
        if options.rival:
            with node(options.rival) as place:
                rival = measure("Node tus server, files on disk", "/files", place, options)
        with ours(options.engine, options.storage, options.processes) as place:
            name = f"ours, {options.engine}, {options.storage}, {options.processes} processes"
            rate = measure(name, "/api/v1/uploads/", place, options)
            memory = max(resident_mb([os.getpid()], lambda command: "granian" in command))
            if options.interrupted and options.storage == "disk":
                drill(place, options.interrupted)
            if options.client and options.storage == "disk":
                foreign(place, options.rival)
            whole = check_whole(place[2]) if options.storage == "disk" else options.photos
        told = f", {rate / rival:.2f} × Node" if rival else ""
        print(f"  {whole} photos whole, app process {memory:.0f} MB{told}")


if __name__ == "__main__":
    main()
