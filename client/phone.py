"""A phone: works without a signal, pushes, brings its pictures, pulls, and can prove what it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any, Self
from uuid import UUID, uuid4

import httpx

from client.line import Line
from client.mirror import Mirror
from client.outbox import Outbox
from client.tus import Upload

SHANGHAI = timezone(timedelta(hours=8))
PAGE = 500


def shanghai_now() -> datetime:
    return datetime.now(SHANGHAI).replace(microsecond=0)


class Phone:
    """One person's phone. ``results`` are the answers to its mutations by record, the last one last."""

    def __init__(
        self, http: httpx.Client, username: str, password: str, *, hardware: UUID | None = None,
        language: str = "en", clock: Callable[[], datetime] = shanghai_now,
    ) -> None:  # fmt: skip
        self.line = Line(http, username, password, hardware=hardware, language=language)
        self.clock, self.online = clock, True
        self.mirror, self.outbox = Mirror(), Outbox()
        self.uploads: list[Upload] = []
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.cursor: str | None = None
        self.epoch: str | None = None
        self.check: dict[str, Any] = {}
        self.pages = 0
        self._told: dict[tuple[str, str], int] = {}
        self._places: dict[str, str] = {}

    # --- the network ----------------------------------------------------------------------------------------------

    def sign_in(self) -> Self:
        self.line.sign_in()
        return self

    @property
    def person(self) -> str:
        """One's own id."""
        return str(self.line.user["id"])

    def goes_offline(self) -> Self:
        self.online = False
        return self

    def comes_online(self) -> Self:
        """The signal is back: everything goes out, then everything comes in."""
        self.online = True
        return self.syncs()

    def syncs(self) -> Self:
        self.push()
        self.brings_bytes()
        self.pull()
        return self

    def push(self) -> list[dict[str, Any]]:
        """Send the outbox, batch after batch; gives the answers."""
        found: list[dict[str, Any]] = []
        while self.online and self.outbox.waiting:
            batch = self.outbox.batch()
            body = {
                "sent_at": self.clock().isoformat(),
                "schema": 1,
                "epoch": batch[0].epoch or self.epoch,
                "mutations": [one.body for one in batch],
            }
            answer = self.line.post("sync/push", body)
            self.outbox.answered(batch, datetime.fromisoformat(answer["received_at"]))
            for mutation, result in zip(batch, answer["results"], strict=True):
                self._hear(mutation.key, result)
            found += answer["results"]
            self._learn(answer)
        return found

    def _hear(self, key: tuple[str, str], result: dict[str, Any]) -> None:
        self.results.setdefault(key[1], []).append(result)
        told = result.get("revision") or (result.get("current") or {}).get("revision")
        if told:
            self._told[key] = max(self._told.get(key, 0), told)

    def _learn(self, answer: dict[str, Any]) -> None:
        """What every answer tells: whether the server was restored, and what a backup holds."""
        if self.epoch is not None and answer["epoch"] != self.epoch:
            self.outbox.again()
            self._told.clear()
            self.cursor, self.epoch = None, answer["epoch"]
            return
        self.epoch = answer["epoch"]
        self.outbox.durable(datetime.fromisoformat(answer["durable_until"]))

    def pull(self, *, limit: int = PAGE) -> Self:
        """Take in everything new, page by page."""
        if not self.online:
            return self
        complete = False
        while not complete:
            asked = {"limit": limit} | ({"cursor": self.cursor} if self.cursor else {})
            page = self.line.get("sync/pull", **asked)
            if self.epoch is not None and page["epoch"] != self.epoch:
                self._learn(page)
                self.push()
                continue
            if page["reset"]:
                self.mirror.clear()
                self._told.clear()
            self._take(page["ops"])
            self.cursor, complete, self.pages = page["cursor"], page["complete"], self.pages + 1
            self._learn(page)
        self.check = page["check"]
        return self

    def _take(self, ops: list[dict[str, Any]]) -> None:
        self.mirror.take(ops)
        for op in ops:
            if op["op"] == "put":
                self._told[op["collection"], op["id"]] = op["revision"]

    def verify(self) -> str:
        """Ask whether the mirror is right: ``match``, ``behind`` or ``mismatch``."""
        answer = self.line.post("sync/verify", {"cursor": self.cursor, "scopes": self.mirror.sums()})
        return str(answer["status"])

    def heal(self, scope: str) -> None:
        """Fetch one scope again, whole."""
        asked: dict[str, Any] = {"scope": scope}
        complete = False
        while not complete:
            page = self.line.get("sync/pull", **asked)
            self._take(page["ops"])
            asked["cursor"], complete = page["cursor"], page["complete"]

    def brings_bytes(self) -> None:
        """Send the pictures that are not there yet."""
        for upload in self.uploads if self.online else ():
            upload.send(self.line)
        self.uploads = [upload for upload in self.uploads if not upload.done]

    # --- work in the field ----------------------------------------------------------------------------------------

    def puts(self, collection: str, data: dict[str, Any], *, record: str | None = None) -> str:
        """A new record, or changed fields of a known one; gives the record's id."""
        key = (collection, record or str(uuid4()))
        self.outbox.seal(
            collection, key[1], data, op="put", base=self._told.get(key), epoch=self.epoch, at=self.clock()
        )  # fmt: skip
        return self._maybe_sync(key[1])

    def deletes(self, collection: str, record: str) -> str:
        base = self._told.get((collection, record))
        self.outbox.seal(collection, record, None, op="delete", base=base, epoch=self.epoch, at=self.clock())
        return self._maybe_sync(record)

    def _maybe_sync(self, record: str) -> str:
        if self.online:
            self.syncs()
        return record

    def starts_visit(self, enterprise: Any, **more: Any) -> str:
        """A visit that has begun; ``ends_visit`` hands it in."""
        now = self.clock()
        data = {"enterprise": _id(enterprise), "mode": "on_site", "started_at": now.isoformat(), "status": "draft"}
        visit = self.puts("visits", data | more)
        self._places[visit] = _id(enterprise)
        return visit

    def ends_visit(self, visit: str, **more: Any) -> str:
        data = {"ended_at": self.clock().isoformat(), "status": "submitted"} | more
        return self.puts("visits", data, record=visit)

    def answers(
        self,
        questionnaire: str,
        answers: dict[str, Any],
        *,
        visit: str | None = None,
        enterprise: Any = None,
        **more: Any,
    ) -> str:
        """A filled questionnaire, of the version that the phone holds."""
        now = self.clock().isoformat()
        data = {
            "enterprise": self._place(visit, enterprise),
            "visit": visit,
            "questionnaire": questionnaire,
            "version": self.version_of(questionnaire),
            "answers": answers,
            "started_at": now,
            "ended_at": now,
            "status": "submitted",
        }
        return self.puts("responses", data | more)

    def _place(self, visit: str | None, enterprise: Any) -> str:
        """The enterprise named, or the one where the visit is."""
        if enterprise is not None:
            return _id(enterprise)
        if visit in self._places:
            return self._places[visit]
        return str(self.document("visits", visit)["enterprise"])

    def version_of(self, questionnaire: str) -> int:
        """The newest published version that the phone holds."""
        held = self.mirror.of("questionnaires").values()
        return max(int(one["version"]) for one in held if one["code"] == questionnaire)

    def reports_issue(self, visit: str | None = None, *, category: str, enterprise: Any = None, **more: Any) -> str:
        data = {
            "enterprise": self._place(visit, enterprise),
            "visit": visit,
            "category": category,
            "description": "职工反映问题,请有关部门协调解决",
        }
        return self.puts("issues", data | more)

    def acts(self, issue: str, action: str, text: str | None = None, **data: Any) -> str:
        """Something done about an issue; gives the id of the action."""
        body = {"issue": issue, "action": action, "text": text, "data": data or None, "at": self.clock().isoformat()}
        return self.puts("issue_actions", {name: value for name, value in body.items() if value is not None})

    def takes_photo(self, picture: bytes, **subject: Any) -> str:
        """A photo of a visit, an answer, an issue or an action, with its bytes to follow."""
        data = {
            "taken_at": self.clock().isoformat(),
            "sha256": sha256(picture).hexdigest(),
            "size": len(picture),
            "content_type": "image/jpeg",
        }
        key = str(uuid4())
        self.uploads.append(Upload(UUID(key), picture))
        return self.puts("photos", data | subject, record=key)

    # --- looking --------------------------------------------------------------------------------------------------

    def holds(self, record: Any) -> bool:
        return _id(record) in self.mirror

    def document(self, collection: str, record: Any) -> dict[str, Any]:
        """The record as the phone holds it. Raises KeyError."""
        return self.mirror.rows[collection, _id(record)].data

    def last_result(self, record: str) -> dict[str, Any]:
        return self.results[record][-1]


def _id(thing: Any) -> str:
    """The id of a row, or an id itself."""
    return str(getattr(thing, "id", thing))
