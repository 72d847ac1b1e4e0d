"""Who may come through which door: every route and method, and the verb of the permissions table that guards it.

A cell holds ``PUBLIC`` (nobody need be signed in), ``SIGNED_IN`` (anybody who is), or a verb of
``organizations.permissions.VERBS``, whose row says which roles may, in which relation to the thing. The door asks
whether some role of the caller may at all; the verb behind it, or the list's scope, asks about the very thing. What has no
cell is denied, and a route without a row fails the tests. Routes are named by their URL name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from api.errors import MethodNotAllowed, Unauthenticated
from core.problems import Forbidden
from organizations.permissions import VERBS, Caller, may

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed in"

ROUTES: dict[str, dict[str, str]] = {
    # signing in
    "token": {"POST": PUBLIC},
    "token-refresh": {"POST": PUBLIC},
    "enroll": {"POST": PUBLIC},
    "logout": {"POST": SIGNED_IN},
    "password": {"POST": SIGNED_IN},
    "own-sessions": {"GET": SIGNED_IN},
    "own-sessions-end": {"POST": SIGNED_IN},
    "me": {"GET": SIGNED_IN, "PATCH": SIGNED_IN},
    "devices": {"GET": "device.read"},
    "device": {"GET": "device.read", "DELETE": "device.revoke"},
    "enrollments": {"POST": "enrollment.issue"},
    # people and places
    "users": {"GET": "person.read", "POST": "person.write"},
    "user": {"GET": "person.read", "PATCH": "person.write", "DELETE": "person.write"},
    "user-password": {"POST": "person.write"},
    "user-sessions": {"DELETE": "person.write"},
    "assignments": {"GET": "assignment.read", "POST": "assignment.write"},
    "assignment": {"GET": "assignment.read", "PATCH": "assignment.write", "DELETE": "assignment.write"},
    "regions": {"GET": "region.read", "POST": "region.write"},
    "region": {"GET": "region.read", "PATCH": "region.write"},
    "departments": {"GET": "department.read", "POST": "department.write"},
    "department": {"GET": "department.read", "PATCH": "department.write"},
    "enterprises": {"GET": "enterprise.read", "POST": "enterprise.write"},
    "enterprise": {"GET": "enterprise.read", "PATCH": "enterprise.write"},
    "enterprise-import": {"POST": "enterprise.write"},
    # the phones
    "sync-push": {"POST": SIGNED_IN},
    "sync-pull": {"GET": SIGNED_IN},
    "sync-verify": {"POST": SIGNED_IN},
    "quarantine": {"GET": "quarantine.read"},
    "quarantined": {"GET": "quarantine.read", "PATCH": "quarantine.resolve"},
    "conflicts": {"GET": "conflict.read"},
    "conflict": {"GET": "conflict.read", "PATCH": "conflict.resolve"},
    "journal": {"GET": "journal.read"},
    # personal information
    "privacy-register": {"GET": "privacy.read"},
    "privacy-category": {"PUT": "privacy.settle"},
    "privacy-retention": {"GET": "privacy.read"},
    "privacy-requests": {"GET": "privacy.request", "POST": SIGNED_IN},
    "privacy-request": {"GET": "privacy.request", "PATCH": "privacy.settle"},
    "privacy-dossier": {"GET": "privacy.request"},
    # photos and their bytes
    "uploads": {"POST": "photo.write", "OPTIONS": PUBLIC},
    "upload": {"GET": SIGNED_IN, "PATCH": SIGNED_IN, "DELETE": SIGNED_IN, "OPTIONS": PUBLIC},
    "direct-uploads": {"POST": "photo.write"},
    "direct-upload": {"POST": SIGNED_IN},
    "photo": {"GET": SIGNED_IN},
    "photo-variant": {"GET": SIGNED_IN},
    "photo-link": {"GET": PUBLIC},
    "photo-check": {"GET": SIGNED_IN},
    "photo-check-page": {"GET": PUBLIC},  # a page of the console: without its session it leads to the sign-in
    # visits and issues
    "visits": {"GET": "visit.read", "POST": "visit.write"},
    "visit": {"GET": "visit.read", "PATCH": "visit.write", "DELETE": "visit.write"},
    "visit-review": {"POST": "visit.review"},
    "visit-plans": {"GET": "visit_plan.read", "POST": "visit_plan.write"},
    "visit-plan": {"GET": "visit_plan.read", "PATCH": "visit_plan.write"},
    "issues": {"GET": "issue.read", "POST": "issue.submit"},
    "issue-counts": {"GET": "issue.read"},
    "issues-actions": {"POST": "issue.comment"},
    "issue": {"GET": "issue.read", "PATCH": "issue.edit"},
    "issue-actions": {"POST": "issue.comment"},
    "issue-history": {"GET": "issue.read"},
    "issue-likenesses": {"GET": "issue.read"},
    "issue-reply-templates": {"GET": "template.read"},
    "issue-tasks": {"POST": "issue.refer"},
    "reply-templates": {"GET": "template.read", "POST": "template.write"},
    "reply-template": {"GET": "template.read", "PATCH": "template.write", "DELETE": "template.write"},
    "conference-agenda": {"GET": "issue.read"},
    "conference-tasks": {"GET": "task.read"},
    "conference-task-done": {"POST": "task.read"},
    "channels": {"GET": "channel.write", "POST": "channel.write"},
    "channel": {"DELETE": "channel.write"},
    # other systems, by the key of their channel (Open311 GeoReport v2)
    "open311-discovery": {"GET": PUBLIC},
    "open311-services": {"GET": PUBLIC},
    "open311-service": {"GET": PUBLIC},
    "open311-requests": {"GET": PUBLIC, "POST": PUBLIC},
    "open311-request": {"GET": PUBLIC},
    "open311-token": {"GET": PUBLIC},
    # the rules about them
    "routing-rules": {"GET": "rule.read", "POST": "rule.write"},
    "routing-rule": {"GET": "rule.read", "PATCH": "rule.write", "DELETE": "rule.write"},
    "routing-preview": {"POST": "rule.read"},
    "routing-compare": {"POST": "rule.read"},
    "calendar-years": {"GET": "rule.read", "POST": "calendar.write"},
    "calendar-year": {"GET": "rule.read", "PUT": "calendar.write"},
    # questionnaires and the answers to them
    "questionnaires": {"GET": "questionnaire.read", "POST": "questionnaire.write"},
    "questionnaire": {"GET": "questionnaire.read"},
    "questionnaire-requirements": {"GET": "questionnaire.read", "PUT": "questionnaire.write"},
    "questionnaire-versions": {"GET": "questionnaire.read"},
    "questionnaire-version": {"GET": "questionnaire.read"},
    "questionnaire-publish": {"POST": "questionnaire.write"},
    "questionnaire-test": {"POST": "questionnaire.write"},
    "questionnaire-close": {"POST": "questionnaire.write"},
    "questionnaire-form": {"GET": "questionnaire.read"},
    "questionnaire-xlsx": {"GET": "questionnaire.read"},
    "questionnaire-xform": {"GET": "questionnaire.read"},
    "questionnaire-preview": {"GET": "questionnaire.read"},
    "questionnaire-diff": {"GET": "questionnaire.read"},
    "questionnaire-prefill": {"GET": "response.write"},
    "questionnaire-summary": {"GET": "response.read"},
    "questionnaire-links": {"POST": "questionnaire.write"},
    "public-questionnaire": {"GET": PUBLIC, "POST": PUBLIC},
    "responses": {"GET": "response.read"},
    "response": {"GET": "response.read"},
    "response-review": {"POST": "response.review"},
    "response-export": {"GET": "response.export"},
    # reports
    "report-supervision": {"GET": "report.read"},
    "report-assessment": {"GET": "assessment.read"},
    "report-evidence": {"GET": "report.read"},
    "report-register": {"GET": "report.read"},
    "report-dimensions": {"GET": "report.read"},
    "report-tasks": {"GET": "report.read", "POST": "report.read"},
    "report-task": {"GET": "report.read", "DELETE": "report.read"},
    "report-task-result": {"GET": "report.read"},
    "report-mailings": {"GET": "report.write", "POST": "report.write"},
    "report-mailing": {"GET": "report.write", "PATCH": "report.write", "DELETE": "report.write"},
    "report-ledger": {"GET": "ledger.read", "POST": "ledger.write"},
    "report-ledger-line": {"DELETE": "ledger.write"},
    "report-bulletins": {"GET": "report.read", "POST": "report.write"},
    "report-layout": {"GET": "report.write", "POST": "report.write", "DELETE": "report.write"},
    "report-snapshots": {"GET": "report.read", "POST": "report.write"},
    "report-snapshot": {"GET": "report.read"},
    "report-snapshot-evidence": {"GET": "report.write"},
    "report-snapshot-freeze": {"POST": "report.write"},
    "report-objections": {"GET": "report.read", "POST": "report.read"},
    "report-objection-answer": {"POST": "report.write"},
    "report-schemes": {"GET": "assessment.read", "POST": "report.write"},
    "report-scheme": {"GET": "assessment.read"},
    "report-scheme-publish": {"POST": "report.write"},
    "report-entries": {"GET": "assessment.read", "POST": "report.write"},
    "report-entry": {"DELETE": "report.write"},
    # telling people and systems
    "messages": {"GET": SIGNED_IN},
    "messages-read": {"POST": SIGNED_IN},
    "webhooks": {"GET": "webhook.write", "POST": "webhook.write"},
    "webhook": {"GET": "webhook.write", "PATCH": "webhook.write", "DELETE": "webhook.write"},
    "webhook-secret": {"POST": "webhook.write"},
    "webhook-ping": {"POST": "webhook.write"},
    "webhook-deliveries": {"GET": "webhook.write"},
    "webhook-replay": {"POST": "webhook.write"},
    # ODK Collect; the doors ask for a key or for HTTP Digest by themselves
    "openrosa-keys": {"POST": "enrollment.issue"},
    "openrosa-key-forms": {"GET": PUBLIC},
    "openrosa-forms": {"GET": PUBLIC},
    "openrosa-key-form": {"GET": PUBLIC},
    "openrosa-form": {"GET": PUBLIC},
    "openrosa-key-manifest": {"GET": PUBLIC},
    "openrosa-manifest": {"GET": PUBLIC},
    "openrosa-key-file": {"GET": PUBLIC},
    "openrosa-file": {"GET": PUBLIC},
    "openrosa-key-submission": {"GET": PUBLIC, "POST": PUBLIC},
    "openrosa-submission": {"GET": PUBLIC, "POST": PUBLIC},
    # the server and the API about themselves
    "healthz": {"GET": PUBLIC},
    "readyz": {"GET": PUBLIC},
    "metrics": {"GET": PUBLIC},  # by METRICS_TOKEN in production
    "front": {"GET": PUBLIC},
    "house": {"GET": PUBLIC},
    "schema": {"GET": PUBLIC},
    "docs": {"GET": PUBLIC},
}


class DeclaredPolicy(BasePermission):
    """The default permission of every view: the cell of the table, and denial where there is none."""

    def has_permission(self, request: Request, view: Any) -> bool:
        match, user = request.resolver_match, request.user
        admit(
            match.url_name if match else None,
            str(request.method),
            user if isinstance(user, Caller) else None,
            knows=lambda method: hasattr(view, method.lower()),
        )
        return True


def admit(route: str | None, method: str, by: Caller | None, *, knows: Callable[[str], bool] = lambda _: True) -> None:
    """Pass or raise: ``Unauthenticated``, ``MethodNotAllowed``, ``Forbidden``. HEAD is judged as GET."""
    method, row = "GET" if method == "HEAD" else method, ROUTES.get(route or "", {})
    rule = row.get(method)
    if rule == PUBLIC:
        return
    if rule is None and (method == "OPTIONS" or not knows(method)):
        raise MethodNotAllowed(allow=sorted(row))
    if by is None:
        raise Unauthenticated
    if rule is None:
        raise Forbidden
    if rule != SIGNED_IN and not may(by, rule):
        raise Forbidden


def readable() -> str:
    """The table as a page: route and method, the verb, and who may, standing in which relation to the thing."""
    lines = [
        "# Who may do what",
        "",
        "Written by `make openapi` from `api/policy.py` (routes) and `organizations/permissions.py` (verbs); do not edit.",
        "What is not listed is denied. Relations: **all** none is needed · **assigned** its enterprise lies in a place held in",
        "that role · **lead** / **assist** its department or town is the caller's · **own** made by or about the caller.",
        "",
        "| route | method | verb | who (relation) |",
        "|---|---|---|---|",
    ]
    for route, row in ROUTES.items():
        for method, rule in row.items():
            verb = "" if rule in (PUBLIC, SIGNED_IN) else f"`{rule}`"
            lines.append(f"| {route} | {method} | {verb} | {_who(rule)} |")
    lines += ["", "## Verbs behind the doors", "", "| verb | who (relation) |", "|---|---|"]
    lines += [f"| `{verb}` | {_who(verb)} |" for verb in VERBS]
    return "\n".join(lines) + "\n"


def _who(rule: str) -> str:
    if rule in (PUBLIC, SIGNED_IN):
        return rule
    return " · ".join(f"{role!s} ({', '.join(relations)})" for role, relations in VERBS[rule].items())
