"""The server's key is replaced: what the former one signed stays good while it is named, and signs nothing new."""

from __future__ import annotations

import jwt
import pytest
from django.conf import settings as real
from django.utils import timezone

from media import chain
from organizations import totp
from organizations.models import Person
from sync import cursors
from tests.api.line import Line

FORMER = "the-former-key-of-this-installation-which-somebody-may-have-seen"


def under_former(token):
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, FORMER, algorithm="HS256")


@pytest.fixture
def replaced(settings):
    settings.SECRET_KEY_FALLBACKS = ["one-older-still-" * 4, FORMER]


def test_a_replaced_key_lets_in_who_was_in_and_signs_nothing_new(cast, replaced):
    line = Line(cast.liaison)
    line.access, refresh = under_former(line.access), under_former(line.answer["refresh"])
    assert line.get("me").status_code == 200
    renewed = line.post("auth/token/refresh", {"refresh": refresh}).data
    for token in (renewed["access"], renewed["refresh"]):
        assert jwt.decode(token, real.SECRET_KEY, algorithms=["HS256"], audience="sanyuantong")


def test_a_key_that_is_named_no_more_opens_nothing(cast):
    line = Line(cast.liaison)
    line.access = under_former(line.access)
    assert line.get("me").status_code == 401
    assert line.post("auth/token/refresh", {"refresh": under_former(line.answer["refresh"])}).status_code == 401


def test_a_second_factor_outlives_a_change_of_keys(cast, replaced):
    seed, at = totp.new_seed(), timezone.now()
    Person.objects.filter(pk=cast.office.pk).update(totp_secret=seed)
    person = Person.objects.get(pk=cast.office.pk)
    code = totp.code(totp.secret(seed, FORMER), totp.step_of(at))
    assert totp.spend(person, code, at=at)
    assert not totp.spend(person, code, at=at)
    stranger = totp.code(totp.secret(seed, "a-key-of-nobody"), totp.step_of(at))
    assert not totp.spend(person, stranger, at=at)


def test_a_phone_goes_on_where_it_was(cast, replaced):
    line = Line(cast.liaison)
    cursor = line.get("sync/pull").data["cursor"]
    owner = Person.objects.get(pk=cast.liaison.pk).devices.get().pk
    former = cursors.seal(
        cursors.unseal(cursor, owner=owner, key=real.SECRET_KEY.encode()), owner=owner, key=FORMER.encode()
    )
    told = line.get(f"sync/pull?cursor={former}").data
    assert (
        told["complete"] and not told["ops"] and told["reset"] == line.get(f"sync/pull?cursor={cursor}").data["reset"]
    )
    assert Line(cast.outsider).get(f"sync/pull?cursor={former}").status_code == 400


def test_roots_of_photos_are_still_ours(settings):
    before = chain._keys()
    settings.SECRET_KEY_FALLBACKS = [real.SECRET_KEY]
    settings.SECRET_KEY = "the-new-key-of-this-installation-which-nobody-has-seen-yet"
    after = chain._keys()
    assert before.keys() < after.keys()
    assert next(iter(after)) not in before, "the new one signs"
