"""What phones hold of questionnaires and responses: plain functions from a row to its sync document (``sync-protocol.md`` §4)."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from core.ids import written
from core.texts import Text
from journal.journal import enterprise_scope, user_scope
from surveys.definition import told
from surveys.models import Response, Version

SHANGHAI = timezone(timedelta(hours=8))


def moment(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat() if at else None


def questionnaire(row: Version) -> dict[str, Any]:
    """A version that phones fill in (``published``) or finish and correct old answers with (``closed``)."""
    title = told(row.form["title"]) or Text(row.questionnaire_id, row.questionnaire_id)
    return {
        "code": row.questionnaire_id,
        "version": row.number,
        "title": str(title),
        "title_en": title.en,
        "status": row.status,
        "hash": row.hash,
        "required_for": [
            {"role": each.role, "pilot_tier": each.pilot_tier or None} for each in row.questionnaire.requirements.all()
        ],
        "form": row.form,
    }


def response(row: Response, answers: str) -> bytes:
    """A response; ``answers`` are its answers as JSON text already."""
    return orjson.dumps(
        {
            "enterprise": written(row.enterprise_id),
            "visit": written(row.visit) if row.visit else None,
            "author": written(row.author_id) if row.author_id else None,
            "questionnaire": row.questionnaire_id,
            "version": row.version,
            "answers": orjson.Fragment(answers),
            "started_at": moment(row.started_at),
            "ended_at": moment(row.ended_at),
            "status": row.status,
            "review_comment": row.review_comment or None,
            "comments": row.comments or None,
            "submitted_at": moment(row.submitted_at),
        }
    )


def response_scope(row: Response) -> str | None:
    """An unannounced or anonymous one belongs to its author alone; without an author no phone holds it."""
    if row.author_id is None:
        return None
    return user_scope(row.author_id) if row.private else enterprise_scope(row.enterprise_id)
