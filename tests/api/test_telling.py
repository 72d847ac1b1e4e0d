from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from notifications import outbox
from tests.api.line import Line
from tests.inspections import cast
from tests.inspections.cast import World
from tests.organizations.cast import PASSWORD


@pytest.fixture
def world(db: None) -> World:
    world = cast.settle()
    world.now = datetime.now(UTC)
    for name in ("hrss", "office", "liaison"):
        world.people[name].set_password(PASSWORD)
        world.people[name].save()
    return world


def test_a_handler_reads_what_there_is_to_do(world: World) -> None:
    world.reports()
    while outbox.read(at=world.now):
        pass
    desk = Line(world.people["hrss"])
    (message,) = desk.get("messages?unread=true").data["results"]

    assert message["kind"] == "issue.dispatch"
    assert "华士面包厂" in message["body"]
    assert desk.post("messages/read", {"messages": [message["id"]]}).data == {"read": 1}
    assert desk.get("messages?unread=true").data["results"] == []
    assert Line(world.people["liaison"]).get("messages").data["results"] == []


def test_the_office_looks_after_webhooks(world: World, settings: Any) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    office = Line(world.people["office"])
    made = office.post("webhooks", {"url": "http://127.0.0.1:9/x", "kinds": ["issue.close"]})
    assert made.status_code == 201, made.data
    where = f"webhooks/{made.data['id']}"

    assert made.data["secret"].startswith("whsec_")
    assert "secret" not in office.get(where).data
    assert office.patch(where, {"kinds": ["*"]}).data["kinds"] == ["*"]
    assert office.post(f"{where}/secret").data["secret"] != made.data["secret"]
    ping = office.post(f"{where}/ping")
    assert ping.status_code == 202
    (logged,) = office.get(f"{where}/deliveries?state=pending").data["results"]
    assert logged["id"] == ping.data["id"]
    assert office.post(f"{where}/deliveries/{logged['id']}/replay").status_code == 202
    assert office.faults(office.post("webhooks", {"url": "https://10.0.0.1/", "kinds": ["x"]})) == {
        ("/kinds/0", "unknown"),
        ("/url", "address-refused"),
    }
    assert office.delete(where).status_code == 204
    assert Line(world.people["hrss"]).get("webhooks").status_code == 403
