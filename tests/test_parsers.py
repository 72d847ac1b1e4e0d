"""Whatever bytes come in, a parser answers or refuses in its own words; it never falls over, hangs or takes the forged.

Samples are what phones and offices really send, cut, flipped and glued; FUZZ says how many of each (`make fuzz` takes many
and other ones each time, `make test` a few and always the same).
"""

from __future__ import annotations

import contextlib
import io
import os
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from api import pagination, parsing, uploads
from core.problems import Malformed, Problem
from demo import pictures
from media import headers, scans
from media.darkroom import Darkroom
from organizations.models import Enterprise
from reports import periods
from surveys import openrosa, xlsform
from surveys.expressions import Names, Place, Scope, compile_expression
from surveys.functions import FUNCTIONS, NotEvaluable
from surveys.grammar import BadExpression
from surveys.spreadsheet import Line, Sheet, read_workbook
from surveys.values import Day
from sync import cursors, envelope
from tests.api.line import Line as Caller
from tests.media.scenes import encoded, scene
from tests.organizations.cast import Cast

FUZZ = int(os.environ.get("FUZZ", "0"))
FORM = Path(__file__).resolve().parents[1] / "data" / "questionnaires" / "visit.xlsx"
OWNER, KEY = UUID(int=7), b"key"
SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def some(count: int) -> settings:
    return settings(
        max_examples=FUZZ or count, derandomize=not FUZZ, deadline=None, database=None, suppress_health_check=SLOW
    )


@st.composite
def spoilt(draw: DrawFn, samples: list[bytes], most: int = 8) -> bytes:
    """A sample in which pieces were flipped, cut out, doubled or written over."""
    data = bytearray(draw(st.sampled_from(samples)))
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["flip", "cut", "double", "write", "end"])):
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del data[at : at + draw(st.integers(1, 64))]
            case "double":
                data[at:at] = data[at : at + draw(st.integers(1, 64))]
            case "write":
                piece = draw(
                    st.sampled_from([b"\0", b"\xff" * 4, b"\x7f\xff\xff\xff", b"<", b'"', b"{", b"\r\n", "𠮷".encode()])
                )
                data[at : at + len(piece)] = piece
            case "end":
                del data[at:]
    return bytes(data)


texts: SearchStrategy[str] = st.text(max_size=60)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


# --- cursors ----------------------------------------------------------------------------------------------------------


SEALED = cursors.seal(cursors.Cursor("e1", 7, 5, True, cursors.Tie(3, 4, "visits", "x")), owner=OWNER, key=KEY)


@given(
    st.one_of(texts, st.binary(max_size=90).map(lambda raw: b64encode(raw).decode()), st.text("Aa0-_=/+", max_size=80))
)
@some(300)
def test_row_18_a_made_up_cursor_of_the_feed_is_refused(given_text):
    with pytest.raises(cursors.BadCursor):
        cursors.unseal(given_text, owner=OWNER, key=KEY)


def test_row_18_a_cursor_is_good_in_one_spelling_only():
    """Every letter exchanged for every other, every letter gone, every letter twice, whatever is glued on."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=!\n 中"
    for at in range(len(SEALED) + 1):
        changed = {SEALED[:at] + letter + SEALED[at + 1 :] for letter in letters} | {SEALED[:at] + SEALED[at + 1 :]}
        changed |= {SEALED[:at] + letter + SEALED[at:] for letter in letters}
        for text in changed - {SEALED}:
            with pytest.raises(cursors.BadCursor):
                cursors.unseal(text, owner=OWNER, key=KEY)
    assert cursors.unseal(SEALED, owner=OWNER, key=KEY).position == 5


@given(st.one_of(texts, anything.map(lambda value: _cursor(value))))
@some(300)
def test_a_made_up_cursor_of_a_list_is_read_or_refused(raw):
    try:
        values = pagination._values(Enterprise, ("name", "id"), raw)
    except Malformed:
        return
    assert isinstance(values[0], str) and isinstance(values[1], UUID)


def _cursor(value: Any) -> str:
    try:
        return b64encode(orjson.dumps(value)).decode()
    except TypeError:
        return "x"


# --- JSON -------------------------------------------------------------------------------------------------------------


BATCH = orjson.dumps(
    {
        "schema": 1, "epoch": "e1", "sent_at": "2026-11-22T09:00:00+08:00",
        "mutations": [
            {"id": str(UUID(int=1)), "collection": "visits", "record": str(UUID(int=2)), "op": "put", "base": None,
             "data": {"mode": "on_site", "n": 1.5e3, "s": "\"\\ \u0001 𠮷"}, "at": "2026-11-22T08:40:00+08:00"},
        ],
    }
)  # fmt: skip


@given(st.one_of(st.binary(max_size=80), spoilt([BATCH, b'{"a":"\\ud83d\\ude00","a":[1e400,-0,NaN]}'])))
@some(400)
def test_row_32_a_batch_is_read_or_refused_and_each_mutation_can_be_kept(body):
    try:
        batch = envelope.read(body)
    except Problem:
        return
    for asked in batch.mutations:
        kept = asked.payload
        assert "\0" not in kept and kept.encode("utf-8")
        again = envelope.asked(orjson.loads(kept))
        assert asked.faults or again.content == asked.content


@given(st.one_of(st.binary(max_size=80), spoilt([BATCH])))
@some(300)
def test_row_32_what_the_strict_reader_takes_everybody_takes(body):
    try:
        value = parsing.loads(body)
    except Malformed:
        return
    assert parsing.loads(orjson.dumps(value)) == value


# --- forms and expressions ---------------------------------------------------------------------------------------------


PIECES = [
    "${a}", "${rows}", "${nobody}", "${", "}", "(", ")", "[", "]", ",", ".", "..", "/", "//", "*", "+", "-", "=", "!=", "<", ">=", "|",
    " ", "'", '"', "'x'", "1", "0", "1e9", ".5", "9" * 30, "and", "or", "div", "mod", "not", "@", "::", "\0", "中", "\u202e", *FUNCTIONS,
    "if", "coalesce", "indexed-repeat", "instance", "regex", "'(a+)+$'", "jr:choice-name", "once", "position",
]  # fmt: skip
NAMES = Names(
    {"a": Place("a", "question"), "rows": Place("rows", "repeat"), "x": Place("x", "question", ("rows",), ("rows",))}
)


@given(st.one_of(texts, st.lists(st.sampled_from(PIECES), max_size=24).map("".join)), anything)
@some(600)
def test_an_expression_is_compiled_and_run_or_refused(source, answer):
    began = time.process_time()
    try:
        compiled = compile_expression(source, NAMES)
    except BadExpression:
        return
    day = Day(20_000.0)
    with contextlib.suppress(NotEvaluable):
        compiled.run(Scope({"a": answer, "rows": [{"x": answer}]}, day, day))
    assert time.process_time() - began < 2


@cache
def sheets() -> dict[str, Sheet]:
    return read_workbook(FORM.read_bytes())


cells = st.one_of(
    texts,
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.sampled_from(["begin repeat", "end group", "select_one x"]),
)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20), cells), min_size=1, max_size=6))
@some(40)
def test_a_form_with_strange_cells_is_compiled_or_refused(changes):
    survey = sheets()["survey"]
    lines = [Line(line.number, dict(line.cells)) for line in survey.lines]
    headers_ = sorted(survey.columns)
    for row, column, text in changes:
        lines[row % len(lines)].cells[headers_[column % len(headers_)]] = text
    try:
        xlsform.compile_sheets(sheets() | {"survey": Sheet(survey.name, survey.columns, lines)})
    except Problem as refused:
        assert refused.errors


def repacked(dice: int) -> bytes:
    """The workbook with one of its parts spoilt before it is packed."""
    out = io.BytesIO()
    with zipfile.ZipFile(FORM) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
        for number, name in enumerate(whole.namelist()):
            part = whole.read(name)
            if number == dice % len(whole.namelist()):
                at = dice * 7919 % max(len(part), 1)
                part = (
                    part[:at]
                    + [b"", b"<", b"\0", b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"9" * 400][dice % 6]
                    + part[at + dice % 40 :]
                )
            copy.writestr(name, part)
    return out.getvalue()


@given(st.one_of(st.binary(max_size=200), spoilt([FORM.read_bytes()]), st.integers(0, 10**6).map(repacked)))
@some(60)
def test_row_56_a_spoilt_workbook_is_read_or_refused(content):
    began = time.process_time()
    try:
        read_workbook(content)
    except Problem as refused:
        assert refused.errors
    assert time.process_time() - began < 5


INSTANCE = (
    b'<?xml version="1.0"?><data id="visit" version="1"><meta><instanceID>uuid:1</instanceID></meta>'
    b"<enterprise>x</enterprise><members>12</members><share>0.5</share><met>a b</met><rows><x>1</x></rows></data>"
)
QUESTIONS = [
    {"name": "members", "type": "integer"}, {"name": "share", "type": "decimal"}, {"name": "met", "type": "select_multiple"},
    {"name": "rows", "type": "repeat", "children": [{"name": "x", "type": "integer"}]},
]  # fmt: skip


@given(st.one_of(st.binary(max_size=80), spoilt([INSTANCE])))
@some(300)
def test_a_submission_of_collect_is_read_or_refused(xml):
    try:
        found = openrosa.read_instance(xml, {"questions": QUESTIONS})
    except Malformed:
        return
    assert orjson.loads(orjson.dumps(found.answers, option=orjson.OPT_STRICT_INTEGER, default=str)) == found.answers


@given(st.one_of(texts, st.from_regex(r"[0-9]{3,5}-?[QW]?[0-9]{0,3}(\.\.)?[0-9-]*", fullmatch=True)), texts, texts)
@some(300)
def test_a_period_is_read_or_refused(period, since, until):
    for asked in ({"period": period}, {"since": since, "until": until}, {"period": period, "until": until}):
        try:
            found = periods.read(**asked)
        except Problem as refused:
            assert refused.errors
        else:
            assert date.min < found.first <= found.last < date.max


# --- pictures and uploads ----------------------------------------------------------------------------------------------


METADATA = (
    b"photo "
    + b64encode(str(UUID(int=3)).encode())
    + b",sha256 "
    + b64encode(b"a" * 64)
    + b",filename "
    + b64encode("门.jpg".encode())
)


@given(st.one_of(texts, spoilt([METADATA]).map(lambda raw: raw.decode("latin-1"))))
@some(300)
def test_the_metadata_of_an_upload_is_read_or_refused(header):
    request = RequestFactory().post("/", HTTP_UPLOAD_METADATA=header)
    try:
        told = uploads._metadata(request)
        parts = told.photo, told.sha256, told.filename
    except Problem as refused:
        assert refused.errors
    else:
        assert isinstance(parts[0], UUID) and len(parts[1]) == 64 and "\0" not in parts[2]


@pytest.fixture(scope="module")
def darkroom() -> Iterator[Darkroom]:
    with Darkroom() as room:
        yield room


@cache
def photos() -> list[bytes]:
    small = pictures.jpeg(1, taken_at=datetime(2026, 11, 20, tzinfo=UTC), lat=31.8, lon=120.4, width=320, height=240)
    return [small, *(encoded(scene().resize((160, 120)), kind) for kind in ("PNG", "WEBP", "HEIF"))]


@given(data=st.data())
@some(40)
def test_row_53_a_spoilt_picture_is_developed_or_refused_and_the_child_lives(darkroom, data):
    darkroom.develop(photos()[0])
    content = data.draw(spoilt(photos()))
    child = darkroom._child
    began = time.monotonic()
    try:
        darkroom.develop(content)
    except headers.NotAPicture as refused:
        assert refused.errors
    assert time.monotonic() - began < 20 and darkroom._child is child


def test_a_progressive_file_cut_within_the_header_of_a_scan_is_not_whole():
    frame = b"\xff\xd8\xff\xc2\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0"
    assert not scans._is_refined(frame + b"\xff\xda" + b"]" * 15 + b"\0\x01\x01\0\0?\0\xff\xd9")
    assert scans._is_refined(frame[:10] + b"\xff\xda")


# --- forms of several parts --------------------------------------------------------------------------------------------


BOUNDARY = "x" * 12
PARTS = (
    (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="visit.xlsx"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    + b"PK\x03\x04"
    + b"\r\n"
    + f"--{BOUNDARY}--\r\n".encode()
)
FIELD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n--{BOUNDARY}--\r\n'.encode()
KINDS = st.one_of(
    st.just(f"multipart/form-data; boundary={BOUNDARY}"),
    spoilt([f"multipart/form-data; boundary={BOUNDARY}".encode()], 2).map(
        lambda raw: raw.decode("latin-1").replace("\n", "").replace("\r", "")
    ),
)


@pytest.mark.django_db
def test_a_spoilt_form_of_several_parts_is_read_or_refused(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    office = Caller(Cast().office)

    @given(spoilt([PARTS, FIELD, PARTS[:-20] + FIELD]), KINDS)
    @some(80)
    def send(body: bytes, kind: str) -> None:
        for path in ("questionnaires", "enterprises/import", "reports/layouts/bulletin"):
            answer = office.send("POST", path, body, Content_Type=kind)
            assert 400 <= answer.status_code < 500, (path, kind, body)
            assert answer.data["type"].startswith("/problems/")

    send()
