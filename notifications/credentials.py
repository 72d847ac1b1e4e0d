"""Telling somebody that the way into their account has changed, so that whoever did not do it hears of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID, uuid5

from core.texts import Text
from journal.models import Entry
from notifications.models import Message
from organizations.models import Device, Person

NOT_YOU = Text("若非本人操作,请立即联系产改办。", "If this was not you, tell the reform office at once.")
GIVEN = Text(
    "此密码由产改办设置,请在十四天内改为自己的密码。", "The office set it; make it your own within a fortnight."
)
TITLES: Final[Mapping[str, Text]] = {
    "person.password_changed": Text("密码已修改", "Your password was changed"),
    "person.second_factor_enabled": Text("动态验证码已启用", "A second factor was turned on"),
    "person.second_factor_disabled": Text("动态验证码已关闭", "Your second factor was turned off"),
    "device.bound": Text("新手机登录", "A new phone signed in"),
    "device.reinstated": Text("已注销的手机恢复使用", "A phone that was signed off is in use again"),
}


def messages(entries: Sequence[Entry], *, namespace: UUID) -> list[Message]:
    """A message to its owner for each entry that concerns an account; somebody's first phone is no news."""
    mine = [entry for entry in entries if entry.verb in TITLES]
    if not mine:
        return []
    owners = dict(Device.objects.filter(pk__in=[entry.record for entry in mine]).values_list("pk", "person"))
    owned = [(entry, owners.get(entry.record, entry.record)) for entry in mine]
    known = set(
        Person.objects.filter(pk__in=[owner for _, owner in owned], is_active=True).values_list("pk", flat=True)
    )
    older = set(Device.objects.filter(person__in=known).exclude(pk__in=list(owners)).values_list("person", flat=True))
    return [
        _message(entry, owner, namespace)
        for entry, owner in owned
        if owner in known and (entry.verb != "device.bound" or owner in older)
    ]


def _message(entry: Entry, owner: UUID, namespace: UUID) -> Message:
    given = entry.verb == "person.password_changed" and entry.person not in (None, owner)
    said = [GIVEN, NOT_YOU] if given else [NOT_YOU]
    title = TITLES[entry.verb]
    body = {"zh": "".join(map(str, said)), "en": " ".join(each.en for each in said)}
    return Message(
        id=uuid5(namespace, f"{entry.id}/{owner}"), person_id=owner, kind=entry.verb,
        title={"zh": str(title), "en": title.en}, body=body, at=entry.at,
    )  # fmt: skip
