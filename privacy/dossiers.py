"""Everything that is kept about one person, as one document they can read.

What names somebody else is left out: the person gets their own data, not their colleagues'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet

from core.texts import Text
from inspections.models import Issue, IssueAction, JointParticipant, Visit, VisitPlan
from journal.models import Entry
from media.models import Photo, Upload
from notifications.models import Message
from organizations.models import Assignment, ConsoleSession, Device, Enrollment, Person, Session
from surveys.models import CollectKey, Response, Submission
from sync.models import FieldConflict, Quarantined

Rows = Callable[[UUID], QuerySet[Any]]

SECTIONS: Final[Mapping[str, tuple[Rows, tuple[str, ...]]]] = {
    "assignments": (
        lambda key: Assignment.objects.filter(person=key),
        ("id", "role", "enterprise__name", "region__name", "department__name", "starts_on", "ends_on", "revoked_at"),
    ),
    "devices": (
        lambda key: Device.objects.filter(person=key),
        ("id", "hardware", "name", "platform", "app_version", "bound_at", "enrolled_at", "last_seen_at", "last_push_at", "revoked_at"),
    ),
    "sessions": (
        lambda key: Session.objects.filter(device__person=key),
        ("id", "device_id", "started_at", "revoked_at", "reason"),
    ),
    "console_sessions": (
        lambda key: ConsoleSession.objects.filter(person=key),
        ("id", "started_at", "seen_at", "ended_at", "reason"),
    ),
    "enrollments": (
        lambda key: Enrollment.objects.filter(person=key),
        ("id", "issued_at", "expires_at", "used_at"),
    ),
    "collect_keys": (lambda key: CollectKey.objects.filter(person=key), ("device_id", "username", "issued_at")),
    "visits": (
        lambda key: Visit.objects.filter(author=key),
        ("id", "enterprise__name", "mode", "started_at", "ended_at", "check_in", "distance_m", "summary", "status",
         "review_comment", "submitted_at"),
    ),
    "visits_taken_part_in": (
        lambda key: JointParticipant.objects.filter(person=key),
        ("visit_id", "visit__enterprise__name", "visit__started_at"),
    ),
    "visit_plans": (
        lambda key: VisitPlan.objects.filter(person=key),
        ("id", "enterprise__name", "due_from", "due_to", "state"),
    ),
    "responses": (
        lambda key: Response.objects.filter(author=key),
        ("id", "enterprise__name", "questionnaire_id", "version", "status", "started_at", "submitted_at", "answers"),
    ),
    "submissions": (lambda key: Submission.objects.filter(person=key), ("instance", "response", "at")),
    "photos": (
        lambda key: Photo.objects.filter(author=key),
        ("id", "enterprise__name", "taken_at", "sha256", "size", "caption", "location", "received_at"),
    ),
    "uploads": (
        lambda key: Upload.objects.filter(person=key),
        ("id", "photo", "filename", "length", "state", "created_at"),
    ),
    "issues_reported": (
        lambda key: Issue.objects.filter(reporter=key),
        ("id", "enterprise__name", "category__name", "description", "confidential", "state", "submitted_at"),
    ),
    "issues_handled": (
        lambda key: Issue.objects.filter(handler=key),
        ("id", "category__name", "state", "acknowledged_at", "replied_at"),
    ),
    "actions": (
        lambda key: IssueAction.objects.filter(person=key),
        ("id", "issue_id", "action", "text", "party", "at"),
    ),
    "messages": (
        lambda key: Message.objects.filter(person=key),
        ("id", "kind", "title", "body", "at", "read_at"),
    ),
    "quarantine": (
        lambda key: Quarantined.objects.filter(person=key),
        ("id", "collection", "record", "payload", "state", "received_at", "settled_at"),
    ),
    "conflicts": (
        lambda key: FieldConflict.objects.filter(person=key),
        ("id", "collection", "record", "field", "yours", "kept", "state", "noticed_at"),
    ),
    "done": (
        lambda key: Entry.objects.filter(person=key),
        ("id", "at", "verb", "collection", "record", "device"),
    ),
}  # fmt: skip
"""Section → its rows and the fields that are told."""
ACCOUNT: Final = ("id", "username", "name", "phone", "email", "language", "is_active", "created_at",
                  "password_changed_at", "department__name")  # fmt: skip


NAMES: Final[Mapping[str, Text]] = {
    "assignments": Text("角色与分工", "Roles and assignments"),
    "devices": Text("手机", "Phones"),
    "sessions": Text("手机登录", "Sessions at phones"),
    "console_sessions": Text("管理台登录", "Sessions at the console"),
    "enrollments": Text("注册码", "Enrollment codes"),
    "collect_keys": Text("ODK 访问密钥", "Keys of ODK Collect"),
    "visits": Text("走访", "Visits"),
    "visits_taken_part_in": Text("参加的走访", "Visits taken part in"),
    "visit_plans": Text("走访计划", "Visit plans"),
    "responses": Text("答卷", "Responses"),
    "submissions": Text("ODK 原始提交", "Submissions of ODK Collect"),
    "photos": Text("照片", "Photos"),
    "uploads": Text("上传", "Uploads"),
    "issues_reported": Text("上报的问题", "Issues reported"),
    "issues_handled": Text("经办的问题", "Issues handled"),
    "actions": Text("办理动作", "Actions on issues"),
    "messages": Text("站内消息", "Messages"),
    "quarantine": Text("隔离区", "Quarantine"),
    "conflicts": Text("冲突", "Conflicts"),
    "done": Text("审计留痕", "Entries of the audit trail"),
}
"""Section → what people call it."""


def counts(key: UUID) -> list[tuple[Text, int]]:
    """How much is kept of somebody, section by section; says nothing of what it is."""
    return [(NAMES[name], rows(key).count()) for name, (rows, _) in SECTIONS.items()]


def compile_for(key: UUID) -> dict[str, Any]:
    """``{"person": {…}, "audit": […], section: […]}``; values as JSON can hold them."""
    told: dict[str, Any] = {"person": Person.objects.filter(pk=key).values(*ACCOUNT).get()}
    for name, (rows, fields) in SECTIONS.items():
        told[name] = list(rows(key).order_by("pk").values(*fields))
    about = Entry.objects.filter(Q(record=key) | Q(record__in=Device.objects.filter(person=key).values("pk")))
    told["audit"] = list(_audit(about.order_by("pk")))
    return told


def _audit(rows: Iterable[Entry]) -> Iterable[dict[str, Any]]:
    for row in rows:
        yield {"id": row.pk, "at": row.at, "verb": row.verb, "changes": orjson.loads(row.changes)}
