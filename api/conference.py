"""The joint conference over REST: its agenda, and the tasks that come of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.issue_shapes import IssuePage, rendered
from api.issues import fetched
from api.pagination import page
from api.shapes import Flag, Strict, String
from api.views import Noun
from inspections import conference
from inspections.documents import moment
from inspections.models import ConferenceTask


class TaskInput(Strict):
    department = String(max_length=20)
    minutes = String(max_length=4000)
    due = serializers.DateField()


class TaskShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    issue = serializers.UUIDField()
    department = serializers.CharField()
    minutes = serializers.CharField()
    due = serializers.DateField()
    decided_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)


class TaskPage(serializers.Serializer[Any]):
    results = TaskShape(many=True)
    next = serializers.CharField(allow_null=True)


class TaskFilter(Strict):
    department = String(required=False, max_length=20)
    done = Flag(required=False)


def _shown(row: ConferenceTask) -> dict[str, Any]:
    return {
        "id": row.id,
        "issue": row.issue_id,
        "department": row.department.code,
        "minutes": row.minutes,
        "due": row.due.isoformat(),
        "decided_at": moment(row.decided_at),
        "done_at": moment(row.done_at),
    }


class Agenda(Noun):
    @extend_schema(responses=IssuePage, operation_id="list_conference_agenda")
    def get(self, request: Request) -> Response:
        """Running issues that have reached the joint conference."""
        rows = fetched(conference.agenda(self.by))
        return page(request, rows, ("-submitted_at", "id"), lambda found: rendered(found, self.by, self.at))


class IssueTasks(Noun):
    @extend_schema(request=TaskInput, responses={201: TaskShape}, operation_id="decide_task")
    def post(self, request: Request, key: UUID) -> Response:
        """Note what the conference decided about an issue."""
        asked = self.read(TaskInput)
        return self.once(lambda: self.shown(_shown(conference.decide(key, asked, by=self.by, at=self.at)), 201))


class Tasks(Noun):
    @extend_schema(parameters=[TaskFilter], responses=TaskPage, operation_id="list_tasks")
    def get(self, request: Request) -> Response:
        """Tasks of the conference, nearest due first; a department sees its own."""
        asked = self.query(TaskFilter)
        rows = conference.tasks(self.by)
        if "department" in asked:
            rows = rows.filter(department__code=asked["department"])
        if "done" in asked:
            rows = rows.filter(done_at__isnull=not asked["done"])
        return page(request, rows, ("due", "id"), lambda found: [_shown(row) for row in found])


class TaskDone(Noun):
    @extend_schema(request=None, responses=TaskShape, operation_id="finish_task")
    def post(self, request: Request, key: UUID) -> Response:
        """Say that a task is done."""
        return self.shown(_shown(conference.finish(key, by=self.by, at=self.at)))


urlpatterns = [
    path("conference/agenda", Agenda.as_view(), name="conference-agenda"),
    path("conference/tasks", Tasks.as_view(), name="conference-tasks"),
    path("conference/tasks/<uuid:key>/done", TaskDone.as_view(), name="conference-task-done"),
    path("issues/<uuid:key>/tasks", IssueTasks.as_view(), name="issue-tasks"),
]
