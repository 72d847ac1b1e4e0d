"""Responses: put in sets, judged against the version they name, reviewed. One record is a set of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from core.actors import Actor
from core.drafts import Draft
from core.problems import Conflict, Fault, Forbidden, Invalid, NotFound, Problem
from core.texts import Text
from journal import journal, rows
from journal.remembered import Remembered
from organizations import permissions, places
from organizations.permissions import Caller
from organizations.roles import Role
from surveys import attendance, documents, externals, incoming
from surveys.answers import ERROR, Finding, examine
from surveys.definition import Definition, load
from surveys.models import Response, ResponseStatus, Version, VersionStatus, dump
from surveys.problems import AlreadySubmitted, BadAnswers
from surveys.scores import score_settled

COLLECTION = "responses"
EDITABLE = (ResponseStatus.DRAFT, ResponseStatus.RETURNED)
ANSWERABLE = (VersionStatus.TEST, VersionStatus.PUBLISHED, VersionStatus.CLOSED)
OPEN_ROLES = (Role.INSTRUCTOR, Role.LIAISON, Role.STATION_STAFF)
NOT_YOURS = Text("该企业不在您的走访范围内", "You do not look after this enterprise")
NO_VERSION = Text("没有此问卷或版本", "There is no such questionnaire or version")
NO_VISIT = Text("该企业没有此走访", "The enterprise has no such visit")
COLUMNS = (
    "id", "enterprise_id", "visit", "questionnaire_id", "version", "author_id", "device", "answers", "status", "private",
    "started_at", "ended_at", "received_at", "submitted_at", "findings", "scores", "review_comment", "comments",
)  # fmt: skip
_JSON = frozenset({"answers", "findings", "scores", "comments"})
_FIELD_COLUMNS = {"enterprise": "enterprise_id", "questionnaire": "questionnaire_id"}


def _read_answerable() -> dict[tuple[str, int], tuple[str, bool]]:
    """Hash and anonymity of the versions that may be answered, by code and number."""
    columns = ("questionnaire_id", "number", "hash", "questionnaire__anonymous")
    found = Version.objects.filter(status__in=ANSWERABLE).values_list(*columns)
    return {(code, number): (digest, anonymous) for code, number, digest, anonymous in found}


_answerable = Remembered(_read_answerable)


class _Batch:
    """Everything a set of drafts refers to, read with a constant number of queries."""

    def __init__(self, drafts: Sequence[Draft], cleaned: Sequence[Mapping[str, Any]], by: Actor) -> None:
        self.by = by
        known = [draft.id for draft in drafts if not draft.new]
        self.responses = {r.id: r for r in Response.objects.select_for_update().filter(pk__in=known)} if known else {}
        wanted = {clean["enterprise"] for clean in cleaned if "enterprise" in clean}
        wanted |= {row.enterprise_id for row in self.responses.values()}
        self.enterprises = places.enterprises(wanted)
        visits = {row.visit for row in self.responses.values()} | {clean.get("visit") for clean in cleaned}
        journal.fetch(attendance.key(visit) for visit in visits if visit)
        self.versions = _answerable.get()
        self.reach = permissions.reach_of(by, "response.write")
        self.lists = externals.at_hand(self._asked(drafts, cleaned), by=by)

    def _asked(self, drafts: Sequence[Draft], cleaned: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Definition, Any]]:
        """The answers to those forms that choose from lists they do not hold."""
        asking = {key: form for key in self._named(cleaned) if (form := self.definition(key)).externals}
        for draft, clean in zip(drafts, cleaned, strict=True) if asking else ():
            row = self.responses.get(draft.id)
            key = (clean.get("questionnaire", row and row.questionnaire_id), clean.get("version", row and row.version))
            if key in asking:
                yield asking[key], clean.get("answers", row and row.answers)

    def _named(self, cleaned: Sequence[Mapping[str, Any]]) -> set[tuple[str, int]]:
        """The versions that the drafts or their rows name, of those that may be answered."""
        named = {(clean.get("questionnaire"), clean.get("version")) for clean in cleaned}
        named |= {(row.questionnaire_id, row.version) for row in self.responses.values()}
        return {key for key in self.versions if key in named}

    def covers(self, enterprise: UUID) -> bool:
        row = self.enterprises.get(enterprise)
        return row is not None and self.reach.covers(enterprise, row.region_id)

    def is_private(self, enterprise: Any, version: tuple[str, int]) -> bool:
        """Whoever visits as an observer only comes unannounced; and what is anonymous is not shown around."""
        if self.versions[version][1]:
            return True
        if not isinstance(self.by, Caller):
            return False
        region = self.enterprises[enterprise].region_id
        return not any(
            held.role in OPEN_ROLES and (held.citywide or held.enterprise == enterprise or held.region == region)
            for held in self.by.held
        )

    def definition(self, version: tuple[str, int]) -> Definition:
        return definition_of(*version, self.versions[version][0])


def definition_of(code: str, number: int, digest: str) -> Definition:
    """The form of a version, ready to judge answers; read from the database once a process."""
    return load(digest, lambda: Version.objects.only("form").get(questionnaire=code, number=number).form)


def put(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Response | Problem]:
    """Create and edit responses; one outcome a draft, in order.

    A number of queries that does not grow with the set: the rows, their enterprises, their versions, at most one external
    list, and one statement to write. A submitted response with errors is refused as ``BadAnswers``; drafts are kept as they are.
    """
    with journal.unit(by=by, at=at):
        read = [incoming.read(draft.changes, new=draft.new) for draft in drafts]
        batch = _Batch(drafts, [clean for clean, _ in read], by)
        outcomes: list[Response | Problem] = []
        changes: list[journal.Change] = []
        texts: dict[UUID, tuple[Response, str]] = {}
        for draft, (clean, faults) in zip(drafts, read, strict=True):
            try:
                row, changed = _apply(draft, clean, faults, batch, by=by, at=at)
            except Problem as problem:
                outcomes.append(problem)
                continue
            outcomes.append(row)
            if changed:
                text = clean.get("answers_text") or dump(row.answers)
                texts[row.id] = (row, text)
                batch.responses[row.id] = row
                changes.append(_told(draft, row, changed, text))
        _write(texts)
        attendance.formed(row for row, _ in texts.values())
        journal.record(changes)
        return outcomes


def _apply(
    draft: Draft, clean: dict[str, Any], faults: list[Fault], batch: _Batch, *, by: Actor, at: datetime
) -> tuple[Response, dict[str, Any]]:
    """One draft judged and, if it stands, a row that holds it and what changed. Raises Problem."""
    row = batch.responses.get(draft.id)
    if row is None and not draft.new:
        raise NotFound
    enterprise = clean.get("enterprise", row.enterprise_id if row else None)
    if enterprise is not None:
        _permit(row, enterprise, batch, by)
    if row is not None and row.status not in EDITABLE:
        raise AlreadySubmitted(state=row.status)
    faults = faults + _reference_faults(clean, row, batch)
    if faults:
        raise Invalid(errors=faults)
    actor = draft.by or by
    if row is None:
        row = rows.made(
            Response,
            id=draft.id, author_id=by.person, device=actor.device, received_at=at,
            private=batch.is_private(enterprise, (clean["questionnaire"], clean["version"])),
            **{_FIELD_COLUMNS.get(name, name): value for name, value in clean.items() if name != "answers_text"},
        )  # fmt: skip
        changed = {name: [None, _plain(name, clean)] for name in incoming.FIELDS if clean.get(name) is not None}
        before = None
    else:
        before = row.status
        changed = _assign(row, clean)
    if row.status == ResponseStatus.SUBMITTED and (changed or before != row.status):
        _judge(row, clean, batch)
        row.submitted_at = row.submitted_at if before == row.status else at
    return row, changed


def _permit(row: Response | None, enterprise: UUID, batch: _Batch, by: Actor) -> None:
    if row is not None and row.private and row.author_id != by.person:
        raise NotFound
    if not batch.covers(enterprise) or (row is not None and not batch.covers(row.enterprise_id)):
        raise Forbidden(NOT_YOURS, errors=[Fault("/enterprise", "forbidden", NOT_YOURS)])


def _reference_faults(clean: Mapping[str, Any], row: Response | None, batch: _Batch) -> list[Fault]:
    faults = []
    if row is not None and clean.get("enterprise", row.enterprise_id) != row.enterprise_id:
        faults.append(Fault("/enterprise", "fixed", Text("不能改为另一家企业", "The enterprise cannot be changed")))
    code = clean.get("questionnaire", row.questionnaire_id if row else None)
    number = clean.get("version", row.version if row else None)
    if row is not None and code != row.questionnaire_id:
        faults.append(
            Fault("/questionnaire", "fixed", Text("不能改为另一份问卷", "The questionnaire cannot be changed"))
        )
    elif code is not None and number is not None and (code, number) not in batch.versions:
        known = any(each == code for each, _ in batch.versions)
        faults.append(Fault("/version" if known else "/questionnaire", "unknown", NO_VERSION))
    visit, enterprise = clean.get("visit"), clean.get("enterprise", row.enterprise_id if row else None)
    if (
        visit is not None
        and enterprise is not None
        and not places.has_record(enterprise, ("visits", visit), by=batch.by)
    ):
        faults.append(Fault("/visit", "unknown", NO_VISIT))
    started, ended = (clean.get(name, getattr(row, name, None)) for name in ("started_at", "ended_at"))
    if started and ended and ended < started:
        faults.append(Fault("/ended_at", "before-start", Text("结束早于开始", "It ends before it starts")))
    return faults


def _judge(row: Response, clean: Mapping[str, Any], batch: _Batch) -> None:
    """Check a submitted response by its form and day; note what is no error, and its scores. Raises BadAnswers."""
    definition = batch.definition((row.questionnaire_id, row.version))
    findings, settled = examine(definition, row.answers, today=_day(row), lists=batch.lists)
    errors = [finding for finding in findings if finding.severity == ERROR]
    if errors:
        raise BadAnswers(errors=[Fault(each.pointer, each.code, each.detail) for each in errors])
    row.findings = [_kept(finding) for finding in findings]
    row.scores = {name: float(score.score) for name, score in score_settled(settled).items()}


def _day(row: Response) -> date:
    """The day the phone says, by its own offset; by Shanghai's once it has been stored."""
    at = row.ended_at or row.started_at
    offset = at.utcoffset()
    return (at if offset else at.astimezone(documents.SHANGHAI)).date()


def _kept(finding: Finding) -> dict[str, str]:
    return finding.told("zh-Hans") | {"detail_en": finding.detail.en}


def _plain(name: str, clean: Mapping[str, Any]) -> Any:
    if name == "answers":
        return orjson.Fragment(clean["answers_text"])
    return clean[name]


def _assign(row: Response, clean: Mapping[str, Any]) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for name in incoming.FIELDS:
        column = _FIELD_COLUMNS.get(name, name)
        if name in clean and getattr(row, column) != clean[name]:
            changed[name] = [getattr(row, column), _plain(name, clean)]
            setattr(row, column, clean[name])
    return changed


def _told(draft: Draft, row: Response, changed: dict[str, Any], text: str) -> journal.Change:
    submitted = row.status == ResponseStatus.SUBMITTED
    verb = "response.submitted" if submitted else "response.created" if draft.new else "response.edited"
    return journal.Change(
        verb, COLLECTION, row.id, changed, documents.response_scope(row), documents.response(row, text), draft.by, draft.claimed_at
    )  # fmt: skip


def _write(texts: Mapping[UUID, tuple[Response, str]]) -> None:
    new: list[list[Any]] = []
    old: list[list[Any]] = []
    for row, text in texts.values():
        held = vars(row)
        values = [text if name == "answers" else dump(held[name]) if name in _JSON else held[name] for name in COLUMNS]
        (new if row._state.adding else old).append(values)
        row._state.adding = False
    rows.insert(Response, COLUMNS, new)
    rows.insert(Response, COLUMNS, old, replace_on=("id",))


def delete(drafts: Sequence[Draft], *, by: Actor, at: datetime) -> list[Response | Problem]:
    """Delete one's own drafts; one outcome a draft."""
    with journal.unit(by=by, at=at):
        found = {
            row.id: row for row in Response.objects.select_for_update().filter(pk__in=[each.id for each in drafts])
        }
        outcomes: list[Response | Problem] = []
        changes = []
        for draft in drafts:
            row = found.pop(draft.id, None)
            if row is None:
                outcomes.append(NotFound())
            elif row.author_id != by.person:
                outcomes.append(Forbidden())
            elif row.status != ResponseStatus.DRAFT:
                outcomes.append(Forbidden(AlreadySubmitted.title))
            else:
                outcomes.append(row)
                scope = documents.response_scope(row)
                changes.append(
                    journal.Change("response.deleted", COLLECTION, row.id, {}, scope, None, draft.by, draft.claimed_at)
                )
        journal.record(changes)
        Response.objects.filter(pk__in=[change.record for change in changes]).delete()
        return outcomes


def review(
    response: UUID,
    *,
    accept: bool,
    comment: str = "",
    comments: Mapping[str, str] | None = None,
    by: Actor,
    at: datetime,
) -> Response:
    """The office takes a submitted response, or sends it back to the phone with a comment on the whole or on single questions.

    ``comments`` are by the question's pointer below the answers (``issues/0/issue_description``) or its name. Raises NotFound,
    Forbidden, Conflict, Invalid.
    """
    with journal.unit(by=by, at=at):
        row = visible(by).select_for_update(of=("self",)).filter(pk=response).first()
        if row is None:
            raise NotFound
        permissions.permit(by, "response.review", permissions.Subject(enterprise=row.enterprise_id))
        if row.status != ResponseStatus.SUBMITTED:
            raise Conflict(Text("只有已提交的答卷可以审核", "Only a submitted response is reviewed"), state=row.status)
        comments = {name: said for name, said in (comments or {}).items() if said.strip()}
        if not accept and not comment.strip() and not comments:
            raise Invalid.at("/comment", "required", Text("退回时请说明原因", "Say why it is sent back"))
        _check_comments(comments, row)
        status = ResponseStatus.ACCEPTED if accept else ResponseStatus.RETURNED
        changed: dict[str, Any] = {"status": [row.status, status.value]}
        for name, value in (("review_comment", comment), ("comments", comments)):
            if getattr(row, name) != value:
                changed[name] = [getattr(row, name), value]
                setattr(row, name, value)
        row.status = status
        text = dump(row.answers)
        _write({row.id: (row, text)})
        verb = "response.accepted" if accept else "response.returned"
        scope = documents.response_scope(row)
        document = documents.response(row, text)
        journal.record([journal.Change(verb, COLLECTION, row.id, changed, scope, document if scope else None)])
        if row.visit is not None and not accept:
            attendance.sent_back(row.visit)
        return row


def _check_comments(comments: Mapping[str, str], row: Response) -> None:
    form = Version.objects.filter(questionnaire=row.questionnaire_id, number=row.version).first()
    known = Definition(form.form).questions if form else {}
    faults = [
        Fault(f"/comments/{name}", "unknown-question", Text("表中没有这个问题", "The form has no such question"))
        for name in comments
        if name.rsplit("/", 1)[-1] not in known
    ]
    if faults:
        raise Invalid(errors=faults)


def visible(by: Actor) -> QuerySet[Response]:
    """The responses a caller may read: those of the places in sight, and private ones of one's own; none given anonymously."""
    open_ones = permissions.scope(by, "response.read") & Q(private=False)
    own = permissions.scope(by, "response.read_private", enterprise=None, owner="author") & Q(private=True)
    return Response.objects.filter(open_ones | own, questionnaire__anonymous=False)


def exportable(by: Actor) -> QuerySet[Response]:
    """The responses an export may hold; the export itself sees to it that anonymous ones stay so. Raises Forbidden."""
    permissions.permit(by, "response.export")
    return Response.objects.filter(permissions.scope(by, "response.export"))
