"""A city with one of everything in it, so that every address of the API leads to something somebody may see.

People stand to these things in every relation there is: who made them, who is assigned to their enterprise, who works in
their town or department, and who has nothing to do with them.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from demo import pictures
from organizations.models import Person
from organizations.roles import Role
from reports import commissions
from surveys import samples
from tests import scenery
from tests.api.line import Line
from tests.world import PASSWORD, World

PICTURE = pictures.jpeg(1, taken_at=datetime(2026, 11, 20, 9, tzinfo=UTC), lat=31.86, lon=120.41, width=160, height=120)
PHOTO = {
    "taken_at": "2026-11-20T09:00:00+08:00", "sha256": sha256(PICTURE).hexdigest(), "size": len(PICTURE),
    "content_type": "image/jpeg",
}  # fmt: skip
SCHEME = json.loads((Path(__file__).resolve().parents[2] / "data/schemes/department.json").read_text("utf-8"))


class Ground:
    """``ids`` names each thing; ``lines`` holds a person's line, signed in once."""

    def __init__(self, world: World) -> None:
        self.world, self.dice = world, Random(8)
        self.now: datetime = timezone.now()
        self.lines: dict[str, Line] = {}
        self._more_people()
        world.publishes("visit", "worker_satisfaction")
        self.ids: dict[str, str] = {
            "enterprise": str(world.bakery.id), "region": str(world.zhouzhuang.id), "department": str(world.hrss.id),
            "month": timezone.localdate(self.now).strftime("%Y-%m"),
            "person": str(world.liaison.id), "elsewhere": str(world.mill.id), "stranger": str(world.stranger.id),
        }  # fmt: skip
        self._from_the_field()
        self._at_the_office()

    def _more_people(self) -> None:
        world, neighbour, colleague = self.world, self.world.person("neighbour"), self.world.person("hrss2")
        world.assign(neighbour, Role.LIAISON, enterprise=world.steelworks.id)
        world.assign(colleague, Role.HANDLER, department=world.hrss.id)
        world.assign(world.person("town2"), Role.TOWN_OFFICER, region=world.xinqiao.id)
        for username, code in (("police", "PSB"),):
            world.assign(world.person(username), Role.HANDLER, department=world.department(code).id)
        assert world.stranger

    def line(self, username: str) -> Line:
        """This person's line; theirs is one phone, whose id follows from their place in the cast."""
        if username not in self.lines:
            line = Line(hardware=self.uuid())
            answer = line.sign_in(username, PASSWORD)
            assert answer.status_code == 200, answer.content
            line.take(answer.data)
            self.lines[username] = line
        return self.lines[username]

    def person(self, username: str) -> Person:
        return Person.objects.get(username=username)

    def uuid(self) -> UUID:
        return UUID(int=self.dice.getrandbits(128), version=4)

    def moment(self, minutes: int) -> str:
        return (self.now + timedelta(minutes=minutes)).isoformat()

    # --- what people bring back -----------------------------------------------------------------------------------

    def push(self, username: str, *mutations: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.line(username).post("sync/push", {"schema": 1, "epoch": None, "mutations": list(mutations)})
        assert answer.status_code == 200, answer.content
        return list(answer.data["results"])

    def mutation(
        self, collection: str, data: dict[str, Any], *, base: int | None = None, record: str = ""
    ) -> dict[str, Any]:
        return {
            "id": str(self.uuid()), "collection": collection, "record": record or str(self.uuid()), "op": "put",
            "base": base, "data": data, "at": self.now.isoformat(),
        }  # fmt: skip

    def _from_the_field(self) -> None:
        enterprise = self.ids["enterprise"]
        visit = self.mutation("visits", {
            "enterprise": enterprise, "mode": "on_site", "started_at": self.moment(-60), "status": "draft",
        })  # fmt: skip
        issue = self.mutation("issues", {
            "enterprise": enterprise, "category": "wage_arrears", "description": "拖欠工资两个月", "workers_affected": 12,
        })  # fmt: skip
        secret = self.mutation("issues", {
            "enterprise": enterprise, "category": "wage_arrears", "description": "举报人要求保密", "confidential": True,
        })  # fmt: skip
        answers = samples.sample("visit", Random(7), timezone.localdate(self.now))
        response = self.mutation("responses", {
            "enterprise": enterprise, "visit": visit["record"], "questionnaire": "visit", "version": 1, "answers": answers,
            "started_at": self.moment(-50), "ended_at": self.moment(-40), "status": "submitted",
        })  # fmt: skip
        photo, hidden = (self.mutation("photos", PHOTO | {"issue": one["record"]}) for one in (issue, secret))
        action = self.mutation("issue_actions", {
            "issue": issue["record"], "action": "comment", "text": "已告知企业", "at": self.moment(-20),
        })  # fmt: skip
        strange = self.mutation("visits", {"enterprise": str(self.uuid()), "mode": "on_site"})
        made = {
            "visit": visit, "issue": issue, "secret": secret, "response": response, "photo": photo, "hidden": hidden,
            "action": action,
        }  # fmt: skip
        results = self.push("liaison", *made.values(), strange)
        assert [result["status"] for result in results] == ["applied"] * 7 + ["quarantined"], results
        self.ids |= {name: mutation["record"] for name, mutation in made.items()}
        for one in ("photo", "hidden"):
            self.uploads(one, PICTURE)
        self.ids["upload"] = self.uploads("photo", b"").rsplit("/", 1)[1]
        link = self.line("liaison").get(f"photos/{self.ids['photo']}/original?link=1").data["url"]
        self.ids["link"] = link.rsplit("/", 1)[1]
        self._two_at_once(visit["record"])
        self.ids["quarantined"] = self.first("liaison", "quarantine")
        self.ids["device"] = self.first("liaison", "devices")
        self.ids["privacy"] = self.line("liaison").post("privacy/requests", {"kind": "access"}).data["id"]
        self.line("office").patch(f"privacy/requests/{self.ids['privacy']}", {"grant": True})

    def _two_at_once(self, visit: str) -> None:
        """Two phones write one field of one visit: a conflict for the second."""
        for username, text in (("instructor", "先到"), ("liaison", "后到")):
            self.push(username, self.mutation("visits", {"summary": text}, base=1, record=visit))
        self.ids["conflict"] = self.first("liaison", "conflicts")

    def uploads(self, photo: str, sent: bytes) -> str:
        """The picture of a photo record, or the beginning of one; gives the upload's address."""
        whole, digest = len(sent) or 1000, sha256(sent).hexdigest()
        told = {"photo": self.ids[photo], "sha256": digest}
        answer = self.line("liaison").send(
            "POST", "uploads/", sent, Tus_Resumable="1.0.0", Upload_Length=str(whole),
            Upload_Metadata=",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in told.items()),
            Content_Type="application/offset+octet-stream",
        )  # fmt: skip
        assert answer.status_code == 201, answer.content
        return str(answer["Location"])

    def first(self, username: str, path: str) -> str:
        rows = self.line(username).get(path).data["results"]
        assert rows, path
        return str(rows[0]["id"])

    # --- what the office makes ------------------------------------------------------------------------------------

    def _at_the_office(self) -> None:
        enterprise, today = self.ids["enterprise"], timezone.localdate(self.now)
        link = self.makes("questionnaires/worker_satisfaction/links", {"enterprise": enterprise})
        plan = {"enterprise": enterprise, "due_from": today, "due_to": today + timedelta(30)}
        month = (today.replace(day=1) - timedelta(1)).strftime("%Y-%m")
        self.ids |= {
            "plan": self.makes("visit-plans", plan)["id"],
            "webhook": self.makes("webhooks", {"url": "https://8.8.8.8/x", "kinds": ["issue.close"]})["id"],
            "channel": self.makes("channels", {"code": "12345", "name": "热线"})["id"],
            "scheme": self.makes("reports/schemes", SCHEME | {"code": "trial"})["id"],
            "snapshot": self.makes("reports/snapshots", {"kind": "supervision", "period": month})["id"],
            "token": link["token"] if "token" in link else link["url"].rsplit("/", 1)[1],
            "assignment": next(
                row["id"] for row in self.line("office").get(f"assignments?person={self.ids['person']}").data["results"]
            ),
            "line": str(self.line("office").get("routing/rules").data["results"][0]["id"]),
        }
        self._of_reports(month)

    def _of_reports(self, month: str) -> None:
        """One report made and one waiting for the liaison, one sent by mail, a line of the station's ledger, an objection, an entry."""
        asked = {"report": "supervision", "query": {"period": month, "group_by": "region", "format": "csv"}}
        self.ids["task"] = self.makes("reports/tasks", asked, "liaison")["id"]
        assert commissions.make_due(at=timezone.now()) == 1
        Person.objects.filter(username="office").update(email="office@example.org")
        ledger = {
            "region": "320281106",
            "kind": "consultation",
            "day": timezone.localdate(self.now),
            "subject": "政策咨询",
        }
        entry = {
            "item": "bonus",
            "unit": "HRSS",
            "period": month,
            "value": "1",
            "reason": "试点",
            "evidence": ["文1号"],
        }
        mailing = {"title": "月报", "rhythm": "month", "people": [str(self.person("office").id)], **asked}
        mailing["query"] = {"group_by": "region", "format": "csv"}
        snapshot, scheme = self.ids["snapshot"], self.ids["scheme"]
        objection = {"unit": "HRSS", "text": "一件已反馈"}
        self.ids |= {
            "waiting": self.makes("reports/tasks", asked, "liaison")["id"],
            "mailing": self.makes("reports/mailings", mailing)["id"],
            "ledger": self.makes("reports/ledger", ledger, "station")["id"],
            "entry": self.makes(f"reports/schemes/{scheme}/entries", entry)["id"],
            "objection": self.makes(f"reports/snapshots/{snapshot}/objections", objection, "hrss")["id"],
            "bulletin": self.makes("reports/bulletins", {"period": month})["period"],
        }

    def makes(self, path: str, body: dict[str, Any], who: str = "office") -> dict[str, Any]:
        answer = self.line(who).post(path, body)
        assert answer.status_code in (200, 201, 202), (path, answer.content)
        return dict(answer.data)


def stand() -> Ground:
    """The whole city, with its files where the settings say; built once a process, see ``tests/scenery.py``."""
    return scenery.stage(_build, folders=(Path(settings.MEDIA_ROOT), Path(settings.SPOOL_DIR)))


def _build() -> Ground:
    return Ground(World())
