"""Whoever's way in was changed hears of it, so that it is not done behind their back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.mail import BadHeaderError, EmailMessage

from core.problems import Invalid
from organizations import devices, people, totp
from tests.inspections.cast import World
from tests.notifications.test_telling import Delivery, Message, drain, inbox, world

__all__ = ["world"]
NEW = "Better-Horse-10"


def bind(world: World, name: str) -> devices.Device:
    person = world.people[name].id
    world.now += timedelta(minutes=1)
    return devices.bind(person, devices.Draft(uuid4()), by=world.caller(name), at=world.now)


def test_a_password_set_by_the_office_is_told_to_its_owner_and_to_nobody_else(world: World, settings: Any) -> None:
    settings.EMAIL_HOST = "mail.example"
    people.change(world.people["hrss"].id, {"email": "hrss@example.cn"}, by=world.caller("office"), at=world.now)
    people.set_password(world.people["hrss"].id, NEW, by=world.caller("office"), at=world.now)
    assert inbox(world, "hrss") == ["person.password_changed"]
    message = Message.objects.get()
    assert "十四天" in message.body["zh"] and "产改办" in message.body["zh"] and NEW not in str(message.body)
    mail = Delivery.objects.get(person=world.people["hrss"])
    assert mail.payload["address"] == "hrss@example.cn" and mail.next_at == world.now


def test_ones_own_change_is_told_too(world: World) -> None:
    seed = totp.new_seed()
    code = totp.code(totp.secret(seed), totp.step_of(world.now))
    totp.enable(world.people["office"].id, seed, code, by=world.caller("office"), at=world.now)
    totp.disable(world.people["office"].id, by=world.caller("office"), at=world.now)
    told = ["person.second_factor_disabled", "person.second_factor_enabled"]
    assert sorted(inbox(world, "office")) == told


def test_a_second_phone_is_news_and_the_first_is_not(world: World) -> None:
    bind(world, "liaison")
    assert inbox(world, "liaison") == []
    bind(world, "liaison")
    assert inbox(world, "liaison") == ["device.bound"]


@pytest.mark.parametrize("address", ["a@b.cn\nBcc: c@d.cn", "a@b.cn\r\nSubject: x", "a@b.cn, c@d.cn", "a@b.cn\x00"])
def test_an_address_carries_no_second_header(world: World, address: str) -> None:
    with pytest.raises(Invalid):
        people.change(world.people["hrss"].id, {"email": address}, by=world.caller("office"), at=world.now)
    letter = EmailMessage("x", "y", "office@example.cn", [address.replace("\x00", "\n")])
    if "\n" in letter.to[0]:
        with pytest.raises(BadHeaderError):
            letter.message()


def test_nobody_writes_to_somebody_who_is_no_more(world: World) -> None:
    people.set_password(world.people["hrss"].id, NEW, by=world.caller("office"), at=world.now)
    people.erase(world.people["hrss"].id, by=world.caller("office"), at=world.now)
    drain(world)
    assert not Message.objects.filter(person=world.people["hrss"]).exists()
