"""Sessions at the console and sessions as their owner sees them: seen, ended from elsewhere, and over by themselves."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.hashers import make_password

from core.problems import Forbidden, Invalid, NotFound
from journal.models import Entry
from organizations import authentication, consoles, enrollments, lockouts, people, sessions, totp
from organizations.models import ConsoleSession, Person, Session
from tests.organizations.cast import NOW, PASSWORD
from tests.organizations.test_sessions import LIFETIME, phone, rotate, sign_in

MINUTE = timedelta(minutes=1)


def enter(cast, at=NOW):
    return consoles.begin(cast.office.id, by=cast.by(cast.office), at=at)


def live(cast, row, at):
    return consoles.is_live(row.pk, cast.office.id, at=at)


def with_second_factor(cast, person, at=NOW):
    seed = totp.new_seed()
    totp.enable(person.id, seed, totp.code(totp.secret(seed), totp.step_of(at)), by=cast.by(person), at=at)
    return seed


def test_half_an_hour_of_silence_or_half_a_day_ends_a_session_at_the_console(cast):
    silent, busy = enter(cast), enter(cast)
    assert not live(cast, silent, NOW + 30 * MINUTE)

    at = NOW
    while at + 29 * MINUTE < NOW + consoles.LONGEST:
        at += 29 * MINUTE
        assert live(cast, busy, at)
    assert not live(cast, busy, NOW + consoles.LONGEST)


def test_a_session_at_the_console_is_one_persons(cast):
    row = enter(cast)
    assert not consoles.is_live(row.pk, cast.auditor.id, at=NOW)
    assert not consoles.is_live(uuid4(), cast.office.id, at=NOW)


@pytest.mark.parametrize("how", ["password", "reset", "disable", "office", "second factor", "its removal", "chosen"])
def test_what_ends_sessions_ends_those_at_the_console_and_at_phones_alike(cast, how):
    desk, phone, by, office = enter(cast), sign_in("office"), cast.by(cast.office), cast.office.id
    match how:
        case "password":
            people.change_password(office, PASSWORD, "Better-Horse-10", by=by, at=NOW)
        case "reset":
            people.set_password(office, "Better-Horse-10", by=by, at=NOW)
        case "disable":
            people.change(office, {"is_active": False}, by=by, at=NOW)
        case "office":
            people.sign_out(office, by=by, at=NOW)
        case "second factor":
            with_second_factor(cast, cast.office)
        case "its removal":
            totp.disable(office, by=by, at=NOW)
        case "chosen":
            authentication.sign_out(office, PASSWORD, None, keep=None, by=by, at=NOW)
    assert not live(cast, desk, NOW)
    with pytest.raises(sessions.SessionEnded):
        sessions.live(phone.session)


def test_the_session_that_changes_the_second_factor_goes_on(cast):
    here, elsewhere = enter(cast), enter(cast)
    seed = totp.new_seed()
    code = totp.code(totp.secret(seed), totp.step_of(NOW))
    totp.enable(cast.office.id, seed, code, by=cast.by(cast.office), at=NOW, keep=here.pk)
    assert live(cast, here, NOW) and not live(cast, elsewhere, NOW)


def test_only_the_office_takes_a_second_factor_away_and_signs_people_out(cast):
    with_second_factor(cast, cast.liaison)
    for attempt in (totp.disable, people.sign_out):
        with pytest.raises(Forbidden):
            attempt(cast.liaison.id, by=cast.by(cast.outsider), at=NOW)


def test_whoever_has_a_second_factor_gives_it_at_the_phones_door_too(cast):
    seed, later = with_second_factor(cast, cast.office), NOW + 2 * MINUTE
    right = totp.code(totp.secret(seed), totp.step_of(later))
    for given, code in (("", "required"), ("000000" if right != "000000" else "111111", "wrong")):
        with pytest.raises(Invalid) as refused:
            authentication.sign_in("office", PASSWORD, phone(), at=later, lifetime=LIFETIME, code=given)
        assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [("/code", code)]
    assert authentication.sign_in("office", PASSWORD, phone(), at=later, lifetime=LIFETIME, code=right)
    with pytest.raises(Invalid):
        authentication.sign_in("office", PASSWORD, phone(), at=later, lifetime=LIFETIME, code=right)


def test_tokens_are_renewed_for_half_a_year_and_then_the_password_is_asked_for(cast):
    issued = sign_in()
    at = NOW
    while at + 50 * timedelta(days=1) < NOW + sessions.LONGEST:
        at += 50 * timedelta(days=1)
        issued = rotate(issued, at=at)
    assert issued.token.expires_at == NOW + sessions.LONGEST
    with pytest.raises(sessions.SessionEnded):
        rotate(issued, at=NOW + sessions.LONGEST)


def test_one_sign_in_too_many_ends_the_oldest(cast, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 3)
    all_four = [sign_in(at=NOW + number * MINUTE) for number in range(4)]
    found = [row.pk for row in sessions.open_of(cast.liaison.id, at=NOW + 5 * MINUTE)]
    assert found == [issued.session for issued in all_four[1:]]
    assert Session.objects.get(pk=all_four[0].session).reason == "too many"


def test_somebody_ends_a_session_of_theirs_with_their_password_and_nobody_elses(cast):
    mine, lost, others = sign_in(), sign_in(), sign_in("outsider")
    by = cast.by(cast.liaison)

    def end(password, chosen):
        authentication.sign_out(cast.liaison.id, password, chosen, keep=mine.session, by=by, at=NOW)

    with pytest.raises(Invalid):
        end("wrong", [lost.session])
    with pytest.raises(NotFound):
        end(PASSWORD, [lost.session, others.session])
    assert sessions.live(lost.session)
    end(PASSWORD, [lost.session])
    with pytest.raises(sessions.SessionEnded):
        sessions.live(lost.session)
    end(PASSWORD, None)
    assert sessions.live(mine.session) and sessions.live(others.session)


def test_a_stolen_session_guesses_no_oftener_when_it_ends_others(cast):
    by = cast.by(cast.liaison)
    for _ in range(5):
        with pytest.raises(Invalid):
            authentication.sign_out(cast.liaison.id, "wrong", None, keep=None, by=by, at=NOW)
    with pytest.raises(lockouts.LockedOut):
        authentication.sign_out(cast.liaison.id, PASSWORD, None, keep=None, by=by, at=NOW)


def test_a_password_from_the_office_is_good_for_a_fortnight_and_ones_own_for_ever(cast):
    by, late = cast.by(cast.office), NOW + people.GIVEN_FOR
    people.set_password(cast.liaison.id, "Better-Horse-10", by=by, at=NOW)
    assert sign_in(password="Better-Horse-10", at=late - MINUTE).person.password_expires_at == late
    with pytest.raises(authentication.PasswordExpired):
        sign_in(password="Better-Horse-10", at=late)
    with pytest.raises(authentication.SignInRefused):
        sign_in(password="wrong", at=late)

    people.set_password(cast.liaison.id, "Better-Horse-11", by=by, at=late)
    people.change_password(cast.liaison.id, "Better-Horse-11", "Better-Horse-12", by=cast.by(cast.liaison), at=late)
    assert sign_in(password="Better-Horse-12", at=late + 10 * people.GIVEN_FOR).person.password_expires_at is None


def test_a_new_persons_first_password_is_given_too(cast):
    values = {"username": "new", "name": "新人"}
    person = people.create(values, password="Better-Horse-10", by=cast.by(cast.office), at=NOW)
    assert Person.objects.get(pk=person.id).password_expires_at == NOW + people.GIVEN_FOR
    assert cast.liaison.password_expires_at is None, "what the server's own console entered is the person's own"


def test_where_phones_are_enrolled_a_password_alone_lets_in_no_other_phone(cast):
    draft = phone()

    def tries(password=PASSWORD):
        return authentication.sign_in("liaison", password, draft, at=NOW, lifetime=LIFETIME, enrolled_only=True)

    sign_in(draft=draft)  # bound by password, before the office asked for more
    with pytest.raises(authentication.EnrollFirst):
        tries()
    with pytest.raises(authentication.SignInRefused):
        tries("wrong")
    invitation = enrollments.issue(cast.liaison.id, by=cast.by(cast.office), at=NOW)
    enrollments.redeem(invitation.code, draft, at=NOW, lifetime=LIFETIME)
    assert tries().person == cast.liaison
    with pytest.raises(authentication.EnrollFirst):
        authentication.sign_in("outsider", PASSWORD, draft, at=NOW, lifetime=LIFETIME, enrolled_only=True)


def test_a_password_hashed_in_a_former_way_is_hashed_anew_at_the_next_sign_in(cast, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    Person.objects.filter(pk=cast.liaison.pk).update(password=make_password(PASSWORD, hasher="md5"))
    first = sign_in()
    assert Person.objects.get(pk=cast.liaison.pk).password.startswith("pbkdf2_sha1$")
    assert sessions.live(first.session) and sign_in()


def test_entering_and_leaving_are_in_the_audit_trail_and_rows_are_forgotten(cast):
    row = enter(cast)
    consoles.end([row.pk], reason="logout", by=cast.by(cast.office), at=NOW)
    verbs = list(
        Entry.objects.filter(record=cast.office.id, verb__startswith="console.").values_list("verb", flat=True)
    )
    assert verbs == ["console.entered", "console.left"]
    assert consoles.sweep(at=NOW + timedelta(days=29)) == 0
    assert consoles.sweep(at=NOW + timedelta(days=31)) == 1
    assert not ConsoleSession.objects.exists()
