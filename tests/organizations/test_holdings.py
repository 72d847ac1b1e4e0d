"""What phones hold follows the assignments, and only the difference is told."""

from __future__ import annotations

from datetime import timedelta

from core.actors import SYSTEM
from journal.models import Feed, Grant
from organizations import assignments, enterprises, people
from organizations.roles import Role
from tests.organizations.cast import TODAY


def held(person) -> set[str]:
    rows = Grant.objects.filter(person=person.id, live=True)
    return set(rows.values_list("scope__name", flat=True))


def scopes(*rows) -> set[str]:
    return {f"enterprise:{row.id}" for row in rows}


def test_an_assignment_gives_its_enterprise_and_no_other(cast):
    assert held(cast.liaison) == scopes(cast.bakery)
    assert held(cast.outsider) == scopes(cast.mill)


def test_a_town_officer_holds_the_town(cast):
    assert held(cast.town) == scopes(cast.bakery, cast.foundry)


def test_a_citywide_observer_holds_everything(cast):
    assert held(cast.observer) == scopes(cast.bakery, cast.foundry, cast.mill)


def test_office_handlers_and_auditors_hold_nothing_of_enterprises(cast):
    for person in (cast.office, cast.handler, cast.auditor):
        assert held(person) == set()


def test_a_new_enterprise_comes_to_those_who_hold_its_town(cast):
    school = cast.enterprise("技校", cast.xiake)

    assert held(cast.town) == scopes(cast.bakery, cast.foundry, school)
    assert held(cast.observer) >= scopes(school)
    assert held(cast.liaison) == scopes(cast.bakery)


def test_an_enterprise_that_moves_changes_hands(cast):
    enterprises.change(cast.foundry.id, {"region_id": cast.huashi.id}, by=SYSTEM, at=cast.at)

    assert held(cast.town) == scopes(cast.bakery)


def test_ending_an_assignment_takes_back_only_what_nothing_else_gives(cast):
    both = cast.assign(cast.liaison, Role.LIAISON, region=cast.xiake.id)
    assert held(cast.liaison) == scopes(cast.bakery, cast.foundry)

    assignments.end([both], by=SYSTEM, at=cast.at)

    assert held(cast.liaison) == scopes(cast.bakery)


def test_a_grant_that_stands_is_not_given_again(cast):
    before = Grant.objects.get(person=cast.liaison.id, live=True).version

    cast.assign(cast.liaison, Role.LIAISON, region=cast.xiake.id)

    bakery = Grant.objects.get(person=cast.liaison.id, scope__name=f"enterprise:{cast.bakery.id}")
    assert bakery.version == before


def test_an_assignment_that_begins_tomorrow_begins_tomorrow(cast):
    cast.assign(cast.liaison, Role.LIAISON, starts_on=TODAY + timedelta(1), enterprise=cast.mill.id)
    assert held(cast.liaison) == scopes(cast.bakery)

    assignments.settle(at=cast.at + timedelta(1))

    assert held(cast.liaison) == scopes(cast.bakery, cast.mill)


def test_an_assignment_counts_on_its_last_day_and_not_after(cast):
    key = cast.assign(cast.liaison, Role.LIAISON, enterprise=cast.mill.id)
    assignments.change(key, {"ends_on": TODAY}, by=SYSTEM, at=cast.at)
    assert held(cast.liaison) == scopes(cast.bakery, cast.mill)

    assignments.settle(at=cast.at + timedelta(1))

    assert held(cast.liaison) == scopes(cast.bakery)


def test_settling_what_is_settled_takes_no_position(cast):
    before = Feed.objects.get().version

    assignments.settle(at=cast.at)

    assert Feed.objects.get().version == before


def test_a_person_switched_off_holds_nothing_and_gets_it_back(cast):
    people.change(cast.liaison.id, {"is_active": False}, by=SYSTEM, at=cast.at)
    assert held(cast.liaison) == set()

    people.change(cast.liaison.id, {"is_active": True}, by=SYSTEM, at=cast.at)
    assert held(cast.liaison) == scopes(cast.bakery)
