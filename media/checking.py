"""Whether one photo is as it came: its bytes against the digest, its record against the device's chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.texts import Text
from media.chain import link_digest, record_digest
from media.models import BytesState, Link, Photo
from media.storage import digest_of, original_key, storage

REASONS = {
    "no-bytes": Text("照片文件尚未收到或已损坏", "The picture has not arrived or is damaged"),
    "bytes-missing": Text("存储中找不到照片文件", "The picture is missing from the store"),
    "bytes-differ": Text("照片文件与登记的摘要不一致", "The picture does not match its digest"),
    "record-changed": Text(
        "拍摄时间、位置等登记内容在收到后被修改过", "Time, place or author changed after it was received"
    ),
    "chain-broken": Text("设备的照片链在此处断开", "The device's chain of photos is broken here"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Codes of what does not hold; none means untouched."""

    faults: Sequence[str]

    @property
    def untouched(self) -> bool:
        return not self.faults

    @property
    def reasons(self) -> list[Text]:
        return [REASONS[fault] for fault in self.faults]

    def told(self) -> dict[str, Any]:
        reasons = [{"code": code, "detail": REASONS[code], "detail_en": REASONS[code].en} for code in self.faults]
        return {"untouched": self.untouched, "reasons": reasons}


def check(photo: Photo) -> Verdict:
    """Reads the original back, whole."""
    faults = []
    if photo.bytes != BytesState.STORED:
        faults.append("no-bytes")
    else:
        try:
            if digest_of(storage().read(original_key(photo.sha256))) != photo.sha256:
                faults.append("bytes-differ")
        except FileNotFoundError:
            faults.append("bytes-missing")
    mine = Link.objects.filter(photo=photo.pk).first()
    if mine is not None:
        if mine.record != record_digest(photo):
            faults.append("record-changed")
        true = link_digest(mine.device, mine.number, mine.photo, mine.record, mine.previous)
        if mine.digest != true or not _follows(mine):
            faults.append("chain-broken")
    return Verdict(faults)


def link(photo: Photo) -> dict[str, Any] | None:
    """What the record carries of its device's chain; None for a photo that came from no device."""
    found = Link.objects.filter(photo=photo.pk).values("number", "record", "previous", "digest").first()
    return dict(found) if found else None


def _follows(mine: Link) -> bool:
    if mine.number == 1:
        return mine.previous == "0" * 64
    before = Link.objects.filter(device=mine.device, number=mine.number - 1).values_list("digest", flat=True).first()
    return before == mine.previous
