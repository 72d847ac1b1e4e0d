"""What phones hold of visits and issues: plain functions from a row to its sync document (``sync-protocol.md`` §4).

A document holds nothing that some holder of its scope may not see: never who reported an issue, nor who in person acted.
Times are written in Shanghai's offset, whole.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.ids import written
from inspections.deadlines import SHANGHAI
from inspections.models import Issue, IssueAction, Visit, VisitPlan
from inspections.rulebook import IssueCategory
from journal.journal import enterprise_scope, user_scope

Document = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    return at.astimezone(SHANGHAI).isoformat() if at else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _id(value: UUID | None) -> str | None:
    return written(value) if value else None


def category(row: IssueCategory) -> Document:
    return {
        "code": row.code,
        "name": row.name,
        "name_en": row.name_en or None,
        "dimension": row.dimension or None,
        "active": row.active,
    }


def visit_plan(row: VisitPlan) -> Document:
    return {
        "enterprise": written(row.enterprise_id),
        "person": _id(row.person_id),
        "questionnaire": row.questionnaire or None,
        "due_from": _day(row.due_from),
        "due_to": _day(row.due_to),
        "state": row.state,
    }


def visit(row: Visit) -> Document:
    return {
        "enterprise": written(row.enterprise_id),
        "visit_plan": _id(row.visit_plan_id),
        "author": written(row.author_id),
        "mode": row.mode,
        "started_at": moment(row.started_at),
        "ended_at": moment(row.ended_at),
        "participants": row.participants,
        "check_in": row.check_in,
        "distance_m": row.distance_m,
        "interviewee": row.interviewee or None,
        "summary": row.summary or None,
        "status": row.status,
        "review_comment": row.review_comment or None,
        "submitted_at": moment(row.submitted_at),
    }


def visit_scope(row: Visit) -> str:
    """An unannounced visit belongs to its author alone."""
    return user_scope(row.author_id) if row.private else enterprise_scope(row.enterprise_id)


def issue(row: Issue) -> Document:
    return {
        "enterprise": written(row.enterprise_id),
        "visit": _id(row.visit_id),
        "category": row.category_id,
        "description": row.description,
        "severity": row.severity,
        "workers_affected": row.workers_affected,
        "immediate_danger": row.immediate_danger,
        "special_equipment": row.special_equipment,
        "confidential": row.confidential,
        "external_channel": row.external_channel or None,
        "external_case_no": row.external_case_no or None,
        "occurred_at": moment(row.occurred_at),
        "submitted_at": moment(row.submitted_at),
        "state": row.state,
        "lead": row.lead_code or None,
        "assists": row.assists,
        "deadline_class": row.deadline_class_id,
        "dispatched_at": moment(row.dispatched_at),
        "acknowledge_due": moment(row.acknowledge_due),
        "acknowledged_at": moment(row.acknowledged_at),
        "due": moment(row.due),
        "provisional_due": row.provisional_due,
        "replied_at": moment(row.replied_at),
        "outcome": row.outcome or None,
        "closed_at": moment(row.closed_at),
        "satisfaction": row.satisfaction or None,
        "solved": row.solved,
        "round": row.round,
        "merged_into": _id(row.master_id),
    }


def issue_scope(row: Issue) -> str | None:
    """A confidential issue is held by its reporter alone; one that nobody in person reported, by no phone."""
    if not row.confidential:
        return enterprise_scope(row.enterprise_id)
    return user_scope(row.reporter_id) if row.reporter_id else None


def action(row: IssueAction) -> Document:
    return {
        "issue": written(row.issue_id),
        "action": row.action,
        "text": row.text or None,
        "data": row.data or None,
        "at": moment(row.claimed_at or row.at),
        "received_at": moment(row.at),
        "by": row.party,
        "from_state": row.from_state or None,
        "to_state": row.to_state,
        "round": row.round,
    }
