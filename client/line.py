"""One person's line to the server: signs in at a device, renews the session, turns problems into exceptions."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx

V1 = "/api/v1/"
PATIENCE = httpx.Timeout(60, connect=10)
ATTEMPTS, LONGEST_PAUSE = 4, 5.0


class Refused(Exception):
    """The server said no, with a problem (RFC 9457) that says why."""

    def __init__(self, response: httpx.Response) -> None:
        kind = response.headers.get("Content-Type", "")
        self.problem: dict[str, Any] = response.json() if "json" in kind else {"title": response.text[:200]}
        self.status = response.status_code
        super().__init__(
            f"{self.status} {self.type}: {self.problem.get('detail') or self.problem.get('title')} {self.faults}"
        )

    @property
    def type(self) -> str:
        return str(self.problem.get("type", "")).rpartition("/")[2]

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, as pointer: code."""
        return {fault["pointer"]: fault["code"] for fault in self.problem.get("errors", [])}


class Line:
    """``line.get("issues", state="open")`` and the like; paths are relative to ``/api/v1/``."""

    def __init__(
        self, http: httpx.Client, username: str, password: str, *, hardware: UUID | None = None, language: str = "en"
    ) -> None:
        self.http, self.username, self.password = http, username, password
        self.hardware, self.language = hardware or uuid4(), language
        self.repeats = 0
        self.tokens: dict[str, Any] = {}
        self.user: dict[str, Any] = {}
        self.device: dict[str, Any] = {}

    def sign_in(self) -> dict[str, Any]:
        """Sign in with name and password at this device; gives who one is."""
        device = {"id": str(self.hardware), "name": "demo phone", "platform": "android", "app_version": "1.0"}
        body = {"username": self.username, "password": self.password, "device": device}
        answer = self._send("POST", "auth/token", json=body).json()
        self.tokens, self.user, self.device = answer, answer["user"], answer["device"]
        return dict(self.user)

    def renew(self) -> None:
        """The next pair of tokens."""
        self.tokens |= self._send("POST", "auth/token/refresh", json={"refresh": self.tokens["refresh"]}).json()

    def get(self, path: str, **query: Any) -> Any:
        return self.send("GET", path, params=query).json()

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        response = self.send(
            "POST", path, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()}
        )
        return response.json() if response.content else None

    def fetch(self, path: str, **query: Any) -> bytes:
        """A file."""
        return self.send("GET", path, params=query).content

    def every(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All results of a list, page after page."""
        found: list[dict[str, Any]] = []
        page = self.get(path, **query)
        while True:
            found += page["results"]
            if not page["next"]:
                return found
            page = self.send("GET", page["next"]).json()

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Any request as this person; a session that has grown old is renewed once."""
        try:
            return self._send(method, path, **options)
        except Refused as refused:
            if refused.status != 401 or refused.problem.get("wipe") or not self.tokens:
                raise
        self.renew()
        return self._send(method, path, **options)

    def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        given = {"Accept-Language": self.language, **(headers or {})}
        if "access" in self.tokens:
            given["Authorization"] = f"Bearer {self.tokens['access']}"
        where = path if path.startswith(("/", "http")) else V1 + path
        for attempt in range(1, ATTEMPTS + 1):
            response = self.http.request(method, where, headers=given, timeout=PATIENCE, **options)
            if attempt == ATTEMPTS or "Retry-After" not in response.headers or not _again(response.status_code):
                break
            self.repeats += 1
            time.sleep(min(float(response.headers["Retry-After"]), LONGEST_PAUSE))
        if response.status_code >= 400:
            raise Refused(response)
        return response


def _again(status: int) -> bool:
    """What the protocol means by "send again"; everything it asks to be sent again may be."""
    return status == 429 or status >= 500
