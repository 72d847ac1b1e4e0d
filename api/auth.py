"""Signing in and out (``sync-protocol.md`` §2), and what the caller may know of themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import tokens
from api.errors import Unauthenticated
from api.shapes import Identifier, Strict, String
from api.users import UserShape, rendered
from api.views import Noun
from organizations import authentication, consoles, devices, enrollments, people, sessions
from organizations.models import Device, Person
from organizations.permissions import caller


class DeviceInput(Strict):
    """What a phone says of itself; ``id`` is its own UUID, kept for its life."""

    id = Identifier()
    name = String(max_length=100, required=False, allow_blank=True, default="")
    platform = String(max_length=50, required=False, allow_blank=True, default="")
    app_version = String(max_length=50, required=False, allow_blank=True, default="")


class TokenInput(Strict):
    username = String(max_length=200, trim_whitespace=False)
    password = String(max_length=256, trim_whitespace=False)
    code = String(
        max_length=6, required=False, allow_blank=True, default="", help_text="of those who have a second factor"
    )
    device = DeviceInput()


class RefreshInput(Strict):
    """``device`` may say which phone asks; a token that comes from another is a copy, and its session ends."""

    refresh = String(max_length=4096)
    device = Identifier(required=False)


class EnrollInput(Strict):
    code = String(max_length=100)
    device = DeviceInput()


class PasswordInput(Strict):
    old = String(max_length=256, trim_whitespace=False)
    new = String(max_length=256, trim_whitespace=False)


class SignOutInput(Strict):
    """Without ``sessions`` all end but the one that asks."""

    password = String(max_length=256, trim_whitespace=False)
    sessions = serializers.ListField(child=Identifier(), required=False, max_length=sessions.MOST)


class MeInput(Strict):
    language = serializers.ChoiceField(choices=["zh-Hans", "en"])


class DeviceAnswer(serializers.Serializer[Any]):
    """``id`` names the phone bound to this person: the phone's own id, or a new one for its second person."""

    id = serializers.UUIDField()
    hardware = serializers.UUIDField(help_text="the phone's own id, as it signed in")
    name = serializers.CharField()


class UserAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class PairAnswer(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in = serializers.IntegerField(help_text="seconds until the access token is too old")


class TokenAnswer(PairAnswer):
    device = DeviceAnswer()
    user = UserAnswer()


class SessionShape(serializers.Serializer[Any]):
    """A sign-in that is still good, at a phone or at the console."""

    id = serializers.UUIDField()
    kind = serializers.ChoiceField(choices=["phone", "console"])
    device = serializers.UUIDField(allow_null=True)
    name = serializers.CharField(allow_null=True, help_text="the phone's")
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    current = serializers.BooleanField(help_text="whether it is the one that asks")


class SessionList(serializers.Serializer[Any]):
    results = SessionShape(many=True)


def signed_in(issued: sessions.Issued, view: Noun) -> Response:
    """The answer to any way of signing in."""
    person, device = issued.person, issued.device
    roles = caller(person.id, on=timezone.localdate(view.at)).roles
    return Response(
        tokens.pair(issued)
        | {
            "device": {"id": device.id, "hardware": device.hardware, "name": device.name},
            "user": {"id": person.id, "name": person.name, "roles": sorted(roles)},
        }
    )


def _device(values: dict[str, Any]) -> devices.Draft:
    return devices.Draft(values["id"], values["name"], values["platform"], values["app_version"])


class Token(Noun):
    authentication_classes = ()

    @extend_schema(request=TokenInput, responses=TokenAnswer, operation_id="sign_in")
    def post(self, request: Request) -> Response:
        """Sign in at a device. 429 with Retry-After after five failures; 422 at `/code` where a second factor is asked for."""
        values = self.read(TokenInput)
        draft = _device(values["device"])
        lifetime = tokens.lifetime()
        name, password, code = values["username"], values["password"], values["code"]
        only = settings.ENROLLED_PHONES
        issued = authentication.sign_in(
            name, password, draft, at=self.at, lifetime=lifetime, code=code, enrolled_only=only
        )
        return signed_in(issued, self)


class TokenRefresh(Noun):
    authentication_classes = ()

    @extend_schema(request=RefreshInput, responses=PairAnswer, operation_id="refresh")
    def post(self, request: Request) -> Response:
        """The next pair; the same one again when the answer was lost."""
        values = self.read(RefreshInput)
        jti = tokens.refresh_id(values["refresh"])
        issued = sessions.rotate(jti, at=self.at, lifetime=tokens.lifetime(), device=values.get("device"))
        return Response(tokens.pair(issued))


class Enroll(Noun):
    authentication_classes = ()

    @extend_schema(request=EnrollInput, responses=TokenAnswer, operation_id="enroll")
    def post(self, request: Request) -> Response:
        """Sign in by the single-use code of a QR."""
        values = self.read(EnrollInput)
        draft = _device(values["device"])
        return signed_in(enrollments.redeem(values["code"], draft, at=self.at, lifetime=tokens.lifetime()), self)


class Logout(Noun):
    @extend_schema(request=None, responses={204: None}, operation_id="sign_out")
    def post(self, request: Request) -> Response:
        """End this session; its tokens are good for nothing from the next request on."""
        session = self.by.session
        if session is not None:
            sessions.end(session, reason="logout", by=self.by, at=self.at)
        return Response(status=204, headers={"Clear-Site-Data": '"cache", "storage"'})


class Sessions(Noun):
    @extend_schema(responses=SessionList, operation_id="list_sessions")
    def get(self, request: Request) -> Response:
        """Where the caller is signed in right now, the oldest first."""
        person = _own(self)
        rows: list[dict[str, Any]] = [
            {"id": row.pk, "kind": "phone", "device": row.device_id, "name": row.device.name or None,
             "started_at": row.started_at, "seen_at": row.renewed_at, "current": row.pk == self.by.session}
            for row in sessions.open_of(person, at=self.at).select_related("device")
        ]  # fmt: skip
        rows += [
            {"id": row.pk, "kind": "console", "device": None, "name": None, "started_at": row.started_at,
             "seen_at": row.seen_at, "current": False}
            for row in consoles.live(person, at=self.at)
        ]  # fmt: skip
        return Response({"results": sorted(rows, key=lambda row: row["started_at"])})


class SignOut(Noun):
    @extend_schema(request=SignOutInput, responses={204: None}, operation_id="end_sessions")
    def post(self, request: Request) -> Response:
        """End sessions of one's own elsewhere, showing the password once more."""
        values = self.read(SignOutInput)
        chosen = values.get("sessions")
        authentication.sign_out(_own(self), values["password"], chosen, keep=self.by.session, by=self.by, at=self.at)
        return Response(status=204)


class Password(Noun):
    @extend_schema(request=PasswordInput, responses=TokenAnswer, operation_id="change_password")
    def post(self, request: Request) -> Response:
        """Change one's own password: every session ends, and this device gets a new one."""
        values = self.read(PasswordInput)
        person = people.change_password(_own(self), values["old"], values["new"], by=self.by, at=self.at)
        device = Device.objects.get(pk=_uuid(self.by.device))
        return signed_in(sessions.begin(person, device, at=self.at, lifetime=tokens.lifetime()), self)


class Me(Noun):
    @extend_schema(responses=UserShape, operation_id="me")
    def get(self, request: Request) -> Response:
        """The caller, with roles and places."""
        return self._me()

    @extend_schema(request=MeInput, responses=UserShape, operation_id="change_me")
    def patch(self, request: Request) -> Response:
        """Change one's own language."""
        people.speak(_own(self), self.read(MeInput)["language"], by=self.by, at=self.at)
        return self._me()

    def _me(self) -> Response:
        return self.shown(rendered([Person.objects.get(pk=_own(self))], self.by)[0])


def _own(view: Noun) -> UUID:
    return _uuid(view.by.person)


def _uuid(value: UUID | None) -> UUID:
    """A caller at a door has a person and a device."""
    if value is None:
        raise Unauthenticated
    return value


urlpatterns = [
    path("auth/token", Token.as_view(), name="token"),
    path("auth/token/refresh", TokenRefresh.as_view(), name="token-refresh"),
    path("auth/enroll", Enroll.as_view(), name="enroll"),
    path("auth/logout", Logout.as_view(), name="logout"),
    path("auth/sessions", Sessions.as_view(), name="own-sessions"),
    path("auth/sessions/end", SignOut.as_view(), name="own-sessions-end"),
    path("auth/password", Password.as_view(), name="password"),
    path("me", Me.as_view(), name="me"),
]
