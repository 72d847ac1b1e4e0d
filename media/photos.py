"""Photo records: put by phones and departments, met by their bytes, read by those who may. The verbs work on sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet

from core.actors import SYSTEM, Actor
from core.drafts import Draft
from core.problems import Forbidden, NotFound, Problem
from journal import journal, rows
from media.batches import Batch, Home, Submitted, for_update, locked
from media.developments import order, weigh
from media.documents import SHANGHAI, change, code_of, difference, document, placed, scope_of, shown
from media.models import Blob, BytesState, Development, DevelopmentKind, Orphan, Photo, PrintState
from media.storage import original_key
from organizations.permissions import Subject, allowed, scope


def put(
    drafts: Sequence[Draft], homes: Sequence[Home | Problem | None], *, by: Actor, at: datetime
) -> list[Photo | Problem]:
    """Create or edit photo records; one outcome a draft, in order. ``homes`` go with the drafts: None keeps a photo's home.

    A constant number of statements however many drafts there are.
    """
    with journal.unit(by=by, at=at):
        work = Batch.of(drafts, homes, by=by, at=at)
        outcomes = [work.settle(draft, home) for draft, home in zip(drafts, homes, strict=True)]
        work.save()
    return outcomes


def delete(drafts: Sequence[Draft], *, closed: Iterable[UUID] = (), by: Actor, at: datetime) -> list[Photo | Problem]:
    """Delete the caller's own photos, unless what they show was submitted (``closed`` names these photos)."""
    fixed = set(closed)
    outcomes: list[Photo | Problem] = []
    with journal.unit(by=by, at=at):
        known = {photo.id: photo for photo in locked([draft.id for draft in drafts])}
        gone: dict[UUID, journal.Change] = {}
        for draft in drafts:
            photo, actor = known.get(draft.id), draft.by or by
            if photo is None or photo.id in gone:
                outcomes.append(NotFound())
            elif photo.author_id != actor.person:
                outcomes.append(Forbidden())
            elif photo.id in fixed:
                outcomes.append(Forbidden(Submitted.title))
            else:
                outcomes.append(photo)
                changes = {"sha256": [photo.sha256, None], "deleted": [False, True]}
                gone[photo.id] = journal.Change(
                    "photo.deleted", "photos", photo.id, changes, scope_of(photo), by=actor, claimed_at=draft.claimed_at
                )
        Photo.objects.filter(pk__in=gone).delete()
        journal.record(list(gone.values()))
    return outcomes


def rehome(homes: Mapping[UUID, Home], *, by: Actor, at: datetime) -> list[Photo]:
    """Photos whose visit or issue moved, or became confidential, move with it; ``homes`` by photo id."""
    with journal.unit(by=by, at=at):
        moved, changes = [], []
        for photo in locked(list(homes)):
            home, before = homes[photo.id], placed(photo)
            photo.enterprise_id, photo.private, photo.owner = home.enterprise, home.private, home.owner
            changed = difference(before, placed(photo))
            if changed:
                moved.append(photo)
                changes.append(change("photo.moved", photo, changed))
        Photo.objects.bulk_update(moved, ["enterprise", "private", "owner"])
        journal.record(changes)
    return moved


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of some bytes: whether there is a row, whether they are kept whole, and whether their object waits to be
    cleared away.
    """

    known: bool
    intact: bool
    orphaned: bool


def standing(digest: str) -> Standing:
    """Asked before bytes are stored; see ``media.orphans`` for why before."""
    blobs, lost = Blob._meta.db_table, Orphan._meta.db_table
    ask = f"""
        SELECT (SELECT CASE WHEN intact THEN 2 ELSE 1 END FROM {blobs} WHERE sha256 = %s),
               EXISTS (SELECT 1 FROM {lost} WHERE key = %s)
    """
    with connection.cursor() as cursor:
        cursor.execute(ask, [digest, original_key(digest)])
        kept, orphaned = cursor.fetchone()
    return Standing(kept is not None, kept == 2, bool(orphaned))


def keep_blob(digest: str, size: int, content_type: str, *, at: datetime, known: bool = False) -> None:
    """The row of an original that now lies in the store, or (``known``) lies there whole again; the worker makes its prints."""
    if known:
        Blob.objects.filter(pk=digest, intact=False).update(intact=True, stored_at=at, verified_at=at)
        return
    row = [digest, size, content_type, True, at, at, PrintState.DUE, ""]
    columns = ("sha256", "size", "content_type", "intact", "stored_at", "verified_at", "prints", "refusal")
    rows.insert(Blob, columns, [row], ignore=True)
    order([Development(kind=DevelopmentKind.PRINTS, blob_id=digest, due_at=at)])


def meet(digest: str, *, by: Actor, at: datetime) -> list[Photo]:
    """Bytes have come: the deliverer's photos that wait for them, and all that had lost them, are ``stored``."""
    if not _is_awaited(digest):
        return []
    waiting = Photo.objects.filter(Q(author=by.person) | Q(bytes=BytesState.DAMAGED), sha256=digest)
    return turn(waiting, BytesState.STORED, "photo.stored", by=by, at=at)


def _is_awaited(digest: str) -> bool:
    """Whether any photo wants these bytes: asked of every upload, and often answered no."""
    with connection.cursor() as cursor:
        table = connection.ops.quote_name(Photo._meta.db_table)
        cursor.execute(f"SELECT 1 FROM {table} WHERE sha256 = %s AND bytes <> 'stored' LIMIT 1", [digest])
        return cursor.fetchone() is not None


def turn(affected: QuerySet[Photo], state: BytesState, verb: str, *, by: Actor, at: datetime) -> list[Photo]:
    """Set where these photos' bytes are, tell the phones, and have stored ones weighed."""
    with journal.unit(by=by, at=at):
        photos = list(for_update(affected.exclude(bytes=state)))
        changes = []
        for photo in photos:
            before, photo.bytes = photo.bytes, state
            changes.append(change(verb, photo, {"bytes": [before, state.value]}))
        if not photos:
            return []
        Photo.objects.filter(pk__in=[photo.pk for photo in photos]).update(bytes=state)
        journal.record(changes)
        if state == BytesState.STORED:
            weigh(photos, at=at)
    return photos


def note(
    examined: Photo, findings: list[dict[str, Any]], likenesses: list[dict[str, Any]], marked: str, *, at: datetime
) -> None:
    """What the worker found; nothing is recorded when nothing new was found."""
    with journal.unit(by=SYSTEM, at=at):
        for photo in locked([examined.pk]):
            _note(photo, findings, likenesses, marked)


def _note(photo: Photo, findings: list[dict[str, Any]], likenesses: list[dict[str, Any]], marked: str) -> None:
    before = photo.findings
    photo.findings, photo.likenesses, photo.marked = findings, likenesses, marked
    Photo.objects.filter(pk=photo.pk).update(findings=findings, likenesses=likenesses, marked=marked)
    if before != findings:
        journal.record([change("photo.examined", photo, {"findings": [before, findings]})])


def readable(by: Actor) -> QuerySet[Photo]:
    """The photos the caller may look at by enterprise or authorship; issues open further ones to their departments."""
    mine = Q(private=False) & scope(by, "photo.read") | Q(private=True) & scope(
        by, "photo.read_private", enterprise=None, owner="owner"
    )
    own = Q(author=by.person) if by.person else Q()
    return Photo.objects.filter(mine | own)


def may_see_original(photo: Photo, *, by: Actor) -> bool:
    """Originals carry the place where they were taken: for the office and the reporter alone."""
    return allowed(by, "photo.original", Subject(enterprise=photo.enterprise_id, owner=photo.author_id))


def opened(photo: Photo, *, by: Actor, at: datetime) -> None:
    """Somebody fetched an original; the audit trail says who."""
    with journal.unit(by=by, at=at):
        journal.record([journal.Change("photo.original_read", "photos", photo.id, {"sha256": [None, photo.sha256]})])


__all__ = [
    "SHANGHAI", "Home", "code_of", "delete", "document", "keep_blob", "may_see_original", "meet", "note", "opened", "put",
    "readable", "rehome", "scope_of", "shown", "standing", "turn",
]  # fmt: skip
