"""Questionnaires through their lives: uploaded, tried, published, closed. A version never changes but in status."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Max, QuerySet

from core.actors import Actor
from core.ids import stable
from core.problems import NotFound
from core.texts import Text
from journal import journal
from organizations import scanning
from organizations.permissions import may, permit
from surveys import documents
from surveys.models import Questionnaire, Requirement, Version, VersionStatus
from surveys.openrosa import numbered
from surveys.problems import WrongStatus
from surveys.xlsform import Compiled, read_xlsform

COLLECTION = "questionnaires"


def upload(workbook: bytes, *, by: Actor, at: datetime) -> Version:
    """Compile an XLSForm into the next version of its questionnaire, as a draft.

    The same form as the newest draft is that draft again. Raises Forbidden, BadWorkbook, BadForm.
    """
    permit(by, "questionnaire.write")
    scanning.check(workbook)
    compiled = read_xlsform(workbook)
    with journal.unit(by=by, at=at):
        questionnaire = _named(compiled, at)
        newest = questionnaire.versions.order_by("-number").first()
        if newest is not None and newest.hash == compiled.hash and newest.status == VersionStatus.DRAFT:
            return newest
        number = (questionnaire.versions.aggregate(newest=Max("number"))["newest"] or 0) + 1
        row = Version(
            id=stable(COLLECTION, f"{compiled.code}/{number}"), questionnaire=questionnaire, number=number,
            form=compiled.form, hash=compiled.hash, xform=numbered(compiled.xform, number), workbook=workbook,
            warnings=[{"zh": str(each), "en": each.en} for each in compiled.warnings], created_at=at, created_by=by.person,
        )  # fmt: skip
        row.save(force_insert=True)
        changed = {"number": [None, number], "hash": [None, compiled.hash], "status": [None, VersionStatus.DRAFT.value]}
        journal.record([journal.Change("questionnaire.uploaded", COLLECTION, row.id, changed, ruling=True)])
        return row


def _named(compiled: Compiled, at: datetime) -> Questionnaire:
    title = compiled.form["title"]
    zh = title.get("zh") or next(iter(title.values()))
    values = {
        "title": zh[:200],
        "title_en": title.get("en", "")[:200],
        "anonymous": compiled.form.get("anonymous", False),
    }
    row, _ = Questionnaire.objects.select_for_update().get_or_create(
        code=compiled.code, defaults=values | {"created_at": at}
    )
    return row


def get(code: str, number: int, *, by: Actor) -> Version:
    """A version; drafts and trials are seen by those who write questionnaires. Raises NotFound."""
    row = visible(by).filter(questionnaire=code, number=number).select_related("questionnaire").first()
    if row is None:
        raise NotFound
    return row


def visible(by: Actor) -> QuerySet[Version]:
    """The versions a caller may see."""
    permit(by, "questionnaire.read")
    if may(by, "questionnaire.write"):
        return Version.objects.all()
    return Version.objects.filter(status__in=(VersionStatus.PUBLISHED, VersionStatus.CLOSED))


def published(code: str) -> Version | None:
    """The version that is filled in now."""
    return Version.objects.filter(questionnaire=code, status=VersionStatus.PUBLISHED).first()


def try_out(code: str, number: int, *, by: Actor, at: datetime) -> Version:
    """Let a draft be answered by way of trial, without sending it to the phones. Raises NotFound, Forbidden, WrongStatus."""
    with journal.unit(by=by, at=at):
        row = _locked(code, number, by, (VersionStatus.DRAFT,))
        return _move(row, VersionStatus.TEST, "questionnaire.tried")


def publish(code: str, number: int, *, by: Actor, at: datetime) -> Version:
    """Send a version to every phone; the one published before is closed, and answers to it are still taken.

    Publishing what is published changes nothing. Raises NotFound, Forbidden, WrongStatus.
    """
    with journal.unit(by=by, at=at):
        row = _locked(code, number, by, tuple(VersionStatus))
        if row.status == VersionStatus.PUBLISHED:
            return row
        for before in Version.objects.select_for_update().filter(questionnaire=code, status=VersionStatus.PUBLISHED):
            before.closed_at = at
            _move(before, VersionStatus.CLOSED, "questionnaire.closed")
        row.published_at, row.published_by, row.closed_at = at, by.person, None
        title = row.form["title"]
        Questionnaire.objects.filter(pk=code).update(
            title=(title.get("zh") or next(iter(title.values())))[:200], title_en=title.get("en", "")[:200],
            anonymous=row.form.get("anonymous", False),
        )  # fmt: skip
        return _move(row, VersionStatus.PUBLISHED, "questionnaire.published")


def close(code: str, number: int, *, by: Actor, at: datetime) -> Version:
    """Take a version out of use; answers begun with it are still taken. Raises NotFound, Forbidden, WrongStatus."""
    with journal.unit(by=by, at=at):
        row = _locked(code, number, by, (VersionStatus.DRAFT, VersionStatus.TEST, VersionStatus.PUBLISHED))
        row.closed_at = at
        return _move(row, VersionStatus.CLOSED, "questionnaire.closed")


def require(code: str, wanted: Sequence[tuple[str, str]], *, by: Actor, at: datetime) -> list[Requirement]:
    """Say whose visits want this questionnaire: pairs of a role and a pilot tier ('' for any). Replaces what was said before.

    Raises NotFound, Forbidden.
    """
    with journal.unit(by=by, at=at):
        permit(by, "questionnaire.write")
        questionnaire = Questionnaire.objects.select_for_update().filter(pk=code).first()
        if questionnaire is None:
            raise NotFound
        old = [f"{each.role}/{each.pilot_tier}" for each in questionnaire.requirements.all()]
        new = [f"{role}/{tier}" for role, tier in sorted(set(wanted))]
        questionnaire.requirements.all().delete()
        rows = [
            Requirement(questionnaire=questionnaire, role=role, pilot_tier=tier) for role, tier in sorted(set(wanted))
        ]
        Requirement.objects.bulk_create(rows)
        version = published(code)
        changed = {"required_for": [old, new]}
        if old != new and version is not None:
            document = documents.questionnaire(version)
            told = journal.Change("questionnaire.required", COLLECTION, version.id, changed, journal.SHARED, document)
            journal.record([told])
        elif old != new:
            record = stable(COLLECTION, code)
            journal.record([journal.Change("questionnaire.required", COLLECTION, record, changed)])
        return rows


def _locked(code: str, number: int, by: Actor, statuses: tuple[VersionStatus, ...]) -> Version:
    permit(by, "questionnaire.write")
    row = Version.objects.select_for_update(of=("self",)).filter(questionnaire=code, number=number).first()
    if row is None:
        raise NotFound(Text("没有此问卷或版本", "There is no such questionnaire or version"))
    if row.status not in statuses:
        raise WrongStatus(state=row.status)
    return row


def _move(row: Version, status: VersionStatus, verb: str) -> Version:
    before, row.status = row.status, status
    row.save(update_fields=["status", "published_at", "published_by", "closed_at"])
    changed = {"status": [before, status.value]}
    if row.published_at is None:
        journal.record([journal.Change(verb, COLLECTION, row.id, changed, ruling=True)])
    else:
        journal.record(
            [journal.Change(verb, COLLECTION, row.id, changed, journal.SHARED, documents.questionnaire(row))]
        )
    return row


def ids(code: str) -> list[UUID]:
    """The record ids of all versions of a questionnaire."""
    return list(Version.objects.filter(questionnaire=code).values_list("id", flat=True))
