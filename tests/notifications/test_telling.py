from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from standardwebhooks.webhooks import Webhook

from core.problems import Forbidden, Invalid
from core.tracing import named
from inspections import escalation
from inspections.models import Issue
from journal.models import Head
from notifications import addresses, deliveries, digest, endpoints, messages, outbox
from notifications.models import Delivery, Endpoint, Message
from notifications.quiet import next_loud_moment
from organizations.models import Person
from tests import scenery
from tests.conftest import Logged
from tests.inspections import cast
from tests.inspections.cast import World, at
from tests.notifications.receiver import Receiver, receiver


@pytest.fixture
def world(db: None) -> World:
    return scenery.stage(told_of)


def told_of() -> World:
    """The town, and nobody has anything left to hear."""
    world = cast.settle()
    drain(world)
    return world


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with receiver() as server:
        yield server


def drain(world: World) -> None:
    while outbox.read(at=world.now):
        pass


def inbox(world: World, name: str) -> list[str]:
    drain(world)
    return list(Message.objects.filter(person=world.people[name]).order_by("at", "id").values_list("kind", flat=True))


def endpoint(world: World, hook: Receiver, **values: Any) -> Endpoint:
    given = {"url": hook.url, "kinds": ["*"]} | values
    return endpoints.create(given, by=world.caller("office"), at=world.now)


def deliver(world: World) -> int:
    drain(world)
    return deliveries.deliver(at=world.now)


def test_everybody_concerned_hears_and_nobody_else(world: World) -> None:
    issue = world.reports()

    assert inbox(world, "hrss") == inbox(world, "hrss2") == inbox(world, "edu") == ["issue.dispatch"]
    for name in ("liaison", "liaison2", "emb", "town", "office", "auditor"):
        assert inbox(world, name) == []
    world.does("hrss", issue, "acknowledge")
    assert inbox(world, "liaison") == ["issue.acknowledge"]
    assert inbox(world, "hrss2") == ["issue.dispatch"]


def test_a_message_lives_in_its_readers_scope_and_is_read_there(world: World) -> None:
    world.reports()
    inbox(world, "hrss")
    message = Message.objects.get(person=world.people["hrss"])
    head = Head.objects.get(record=message.id)
    assert head.scope.name == f"user:{world.people['hrss'].id}"

    assert messages.read([message.id], by=world.caller("hrss2"), at=world.now) == 0
    assert messages.read(None, by=world.caller("hrss"), at=world.now) == 1
    assert orjson.loads(Head.objects.get(record=message.id).document)["read_at"]


def test_a_confidential_issue_is_told_without_its_place_or_reporter(world: World) -> None:
    world.reports(confidential=True)
    inbox(world, "hrss")
    told = orjson.dumps(list(Message.objects.values_list("title", "body"))).decode()

    assert "面包厂" not in told
    assert "liaison" not in told


def test_reading_the_journal_again_tells_nobody_twice(world: World) -> None:
    world.reports()
    drain(world)
    outbox.Reader.objects.update(position=0)
    drain(world)

    assert Message.objects.count() == 3


def test_what_is_long_past_is_not_told(world: World) -> None:
    world.reports()
    world.later(days=4)

    assert inbox(world, "hrss") == []


def test_a_red_card_reaches_the_office_too(world: World) -> None:
    world.reports()
    escalation.sweep(at=world.on("2026-12-20T09:00").now)

    assert inbox(world, "office") == ["issue.warned"]


def test_a_webhook_is_signed_and_says_nothing_personal(world: World, hook: Receiver) -> None:
    row = endpoint(world, hook)
    world.now = datetime.now(UTC)
    world.reports()
    assert deliver(world) == 2
    events = {orjson.loads(body)["type"]: (headers, body) for headers, body in hook.came}
    headers, body = events["issue.dispatch"]

    assert Webhook(row.secret).verify(body, headers)["data"]["lead"] == "HRSS"
    assert "招不到" not in body.decode()
    assert str(world.people["liaison"].id) not in body.decode()
    assert {d.state for d in Delivery.objects.all()} == {"delivered"}
    assert deliver(world) == 0


def test_a_rotated_secret_signs_beside_the_old_one_for_a_day(world: World, hook: Receiver) -> None:
    row = endpoint(world, hook, kinds=["issue.dispatch"])
    world.now = datetime.now(UTC)
    new = endpoints.rotate(row.id, by=world.caller("office"), at=world.now)
    world.reports()
    deliver(world)
    headers, body = hook.came[0]

    assert len(hook.came) == 1
    for secret in (row.secret, new.secret):
        assert Webhook(secret).verify(body, headers)


def test_a_failed_delivery_is_tried_again_under_the_same_id(world: World, hook: Receiver) -> None:
    endpoint(world, hook, kinds=["issue.dispatch"])
    world.reports()
    hook.status = 500
    assert deliver(world) == 1
    assert deliver(world) == 0
    hook.status = 204
    world.later(seconds=6)
    assert deliver(world) == 1

    first, second = (headers["webhook-id"] for headers, _ in hook.came)
    assert first == second
    assert Delivery.objects.get().state == "delivered"


def test_an_endpoint_that_fails_is_left_alone_for_a_while(world: World, hook: Receiver) -> None:
    endpoint(world, hook, kinds=["issue.dispatch"])
    for _ in range(5):
        world.reports()
    hook.status = 500
    assert deliver(world) == 1
    hook.status = 200
    assert deliver(world) == 0
    world.later(minutes=2)
    assert deliver(world) == 5


def test_an_endpoint_that_fails_for_days_is_switched_off(world: World, hook: Receiver) -> None:
    row = endpoint(world, hook, kinds=["issue.dispatch"])
    world.reports()
    hook.status = 503
    deliver(world)
    for _ in range(9):
        world.later(hours=25)
        deliveries.deliver(at=world.now)
    row.refresh_from_db()

    assert not row.active
    assert row.disabled_at is not None
    hook.status = 200
    endpoints.change(row.id, {"active": True}, by=world.caller("office"), at=world.now)
    deliveries.replay(Delivery.objects.get().id, at=world.now)
    assert deliveries.deliver(at=world.now) == 1
    assert Delivery.objects.get().state == "delivered"


def test_row_58_redirects_are_not_followed(world: World, hook: Receiver) -> None:
    endpoint(world, hook, kinds=["issue.dispatch"])
    hook.status, hook.location = 302, hook.url
    world.reports()
    deliver(world)

    assert len(hook.came) == 1
    assert Delivery.objects.get().last_error == "answered 302"


def test_row_58_a_name_that_comes_to_mean_a_private_address_is_not_called(
    world: World, hook: Receiver, settings: Any
) -> None:
    endpoint(world, hook, kinds=["issue.dispatch"])
    settings.WEBHOOK_NETWORKS = ["10.0.0.0/8"]
    world.reports()
    deliver(world)

    assert hook.came == []
    assert "refused" in Delivery.objects.get().last_error


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "https://127.0.0.1/", "https://localhost/x", "https://[::1]/", "https://169.254.169.254/latest",
        "https://10.1.2.3/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/",
        "https://0.0.0.0/", "https://100.64.0.1/", "ftp://1.1.1.1/", "https://a:b@1.1.1.1/", "https://1.1.1.1:99999/", "nonsense",
        "https://1.1.1.1/\r\nHost: x", "https://224.0.0.1/",
    ],
)  # fmt: skip
def test_row_58_addresses_inside_are_refused(world: World, url: str) -> None:
    with pytest.raises(Invalid) as refused:
        endpoints.create({"url": url, "kinds": ["*"]}, by=world.caller("office"), at=world.now)

    assert refused.value.errors[0].pointer == "/url"


def test_public_addresses_and_allowed_networks_are_open() -> None:
    allowed = addresses.networks(["10.20.0.0/16"])

    assert addresses.is_open("1.1.1.1", [])
    assert addresses.is_open("10.20.3.4", allowed)
    assert not addresses.is_open("10.21.3.4", allowed)


def test_the_robot_of_a_group_is_spoken_to_by_day_only(world: World, hook: Receiver) -> None:
    endpoint(world, hook, transport="wecom", kinds=["issue.dispatch"])
    hook.body = b'{"errcode":0}'
    world.on("2026-11-16T22:10")
    world.reports()
    assert deliver(world) == 0
    world.on("2026-11-17T07:30")
    assert deliver(world) == 1
    text = orjson.loads(hook.came[0][1])["markdown"]["content"]

    assert "新派单" in text
    assert "面包厂" not in text


def test_a_robot_that_answers_with_an_error_code_has_not_heard(world: World, hook: Receiver) -> None:
    endpoint(world, hook, transport="wecom", kinds=["issue.dispatch"])
    hook.body = b'{"errcode":93000}'
    world.reports()
    deliver(world)

    assert Delivery.objects.get().last_error == "errcode 93000"


def test_the_mornings_mail_comes_once_on_working_days_and_holds_numbers_only(
    world: World, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    Person.objects.filter(username="hrss").update(email="hrss@example.org")
    world.reports()
    assert digest.send(at=at("2026-11-17T08:29")) == 0
    assert digest.send(at=at("2026-11-21T08:31")) == 0
    assert digest.send(at=at("2026-11-17T08:31")) == 1
    assert digest.send(at=at("2026-11-17T09:31")) == 0
    deliveries.deliver(at=at("2026-11-17T08:32"))

    (mail,) = mailoutbox
    assert mail.to == ["hrss@example.org"]
    assert "待签收 1 件" in mail.body
    assert "面包厂" not in mail.body


def test_quiet_hours_end_in_the_morning() -> None:
    assert next_loud_moment(at("2026-11-16T12:00")) == at("2026-11-16T12:00")
    assert next_loud_moment(at("2026-11-16T21:00")) == at("2026-11-17T07:30")
    assert next_loud_moment(at("2026-11-17T03:00")) == at("2026-11-17T07:30")


def test_only_the_office_enters_endpoints(world: World, hook: Receiver) -> None:
    for name in ("liaison", "hrss", "town", "auditor"):
        with pytest.raises(Forbidden):
            endpoints.create({"url": hook.url, "kinds": ["*"]}, by=world.caller(name), at=world.now)
    with pytest.raises(Invalid):
        endpoint(world, hook, kinds=["issue.dispatch", "everything"])


def test_old_deliveries_are_forgotten(world: World, hook: Receiver) -> None:
    endpoint(world, hook, kinds=["issue.dispatch"])
    world.reports()
    deliver(world)

    assert deliveries.sweep(at=world.now + timedelta(days=91)) == 1
    assert Issue.objects.exists()


def test_a_delivery_bears_the_name_of_the_request_that_caused_it(world: World, hook: Receiver, logged: Logged) -> None:
    logging.getLogger("notifications.deliveries").setLevel(logging.INFO)  # as LOG_REQUESTS does
    endpoint(world, hook)
    drain(world)
    with named("phone-request-1"):
        issue = world.reports()
    with named("desk-request-2"):
        world.does("hrss", issue, "acknowledge")

    with named("deliver-12ab"):
        assert deliver(world) == 3

    sent = dict(Delivery.objects.values_list("kind", "request"))
    assert (sent["issue.dispatch"], sent["issue.acknowledge"]) == ("phone-request-1", "desk-request-2")
    mine = {line["message"]: line["request"] for line in logged() if line["logger"] == "notifications.deliveries"}
    assert mine["delivery of issue.dispatch delivered"] == "phone-request-1"
    assert mine["delivery of issue.acknowledge delivered"] == "desk-request-2"
