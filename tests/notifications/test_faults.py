"""Deliveries when things go wrong: a worker that dies, two of them at once, receivers and names that mean harm."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import orjson
import pytest
from django.db import connection

from inspections import conference, escalation
from notifications import deliveries, endpoints, outbox, transports
from notifications.models import Delivery, Endpoint, Message
from organizations.models import Person
from tests.inspections import cast
from tests.inspections.cast import World, at
from tests.notifications.receiver import Receiver, receiver


@pytest.fixture
def hook(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    with receiver() as server:
        yield server


def settled(hook: Receiver, **values: Any) -> World:
    """The cast, everything told so far, and an endpoint for dispatches."""
    world = cast.settle()
    drain(world)
    given = {"url": hook.url, "kinds": ["issue.dispatch"]} | values
    endpoints.create(given, by=world.caller("office"), at=world.now)
    return world


def drain(world: World) -> None:
    while outbox.read(at=world.now):
        pass


class Killed(BaseException):
    """The worker's process is gone."""


def test_row_38_a_worker_that_dies_after_sending_is_followed_by_another(
    db: None, hook: Receiver, monkeypatch: Any
) -> None:
    world = settled(hook)
    world.reports()
    drain(world)

    def die(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(Delivery, "save", die)
        deliveries.deliver(at=world.now)
    assert len(hook.came) == 1
    assert Delivery.objects.get().state == "pending"

    assert deliveries.deliver(at=world.now) == 0, "its lease still holds"
    assert deliveries.deliver(at=world.later(minutes=3).now) == 1
    assert deliveries.deliver(at=world.later(minutes=3).now) == 0
    first, second = hook.came
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]


def test_row_38_a_worker_that_dies_while_telling_has_told_nothing_or_everything(db: None, monkeypatch: Any) -> None:
    world = cast.settle()
    drain(world)
    world.reports()

    def die(*args: Any, **more: Any) -> None:
        raise Killed

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(outbox.Reader, "save", die)
        outbox.read(at=world.now)
    assert not Message.objects.exists()
    drain(world)
    assert Message.objects.filter(kind="issue.dispatch").count() == 3


@pytest.mark.django_db(transaction=True)
def test_row_38_of_two_workers_one_sends(hook: Receiver) -> None:
    world = settled(hook)
    for _ in range(6):
        world.reports()
    drain(world)
    gate = Barrier(3)

    def work() -> int:
        try:
            gate.wait(timeout=10)
            return deliveries.deliver(at=world.now)
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        done = [future.result(timeout=60) for future in [pool.submit(work) for _ in range(3)]]

    assert sum(done) == 6
    assert len({headers["webhook-id"] for headers, _ in hook.came}) == len(hook.came) == 6
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_row_58_the_address_that_was_checked_is_the_one_that_is_called(
    db: None, hook: Receiver, monkeypatch: Any
) -> None:
    """The name changes its meaning right after it was looked up; nobody looks it up again."""
    world = settled(hook)
    hook_name = hook.url.replace("127.0.0.1", "hooks.example.org")
    lookups: list[str] = []
    truly = socket.getaddrinfo

    def meanings(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host != "hooks.example.org":
            return truly(host, port, *args, **more)
        lookups.append(host)
        return truly("127.0.0.1" if len(lookups) == 1 else "169.254.169.254", port, *args, **more)

    world.reports()
    drain(world)
    monkeypatch.setattr(socket, "getaddrinfo", meanings)
    Endpoint.objects.update(url=hook_name)
    deliveries.deliver(at=world.now)

    ((headers, _),) = hook.came
    assert headers["host"].startswith("hooks.example.org")
    assert lookups == ["hooks.example.org"]


def test_row_58_a_name_with_one_private_address_among_public_ones_is_refused(db: None, monkeypatch: Any) -> None:
    def meanings(host: str, port: int, *args: Any, **more: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("1.1.1.1", "10.0.0.5")]

    monkeypatch.setattr(socket, "getaddrinfo", meanings)
    with pytest.raises(transports.Refused):
        transports.post("https://hooks.example.org/", b"{}", {})


def test_a_receiver_that_drips_its_answer_does_not_hold_a_worker(db: None, hook: Receiver, monkeypatch: Any) -> None:
    world = settled(hook)
    world.reports()
    drain(world)
    hook.drips, hook.body = True, b"x" * 100
    monkeypatch.setattr(transports, "PATIENCE", 0.5)
    began = time.monotonic()
    assert deliveries.deliver(at=world.now) == 1

    assert time.monotonic() - began < 5
    assert Delivery.objects.get().state == "delivered", "it had said 200 before it began to drip"


def test_whoever_has_an_address_is_mailed_by_day_and_told_nothing_personal(
    db: None, settings: Any, mailoutbox: list[Any]
) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    world = cast.settle()
    drain(world)
    Person.objects.filter(username="hrss").update(email="hrss@example.org")
    world.on("2026-11-16T22:00")
    world.reports(confidential=True)
    world.reports()
    drain(world)
    assert deliveries.deliver(at=world.now) == 0
    assert deliveries.deliver(at=world.on("2026-11-17T07:31").now) == 2

    assert {tuple(mail.to) for mail in mailoutbox} == {("hrss@example.org",)}
    told = "\n".join(f"{mail.subject}\n{mail.body}" for mail in mailoutbox)
    assert "新派单" in told
    for hidden in ("面包厂", "招不到", "liaison", "hrss2"):
        assert hidden not in told
    assert sorted("华士" in mail.body for mail in mailoutbox) == [False, True], "a confidential one names no town"


def test_a_mail_sent_twice_bears_the_same_id(db: None, settings: Any, mailoutbox: list[Any]) -> None:
    settings.EMAIL_HOST = "mail.example.org"
    world = cast.settle()
    drain(world)
    Person.objects.filter(username="hrss").update(email="hrss@example.org")
    world.reports()
    drain(world)
    deliveries.deliver(at=world.now)
    outbox.Reader.objects.update(position=0)
    drain(world)
    assert Delivery.objects.count() == 1, "told again, it is queued no second time"
    deliveries.replay(Delivery.objects.get().id, at=world.now)
    deliveries.deliver(at=world.now)

    assert len(mailoutbox) == 2
    assert mailoutbox[0].extra_headers["Message-ID"] == mailoutbox[1].extra_headers["Message-ID"]


def test_a_late_task_of_the_conference_is_told_once_before_and_once_after(db: None, hook: Receiver) -> None:
    world = settled(hook, kinds=["task.overdue"])
    issue = world.reports(confidential=True)
    world.does("office", issue, "refer", reason="政策空白")
    decided = {"department": "EMB", "minutes": "请应急局牵头", "due": at("2026-11-19T00:00").date()}
    task = conference.decide(issue.id, decided, by=world.caller("office"), at=world.now)
    seen = []
    for moment in ("2026-11-17T09:00", "2026-11-18T09:00", "2026-11-18T10:00", "2026-11-19T18:00", "2026-11-30T09:00"):
        seen.append(escalation.sweep(at=world.on(moment).now).tasks)
        drain(world)
    assert seen == [0, 1, 0, 1, 0]

    kinds = {
        name: list(
            Message.objects.filter(person=world.people[name], kind__startswith="task.")
            .order_by("at")
            .values_list("kind", flat=True)
        )
        for name in ("emb", "office", "hrss")
    }
    assert kinds == {
        "emb": ["task.decided", "task.due_soon", "task.overdue"], "office": ["task.overdue"], "hrss": [],
    }  # fmt: skip
    assert "面包厂" not in orjson.dumps(list(Message.objects.values_list("body", flat=True))).decode()
    deliveries.deliver(at=world.now)
    assert orjson.loads(hook.came[0][1])["data"]["task"] == {
        "id": str(task.id), "department": "EMB", "due": "2026-11-19",
    }  # fmt: skip


def test_a_worker_that_was_away_tells_of_a_late_task_once(db: None) -> None:
    world = cast.settle()
    issue = world.reports()
    world.does("office", issue, "refer", reason="政策空白")
    decided = {"department": "EMB", "minutes": "请应急局牵头", "due": at("2026-11-19T00:00").date()}
    task = conference.decide(issue.id, decided, by=world.caller("office"), at=world.now)

    assert escalation.sweep(at=world.on("2026-12-01T09:00").now).tasks == 1
    assert escalation.sweep(at=world.now + timedelta(days=1)).tasks == 0
    conference.finish(task.id, by=world.caller("emb"), at=world.now)
    drain(world)
    told = Message.objects.filter(person=world.people["office"], kind__startswith="task.")
    assert set(told.values_list("kind", flat=True)) == {"task.overdue", "task.done"}
