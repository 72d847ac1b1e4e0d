"""Signing in, rotating, ending: one successor, no copies, nothing outlives its end."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection

from core.actors import SYSTEM
from core.problems import Forbidden, Invalid, NotFound
from journal.models import Entry
from organizations import authentication, devices, enrollments, lockouts, people, sessions
from organizations.models import Device, Lockout, RefreshToken, Session
from tests.organizations.cast import NOW, PASSWORD, Cast

LIFETIME = timedelta(days=60)


def phone(hardware=None) -> devices.Draft:
    return devices.Draft(hardware or uuid4(), "红米", "android", "1.0")


def sign_in(username="liaison", password=PASSWORD, draft=None, at=NOW):
    return authentication.sign_in(username, password, draft or phone(), at=at, lifetime=LIFETIME)


def rotate(issued, at=NOW):
    return sessions.rotate(issued.token.id, at=at, lifetime=LIFETIME)


def test_a_known_phone_keeps_its_binding_and_another_person_gets_their_own(cast):
    draft = phone()
    first, again = sign_in(draft=draft).device, sign_in(draft=draft).device
    other = sign_in("outsider", draft=draft).device

    assert first.id == again.id == draft.hardware
    assert other.id != first.id and other.hardware == draft.hardware


def test_a_token_shown_again_gives_the_same_successor_until_that_is_used(cast):
    first = sign_in()
    second = rotate(first)
    assert rotate(first).token.id == second.token.id

    rotate(second)
    with pytest.raises(sessions.SessionEnded):
        rotate(first)
    assert Session.objects.get(pk=first.session).reason == "reuse"


def test_reuse_ends_the_whole_family_and_no_other(cast):
    first, elsewhere = sign_in(), sign_in()
    third = rotate(rotate(first))
    with pytest.raises(sessions.SessionEnded):
        rotate(first)

    with pytest.raises(sessions.SessionEnded):
        rotate(third)
    with pytest.raises(sessions.SessionEnded):
        sessions.live(first.session)
    assert sessions.live(elsewhere.session).person == cast.liaison.id


def test_an_expired_or_unknown_token_rotates_no_more(cast):
    first = sign_in()
    with pytest.raises(sessions.SessionEnded):
        rotate(first, at=NOW + LIFETIME)
    with pytest.raises(sessions.SessionEnded):
        sessions.rotate(uuid4(), at=NOW, lifetime=LIFETIME)


@pytest.mark.django_db(transaction=True)
def test_row_50_parallel_refreshes_have_one_successor(cast):
    first = sign_in()

    def refresh(_):
        try:
            return rotate(first).token.id
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(refresh, range(6)))

    assert len(found) == 1
    assert RefreshToken.objects.filter(session=first.session).count() == 2


@pytest.mark.parametrize("how", ["password", "reset", "disable", "erase", "logout"])
def test_what_ends_a_session_ends_it_at_once(cast, how):
    mine, others = sign_in(), sign_in("outsider")
    match how:
        case "password":
            people.change_password(cast.liaison.id, PASSWORD, "Better-Horse-10", by=cast.by(cast.liaison), at=NOW)
        case "reset":
            people.set_password(cast.liaison.id, "Better-Horse-10", by=cast.by(cast.office), at=NOW)
        case "disable":
            people.change(cast.liaison.id, {"is_active": False}, by=cast.by(cast.office), at=NOW)
        case "erase":
            people.erase(cast.liaison.id, by=cast.by(cast.office), at=NOW)
        case "logout":
            sessions.end(mine.session, reason="logout", by=cast.by(cast.liaison), at=NOW)

    dead = (sessions.SessionEnded, sessions.DeviceRevoked)
    with pytest.raises(dead):
        sessions.live(mine.session)
    with pytest.raises(dead):
        rotate(mine)
    assert sessions.live(others.session)


def test_a_revoked_device_is_told_to_wipe_however_it_comes(cast):
    draft = phone()
    mine = sign_in(draft=draft)
    devices.revoke(mine.device.id, by=cast.by(cast.office), at=NOW)

    for attempt in (lambda: sessions.live(mine.session), lambda: rotate(mine), lambda: sign_in(draft=draft)):
        with pytest.raises(sessions.DeviceRevoked) as told:
            attempt()
        assert told.value.extra == {"wipe": True}
    assert sign_in().device.id != mine.device.id


def test_nobody_revokes_the_phone_of_another(cast):
    mine = sign_in()
    with pytest.raises(Forbidden):
        devices.revoke(mine.device.id, by=cast.by(cast.outsider), at=NOW)
    with pytest.raises(NotFound):
        devices.revoke(uuid4(), by=cast.by(cast.office), at=NOW)


def test_row_48_the_fifth_failure_locks_strangers_out_for_half_an_hour(cast):
    for _ in range(5):
        with pytest.raises(authentication.SignInRefused):
            sign_in(password="wrong")

    with pytest.raises(lockouts.LockedOut) as locked:
        sign_in(at=NOW + timedelta(minutes=29))
    assert locked.value.extra["retry_after"] == 60
    assert sign_in(at=NOW + timedelta(minutes=30)).person == cast.liaison


def test_row_48_a_guesser_does_not_lock_out_the_owners_own_phone_nor_anybody_else(cast):
    draft = phone()
    sign_in(draft=draft)
    for _ in range(5):
        with pytest.raises(authentication.SignInRefused):
            sign_in(password="wrong")

    assert sign_in(draft=draft).person == cast.liaison
    assert sign_in("outsider").person == cast.outsider


def test_a_lost_phone_cannot_guess_for_ever(cast):
    draft = phone()
    sign_in(draft=draft)
    for _ in range(5):
        with pytest.raises(authentication.SignInRefused):
            sign_in(password="wrong", draft=draft)
    with pytest.raises(lockouts.LockedOut):
        sign_in(draft=draft)


def test_success_forgets_the_failures(cast):
    for _ in range(2):
        for _ in range(4):
            with pytest.raises(authentication.SignInRefused):
                sign_in(password="wrong")
        sign_in()
    assert not Lockout.objects.exists()


def test_row_48_a_stolen_session_guesses_the_password_no_oftener_than_at_the_door(cast):
    def tries(old):
        people.change_password(cast.liaison.id, old, "Better-Horse-10", by=cast.by(cast.liaison), at=NOW)

    for _ in range(5):
        with pytest.raises(Invalid):
            tries("wrong")
    with pytest.raises(lockouts.LockedOut):
        tries(PASSWORD)


def test_a_weak_new_password_is_no_wrong_guess(cast):
    for _ in range(6):
        with pytest.raises(Invalid):
            people.change_password(cast.liaison.id, PASSWORD, "weak", by=cast.by(cast.liaison), at=NOW)
    people.change_password(cast.liaison.id, PASSWORD, "Better-Horse-10", by=cast.by(cast.liaison), at=NOW)


def test_row_49_a_token_shown_by_another_phone_than_its_own_ends_the_session(cast):
    mine = sign_in()
    assert sessions.rotate(mine.token.id, at=NOW, lifetime=LIFETIME, device=mine.device.hardware)

    with pytest.raises(sessions.SessionEnded):
        sessions.rotate(mine.token.id, at=NOW, lifetime=LIFETIME, device=uuid4())
    with pytest.raises(sessions.SessionEnded):
        sessions.live(mine.session)
    assert Session.objects.get(pk=mine.session).reason == "copied"


def test_row_50_a_password_changed_while_the_old_one_is_looked_at_lets_nobody_in(cast, monkeypatch):
    genuine = authentication.check_password

    def slow(*given):
        people.set_password(cast.liaison.id, "Better-Horse-10", by=cast.by(cast.office), at=NOW)
        return genuine(*given)

    monkeypatch.setattr(authentication, "check_password", slow)
    with pytest.raises(authentication.SignInRefused):
        sign_in()
    assert not Session.objects.filter(device__person=cast.liaison, revoked_at=None).exists()


def test_row_48_a_name_that_nobody_has_is_answered_like_any_other(cast):
    def answers(username):
        found = []
        for _ in range(6):
            with pytest.raises((authentication.SignInRefused, lockouts.LockedOut)) as refused:
                sign_in(username, "wrong")
            found.append(refused.value.told("en"))
        return found

    people.change(cast.observer.id, {"is_active": False}, by=SYSTEM, at=NOW)
    assert answers("liaison") == answers("nobody-at-all") == answers("observer")


def test_row_48_the_time_of_a_refusal_does_not_tell_who_exists(cast, monkeypatch):
    checked = []
    genuine = authentication.check_password
    monkeypatch.setattr(authentication, "check_password", lambda *given: checked.append(1) or genuine(*given))
    for username in ("liaison", "nobody-at-all"):
        with pytest.raises(authentication.SignInRefused):
            sign_in(username, "wrong")
    assert len(checked) == 2


def test_an_enrollment_code_lets_one_phone_in_once(cast):
    invitation = enrollments.issue(cast.liaison.id, by=cast.by(cast.office), at=NOW)
    issued = enrollments.redeem(invitation.code.lower(), phone(), at=NOW, lifetime=LIFETIME)

    assert sessions.live(issued.session).person == cast.liaison.id
    for at in (NOW, NOW + enrollments.VALID_FOR):
        with pytest.raises(enrollments.EnrollmentRefused):
            enrollments.redeem(invitation.code, phone(), at=at, lifetime=LIFETIME)


def test_an_enrollment_code_grows_old(cast):
    invitation = enrollments.issue(cast.liaison.id, by=cast.by(cast.office), at=NOW)
    with pytest.raises(enrollments.EnrollmentRefused):
        enrollments.redeem(invitation.code, phone(), at=NOW + enrollments.VALID_FOR, lifetime=LIFETIME)


def test_only_the_office_enrolls_and_enrolling_reinstates_a_phone(cast):
    with pytest.raises(Forbidden):
        enrollments.issue(cast.liaison.id, by=cast.by(cast.liaison), at=NOW)

    draft = phone()
    devices.revoke(sign_in(draft=draft).device.id, by=cast.by(cast.office), at=NOW)
    invitation = enrollments.issue(cast.liaison.id, by=cast.by(cast.office), at=NOW)
    enrollments.redeem(invitation.code, draft, at=NOW, lifetime=LIFETIME)
    assert Device.objects.get(pk=draft.hardware).revoked_at is None


@pytest.mark.parametrize("weak", ["Short-9", "alllowercase", "lower12345", "Liaison-12345"])
def test_weak_passwords_are_refused(cast, weak):
    with pytest.raises(Invalid) as refused:
        people.change_password(cast.liaison.id, PASSWORD, weak, by=cast.by(cast.liaison), at=NOW)
    assert {fault.pointer for fault in refused.value.errors} == {"/new"}


def test_the_audit_trail_knows_of_passwords_and_phones_only_that_they_changed(cast: Cast):
    people.change(cast.liaison.id, {"phone": "13800000000", "name": "李四"}, by=cast.by(cast.office), at=NOW)
    people.set_password(cast.liaison.id, "Better-Horse-10", by=cast.by(cast.office), at=NOW)
    told = "".join(Entry.objects.filter(record=cast.liaison.id).values_list("changes", flat=True))
    assert "李四" in told
    assert "13800000000" not in told and "Better-Horse" not in told


def test_row_48_the_measured_time_of_a_refusal_does_not_tell_who_exists(cast, settings):
    """With the real hasher, a hundred wrong passwords: for who is there, who is not, who was switched off, who has none."""
    settings.PASSWORD_HASHERS = ["tests.organizations.test_sessions.LightArgon2"]
    people.set_password(cast.liaison.id, PASSWORD, by=SYSTEM, at=NOW)
    people.set_password(cast.observer.id, PASSWORD, by=SYSTEM, at=NOW)
    people.change(cast.observer.id, {"is_active": False}, by=SYSTEM, at=NOW)
    people.create({"username": "by-code-only", "name": "Code"}, by=SYSTEM, at=NOW)
    authentication._nobody.cache_clear()
    names = ["liaison", "nobody-at-all", "observer", "by-code-only"]
    rounds = [{name: refusal(name) for name in names} for _ in range(26)][1:]  # the first warms caches

    middles = {name: statistics.median(one[name] for one in rounds) for name in names}
    assert min(middles.values()) > 0.005, "the hasher is the real one"
    assert max(middles.values()) < 1.2 * min(middles.values()), middles
    authentication._nobody.cache_clear()


class LightArgon2(Argon2PasswordHasher):
    """Less memory, so that many samples are soon taken."""

    memory_cost = 8 * 1024


def refusal(username):
    """Processor seconds until the refusal, so that neighbours on the machine do not count."""
    Lockout.objects.all().delete()
    began = time.process_time()
    with pytest.raises(authentication.SignInRefused):
        sign_in(username, "Wrong-Horse-99")
    return time.process_time() - began
