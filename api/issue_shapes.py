"""How an issue is read over REST, and the shapes of what is asked about issues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Prefetch
from rest_framework import serializers

from api.shapes import Coded, Flag, Identifier, Strict, String, Whole
from core.problems import Malformed
from inspections import actions, documents, dossiers, rules
from inspections.actions import Opening
from inspections.dossiers import Desk
from inspections.issues import is_overdue
from inspections.models import Issue, Severity, Suspension
from inspections.workflow import ASKABLE, State
from organizations.permissions import Caller
from organizations.roles import Role

RELATED = ("region", "routing_rule", "enterprise", "category")
_LIVE_PAUSES = Suspension.objects.filter(state__in=("asked", "running"))
BESIDE = ("assisting", Prefetch("suspensions", _LIVE_PAUSES))


def made(name: str, fields: dict[str, Any], base: type[serializers.Serializer[Any]] = serializers.Serializer) -> Any:
    """A serializer with fields whose names (``data``, ``label``) serializers use for themselves."""
    return type(name, (base,), fields)


FieldShape = made(
    "FieldShape",
    {
        "name": serializers.CharField(),
        "type": serializers.CharField(),
        "required": serializers.BooleanField(),
        "choices": serializers.ListField(child=serializers.CharField()),
    },
)


class ObstacleShape(serializers.Serializer[Any]):
    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


OpenActionShape = made(
    "OpenActionShape",
    {
        "action": serializers.ChoiceField(choices=ASKABLE),
        "label": serializers.CharField(),
        "requires": serializers.ListField(child=serializers.CharField(), help_text="`text`, or names within `data`"),
        "inputs": FieldShape(many=True),
        "open": serializers.BooleanField(help_text="false: something stands in its way for the time being"),
        "obstacles": ObstacleShape(many=True, help_text="what stands in its way, in words"),
    },
)
"""An action that state and roles allow the caller, with what a form for it needs and what must come first."""


class RoutingShape(serializers.Serializer[Any]):
    rule = serializers.CharField(allow_null=True)
    rule_id = serializers.UUIDField(allow_null=True)
    rule_version = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class OpinionShape(serializers.Serializer[Any]):
    department = serializers.CharField()
    given_at = serializers.DateTimeField(allow_null=True)
    opinion = serializers.CharField(allow_null=True)


class IssueShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=[(one.value, one.name) for one in State])
    category = serializers.CharField()
    category_name = serializers.CharField()
    description = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    workers_affected = serializers.IntegerField(allow_null=True)
    immediate_danger = serializers.BooleanField(allow_null=True)
    special_equipment = serializers.BooleanField(allow_null=True)
    confidential = serializers.BooleanField()
    external_channel = serializers.CharField(allow_null=True)
    external_case_no = serializers.CharField(allow_null=True)
    occurred_at = serializers.DateTimeField(allow_null=True)
    submitted_at = serializers.DateTimeField()
    enterprise = serializers.UUIDField()
    enterprise_name = serializers.CharField()
    region = serializers.CharField()
    visit = serializers.UUIDField(allow_null=True)
    reporter = serializers.UUIDField(allow_null=True, help_text="told to the reporter and the office alone")
    lead = serializers.CharField(allow_null=True, help_text="a department's code, or a region's where a town leads")
    assists = serializers.ListField(child=serializers.CharField())
    opinions = OpinionShape(many=True)
    handler = serializers.UUIDField(allow_null=True, help_text="told to the lead and the office alone")
    deadline_class = serializers.CharField(allow_null=True)
    dispatched_at = serializers.DateTimeField(allow_null=True)
    acknowledge_due = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    first_response_due = serializers.DateTimeField(allow_null=True)
    first_response_at = serializers.DateTimeField(allow_null=True)
    due = serializers.DateTimeField(allow_null=True)
    original_due = serializers.DateTimeField(allow_null=True)
    provisional_due = serializers.BooleanField()
    overdue = serializers.BooleanField()
    colour = serializers.ChoiceField(choices=["none", "blue", "yellow", "red"])
    level = serializers.IntegerField(help_text="escalation reached, 0 … 4")
    replied_at = serializers.DateTimeField(allow_null=True)
    review_due = serializers.DateTimeField(allow_null=True)
    outcome = serializers.CharField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    satisfaction = serializers.CharField(allow_null=True)
    solved = serializers.BooleanField(allow_null=True)
    instant = serializers.BooleanField()
    round = serializers.IntegerField()
    extended = serializers.BooleanField()
    paused_workdays = serializers.IntegerField()
    merged_into = serializers.UUIDField(allow_null=True)
    routing = RoutingShape()
    actions = OpenActionShape(many=True)


class AttachmentShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    issue_action = serializers.UUIDField(allow_null=True)
    caption = serializers.CharField(allow_null=True)
    bytes = serializers.CharField()


class WholeIssueShape(IssueShape):
    photos = AttachmentShape(many=True, help_text="read at photos/{id}")


class IssuePage(serializers.Serializer[Any]):
    results = IssueShape(many=True)
    next = serializers.CharField(allow_null=True)


class IssueInput(serializers.Serializer[Any]):
    """Read by the domain itself (``inspections.issues.SHAPES``), so that a phone and a form are judged alike."""

    id = serializers.UUIDField(required=False, help_text="made by the client; one of ours when left out")
    enterprise = serializers.UUIDField()
    visit = serializers.UUIDField(required=False, allow_null=True)
    category = serializers.CharField(help_text="a code")
    description = serializers.CharField(max_length=4000)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    workers_affected = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=1_000_000)
    immediate_danger = serializers.BooleanField(required=False, allow_null=True)
    special_equipment = serializers.BooleanField(required=False, allow_null=True)
    confidential = serializers.BooleanField(required=False)
    external_channel = serializers.CharField(required=False, allow_null=True, max_length=40)
    external_case_no = serializers.CharField(required=False, allow_null=True, max_length=64)
    occurred_at = serializers.DateTimeField(required=False, allow_null=True)
    answer = serializers.CharField(required=False, max_length=4000, help_text="given on the spot by a guidance station")


class IssueChange(serializers.Serializer[Any]):
    description = serializers.CharField(required=False, max_length=4000)
    category = serializers.CharField(required=False)


ActionInput = made(
    "ActionInput",
    {
        "action": serializers.ChoiceField(choices=ASKABLE),
        "text": serializers.CharField(required=False, allow_null=True, max_length=4000),
        "data": serializers.DictField(required=False, allow_null=True),
    },
)
"""``data`` holds what the action requires (see ``actions`` of the issue)."""


BatchInput = made(
    "BatchInput",
    {
        "issues": serializers.ListField(child=Identifier(), min_length=1, max_length=500),
        "action": serializers.ChoiceField(choices=ASKABLE),
        "text": String(required=False, allow_blank=True, max_length=4000),
        "data": serializers.DictField(required=False),
    },
    Strict,
)


class BatchOutcome(serializers.Serializer[Any]):
    issue = serializers.UUIDField()
    state = serializers.CharField(allow_null=True)
    problem = serializers.DictField(allow_null=True)


class BatchOutcomes(serializers.Serializer[Any]):
    results = BatchOutcome(many=True)


EventShape = made(
    "EventShape",
    {
        "at": serializers.DateTimeField(),
        "action": serializers.CharField(),
        "by": serializers.CharField(),
        "person": serializers.CharField(allow_null=True, help_text="told to the office alone"),
        "text": serializers.CharField(allow_null=True),
        "data": serializers.DictField(allow_null=True),
        "from_state": serializers.CharField(allow_null=True),
        "to_state": serializers.CharField(allow_null=True),
        "round": serializers.IntegerField(),
        "sentence": serializers.CharField(),
    },
)


class History(serializers.Serializer[Any]):
    results = EventShape(many=True)
    next = serializers.CharField(allow_null=True)


class Counts(serializers.Serializer[Any]):
    open = serializers.IntegerField()
    overdue = serializers.IntegerField()
    state = serializers.DictField(child=serializers.IntegerField())
    colour = serializers.DictField(child=serializers.IntegerField())


class IssueFilter(Strict):
    state = String(required=False, max_length=200, help_text="one or more, comma separated; `open` for all that run")
    lead = String(required=False, max_length=20)
    assists = String(required=False, max_length=20, help_text="code of an assisting department")
    region = Coded("regions", required=False)
    enterprise = Identifier(required=False)
    category = String(required=False, max_length=40)
    deadline_class = String(required=False, max_length=4)
    colour = serializers.ChoiceField(choices=["none", "blue", "yellow", "red"], required=False)
    overdue = Flag(required=False)
    confidential = Flag(required=False)
    external_case_no = String(required=False, max_length=64)
    period = String(required=False, max_length=12, help_text="submitted in a year, quarter, month or ISO week: 2026-Q3")
    since = serializers.DateTimeField(required=False, help_text="submitted at or after")
    until = serializers.DateTimeField(required=False, help_text="submitted before")
    level = Whole(required=False, min_value=0, max_value=4)
    q = String(required=False, max_length=50, help_text="part of the description, or the number of another channel")
    sort = serializers.ChoiceField(
        choices=["due", "submitted"], required=False, help_text="`due`: the queue, nearest first"
    )


def rendered(rows: Iterable[Issue], by: Caller, at: datetime) -> list[dict[str, Any]]:
    """Issues fetched with ``RELATED`` and what lies ``BESIDE`` them."""
    desk = Desk()
    return [_one(row, by, at, desk) for row in rows]


def _one(row: Issue, by: Caller, at: datetime, desk: Desk) -> dict[str, Any]:
    dossier = dossiers.read(row, desk)
    office = Role.OFFICE in by.roles
    leads = office or row.lead_id in by.departments or row.lead_region_id in by.towns
    knows_reporter = office or row.reporter_id == by.person
    told: dict[str, Any] = {"id": str(row.id)} | documents.issue(row)
    told |= {
        "category_name": row.category.name,
        "enterprise_name": row.enterprise.name,
        "region": row.region.code,
        "reporter": str(row.reporter_id) if row.reporter_id and knows_reporter else None,
        "visit": told["visit"] if knows_reporter or not row.confidential else None,
        "opinions": [
            {
                "department": code,
                "given_at": documents.moment(one.opinion_at),
                "opinion": one.opinion or None,
            }
            for code, one in dossier.assisting.items()
        ],
        "handler": str(row.handler_id) if row.handler_id and leads else None,
        "first_response_due": documents.moment(row.first_response_due),
        "first_response_at": documents.moment(row.first_response_at),
        "original_due": documents.moment(row.original_due),
        "overdue": is_overdue(row, at),
        "colour": row.colour,
        "level": row.level,
        "review_due": documents.moment(row.review_due),
        "instant": row.instant,
        "extended": row.extended,
        "paused_workdays": row.paused_workdays,
        "routing": _routing(row, by.language),
        "actions": [shown_action(one, by.language, desk) for one in actions.open_to(row, by, at=at, dossier=dossier)],
    }
    return told


def _routing(row: Issue, language: str) -> dict[str, Any]:
    rule, reason = row.routing_rule, row.routing_reason or {}
    return {
        "rule": rules.as_rule(rule).name if rule else None,
        "rule_id": str(rule.line) if rule else None,
        "rule_version": rule.version if rule else None,
        "reason": reason.get("en" if language == "en" else "zh"),
    }


def shown_action(opening: Opening, language: str, desk: Desk) -> dict[str, Any]:
    """An action with everything a form for it needs, and what stands in its way."""
    row = opening.row
    return {
        "action": row.action,
        "label": row.label.of(language),
        "requires": list(opening.requires),
        "inputs": [
            {
                "name": one.name,
                "type": one.kind,
                "required": one.name in opening.requires,
                "choices": sorted(desk.classes) if one.kind == "deadline_class" else list(one.choices),
            }
            for one in row.fields
        ],
        "open": opening.open,
        "obstacles": [fault.told(language) for fault in opening.obstacles],
    }


def raw(body: Any) -> Mapping[str, Any]:
    """A body that the domain reads itself."""
    if not isinstance(body, Mapping):
        raise Malformed
    return body
