"""Signing in and out (``sync-protocol.md`` §2), and what the caller may know of themselves."""

from __future__ import annotations

from typing import Any
from uuid import UUID

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
from organizations import authentication, devices, enrollments, people, sessions
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
        """Sign in at a device. 429 with Retry-After after five failures."""
        values = self.read(TokenInput)
        draft = _device(values["device"])
        lifetime = tokens.lifetime()
        issued = authentication.sign_in(values["username"], values["password"], draft, at=self.at, lifetime=lifetime)
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
    path("auth/password", Password.as_view(), name="password"),
    path("me", Me.as_view(), name="me"),
]
