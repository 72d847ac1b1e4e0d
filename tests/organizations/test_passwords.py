"""What nobody may choose for a password: what is guessed first, in any of its usual dresses."""

from __future__ import annotations

from hashlib import sha1

import pytest

from core.actors import SYSTEM
from core.problems import Invalid
from organizations import authentication, passwords, people
from tests.organizations.cast import NOW, PASSWORD
from tests.organizations.test_sessions import sign_in


def codes(password, **more):
    return {fault.code for fault in passwords.faults(password, **more)}


def test_the_three_thousand_commonest_are_refused_however_they_are_dressed():
    """As they stand, hardly one of them fits the rules of length and class; with a capital, a year and a sign many do."""
    dressed = {f"{word[:1].upper()}{word[1:]}@2026!" for word in sorted(passwords.commonest()) if word.isalpha()}
    fitting = [each for each in dressed if not passwords.composition(each)]
    assert len(passwords.commonest()) > 19_000
    assert len(fitting) > 3_000
    assert [each for each in fitting if "password-common" not in codes(each)] == []


@pytest.mark.parametrize(
    "guess", ["Password123!", "P@ssw0rd2026", "!Qwerty12345", "Passw0rd-1", "Woaini1314520", "1q2w3e4R5t"]
)
def test_what_everybody_tries_first_is_refused(guess):
    assert "password-common" in codes(guess)


@pytest.mark.parametrize(
    "guess", ["Sanyuantong-2026", "SanYuan@12345", "Jiangyin#2026", "产改办Office2026", "0ffice-Wuxi-88"]
)
def test_the_words_of_this_place_are_no_password(guess):
    assert codes(guess) & {"password-context", "password-common"}


@pytest.mark.parametrize(
    "good", [PASSWORD, "Better-Horse-10", "Jiangyin-heron-31", "山高月小-Water-9", "x" * 60 + "-Y9"]
)
def test_what_is_long_and_ones_own_is_taken(good):
    assert codes(good, username="liaison", about=("王小明", "13812345678", "wang")) == set()


@pytest.mark.parametrize(
    ("guess", "code"),
    [("Zhang.Wei-771", "password-personal"), ("张伟Heron-9-Pale", "password-personal"),
     ("Pale-13812345678", "password-personal"), ("Heron-zhangwei88-Q", "password-personal"),
     ("Heron-ZWEI9-pale", "password-username")],
)  # fmt: skip
def test_what_is_known_of_somebody_is_no_password_of_theirs(guess, code):
    about = ("张伟", "138 1234 5678", "zhangwei88")
    found = codes(guess.replace("Zhang.Wei", "Zhangwei88"), username="zwei9", about=about)
    assert code in found


def test_the_rule_stands_at_every_door(cast):
    people.change(cast.liaison.id, {"phone": "13812345678"}, by=SYSTEM, at=NOW)
    for attempt in (
        lambda: people.set_password(cast.liaison.id, "Password123!", by=cast.by(cast.office), at=NOW),
        lambda: people.set_password(cast.liaison.id, "Pale-13812345678", by=cast.by(cast.office), at=NOW),
        lambda: people.change_password(cast.liaison.id, PASSWORD, "Qwerty-12345", by=cast.by(cast.liaison), at=NOW),
        lambda: people.create({"username": "new", "name": "某某某"}, password="某某某-Heron-9", by=SYSTEM, at=NOW),
    ):
        with pytest.raises(Invalid):
            attempt()


@pytest.mark.parametrize("near", [" Pale-Heron-9 ", "pale-heron-9", "Pale-Heron-9x", "Pale-Heron-", "Ｐale-Heron-9"])
def test_a_password_is_taken_to_the_letter(cast, near):
    people.set_password(cast.liaison.id, "Pale-Heron-9", by=SYSTEM, at=NOW)
    with pytest.raises(authentication.SignInRefused):
        sign_in(password=near)
    long = " Ü-Heron-9 " + "ß" * 240
    people.set_password(cast.liaison.id, long, by=SYSTEM, at=NOW)
    assert sign_in(password=long)
    with pytest.raises(authentication.SignInRefused):
        sign_in(password=long[:-1])


def test_an_installation_brings_its_own_set_of_breached_passwords(tmp_path, settings):
    known = [f"Heron-{number}-Pale" for number in range(500)]
    lines = sorted(sha1(each.encode()).hexdigest().upper() for each in known)
    file = tmp_path / "breached"
    file.write_text("".join(f"{line}:{number}\r\n" for number, line in enumerate(lines)))
    settings.BREACHED_PASSWORDS = str(file)
    assert all("password-common" in codes(each) for each in known)
    assert not any(codes(f"Heron-{number}-Grey") for number in range(200))

    file.write_text("")
    assert codes(known[0]) == set()
