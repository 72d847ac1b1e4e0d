"""What every installation needs before its first day: the reference data, the rules and schemes, the four questionnaires."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from core.actors import SYSTEM, Actor
from inspections import rules
from journal import journal
from organizations import reference
from reports import schemes
from surveys import questionnaires
from surveys.models import Questionnaire

FORMS = Path(__file__).resolve().parent.parent / "data" / "questionnaires"


def furnish(*, by: Actor = SYSTEM, at: datetime) -> None:
    """Load what is not there yet; what the office has changed since stays as it is."""
    with journal.unit(by=by, at=at):
        reference.load(by=by, at=at)
        rules.load(by=by, at=at)
        schemes.load_cadences(by=by, at=at)
        schemes.load_defaults(by=by, at=at)


def publish_forms(*, by: Actor = SYSTEM, at: datetime) -> None:
    """Upload and publish the shipped questionnaires whose codes nobody uses yet."""
    for workbook in sorted(FORMS.glob("*.xlsx")):
        if Questionnaire.objects.filter(pk=workbook.stem).exists():
            continue
        version = questionnaires.upload(workbook.read_bytes(), by=by, at=at)
        questionnaires.publish(version.questionnaire_id, version.number, by=by, at=at)
