"""The second factor against the vectors of RFC 6238, and its single use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.problems import Invalid
from organizations import authentication, lockouts, totp
from organizations.models import Person
from tests.organizations.cast import NOW, PASSWORD

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "digits"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (2000000000, "279037")],
)
def test_vectors(seconds, digits):
    assert totp.code(SECRET, totp.step_of(datetime.fromtimestamp(seconds, UTC))) == digits


def test_a_code_opens_once_and_not_long(cast):
    seed = totp.new_seed()
    right = totp.code(totp.secret(seed), totp.step_of(NOW))
    with pytest.raises(Invalid):
        totp.enable(cast.office.id, seed, "000000" if right != "000000" else "111111", by=cast.by(cast.office), at=NOW)
    totp.enable(cast.office.id, seed, right, by=cast.by(cast.office), at=NOW)
    person = Person.objects.get(pk=cast.office.id)

    assert not totp.spend(person, right, at=NOW)  # used up by enabling
    later = NOW + timedelta(seconds=60)
    fresh = totp.code(totp.secret(seed), totp.step_of(later))
    assert totp.spend(person, fresh, at=later)
    assert not totp.spend(person, fresh, at=later)
    assert not totp.spend(person, fresh, at=later + timedelta(minutes=5))


def test_row_48_codes_are_guessed_no_oftener_than_passwords(cast):
    seed = totp.new_seed()
    totp.enable(cast.office.id, seed, totp.code(totp.secret(seed), totp.step_of(NOW)), by=cast.by(cast.office), at=NOW)
    later = NOW + timedelta(minutes=5)
    right = totp.code(totp.secret(seed), totp.step_of(later))
    wrong = "000000" if right != "000000" else "111111"

    for _ in range(5):
        with pytest.raises(Invalid):
            authentication.authenticate("office", PASSWORD, hardware=None, at=later, code=wrong)
    with pytest.raises(lockouts.LockedOut):
        authentication.authenticate("office", PASSWORD, hardware=None, at=later, code=right)


@pytest.mark.parametrize("given", ["", "12345", "١٢٣٤٥٦", "𠮷", "1234567", "\0"])
def test_whoever_has_a_second_factor_gives_it(cast, given):
    seed = totp.new_seed()
    totp.enable(cast.office.id, seed, totp.code(totp.secret(seed), totp.step_of(NOW)), by=cast.by(cast.office), at=NOW)
    with pytest.raises(Invalid):
        authentication.authenticate("office", PASSWORD, hardware=None, at=NOW, code=given)
