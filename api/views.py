"""What every view of a noun shares: who asks and when, strict input, one answer for a repeated POST, ETags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import negotiation
from api.errors import PreconditionFailed
from api.models import KeptAnswer
from api.races import rerun
from api.rendering import dumps
from core.problems import Invalid
from core.texts import Text
from journal import journal
from organizations.permissions import Caller

KEPT_FOR = timedelta(days=7)
WRITES = frozenset({"post", "put", "patch", "delete"})


class KeyReused(Invalid):
    """The same ``Idempotency-Key`` came with another request."""

    kind = "idempotency-key-reused"
    title = Text("该 Idempotency-Key 已用于另一请求", "This Idempotency-Key was used for another request")


class Noun(APIView):
    """The base of our views. ``by`` is the caller, ``at`` the moment the request came in."""

    at: datetime
    body_limit = 1_000_000

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.at = timezone.now()
        super().initial(request, *args, **kwargs)
        name = str(request.method).lower()
        if name in WRITES and hasattr(self, name):
            setattr(self, name, rerun(getattr(self, name)))

    @property
    def by(self) -> Caller:
        """The caller; views of public routes must not ask."""
        user: Any = self.request.user
        if not isinstance(user, Caller):
            raise TypeError("a public route has no caller")
        return user

    def read(self, shape: type[serializers.BaseSerializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The body, checked for shape. Raises a 422 with a pointer for every fault."""
        reader = shape(data=self.request.data, partial=partial)
        reader.is_valid(raise_exception=True)
        found: dict[str, Any] = reader.validated_data
        return found

    def query(self, shape: type[serializers.BaseSerializer[Any]]) -> dict[str, Any]:
        """The declared filters of a list; an undeclared one is refused, for it would silently show too much."""
        given = {name: value for name, value in self.request.query_params.items() if name not in ("cursor", "limit")}
        reader = shape(data=given)
        reader.is_valid(raise_exception=True)
        found: dict[str, Any] = reader.validated_data
        return found

    def once(self, answer: Callable[[], Response]) -> Response:
        """Run the verb and keep its answer under the ``Idempotency-Key``, if there is one, in one transaction."""
        key = self.request.headers.get("Idempotency-Key")
        if key is None:
            return answer()
        if not 0 < len(key) <= 128 or not key.isprintable():
            raise Invalid.at(
                "/Idempotency-Key", "invalid", Text("应为 1 到 128 个字符", "Must have 1 to 128 characters")
            )
        person = UUID(str(self.by.person))
        with journal.unit(by=self.by, at=self.at):
            row = KeptAnswer(person=person, key=key, request=_digest(self.request), claim=uuid4(), at=self.at)
            KeptAnswer.objects.bulk_create([row], ignore_conflicts=True)
            kept = KeptAnswer.objects.get(person=person, key=key)
            if kept.request != row.request:
                raise KeyReused
            if kept.claim != row.claim:
                return Response(orjson.loads(kept.body), status=kept.status, headers={"Idempotent-Replayed": "true"})
            response = answer()
            kept.status, kept.body = response.status_code, dumps(response.data).decode()
            kept.save(update_fields=["status", "body"])
        return response

    def shown(self, data: Any, status: int = 200) -> Response:
        """A representation with its ETag; 304 without a body when the caller has it already."""
        tag = etag(data)
        if self.request.method in ("GET", "HEAD") and negotiation.has(self.request, tag):
            return Response(status=304, headers={"ETag": tag})
        return Response(data, status=status, headers={"ETag": tag})

    def match(self, present: Any) -> None:
        """Compare ``If-Match``, if it was sent, with what the caller would read now. Raises ``PreconditionFailed``."""
        asked = self.request.headers.get("If-Match")
        if asked and asked.strip() != "*" and etag(present) not in [name.strip() for name in asked.split(",")]:
            raise PreconditionFailed


def forget_answers(*, at: datetime) -> int:
    """Drop kept answers that no retry will ask for any more; gives how many."""
    return KeptAnswer.objects.filter(at__lt=at - KEPT_FOR).delete()[0]


def etag(data: Any) -> str:
    """A strong tag over the whole representation."""
    return f'"{blake2b(dumps(data), digest_size=12).hexdigest()}"'


def _contents(file: UploadedFile) -> str:
    digest = sha256()
    for piece in file.chunks():
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


def _digest(request: Request) -> str:
    data: Any = request.data
    if isinstance(data, Mapping):  # of a form what was sent counts, not the boundary that happened to be drawn
        data = dict(data) | {name: [_contents(file) for file in request.FILES.getlist(name)] for name in request.FILES}
    body = dumps(data)
    return sha256(f"{request.method}\0{request.get_full_path()}\0".encode() + body).hexdigest()
