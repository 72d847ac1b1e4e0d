"""Where photos belong: the visit, answer, issue or action they show decides their enterprise, owner and circle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.drafts import Draft
from core.problems import Invalid, NotFound, Problem
from core.texts import Text
from inspections.models import Issue, IssueAction, Visit, VisitStatus
from journal import journal
from media import photos
from media.evidence import Circumstances
from media.models import BytesState, Photo
from media.photos import Home
from organizations.models import Department
from organizations.permissions import Subject, allowed
from surveys.models import Response, Version

FINISHED = frozenset({VisitStatus.SUBMITTED.value, VisitStatus.ACCEPTED.value})
NOBODY = UUID(int=0)
UNKNOWN = Text("所引用的记录不存在", "The record it refers to does not exist")
ELSEWHERE = Text("照片关联的记录不属于同一家企业", "The records that the photo shows belong to different enterprises")


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Photo | Problem]:
    """Create or edit photo records; one outcome a draft. A photo lives where what it shows lives."""
    return photos.put(drafts, homes([draft.changes for draft in drafts]), by=by, at=at)


def delete(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Photo | Problem]:
    """Delete one's own photos of what was not submitted yet."""
    with journal.unit(by=by, at=at):
        known = Photo.objects.filter(pk__in=[draft.id for draft in drafts])
        shown = {photo.id: {name: _text(getattr(photo, name)) for name in _SUBJECTS} for photo in known}
        places = dict(zip(shown, homes(list(shown.values())), strict=True))
        closed = [id_ for id_, home in places.items() if isinstance(home, Home) and home.closed]
        return photos.delete(drafts, closed=closed, by=by, at=at)


_SUBJECTS = ("visit", "response", "issue", "issue_action")


def homes(asked: Sequence[Mapping[str, Any]]) -> list[Home | Problem | None]:
    """The home of each photo by the subjects it names; None where it names none. One query a kind of subject."""
    ids = {name: {id_ for one in asked if (id_ := _id(one.get(name)))} for name in _SUBJECTS}
    found: dict[str, dict[UUID, Home]] = {
        "visit": {row.id: _visit(row) for row in _rows(Visit.objects, ids["visit"])},
        "response": {row.id: _response(row) for row in _rows(Response.objects, ids["response"])},
    }
    actions = dict(IssueAction.objects.filter(pk__in=ids["issue_action"]).values_list("pk", "issue_id"))
    wanted = ids["issue"] | set(actions.values())
    assists = _departments(issues := {row.id: row for row in _rows(Issue.objects, wanted)})
    found["issue"] = {id_: _issue(row, assists) for id_, row in issues.items()}
    found["issue_action"] = {id_: found["issue"][issue] for id_, issue in actions.items()}
    return [_home(one, found) for one in asked]


def _home(asked: Mapping[str, Any], found: Mapping[str, Mapping[UUID, Home]]) -> Home | Problem | None:
    """The narrowest of the homes named: private before open, an issue's before a visit's."""
    named: list[Home] = []
    for name in reversed(_SUBJECTS):
        id_ = _id(asked.get(name))
        if id_ is None:
            continue
        home = found[name].get(id_)
        if home is None:
            return Invalid.at(f"/{name}", "unknown", UNKNOWN)
        named.append(home)
    if len({home.enterprise for home in named}) > 1:
        return Invalid.at("/enterprise", "mixed", ELSEWHERE)
    return min(named, key=lambda home: not home.private, default=None)


def _rows(manager: Any, ids: Iterable[UUID]) -> Any:
    return manager.filter(pk__in=ids) if ids else ()


def _visit(row: Visit) -> Home:
    return Home(row.enterprise_id, row.author_id, private=row.private, closed=row.status in FINISHED)


def _response(row: Response) -> Home:
    owner = row.author_id or NOBODY
    return Home(row.enterprise_id, owner, private=row.private, closed=row.status in FINISHED)


def _issue(row: Issue, departments: Mapping[str, UUID]) -> Home:
    subject = Subject(
        enterprise=row.enterprise_id,
        region=row.region_id,
        lead=row.lead_id,
        lead_region=row.lead_region_id,
        assists=frozenset(departments[code] for code in row.assists if code in departments),
        owner=row.reporter_id,
    )
    owner = row.reporter_id or NOBODY
    return Home(row.enterprise_id, owner, private=row.confidential, closed=bool(row.dispatched_at), subject=subject)


def _departments(issues: Mapping[UUID, Issue]) -> dict[str, UUID]:
    codes = {code for row in issues.values() for code in row.assists}
    return dict(Department.objects.filter(code__in=codes).values_list("code", "pk")) if codes else {}


def _id(value: Any) -> UUID | None:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


def visible(photo: UUID, *, by: Actor) -> Photo:
    """A photo the caller may look at: by enterprise or authorship, or through the issue that it shows. Raises NotFound."""
    row = photos.readable(by).filter(pk=photo).first()
    if row is not None:
        return row
    row = Photo.objects.filter(pk=photo).first()
    if row is None:
        raise NotFound
    (home,) = homes([{name: _text(getattr(row, name)) for name in _SUBJECTS}])
    if not isinstance(home, Home) or home.subject is None:
        raise NotFound
    verb = "issue.read_confidential" if home.private else "issue.read"
    if not allowed(by, verb, home.subject):
        raise NotFound
    return row


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A photo named as evidence: the issue it shows (directly or by an action), where, who may look, whether it is there."""

    issue: UUID | None
    enterprise: UUID
    readable: bool
    stored: bool


def exhibits(ids: Collection[UUID], *, by: Actor) -> dict[UUID, Exhibit]:
    """Photos by id, as evidence; at most three queries."""
    rows = Photo.objects.in_bulk(ids) if ids else {}
    if not rows:
        return {}
    seen = set(photos.readable(by).filter(pk__in=rows).values_list("pk", flat=True)) if by.person else set(rows)
    through = dict(
        IssueAction.objects.filter(pk__in=[row.issue_action for row in rows.values() if row.issue_action]).values_list(
            "pk", "issue_id"
        )
    )
    return {
        pk: Exhibit(
            row.issue or (through.get(row.issue_action) if row.issue_action else None),
            row.enterprise_id,
            pk in seen,
            row.bytes == BytesState.STORED,
        )
        for pk, row in rows.items()
    }


def circumstances(asked: Iterable[Photo]) -> dict[UUID, Circumstances]:
    """What is known of the visits that photos belong to, directly, by an answer or by an issue; for weighing evidence."""
    rows = list(asked)
    through: dict[UUID | None, UUID | None] = {}
    for model, named in ((Response, [row.response for row in rows]), (Issue, [row.issue for row in rows])):
        through |= dict(model.objects.filter(pk__in=filter(None, named)).values_list("pk", _VISIT[model]))
    wanted = {row.id: row.visit or through.get(row.response or row.issue) for row in rows}
    visits = Visit.objects.in_bulk(set(filter(None, wanted.values())))
    found = {
        photo: Circumstances(visit.started_at, visit.ended_at, visit.check_in)
        for photo, id_ in wanted.items()
        if id_ and (visit := visits.get(id_))
    }
    return found | {
        photo: replace(found.get(photo, Circumstances()), camera_only=True) for photo in _wanted_from_camera(rows)
    }


def _wanted_from_camera(rows: Sequence[Photo]) -> set[UUID]:
    """The photos whose question asks for a picture taken there and then: XLSForm's appearance ``new``."""
    answers = Response.objects.filter(pk__in={row.response for row in rows if row.response and row.question})
    named = {pk: (code, number) for pk, code, number in answers.values_list("pk", "questionnaire_id", "version")}
    versions = Version.objects.filter(questionnaire__in={code for code, _ in named.values()})
    forms = {
        (code, number): _camera_questions(form.get("questions", []))
        for code, number, form in versions.filter(number__in={number for _, number in named.values()}).values_list(
            "questionnaire_id", "number", "form"
        )
    }
    return {row.id for row in rows if row.response in named and row.question in forms.get(named[row.response], ())}


def _camera_questions(questions: Iterable[Mapping[str, Any]]) -> set[str]:
    found: set[str] = set()
    for question in questions:
        if question.get("type") == "image" and "new" in question.get("appearance", "").split():
            found.add(question["name"])
        found |= _camera_questions(question.get("children", ()))
    return found


_VISIT: dict[type[Response] | type[Issue], str] = {Response: "visit", Issue: "visit_id"}
