"""A caller over HTTP: Django's client, JSON both ways, signed in by the real endpoint."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import orjson
from django.test import Client

from organizations.models import Person
from tests.organizations.cast import PASSWORD

V1 = "/api/v1/"


class Line:
    """Requests of one person at one device; ``line.get("me")`` gives the response with ``.data`` parsed."""

    def __init__(self, person: Person | None = None, hardware: UUID | None = None) -> None:
        self.client = Client(raise_request_exception=False)
        self.hardware = hardware or uuid4()
        self.access: str | None = None
        self.answer: dict[str, Any] = {}
        if person is not None:
            response = self.sign_in(person.username)
            assert response.status_code == 200, response.content
            self.take(response.data)

    def __getstate__(self) -> dict[str, Any]:
        """Without the client, which is made anew: a line can be kept, see ``tests/scenery.py``."""
        return {name: value for name, value in vars(self).items() if name != "client"}

    def __setstate__(self, kept: dict[str, Any]) -> None:
        vars(self).update(kept, client=Client(raise_request_exception=False))

    def sign_in(self, username: str, password: str = PASSWORD) -> Any:
        body = {"username": username, "password": password, "device": {"id": str(self.hardware), "name": "红米"}}
        return self.post("auth/token", body)

    def take(self, answer: dict[str, Any]) -> None:
        self.answer, self.access = answer, answer["access"]

    def get(self, path: str, **headers: str) -> Any:
        return self.send("GET", path, None, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.send("DELETE", path, None, **headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body, default=str)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.access:
            given["Authorization"] = f"Bearer {self.access}"
        kind = given.pop("Content-Type", "application/json")
        where = path if path.startswith(("/", "http")) else V1 + path
        response: Any = self.client.generic(method, where, raw, content_type=kind, headers=given)
        is_json = "json" in response.get("Content-Type", "") and not response.streaming
        response.data = orjson.loads(response.content) if is_json and response.content else None
        return response

    def faults(self, response: Any) -> set[tuple[str, str]]:
        return {(fault["pointer"], fault["code"]) for fault in response.data.get("errors", [])}
