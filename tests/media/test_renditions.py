"""The worker: prints once, findings, marks; killed workers and rivals included."""

from __future__ import annotations

import threading
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from PIL import Image

from core.actors import SYSTEM
from core.drafts import Draft
from media import developments, lookalikes, photos, renditions
from media.evidence import Circumstances
from media.likeness import signed, unsigned
from media.models import Blob, Development, Photo, PrintState
from media.storage import mark_key, original_key, print_key, storage
from tests.media.conftest import NOON, Cast, develop_all
from tests.media.scenes import digest, encoded, photo_bytes, scene
from tests.media.test_photos import told


def arrives(cast: Cast, data: bytes, **record: Any) -> Photo:
    """A photo whose bytes lie in the store."""
    photo = cast.records(data, content_type=record.pop("content_type", "image/jpeg"), **record)
    storage().put(original_key(digest(data)), data)
    by = record.get("by") or cast.li
    photos.keep_blob(digest(data), len(data), "image/jpeg", at=NOON)
    photos.meet(digest(data), by=by, at=NOON)
    photo.refresh_from_db()
    return photo


def test_prints_findings_and_mark_are_made(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))
    assert develop_all() == 2
    assert develop_all() == 0

    photo.refresh_from_db()
    blob = Blob.objects.get()
    assert (blob.prints, blob.width, blob.height) == (PrintState.MADE, 1600, 1200)
    for name, side in (("small", 240), ("medium", 640), ("large", 1280)):
        copy = b"".join(storage().read(print_key(blob.sha256, name)))
        assert max(Image.open(BytesIO(copy)).size) == side
    marked = b"".join(storage().read(mark_key(photo.id, photo.marked)))
    assert Image.open(BytesIO(marked)).size == (1280, 960)
    assert photo.findings == []


def test_what_the_floor_above_knows_is_weighed(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1, software="Snapseed 2.0"))
    far = Circumstances(check_in={"lat": 31.99, "lon": 120.28, "crs": "wgs84"})
    develop_all(circumstances=lambda asked: {one.id: far for one in asked})

    photo.refresh_from_db()
    assert [finding["code"] for finding in photo.findings] == ["edited-with", "far-from-check-in"]
    assert [finding["code"] for finding in told(photo)["findings"]] == ["edited-with", "far-from-check-in"]


def test_a_picture_used_again_elsewhere_is_found(store: Any, cast: Cast) -> None:
    first = arrives(cast, photo_bytes(1))
    second = arrives(cast, photo_bytes(1), visit=str(uuid4()))
    recompressed = encoded(scene(1).resize((1000, 750)), quality=50)
    elsewhere = cast.home(enterprise=cast.mill.pk, owner=cast.wang.person)
    third = arrives(cast, recompressed, by=cast.wang, home=elsewhere, visit=str(uuid4()), location=None)
    other = arrives(cast, photo_bytes(2), visit=str(uuid4()))
    develop_all()
    developments.weigh(list(Photo.objects.all()), at=NOON)
    develop_all()

    found = {photo.id: photo for photo in Photo.objects.all()}
    assert [f["code"] for f in found[first.id].findings] == ["used-before", "looks-like"]
    assert {like["photo"] for like in found[first.id].likenesses} == {str(second.id), str(third.id)}
    assert "looks-like" in [f["code"] for f in found[third.id].findings]
    assert found[other.id].findings == []
    document = str(told(found[first.id]))
    assert str(third.id) not in document and str(cast.mill.pk) not in document  # what the mill does is not the bakery's


def test_several_shots_of_one_visit_are_no_fraud(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))
    arrives(cast, encoded(scene(1), quality=60))
    develop_all()
    photo.refresh_from_db()
    assert photo.findings == []


def test_a_file_that_cannot_be_decoded_keeps_its_original(store: Any, cast: Cast) -> None:
    whole = encoded(scene(1), "PNG")
    photo = arrives(cast, whole[:2000] + bytes(len(whole) - 2100) + whole[-100:])
    develop_all()
    photo.refresh_from_db()
    assert Blob.objects.get().prints == PrintState.REFUSED
    assert "undecodable" in [finding["code"] for finding in photo.findings]
    assert photo.bytes == "stored"
    assert develop_all() == 0


def test_a_dead_workers_lease_runs_out(store: Any, cast: Cast) -> None:
    arrives(cast, photo_bytes(1))
    assert renditions._claim(NOON) is not None  # and then it was killed
    assert develop_all() == 0
    assert Blob.objects.get().prints == PrintState.DUE

    later = NOON + renditions.LEASE + timedelta(seconds=10)
    assert develop_all(later) == 2
    assert Blob.objects.get().prints == PrintState.MADE


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_do_one_piece_twice(store: Any, cast: Cast) -> None:
    for seed in range(6):
        arrives(cast, photo_bytes(seed), visit=str(uuid4()))
    claimed: list[Any] = []

    def worker() -> None:
        try:
            while (piece := renditions._claim(NOON)) is not None:
                claimed.append(piece.pk)
        finally:
            connection.close()

    workers = [threading.Thread(target=worker) for _ in range(3)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    assert len(claimed) == len(set(claimed)) == Development.objects.count() == 12


def test_a_late_worker_does_not_close_what_another_took_over(store: Any, cast: Cast) -> None:
    arrives(cast, photo_bytes(1))
    slow = renditions._claim(NOON)
    assert slow is not None
    later = NOON + renditions.LEASE + timedelta(seconds=1)
    assert renditions._claim(later) is not None
    renditions._attempt(slow, later, renditions.nothing_known)
    assert Development.objects.get(pk=slow.pk).done_at is None


def test_a_store_that_is_away_delays_the_work(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))
    storage().remove(original_key(photo.sha256))
    assert develop_all() == 0
    waiting = Development.objects.get(kind="prints")
    assert waiting.due_at > NOON and waiting.leased_until is None and waiting.fault


def test_an_edit_while_it_is_weighed_is_not_undone(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))

    def edited_meanwhile(_: Any) -> dict[Any, Circumstances]:
        photos.put([Draft(photo.id, {"caption": "new words"}, new=False)], [None], by=cast.li, at=NOON)
        return {photo.id: Circumstances(camera_only=True, started_at=NOON + timedelta(days=3))}

    develop_all(circumstances=edited_meanwhile)
    assert told(photo)["caption"] == "new words"
    assert [finding["code"] for finding in told(photo)["findings"]] == ["outside-visit"]


def test_a_change_of_place_is_weighed_again(store: Any, cast: Cast) -> None:
    photo = arrives(cast, photo_bytes(1))
    develop_all()
    far = {"lat": 32.5, "lon": 120.28, "crs": "wgs84"}
    photos.put([Draft(photo.id, {"location": far}, new=False)], [None], by=SYSTEM, at=NOON)
    assert develop_all() == 1
    photo.refresh_from_db()
    assert [finding["code"] for finding in photo.findings] == ["location-differs", "far-from-enterprise"][::-1]


@pytest.mark.parametrize("bits", [0, 1, 4, 7])
def test_the_index_finds_what_is_within_seven_bits(cast: Cast, bits: int) -> None:
    hash_ = 0xF0E1_D2C3_B4A5_9687
    other = hash_
    for bit in range(bits):
        other ^= 1 << (bit * 9 + 3)
    for name, value in (("a", other), ("b", hash_ ^ (1 << 64) - 1)):
        parts = {f"band_{band}": value >> 16 * band & 0xFFFF for band in range(4)}
        Blob.objects.create(
            sha256=name * 64, size=1, content_type="image/jpeg", stored_at=NOON, verified_at=NOON,
            likeness=signed(value), **parts,
        )  # fmt: skip
    assert lookalikes.near(hash_) == {"a" * 64: bits}
    assert unsigned(Blob.objects.get(sha256="a" * 64).likeness or 0) == other
