"""Rows of the table of faults that are told best by a phone over HTTP: retries a year on, wild clocks, tokens that expire."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import time_machine
from django.utils import timezone

from inspections.models import Visit
from journal.models import Entry
from tests.api.line import Line
from tests.media.scenes import photo_bytes


def visit(enterprise: Any, at: str) -> dict[str, Any]:
    data = {"enterprise": str(enterprise), "mode": "phone", "started_at": at, "status": "draft"}
    told = {"id": str(uuid4()), "collection": "visits", "record": str(uuid4()), "op": "put", "base": None}
    return told | {"data": data, "at": at}


def push(line: Line, *mutations: dict[str, Any], sent_at: str) -> list[dict[str, Any]]:
    answer = line.post("sync/push", {"sent_at": sent_at, "schema": 1, "epoch": None, "mutations": list(mutations)})
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.data["results"]
    return results


def test_row_05_a_retry_a_year_later_has_the_same_answer_and_no_second_effect(cast):
    phone, now = Line(cast.liaison), timezone.now()
    mutation = visit(cast.bakery.id, now.isoformat())
    first = push(phone, mutation, sent_at=now.isoformat())

    with time_machine.travel(now + timedelta(days=400), tick=False):
        later = Line(cast.liaison, hardware=phone.hardware)
        assert push(later, mutation, sent_at=timezone.now().isoformat()) == first

    assert Visit.objects.count() == 1
    assert Entry.objects.filter(mutation=mutation["id"]).count() == 1


def test_row_25_a_phone_ten_years_off_is_taken_and_the_server_orders(cast):
    phone = Line(cast.liaison)
    ahead, behind = (visit(cast.bakery.id, f"{year}-11-20T09:00:00+08:00") for year in (2036, 2016))
    assert [one["status"] for one in push(phone, ahead, sent_at=ahead["at"])] == ["applied"]
    assert [one["status"] for one in push(phone, behind, sent_at=behind["at"])] == ["applied"]

    kept = Entry.objects.filter(collection="visits").order_by("pk")
    assert [str(one.record) for one in kept] == [ahead["record"], behind["record"]]
    assert [one.claimed_at.year for one in kept] == [2036, 2016]
    assert all(abs(one.at - timezone.now()) < timedelta(minutes=5) for one in kept)


def test_row_24_an_upload_goes_on_with_a_new_token_where_the_old_one_expired(cast, files):
    phone, now, data = Line(cast.liaison), timezone.now(), photo_bytes(1)
    digest = sha256(data).hexdigest()
    seen = visit(cast.bakery.id, now.isoformat())
    record = visit(cast.bakery.id, now.isoformat()) | {"collection": "photos", "data": {
        "visit": seen["record"], "taken_at": now.isoformat(), "sha256": digest, "size": len(data),
        "content_type": "image/jpeg",
    }}  # fmt: skip
    results = push(phone, seen, record, sent_at=now.isoformat())
    assert [one["status"] for one in results] == ["applied"] * 2, results
    told = {"photo": record["record"], "sha256": digest}
    tus = {"Tus_Resumable": "1.0.0", "Content_Type": "application/offset+octet-stream"}
    begun = phone.send("POST", "uploads/", b"", Upload_Length=str(len(data)), Upload_Metadata=",".join(
        f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items()
    ), **tus)  # fmt: skip
    where, half = begun["Location"], len(data) // 2
    assert phone.send("PATCH", where, data[:half], Upload_Offset="0", **tus).status_code == 204

    with time_machine.travel(now + timedelta(hours=2), tick=False):
        assert phone.send("PATCH", where, data[half:], Upload_Offset=str(half), **tus).status_code == 401
        phone.take(phone.post("auth/token/refresh", {"refresh": phone.answer["refresh"]}).data)
        assert phone.send("HEAD", where, None, **tus)["Upload-Offset"] == str(half)
        assert phone.send("PATCH", where, data[half:], Upload_Offset=str(half), **tus).status_code == 204
    photo = phone.get(f"photos/{record['record']}").data
    assert photo["bytes"] == "stored", photo
