"""How each collection's documents are made anew from its tables: what `manage.py feed check` holds the feed against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from inspections import documents as inspected
from inspections.models import Issue, IssueAction, Visit, VisitPlan
from inspections.rulebook import IssueCategory
from journal.journal import SHARED, enterprise_scope
from journal.upkeep import Rendered, Room
from media import photos
from media.models import Photo
from organizations import documents as organized
from organizations.models import Department, Enterprise, Region
from surveys import documents as surveyed
from surveys.models import Response, Version


def _room(
    collection: str,
    rows: Callable[[], QuerySet[Any]],
    scope: Callable[[Any], str | None],
    document: Callable[[Any], Any],
) -> Room:
    """A collection whose every row that has a scope is held by phones."""

    def census() -> Iterable[UUID]:
        return [row.pk for row in rows().iterator() if scope(row) is not None]

    def render(ids: list[UUID]) -> Mapping[UUID, Rendered]:
        found = ((row, scope(row)) for row in rows().filter(pk__in=ids))
        return {row.pk: (home, document(row)) for row, home in found if home is not None}

    return Room(collection, census, render)


def _shared(row: object) -> str:
    return SHARED


def _response(row: Response) -> bytes:
    return surveyed.response(row, orjson.dumps(row.answers).decode())


def rooms() -> list[Room]:
    """Every collection that is a table of a room; the desks of the sync engine are its own."""
    published = Version.objects.exclude(published_at=None)
    actions = IssueAction.objects.select_related("issue")
    return [
        _room("regions", Region.objects.all, _shared, organized.region),
        _room("departments", Department.objects.all, _shared, organized.department),
        _room("issue_categories", IssueCategory.objects.all, _shared, inspected.category),
        _room("questionnaires", published.all, _shared, surveyed.questionnaire),
        _room("enterprises", Enterprise.objects.all, lambda row: enterprise_scope(row.pk), organized.enterprise),
        _room(
            "visit_plans", VisitPlan.objects.all, lambda row: enterprise_scope(row.enterprise_id), inspected.visit_plan
        ),
        _room("visits", Visit.objects.all, inspected.visit_scope, inspected.visit),
        _room("responses", Response.objects.all, surveyed.response_scope, _response),
        _room("issues", Issue.objects.all, inspected.issue_scope, inspected.issue),
        _room("issue_actions", actions.all, lambda row: inspected.issue_scope(row.issue), inspected.action),
        _room("photos", Photo.objects.all, photos.scope_of, photos.document),
    ]
