"""The sync calls byte by byte, as a client sends them that somebody else has written."""

from __future__ import annotations

import gzip
import io
import json
from itertools import pairwise
from typing import Any
from uuid import uuid4

import orjson
import pytest

from tests.api.line import Line

NOTHING = b'{"schema":1,"mutations":[]}'


def put(collection: str, record: str, base: int | None = None, op: str = "put", **data: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()), "collection": collection, "record": record, "op": op, "base": base, "data": data or None,
        "at": "2026-11-22T08:40:00+08:00",
    }  # fmt: skip


def push(line: Line, *mutations: dict[str, Any]) -> list[dict[str, Any]]:
    answer = line.post("sync/push", {"sent_at": None, "schema": 1, "epoch": None, "mutations": list(mutations)})
    results: list[dict[str, Any]] = answer.data["results"]
    return results


def test_a_visit_needs_its_enterprise_its_start_and_its_mode(cast):
    phone, record = Line(cast.liaison), str(uuid4())
    told = {"enterprise": str(cast.bakery.id), "started_at": "2026-11-22T08:40:00+08:00", "mode": "on_site"}

    (result,) = push(phone, put("visits", record, **told))

    assert result == {"id": result["id"], "status": "applied", "revision": 1}
    assert phone.get(f"visits/{record}").data["status"] == "draft"
    assert Line(cast.outsider).get(f"visits/{record}").status_code == 404


def test_what_a_review_sent_back_is_not_deleted_from_a_phone_that_has_not_heard_of_it(cast):
    phone, record = Line(cast.liaison), str(uuid4())
    told = {"enterprise": str(cast.bakery.id), "started_at": "2026-11-22T08:40:00+08:00", "mode": "phone"}
    push(phone, put("visits", record, **told, status="submitted"))
    Line(cast.office).post(f"visits/{record}/review", {"decision": "return", "comment": "缺签到"})

    (result,) = push(phone, put("visits", record, base=1, op="delete"))

    assert result["problem"]["type"].endswith("/forbidden")
    assert result["current"]["revision"] == 2


@pytest.mark.parametrize("cuts", [(), (9,), (1, 2, 3), (13, 13, 20)])
def test_a_gzip_body_of_several_members_is_one_body(cast, cuts):
    phone, edges = Line(cast.liaison), [0, *cuts, len(NOTHING)]
    body = b"".join(gzip.compress(NOTHING[start:end]) for start, end in pairwise(edges))

    answer = phone.post("sync/push", body, Content_Encoding="gzip")

    assert answer.status_code == 200, answer.content
    assert answer.data["results"] == []


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("path", ["sync/push", "sync/verify"])
def test_a_body_in_chunks_is_read_to_its_end_or_to_the_limit(cast, path, packed):
    """The test client always says a length; whoever sends while compressing cannot."""
    phone = Line(cast.liaison)
    page = phone.get("sync/pull").data
    told = {"schema": 1, "mutations": [], "cursor": page["cursor"], "scopes": page["check"]["scopes"]}

    def ask(body: bytes) -> int:
        headers = {"Authorization": f"Bearer {phone.access}", "Transfer-Encoding": "chunked"}
        headers |= {"Content-Encoding": "gzip"} if packed else {}
        source = Drops(gzip.compress(body) if packed else body)
        return phone.client.generic("POST", f"/api/v1/{path}", headers=headers, **{"wsgi.input": source}).status_code

    assert ask(orjson.dumps(told)) == 200
    assert ask(orjson.dumps(told)[:-1]) == 400
    assert ask(b"") == 400
    assert ask(b" " * 11_000_000) == 413


class Drops(io.BytesIO):
    """A body that comes a little at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 70_000, 70_000) if size != -1 else -1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(NOTHING) + b"more", 400),
        (gzip.compress(NOTHING) + gzip.compress(b"more")[:-3], 400),
        (gzip.compress(NOTHING) + gzip.compress(b"[]"), 400),
        (gzip.compress(NOTHING) + gzip.compress(b"") * 1000, 413),
        (gzip.compress(NOTHING) + gzip.compress(b" " * 20_000_000), 413),
    ],
)
def test_nothing_behind_a_gzip_body_is_passed_over(cast, body, status):
    assert Line(cast.liaison).post("sync/push", body, Content_Encoding="gzip").status_code == status


def test_a_verify_is_read_as_strictly_as_any_other_body(cast):
    phone = Line(cast.liaison)
    page = phone.get("sync/pull").data
    held = orjson.dumps(page["check"]["scopes"]).decode()
    asked = f'{{"cursor": "{page["cursor"]}", "scopes": {held}'

    assert phone.post("sync/verify", f"{asked}}}".encode()).data == {"status": "match"}
    for more in (', "scopes": {}', ', "x": "\\u0000"', ', "x": 12345678901234567890', ', "x": ' + "[" * 70 + "]" * 70):
        assert phone.post("sync/verify", f"{asked}{more}}}".encode()).status_code == 400, more


HALF = "\ud83d"


@pytest.mark.parametrize("word", ["a\0b", HALF, "长" * 41, "x" * 100_000, "", " "])
def test_an_odd_epoch_or_collection_hurts_nobody(cast, word):
    phone = Line(cast.liaison)
    told = {"enterprise": str(cast.bakery.id), "started_at": "2026-11-22T08:40:00+08:00", "mode": "phone"}
    good, bad, odd = (put("visits", str(uuid4()), **told) for _ in range(3))
    bad["data"]["mode"] = "by_boat"
    odd["collection"] = word
    batch = {"schema": 1, "epoch": word, "mutations": [good, bad, odd]}

    answer = phone.post("sync/push", json.dumps(batch).encode())

    assert [result["status"] for result in answer.data["results"]] == ["applied", "quarantined", "quarantined"]
    assert phone.post("sync/push", json.dumps(batch).encode()).data["results"] == answer.data["results"]
    assert len(phone.get("quarantine").data["results"]) == 2


def test_half_a_character_spoils_neither_the_desk_nor_the_creation_sent_after_it(cast):
    phone, office, record = Line(cast.liaison), Line(cast.office), str(uuid4())
    told = {"enterprise": str(cast.bakery.id), "started_at": "2026-11-22T08:40:00+08:00", "mode": "phone"}
    first, second = (put("visits", one, **told, summary=f"笑{HALF}") for one in (record, str(uuid4())))
    sent = phone.post("sync/push", json.dumps({"schema": 1, "mutations": [first, second]}).encode())
    assert [result["problem"]["errors"][0]["code"] for result in sent.data["results"]] == ["surrogate"] * 2

    rows = office.get("quarantine").data["results"]
    assert {row["payload"]["data"]["summary"] for row in rows} == {"笑?"}
    assert push(phone, put("visits", record, **told))[0]["status"] == "applied"
    assert office.get("quarantine?state=superseded").data["results"][0]["record"] == record

    (mine,) = office.get("quarantine?state=waiting").data["results"]
    assert office.patch(f"quarantine/{mine['id']}", {"resolution": "apply"}).status_code == 422
    mended = office.patch(f"quarantine/{mine['id']}", {"resolution": "apply", "data": {"summary": "笑"}})
    assert (mended.status_code, mended.data["state"]) == (200, "applied")
    assert phone.get(f"visits/{second['record']}").data["summary"] == "笑"
    assert Line(cast.outsider).get(f"quarantine/{mine['id']}").status_code == 404


@pytest.mark.parametrize("more", ["", ',"twice":1,"twice":2'])
@pytest.mark.parametrize("pair", [("[", "]"), ('{"a":', "}")])
def test_row_32_a_deep_mutation_is_kept_and_a_bottomless_batch_refused(cast, pair, more):
    phone, office = Line(cast.liaison), Line(cast.office)

    def ask(depth: int) -> Any:
        deep = pair[0] * depth + ("1" if pair[1] == "}" else "") + pair[1] * depth
        plain = put(
            "visits", str(uuid4()), enterprise=str(cast.bakery.id), started_at="2026-11-22T08:40:00Z", mode="phone"
        )
        bad = f'{{"id":"{uuid4()}","deep":{deep}{more}}}'
        return phone.post("sync/push", f'{{"schema":1,"mutations":[{json.dumps(plain)},{bad}]}}'.encode())

    for depth in (61, 150, 225):
        assert [one["status"] for one in ask(depth).data["results"]] == ["applied", "quarantined"], depth
    for depth in (231, 250, 400, 940, 985, 1000, 1023, 100_000):
        assert ask(depth).status_code == 400, depth

    kept = office.get("quarantine").data["results"]
    assert len(kept) == 3
    assert office.patch(f"quarantine/{kept[0]['id']}", {"resolution": "apply"}).status_code == 422
    assert len(phone.get("sync/pull").data["ops"]) > 3
