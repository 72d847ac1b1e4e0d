"""The parsers under a fuzzer that follows their branches: each answers or refuses in its own words, whatever comes.

    make fuzz-deep                                a minute for each (FUZZ_SECONDS=… for another time)
    python -m tests.fuzz expression --seconds 600

`tests/test_parsers.py` asks the same of spoilt samples at every test run. Here inputs that reach new branches are bred on,
kept in `var/fuzz` from one run to the next. What it finds is printed as bytes, and belongs into a test. Needs atheris
(requirements-fuzz.txt), which has wheels for fewer machines than the rest.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import atheris

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
ROOT = Path(__file__).resolve().parents[1]
ROOMS = ["api", "core", "media", "organizations", "reports", "surveys", "sync", "django.http", "django.utils.http"]

followed = atheris.instrument_imports(include=ROOMS, enable_loader_override=False)
with followed if "--inside" in sys.argv else contextlib.nullcontext():
    import django

    django.setup()
    import orjson
    from django.core.exceptions import SuspiciousOperation
    from django.core.handlers.wsgi import WSGIRequest
    from django.http import Http404
    from django.test import RequestFactory
    from PIL import Image
    from rest_framework.exceptions import NotAcceptable, ParseError, ValidationError
    from rest_framework.negotiation import DefaultContentNegotiation
    from rest_framework.parsers import MultiPartParser
    from rest_framework.request import Request

    from api import files, pagination, parsing, uploads
    from api.enterprises import EnterpriseFilter
    from api.journal import EntryFilter
    from api.rendering import JSONRenderer
    from config.legible import acceptable, readable
    from core.problems import Problem
    from core.texts import EN, ZH, negotiate
    from media import exif, headers, scans
    from organizations import enterprise_import
    from organizations.models import Enterprise
    from reports import periods
    from surveys import openrosa, patterns
    from surveys.expressions import Names, Place, Scope, compile_expression
    from surveys.functions import NotEvaluable
    from surveys.grammar import BadExpression
    from surveys.spreadsheet import read_workbook
    from surveys.values import Day
    from sync import cursors, envelope

ASK = RequestFactory()
NAMES = Names(
    {"a": Place("a", "question"), "rows": Place("rows", "repeat"), "x": Place("x", "question", ("rows",), ("rows",))}
)
QUESTIONS = [
    {"name": "members", "type": "integer"}, {"name": "met", "type": "select_multiple"},
    {"name": "rows", "type": "repeat", "children": [{"name": "x", "type": "integer"}]},
]  # fmt: skip


def cursor(data: bytes) -> None:
    with contextlib.suppress(cursors.BadCursor):
        cursors.unseal(data.decode("latin-1"), owner=UUID(int=7), key=b"key")
        raise AssertionError("a cursor that nobody sealed")


def list_cursor(data: bytes) -> None:
    with contextlib.suppress(Problem):
        pagination._values(Enterprise, ("name", "id"), data.decode("latin-1"))


def json(data: bytes) -> None:
    with contextlib.suppress(Problem):
        value = parsing.loads(data)
        assert parsing.loads(orjson.dumps(value)) == value


def batch(data: bytes) -> None:
    with contextlib.suppress(Problem):
        for asked in envelope.read(data).mutations:
            again = envelope.asked(orjson.loads(asked.payload))
            assert "\0" not in asked.payload
            assert asked.faults or again.content == asked.content


def expression(data: bytes) -> None:
    text = data.decode(errors="replace")
    with contextlib.suppress(BadExpression, NotEvaluable):
        day = Day(20_000.0)
        compile_expression(text, NAMES).run(Scope({"a": text[:20], "rows": [{"x": "1"}, {"x": text[:3]}]}, day, day))


def pattern(data: bytes) -> None:
    with contextlib.suppress(patterns.BadPattern):
        patterns.matches("a1中", data.decode(errors="replace"))


def workbook(data: bytes) -> None:
    with contextlib.suppress(Problem):
        read_workbook(data)


def table(data: bytes) -> None:
    with contextlib.suppress(Problem):
        list(enterprise_import._rows(data))


def submission(data: bytes) -> None:
    with contextlib.suppress(Problem):
        openrosa.envelope(data)
        openrosa.read_instance(data, {"questions": QUESTIONS})


def picture(data: bytes) -> None:
    """The header, and what the child process looks at besides the pixels."""
    with contextlib.suppress(headers.NotAPicture):
        kind = headers.read(data).kind
        if kind == "jpeg":
            scans._end_of_scans(data)
            scans._is_refined(data)
        with contextlib.suppress(OSError, SyntaxError, ValueError), Image.open(io.BytesIO(data)) as image:
            exif.read(image)


def metadata(data: bytes) -> None:
    request = ASK.post("/", HTTP_UPLOAD_METADATA=data.decode("latin-1"), HTTP_UPLOAD_CHECKSUM=data.decode("latin-1"))
    with contextlib.suppress(Problem):
        uploads._checksum(request)
    with contextlib.suppress(Problem):
        told = uploads._metadata(request)
        assert isinstance(told.photo, UUID) and len(told.sha256) == 64 and "\0" not in told.filename


def parts(data: bytes) -> None:
    """A form of several parts; the boundary is what stands before the first line's end."""
    boundary = data.split(b"\r\n", 1)[0][2:40].decode("latin-1")
    kind = readable(f"multipart/form-data; boundary={boundary}")
    request = ASK.post("/", data=data, content_type=kind)
    with contextlib.suppress(ParseError):
        form = MultiPartParser().parse(io.BytesIO(data), kind, {"request": request, "encoding": "utf-8"})
        for file in form.files.values():
            assert "/" not in file.name and "\0" not in file.name
            file.close()


def said(data: bytes) -> None:
    """The headers that say what is wanted: language, range, tags."""
    text = data.decode("latin-1")
    assert negotiate(text) in (ZH, EN)
    ASK.post("/", data=b"{}", content_type=readable(text))
    span = files._span(ASK.get("/", HTTP_RANGE=text), 1000, "tag")
    assert span is None or span == (0, 0) or 0 <= span[0] < span[1] <= 1000


def request(data: bytes) -> None:
    """What Django reads of a request before any of our code could answer: line by line path, query, headers."""
    names = ("PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_COOKIE", "HTTP_HOST", "HTTP_ACCEPT")
    environ = ASK._base_environ()
    environ |= dict(zip(names, data.decode("latin-1").split("\n"), strict=False))
    environ["CONTENT_TYPE"] = readable(environ.get("CONTENT_TYPE", ""))
    environ["HTTP_ACCEPT"] = acceptable(environ.get("HTTP_ACCEPT", ""))
    asked = WSGIRequest(environ)
    asked.accepts("text/html")
    with contextlib.suppress(NotAcceptable, Http404):
        DefaultContentNegotiation().select_renderer(Request(asked), [JSONRenderer()])
    assert isinstance(dict(asked.GET) | dict(asked.COOKIES) | dict(asked.headers), dict)
    with contextlib.suppress(SuspiciousOperation):
        asked.get_host()


def period(data: bytes) -> None:
    first, _, second = data.decode(errors="replace").partition("|")
    for asked in ({"period": first}, {"since": first, "until": second}):
        with contextlib.suppress(Problem):
            found = periods.read(**asked)
            assert found.first <= found.last


def filters(data: bytes) -> None:
    """Query strings against the filters of lists."""
    given = dict(ASK.get("/", QUERY_STRING=data.decode("latin-1")).GET.items())
    for shape in (EnterpriseFilter, EntryFilter):
        with contextlib.suppress(ValidationError):
            shape(data=given).is_valid(raise_exception=True)


BATCH = (
    b'{"schema":1,"epoch":"e","sent_at":"2026-11-22T09:00:00+08:00","mutations":[{"id":"00000000-0000-0000-0000-000000000001",'
    b'"collection":"visits","record":"00000000-0000-0000-0000-000000000002","op":"put","base":null,"data":{},'
    b'"at":"2026-11-22T08:40:00Z"}]}'
)
JPEG = (
    b"\xff\xd8\xff\xe1\0\x10Exif\0\0MM\0*\0\0\0\x08\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"
    b"\xff\xda\0\x08\x01\x01\0\0?\0\xff\xd9"
)
FORM = (
    b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a.xlsx\r\nContent-Type: text/csv\r\n\r\n"
    b"PK\r\n--x--\r\n"
)
TARGETS: dict[Callable[[bytes], None], list[bytes]] = {
    cursor: [cursors.seal(cursors.Cursor("e1", 7, 5, True, None), owner=UUID(int=8), key=b"key").encode()],
    list_cursor: [b64encode(orjson.dumps(["a", str(UUID(int=1))]))],
    json: [BATCH, b'{"a":"\\ud83d\\ude00","a":[1e400,-0,NaN]}'],
    batch: [BATCH],
    expression: [b"if(${a} > 3 and sum(${x}) != 2, regex('b', '^[a-z]+$'), indexed-repeat(${x}, ${rows}, 1))", b"count(${rows})"],
    pattern: [rb"^(a|b)+[0-9]{2,3}\d$"],
    workbook: [(ROOT / "data" / "questionnaires" / "visit.xlsx").read_bytes()],
    table: ["企业名称,镇街,职工人数\n面包厂,徐霞客镇,12\n".encode(), "企业名称\n甲\n".encode("gb18030")],
    submission: [b'<data id="visit" version="1"><meta><instanceID>uuid:1</instanceID></meta><members>1</members></data>'],
    picture: [JPEG,
              b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x0cmeta",
              b"RIFF\x20\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x0f\0\0"],
    metadata: [b"photo " + b64encode(str(UUID(int=3)).encode()) + b",sha256 " + b64encode(b"a" * 64), b"sha1 " + b64encode(b"a" * 20)],
    parts: [FORM],
    said: [b"zh-CN,zh;q=0.9,en;q=0.8", b"bytes=0-99", b"bytes=-5"],
    request: [b"/api/v1/me\nq=%E9%9D%A2&a=1\napplication/json; charset=utf-8\n2\nsessionid=x; csrftoken=y\nlocalhost:80\n*/*"],
    period: [b"2026-Q3", b"2026-W09", b"2026-01-01|2026-02-01"],
    filters: [b"region=320281105&active=true&q=%E9%9D%A2", b"since=2026-01-01T00:00:00%2B08:00&record=1&person=x"],
}  # fmt: skip


def run(target: Callable[[bytes], None], seconds: int) -> bool:
    """One target in a process of its own, for libFuzzer ends the process; whether it stood."""
    corpus = ROOT / "var" / "fuzz" / target.__name__
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[target]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-verbosity=0"]
    argv = [sys.executable, "-m", "tests.fuzz", "--inside", target.__name__, *limits, f"-artifact_prefix={corpus}-"]
    told = subprocess.run([*argv, str(corpus)], cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    lines = [line for line in told.stderr.splitlines() if not line.startswith("INFO: Instrumenting")]
    counted = [line.split()[-1] for line in lines if "number_of_executed_units" in line or "new_units_added" in line]
    print(f"{target.__name__}: {' inputs, '.join(counted)} of them led to new branches" if counted else "", flush=True)
    if told.returncode:
        print("\n".join([told.stdout[-6000:], *lines[-40:]]), flush=True)
    return told.returncode == 0


def main() -> int:
    by_name = {target.__name__: target for target in TARGETS}
    if sys.argv[1:2] == ["--inside"]:
        atheris.Setup([sys.argv[0], *sys.argv[3:]], by_name[sys.argv[2]])
        atheris.Fuzz()
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("targets", nargs="*", help=", ".join(by_name))
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    fallen = [name for name in asked.targets or by_name if not run(by_name[name], asked.seconds)]
    print(f"fell over: {', '.join(fallen)}" if fallen else "every parser stood")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
