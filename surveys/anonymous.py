"""The questionnaire without a name: a link for each enterprise, and answers that say nothing of who gave them.

An anonymous response holds the enterprise, the answers and the hour of its coming: no person, no device, no address. What such
responses say together is in :mod:`surveys.summaries`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q

from core.actors import SYSTEM, Actor
from core.problems import Fault, Invalid, NotFound, Problem
from core.texts import Text
from journal import journal
from organizations.models import Enterprise
from organizations.permissions import permit
from surveys import externals, questionnaires
from surveys.answers import ERROR, examine
from surveys.definition import Definition
from surveys.documents import SHANGHAI
from surveys.models import PublicLink, Questionnaire, Response, ResponseStatus, Version
from surveys.problems import BadAnswers
from surveys.responses import definition_of
from surveys.scores import score_settled
from surveys.values import Hidden

A_MINUTE = 60


class TooMany(Problem):
    """More answers came through one link than a workshop could give."""

    kind = "throttled"
    status = 429
    title = Text("提交过于频繁,请稍后再试", "Too many answers at once, please try again later")


def link(code: str, enterprise: UUID, *, by: Actor, at: datetime, days: int | None = None) -> PublicLink:
    """A new link for an enterprise's QR code; the one before stops working. Raises Forbidden, NotFound, Invalid."""
    with journal.unit(by=by, at=at):
        permit(by, "questionnaire.write")
        questionnaire = Questionnaire.objects.filter(pk=code).first()
        if questionnaire is None or not Enterprise.objects.filter(pk=enterprise).exists():
            raise NotFound
        if not questionnaire.anonymous:
            raise Invalid.at(
                "/questionnaire", "not-anonymous", Text("该问卷不是匿名问卷", "This questionnaire is not anonymous")
            )
        PublicLink.objects.filter(questionnaire=code, enterprise=enterprise, closed_at=None).update(closed_at=at)
        row = PublicLink.objects.create(
            token=token_urlsafe(18), questionnaire=questionnaire, enterprise_id=enterprise, created_at=at,
            created_by=by.person, expires_at=at + timedelta(days=days) if days else None,
        )  # fmt: skip
        changed = {"questionnaire": [None, code], "expires_at": [None, row.expires_at]}
        journal.record([journal.Change("public_link.created", "public_links", enterprise, changed)])
        return row


def behind(token: str, *, at: datetime) -> tuple[PublicLink, Version]:
    """The enterprise and the form behind a link. Raises NotFound for a link that is closed, over, or never was."""
    live = Q(expires_at=None) | Q(expires_at__gt=at)
    row = (
        PublicLink.objects.select_related("enterprise", "questionnaire")
        .filter(live, token=token, closed_at=None)
        .first()
    )
    version = questionnaires.published(row.questionnaire_id) if row else None
    if row is None or version is None:
        raise NotFound
    return row, version


def take(token: str, answers: Any, *, at: datetime) -> Response:
    """Keep the answers of somebody. Answers to questions that are not asked of them are dropped, not refused.

    Raises NotFound, TooMany, BadAnswers.
    """
    row, version = behind(token, at=at)
    definition = definition_of(row.questionnaire_id, version.number, version.hash)
    lists = externals.at_hand([(definition, answers)], by=SYSTEM)
    asked = asked_only(definition, answers, at=at)
    findings, settled = examine(definition, asked, today=at.astimezone(SHANGHAI).date(), lists=lists)
    errors = [Fault(each.pointer, each.code, each.detail) for each in findings if each.severity == ERROR]
    if errors:
        raise BadAnswers(errors=errors)
    hour = at.replace(minute=0, second=0, microsecond=0)
    with journal.unit(by=SYSTEM, at=at):
        _count(row, at)
        response = Response(
            id=uuid4(),
            enterprise_id=row.enterprise_id,
            questionnaire_id=row.questionnaire_id,
            version=version.number,
            answers=asked,
            status=ResponseStatus.SUBMITTED,
            private=True,
            started_at=hour,
            received_at=hour,
            submitted_at=hour,
            scores={name: float(score.score) for name, score in score_settled(settled).items()},
        )
        response.save(force_insert=True)
        # The entry names the enterprise and not the response, whose moment nobody needs to know.
        changed = {"questionnaire": [None, row.questionnaire_id]}
        journal.record([journal.Change("response.given_anonymously", "public_links", row.enterprise_id, changed)])
    return response


def _count(row: PublicLink, at: datetime) -> None:
    """Note one more answer of this minute. Raises TooMany."""
    locked = PublicLink.objects.select_for_update().get(pk=row.pk)
    minute = at.replace(second=0, microsecond=0)
    if locked.minute != minute:
        locked.minute, locked.taken_in_minute = minute, 0
    locked.taken_in_minute += 1
    if locked.taken_in_minute > A_MINUTE:
        raise TooMany(retry_after=60)
    locked.save(update_fields=["minute", "taken_in_minute"])


def asked_only(definition: Definition, answers: Any, *, at: datetime) -> Any:
    """The answers without those to questions that their other answers make irrelevant."""
    if not isinstance(answers, dict):
        return answers
    _, settled = examine(definition, answers, today=at.astimezone(SHANGHAI).date())
    return {name: value for name, value in answers.items() if not isinstance(settled.scope.root.get(name), Hidden)
            or name not in definition.questions}  # fmt: skip
