"""People over REST: who they are, for those who may know of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.assignments import AssignmentShape
from api.assignments import rendered as rendered_assignments
from api.pagination import page
from api.shapes import Coded, Flag, Strict, String
from api.views import Noun
from core.problems import NotFound
from organizations import people
from organizations.models import Assignment, Person
from organizations.permissions import Caller, live_assignments
from organizations.roles import Role
from privacy import erasure


class UserShape(serializers.Serializer[Any]):
    """User name, phone, mail and language are null for callers who may not know them."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))
    department = serializers.CharField(allow_null=True, help_text="code of the member unit the person comes from")
    assignments = AssignmentShape(many=True)
    username = serializers.CharField(allow_null=True)
    phone = serializers.CharField(allow_null=True)
    email = serializers.CharField(allow_null=True)
    language = serializers.CharField(allow_null=True)
    is_active = serializers.BooleanField()


class UserPage(serializers.Serializer[Any]):
    results = UserShape(many=True)
    next = serializers.CharField(allow_null=True)


class UserChange(Strict):
    username = String(max_length=64)
    name = String(max_length=50)
    phone = String(max_length=30, required=False, allow_blank=True)
    email = String(max_length=254, required=False, allow_blank=True)
    department = Coded("departments", required=False, allow_null=True)
    language = serializers.ChoiceField(choices=["zh-Hans", "en"], required=False)
    is_active = Flag(required=False)


class UserInput(UserChange):
    password = String(max_length=256, required=False, trim_whitespace=False)


class NewPassword(Strict):
    password = String(max_length=256, trim_whitespace=False)


class UserFilter(Strict):
    q = String(
        max_length=50,
        required=False,
        help_text="part of the name; where the caller may know them, of user name, phone or mail",
    )
    role = serializers.ChoiceField(choices=Role.choices, required=False)
    is_active = Flag(required=False)


def rendered(rows: Sequence[Person], by: Caller) -> list[dict[str, Any]]:
    """People as the caller may see them; three queries for any number."""
    held: dict[UUID, list[Assignment]] = defaultdict(list)
    live = live_assignments(by.standing.on).filter(person__in=[row.id for row in rows])
    for assignment in live.select_related("enterprise", "region", "department"):
        held[assignment.person_id].append(assignment)
    departments = dict(Person.objects.filter(pk__in=[row.id for row in rows]).values_list("pk", "department__code"))
    return [_one(row, held[row.id], departments.get(row.id), people.shows_contact(by, row.id)) for row in rows]


def _one(row: Person, held: list[Assignment], department: str | None, open_: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "roles": sorted({assignment.role for assignment in held}),
        "department": department,
        "assignments": rendered_assignments(held),
        "username": row.username if open_ else None,
        "phone": row.phone or None if open_ else None,
        "email": row.email or None if open_ else None,
        "language": row.language if open_ else None,
        "is_active": row.is_active,
    }


def _values(values: dict[str, Any]) -> dict[str, Any]:
    renamed = {"department": "department_id"}
    return {renamed.get(name, name): value for name, value in values.items()}


class Users(Noun):
    @extend_schema(parameters=[UserFilter], responses=UserPage, operation_id="list_users")
    def get(self, request: Request) -> Response:
        """People in the caller's sight: the office sees all, others those who share their places."""
        asked = self.query(UserFilter)
        rows = people.visible(self.by)
        if "q" in asked:
            rows = rows.filter(people.told_of(asked["q"], by=self.by))
        if "role" in asked:
            rows = rows.filter(pk__in=live_assignments(self.by.standing.on).filter(role=asked["role"]).values("person"))
        if "is_active" in asked:
            rows = rows.filter(is_active=asked["is_active"])
        return page(request, rows, ("name", "id"), lambda found: rendered(found, self.by))

    @extend_schema(request=UserInput, responses={201: UserShape}, operation_id="create_user")
    def post(self, request: Request) -> Response:
        """Enter a person; without a password only an enrollment code lets them in."""
        values = _values(self.read(UserInput))
        password = values.pop("password", None)
        values.pop("is_active", None)

        def answer() -> Response:
            person = people.create(values, password=password, by=self.by, at=self.at)
            return self.shown(rendered([person], self.by)[0], 201)

        return self.once(answer)


class User(Noun):
    @extend_schema(responses=UserShape, operation_id="read_user")
    def get(self, request: Request, key: UUID) -> Response:
        """One person."""
        return self.shown(rendered([self._person(key)], self.by)[0])

    @extend_schema(request=UserChange, responses=UserShape, operation_id="change_user")
    def patch(self, request: Request, key: UUID) -> Response:
        """Change a person; ``is_active`` false ends their sessions at once. Takes ``If-Match``."""
        values = _values(self.read(UserChange, partial=True))
        self.match(rendered([self._person(key)], self.by)[0])
        person = people.change(key, values, by=self.by, at=self.at)
        return self.shown(rendered([person], self.by)[0])

    @extend_schema(responses={204: None}, operation_id="erase_user")
    def delete(self, request: Request, key: UUID) -> Response:
        """Erase who the person is; what they did stays under the bare id."""
        self._person(key)
        erasure.erase(key, by=self.by, at=self.at)
        return Response(status=204)

    def _person(self, key: UUID) -> Person:
        person = people.visible(self.by).filter(pk=key).first()
        if person is None:
            raise NotFound
        return person


class UserPassword(Noun):
    @extend_schema(request=NewPassword, responses={204: None}, operation_id="set_user_password")
    def post(self, request: Request, key: UUID) -> Response:
        """Give somebody a new password; every session of theirs ends."""
        people.set_password(key, self.read(NewPassword)["password"], by=self.by, at=self.at)
        return Response(status=204)


class UserSessions(Noun):
    @extend_schema(responses={204: None}, operation_id="end_user_sessions")
    def delete(self, request: Request, key: UUID) -> Response:
        """Sign somebody out everywhere, phones and console; they may sign in again."""
        people.sign_out(key, by=self.by, at=self.at)
        return Response(status=204)


urlpatterns = [
    path("users", Users.as_view(), name="users"),
    path("users/<uuid:key>", User.as_view(), name="user"),
    path("users/<uuid:key>/password", UserPassword.as_view(), name="user-password"),
    path("users/<uuid:key>/sessions", UserSessions.as_view(), name="user-sessions"),
]
