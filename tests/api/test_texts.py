"""Rows 30, 31 and 33: how much may come in at once, and that every letter comes out as it came in."""

from __future__ import annotations

import csv
import gzip
import io
import time
from random import Random
from typing import Any

import orjson
import pytest
from django.utils import timezone
from openpyxl import load_workbook

from surveys import samples
from tests.api.line import Line

pytestmark = pytest.mark.django_db
TEXTS = {
    "emoji": "👨‍👩‍👧‍👦🏭🇨🇳👍🏽❤️",
    "cjk-extensions": "𠀀𪚥 𪜀𫜴 𫝀𫠝 𫠠𬺡 𬺰𮯠 𰀀𱍊 𱍐𲎯 𮯰𮹝",  # B, C, D, E, F, G, H, I
    "private-use": "\ue000\uf8ff\U000f0000\U0010fffd",
    "composed": "é각Å", "decomposed": "e\u0301\u1100\u1161\u11a8A\u030a", "both": "é≠e\u0301",
    "bidi": "\u202eabc\u202c \u2066שלום\u2069 \u200f١٢٣\u200e",
    "zero-width": "\u200b零\u200c宽\u200d\u2060\ufeff字",
    "variation": "葛\U000e0100葛\U000e0101 ㊗\ufe0f",
    "other-planes": "𐍈𝒳𓀀\U000e0041",
}  # fmt: skip


def test_row_33_every_letter_comes_out_of_the_api_as_it_came_in(ground):
    line, office = ground.line("liaison"), ground.line("office")
    visits = {
        kind: ground.mutation("visits", {
            "enterprise": ground.ids["enterprise"], "mode": "phone", "started_at": ground.moment(-10), "summary": text,
            "status": "draft",
        })
        for kind, text in TEXTS.items()
    }  # fmt: skip
    assert {result["status"] for result in ground.push("liaison", *visits.values())} == {"applied"}
    pulled = {op["id"]: op["data"] for op in line.get("sync/pull?limit=1000").data["ops"] if op["op"] == "put"}
    for kind, text in TEXTS.items():
        key = visits[kind]["record"]
        assert pulled[key]["summary"].encode() == text.encode(), kind
        assert office.get(f"visits/{key}").data["summary"].encode() == text.encode(), kind
        renamed = office.patch(f"enterprises/{ground.ids['enterprise']}", {"address": text})
        assert renamed.data["address"].encode() == text.encode(), kind
        assert text in office.get(f"enterprises/{ground.ids['enterprise']}").data["address"], kind


def test_row_33_every_letter_comes_out_of_csv_and_xlsx_as_it_came_in(ground):
    answers = samples.sample("visit", Random(7), timezone.localdate(ground.now))
    responses = {
        kind: ground.mutation("responses", {
            "enterprise": ground.ids["enterprise"], "visit": ground.ids["visit"], "questionnaire": "visit", "version": 1,
            "answers": answers | {"interviewee": text}, "started_at": ground.moment(-50), "ended_at": ground.moment(-40),
            "status": "submitted",
        })
        for kind, text in TEXTS.items()
    }  # fmt: skip
    results = ground.push("liaison", *responses.values())
    assert {result["status"] for result in results} == {"applied"}, results
    office = ground.line("office")

    sheet = content(office.get("responses/export?questionnaire=visit&format=csv")).decode("utf-8-sig")
    written = {cell for row in csv.reader(io.StringIO(sheet)) for cell in row}
    assert [kind for kind, text in TEXTS.items() if text not in written] == []

    book = load_workbook(io.BytesIO(content(office.get("responses/export?questionnaire=visit&format=xlsx"))))
    held = {cell for page in book.worksheets for row in page.iter_rows(values_only=True) for cell in row}
    assert [kind for kind, text in TEXTS.items() if text not in held] == []

    trail = content(office.get("journal?format=csv&collection=responses")).decode("utf-8-sig")
    assert [kind for kind, text in TEXTS.items() if text not in trail] == []


def content(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)


def test_row_30_ten_thousand_mutations_or_ten_megabytes_are_refused_with_the_limits(cast):
    line = Line(cast.liaison)
    many = orjson.dumps({"schema": 1, "mutations": [{}] * 10_000})
    large = orjson.dumps({"schema": 1, "mutations": [], "x": "y" * (10 * 1024 * 1024)})
    for body, headers in ((many, {}), (large, {}), (gzip.compress(large), {"Content_Encoding": "gzip"})):
        refused = line.send("POST", "sync/push", body, **headers)
        assert refused.status_code == 413
        assert refused.data["limits"] == {"mutations": 1000, "bytes": 10 * 1024 * 1024}


@pytest.mark.parametrize("grown", [11 << 20, 100 << 20])
def test_row_31_a_gzip_bomb_is_refused_before_it_unfolds(cast, grown):
    line = Line(cast.liaison)
    packed, piece = io.BytesIO(), b"0" * (1 << 20)
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9) as bomb:
        for _ in range(grown >> 20):
            bomb.write(piece)
    began = time.process_time()
    for path in ("sync/push", "sync/verify"):
        refused = line.send("POST", path, packed.getvalue(), Content_Encoding="gzip")
        assert refused.status_code == 413
    assert time.process_time() - began < 1


def test_row_31_other_doors_unfold_nothing(cast):
    office, liaison = Line(cast.office), Line(cast.liaison)
    packed = gzip.compress(orjson.dumps({"name": "x", "region": "320281106"}))
    refused = office.send("POST", "enterprises", packed, Content_Encoding="gzip")
    assert refused.status_code in (400, 415)
    nested = gzip.compress(gzip.compress(orjson.dumps({"schema": 1, "mutations": []})))
    assert liaison.send("POST", "sync/push", nested, Content_Encoding="gzip").status_code == 400
    for coding in ("br", "deflate", "gzip, gzip", "zstd"):
        assert liaison.send("POST", "sync/push", nested, Content_Encoding=coding).status_code == 415
