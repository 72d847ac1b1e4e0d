"""Keeping things no longer than the register says: what is due by category, and letting it go.

What is due is told before anything happens (`manage.py retention`, GET privacy/retention); the worker's duty does it
daily. Nothing here removes a journal entry, a digest or an id that one of them names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from core.actors import SYSTEM, Actor
from core.problems import Fault, Invalid, NotFound
from core.texts import Text
from inspections import documents as field_documents
from inspections.models import Visit
from journal import journal, redaction
from journal.heads import Key
from media.storage import storage
from notifications.models import Message
from organizations.models import Assignment, Device, Enrollment, Person
from organizations.permissions import permit
from privacy import erasure
from privacy.models import Period, Request, RequestState
from privacy.register import BY_CATEGORY, REGISTER
from surveys import collect, personal
from surveys import documents as survey_documents
from surveys.models import Response, Submission, Version, dump
from sync.models import Quarantined, QuarantineState

STEP = 500
LEAST_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class Rule:
    """``due`` gives the rows whose time ended at a moment; ``let_go`` does what the register says to some of them."""

    due: Callable[[datetime], QuerySet[Any]]
    let_go: Callable[[list[Any], datetime], None]


@dataclass(frozen=True, slots=True)
class Due:
    """One category's line of the report. ``days`` None: kept with its record; ``count`` None: another duty's sweep."""

    category: str
    days: int | None
    own: bool
    count: int | None


def periods() -> dict[str, int | None]:
    """Days by category: the office's own where there are, else those that ship."""
    own = dict(Period.objects.values_list("category", "days"))
    return {kept.category: own.get(kept.category, kept.days) for kept in REGISTER}


def report(*, at: datetime) -> list[Due]:
    """What would go now, category by category; changes nothing."""
    own = set(Period.objects.values_list("category", flat=True))
    return [
        Due(name, days, name in own, RULES[name].due(_end(days, at)).count() if name in RULES and days else None)
        for name, days in periods().items()
    ]


def keep(*, at: datetime, limit: int = STEP) -> int:
    """Let go what is due, some of each category; gives how many rows. Called again until there is none."""
    done = 0
    for category, days in periods().items():
        rule = RULES.get(category)
        if rule is None or not days:
            continue
        rows = list(rule.due(_end(days, at))[:limit])
        if rows:
            with journal.unit(by=SYSTEM, at=at):
                rule.let_go(rows, at)
                told: dict[str, Any] = {"count": [None, len(rows)], "days": [None, days]}
                journal.record([journal.Change("privacy.let_go", "categories", _id_of(category), told)])
        done += len(rows)
    return done


def set_period(category: str, days: int, *, by: Actor, at: datetime) -> Period:
    """The office keeps a category for its own number of days. Raises ``NotFound``, ``Invalid``, ``Forbidden``."""
    with journal.unit(by=by, at=at):
        permit(by, "privacy.settle")
        if category not in BY_CATEGORY:
            raise NotFound
        if category not in RULES:
            detail = Text("该类别与所属记录同存,不另设期限", "This category is kept with its records and has no period")
            raise Invalid(errors=[Fault("/days", "fixed", detail)])
        if days < LEAST_DAYS:
            detail = Text("不得少于 {least} 天", "Must be at least {least} days").fill(least=LEAST_DAYS)
            raise Invalid(errors=[Fault("/days", "min-value", detail)])
        old = periods()[category]
        row, _ = Period.objects.update_or_create(category=category, defaults={"days": days})
        journal.record([journal.Change("privacy.period_set", "categories", _id_of(category), {"days": [old, days]})])
    return row


def _end(days: int | None, at: datetime) -> datetime:
    return at - timedelta(days=days or 0)


def _id_of(category: str) -> UUID:
    return UUID(int=[kept.category for kept in REGISTER].index(category) + 1)


# --- accounts and phones ----------------------------------------------------------------------------------------


def _accounts(before: datetime) -> QuerySet[Person]:
    """Disabled people, not erased yet, whose last assignment ended (or who were entered) before."""
    live = Assignment.objects.filter(person=OuterRef("pk"), revoked_at=None)
    live = live.filter(Q(ends_on=None) | Q(ends_on__gte=before.date()))
    late = Assignment.objects.filter(person=OuterRef("pk"), revoked_at__gte=before)
    found = Person.objects.filter(is_active=False).exclude(username__startswith=erasure.MARK)
    found = found.filter(Q(created_at=None) | Q(created_at__lt=before))
    return found.annotate(seen=Max("devices__last_seen_at")).filter(
        ~Exists(live), ~Exists(late), Q(seen=None) | Q(seen__lt=before)
    )


def _devices(before: datetime) -> QuerySet[Device]:
    return Device.objects.filter(revoked_at__lt=before).exclude(name="", platform="", app_version="")


def _mask_devices(rows: list[Device], at: datetime) -> None:
    Device.objects.filter(pk__in=[row.pk for row in rows]).update(name="", platform="", app_version="")


# --- people who are no users ------------------------------------------------------------------------------------


def _interviewees(before: datetime) -> QuerySet[Visit]:
    return Visit.objects.filter(submitted_at__lt=before).exclude(interviewee="").order_by("pk")


def _contacts(before: datetime) -> QuerySet[Response]:
    """Responses that still hold an answer to a question which their own version of the form calls personal."""
    found = Q(pk__in=[])
    for (questionnaire, names), numbers in _personal_questions().items():
        asked = Q(pk__in=[])
        for name in sorted(names):
            asked |= Q(answers__contains=f'"{name}":')
        found |= Q(questionnaire=questionnaire, version__in=numbers) & asked
    return Response.objects.filter(found, submitted_at__lt=before).order_by("pk")


def _personal_questions() -> dict[tuple[str, frozenset[str]], list[int]]:
    """Questionnaire and the names of its personal questions → the versions that ask them."""
    found: dict[tuple[str, frozenset[str]], list[int]] = defaultdict(list)
    for row in Version.objects.only("questionnaire", "number", "form"):
        found[row.questionnaire_id, personal.questions(row.form)].append(row.number)
    return found


def _mask_interviewees(rows: list[Visit], at: datetime) -> None:
    told = []
    for row in rows:
        row.interviewee = ""
        scope, document = field_documents.visit_scope(row), field_documents.visit(row)
        told.append(
            journal.Change("visit.masked", "visits", row.pk, {"interviewee": [redaction.HIDDEN, None]}, scope, document)
        )
    Visit.objects.bulk_update(rows, ["interviewee"])
    redaction.redact((("visits", row.pk) for row in rows), {"interviewee"})
    journal.record(told)


def _mask_contacts(rows: list[Response], at: datetime) -> None:
    told = []
    names = {
        (questionnaire, number): asked
        for (questionnaire, asked), numbers in _personal_questions().items()
        for number in numbers
    }
    masked: dict[frozenset[str], list[Key]] = defaultdict(list)
    for row in rows:
        asked = names[row.questionnaire_id, row.version]
        masked[asked].append(("responses", row.pk))
        row.answers = _without(row.answers, asked)
        scope = survey_documents.response_scope(row)
        document = survey_documents.response(row, dump(row.answers)) if scope else None
        told.append(
            journal.Change(
                "response.masked", "responses", row.pk, {"answers": [redaction.HIDDEN, None]}, scope, document
            )
        )
    Response.objects.bulk_update(rows, ["answers"])
    for asked, keys in masked.items():
        redaction.redact(keys, asked)
    journal.record(told)


def _without(answers: Any, names: frozenset[str]) -> Any:
    if isinstance(answers, dict):
        return {name: _without(value, names) for name, value in answers.items() if name not in names}
    if isinstance(answers, list):
        return [_without(value, names) for value in answers]
    return answers


# --- what is simply deleted or emptied ----------------------------------------------------------------------------


def _quarantined(before: datetime) -> QuerySet[Quarantined]:
    settled = Quarantined.objects.exclude(state=QuarantineState.WAITING)
    return settled.filter(settled_at__lt=before).exclude(payload="{}")


def _empty(model: type[Any], **values: Any) -> Callable[[list[Any], datetime], None]:
    def let_go(rows: list[Any], at: datetime) -> None:
        model.objects.filter(pk__in=[row.pk for row in rows]).update(**values)

    return let_go


def _delete(rows: list[Any], at: datetime) -> None:
    type(rows[0]).objects.filter(pk__in=[row.pk for row in rows]).delete()


def _erase(rows: list[Person], at: datetime) -> None:
    for row in rows:
        erasure.erase(row.pk, by=SYSTEM, at=at)


def _delete_files(rows: list[Submission], at: datetime) -> None:
    """The rows are written with the unit, after the store: whoever dies in between finds them as they were and does it again."""
    for key in collect.let_go_of_files(rows):
        storage().remove(key)


RULES: Mapping[str, Rule] = {
    "account": Rule(_accounts, _erase),
    "devices": Rule(_devices, _mask_devices),
    "enrollments": Rule(lambda before: Enrollment.objects.filter(expires_at__lt=before), _delete),
    "interviewees": Rule(_interviewees, _mask_interviewees),
    "contacts": Rule(_contacts, _mask_contacts),
    "submissions": Rule(
        lambda before: Submission.objects.filter(at__lt=before).exclude(xml=""), _empty(Submission, xml="")
    ),
    "quarantine": Rule(_quarantined, _empty(Quarantined, payload="{}", trace="")),
    "messages": Rule(lambda before: Message.objects.filter(at__lt=before), _delete),
    "requests": Rule(
        lambda before: (
            Request.objects.exclude(state=RequestState.OPEN)
            .filter(settled_at__lt=before)
            .exclude(reason="", wanted={}, answer="")
        ),
        _empty(Request, reason="", wanted={}, answer=""),
    ),
    "aside": Rule(lambda before: Submission.objects.filter(aside__gt=0, settled_at__lt=before), _delete_files),
}
