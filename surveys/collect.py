"""ODK Collect at our door: keys for its devices, and the submissions it brings in several pieces.

A key is bound to a person and a device like any phone's session: revoking the device ends it. A submission is remembered by its
``instanceID``: the same bytes again are the same submission, other bytes under the same id are refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from secrets import token_urlsafe
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q

from core.actors import Actor
from core.ids import uuid7
from core.problems import Conflict, Forbidden, NotFound
from core.texts import Text
from journal import journal
from organizations import devices
from organizations.models import Device, Person
from organizations.permissions import permit
from surveys.models import CollectKey, Submission, Version, VersionStatus

REALM = "sanyuantong"
ASIDE = "aside"
"""What became of a file that belongs to no question, or is no picture."""
GONE = "gone"
"""What became of it when its time had ended."""


class OtherContent(Conflict):
    """The same instance with other content, or of another person."""

    kind = "instance-reused"
    title = Text("该实例编号已用于另一份内容", "This instance id was used for other content")


class Stale(Conflict):
    """An edit of something that was edited already, or that cannot be edited any more."""

    kind = "edit-stale"
    title = Text("所修改的版本不是最新或不可再改", "What is being edited is not the latest, or can no longer be edited")


class FormClosed(Conflict):
    """The questionnaire takes no answers now."""

    kind = "form-closed"
    title = Text("该问卷已停用", "This questionnaire is closed")


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key; the secret is shown once and never stored."""

    key: CollectKey
    secret: str


def issue(person: UUID, *, name: str, by: Actor, at: datetime) -> Issued:
    """A key that lets a person's Collect in. Raises Forbidden, NotFound."""
    with journal.unit(by=by, at=at):
        permit(by, "enrollment.issue")
        if not Person.objects.filter(pk=person, is_active=True).exists():
            raise NotFound
        draft = devices.Draft(hardware=uuid7(), name=name or "ODK Collect", platform="openrosa")
        device = devices.bind(person, draft, by=by, at=at)
        secret = token_urlsafe(24)
        username = f"c{device.id.hex[-10:]}"
        key = CollectKey.objects.create(
            device=device, person_id=person, digest=_digest(secret), username=username, ha1=ha1(username, secret), issued_at=at
        )  # fmt: skip
        told = {"person": [None, str(person)], "device": [None, str(device.id)]}
        journal.record([journal.Change("collect_key.issued", "devices", device.id, told)])
    return Issued(key, secret)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def ha1(username: str, secret: str) -> str:
    """What HTTP Digest needs in place of a password (RFC 7616, MD5 because Collect knows no other)."""
    return hashlib.md5(f"{username}:{REALM}:{secret}".encode(), usedforsecurity=False).hexdigest()


def by_secret(secret: str) -> Device | None:
    """The device a key's address belongs to; None when the key is wrong or was revoked."""
    return _live(digest=_digest(secret))


def by_username(username: str) -> tuple[Device, str] | None:
    """The device and HA1 behind a Digest user name."""
    device = _live(username=username)
    return (device, device.collect_key.ha1) if device else None


def spend(device: Device, nonce_at: int, count: int) -> bool:
    """Use a nonce (by its issuing time, in microseconds) for the so-manieth time; False if it was so used before.

    Of each device only the latest nonce lives: an older one was used up or given up.
    """
    unused = Q(nonce_at__lt=nonce_at) | Q(nonce_at=nonce_at, nonce_count__lt=count)
    rows = CollectKey.objects.filter(unused, device=device)
    return rows.update(nonce_at=nonce_at, nonce_count=count) == 1


def _live(**wanted: str) -> Device | None:
    found = {f"collect_key__{name}": value for name, value in wanted.items()}
    rows = Device.objects.select_related("person", "collect_key").filter(
        revoked_at=None, person__is_active=True, **found
    )
    return rows.first()


def version_of(code: str, number: int) -> Version:
    """The version a submission names. Raises NotFound, FormClosed."""
    rows = Version.objects.filter(questionnaire=code)
    row = rows.filter(number=number).exclude(status=VersionStatus.DRAFT).first()
    if row is None:
        raise NotFound(Text("没有此问卷或版本", "There is no such questionnaire or version"))
    if not rows.filter(status__in=(VersionStatus.PUBLISHED, VersionStatus.TEST)).exists():
        raise FormClosed
    return row


def open_submission(
    instance: str, xml: bytes, response: UUID, files: dict[str, str], *, deprecated: str, by: Actor, at: datetime
) -> tuple[Submission, bool]:
    """The submission of this instance, locked, and whether it is new. Runs in a transaction. Raises OtherContent, Stale, Forbidden."""
    if by.person is None:
        raise Forbidden
    row = Submission.objects.select_for_update().filter(instance=instance).first()
    if row is None:
        before = _superseded(deprecated, by.person) if deprecated else None
        row = Submission(
            instance=instance, response=before.response if before else response, person=by.person, device=by.device,
            xml=xml.decode(errors="replace"), digest=hashlib.sha256(xml).hexdigest(), expected=files, received={}, at=at,
        )  # fmt: skip
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            row = Submission.objects.select_for_update().get(instance=instance)
        else:
            if before is not None:
                before.superseded_by = instance
                before.save(update_fields=["superseded_by"])
            return row, True
    if row.person != by.person or row.digest != hashlib.sha256(xml).hexdigest():
        raise OtherContent
    return row, False


def _superseded(deprecated: str, person: UUID) -> Submission:
    row = Submission.objects.select_for_update().filter(instance=deprecated, person=person).first()
    if row is None or row.superseded_by:
        raise Stale
    return row


def received(instance: str, name: str, outcome: dict[str, Any]) -> bool:
    """Note what became of a file of this submission; False when it was there before."""
    with transaction.atomic():
        row = Submission.objects.select_for_update().get(instance=instance)
        if row.received.get(name) == outcome:
            return False
        row.received[name] = outcome
        row.aside = sum(each["kept"] == ASIDE for each in row.received.values())
        if outcome["kept"] == ASIDE:
            row.settled_at = None
        row.save(update_fields=["received", "aside", "settled_at"])
    return True


def settle(instance: str, *, by: Actor, at: datetime) -> Submission:
    """Note that the office has looked at the files set aside. Raises Forbidden, NotFound."""
    with journal.unit(by=by, at=at):
        permit(by, "response.review")
        row = Submission.objects.select_for_update().filter(instance=instance).first()
        if row is None:
            raise NotFound
        if row.settled_at is None:
            row.settled_at = at
            row.save(update_fields=["settled_at"])
            told = {"instance": [None, instance], "aside": [None, row.aside]}
            journal.record([journal.Change("submission.settled", "responses", row.response, told)])
        return row


def aside_key(sha256: str) -> str:
    """Where a file set aside lies in the store."""
    return f"aside/{sha256[:2]}/{sha256}"


def let_go_of_files(rows: Sequence[Submission]) -> list[str]:
    """Note that what these submissions have set aside goes; gives the keys in the store that no other one needs."""
    digests = set()
    for row in rows:
        for each in row.received.values():
            if each["kept"] == ASIDE:
                each["kept"] = GONE
                digests.add(each["sha256"])
        row.aside = 0
    Submission.objects.bulk_update(rows, ["received", "aside"])
    return [aside_key(sha256) for sha256 in sorted(digests) if not _is_set_aside(sha256)]


def _is_set_aside(sha256: str) -> bool:
    files = (row.received.values() for row in Submission.objects.filter(aside__gt=0, received__contains=sha256))
    return any(each["sha256"] == sha256 and each["kept"] == ASIDE for received in files for each in received)
