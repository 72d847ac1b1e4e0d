"""One table: what it grants and what it denies, for persons of every role and for the outsider."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from core.actors import SYSTEM, Actor
from core.problems import Forbidden, Invalid
from organizations import assignments
from organizations.models import Enterprise
from organizations.permissions import (
    VERBS,
    Relation,
    Subject,
    allowed,
    may,
    permit,
    permitted,
    scope,
    visible_enterprises,
)  # fmt: skip
from organizations.roles import Role
from tests.organizations.cast import NOW, TODAY


def names(rows) -> set[str]:
    return {row.name for row in rows}


def subject(enterprise: Enterprise, **others) -> Subject:
    return Subject(enterprise=enterprise.id, region=enterprise.region_id, **others)


def test_each_sees_the_enterprises_of_their_places(cast):
    assert names(visible_enterprises(cast.by(cast.liaison))) == {"面包厂"}
    assert names(visible_enterprises(cast.by(cast.town))) == {"面包厂", "铸造厂"}
    assert names(visible_enterprises(cast.by(cast.observer))) == {"面包厂", "铸造厂", "纺织厂"}
    assert names(visible_enterprises(cast.by(cast.office))) == {"面包厂", "铸造厂", "纺织厂"}
    assert names(visible_enterprises(cast.by(cast.outsider))) == {"纺织厂"}
    assert names(visible_enterprises(cast.by(cast.handler))) == set()
    assert names(visible_enterprises(cast.by(cast.auditor))) == set()


def test_a_liaison_visits_where_they_are_assigned(cast):
    permit(cast.by(cast.liaison), "visit.write", subject(cast.bakery))
    with pytest.raises(Forbidden):
        permit(cast.by(cast.liaison), "visit.write", subject(cast.foundry))
    with pytest.raises(Forbidden):
        permit(cast.by(cast.outsider), "visit.write", subject(cast.bakery))


def test_a_batch_is_judged_at_once(cast, django_assert_max_num_queries):
    everywhere = [cast.bakery.id, cast.foundry.id, cast.mill.id, uuid4()]
    with django_assert_max_num_queries(2):
        assert permitted(cast.by(cast.town), "enterprise.read", everywhere) == {cast.bakery.id, cast.foundry.id}
    assert permitted(cast.by(cast.liaison), "visit.write", everywhere) == {cast.bakery.id}
    assert permitted(cast.by(cast.town), "visit.write", everywhere) == set()
    assert permitted(SYSTEM, "visit.write", everywhere) == set(everywhere[:3])


def test_the_lead_department_replies_and_no_other(cast):
    led = subject(cast.bakery, lead=cast.hrss.id, assists=frozenset({cast.emb.id}))
    other = cast.person("emb", Role.HANDLER, department=cast.emb.id)

    assert allowed(cast.by(cast.handler), "issue.reply", led)
    assert not allowed(cast.by(other), "issue.reply", led)
    assert allowed(cast.by(other), "issue.assist_opinion", led)
    assert not allowed(cast.by(cast.office), "issue.reply", led)


def test_a_town_leads_what_was_dispatched_to_it(cast):
    led = subject(cast.bakery, lead_region=cast.xiake.id)
    elsewhere = subject(cast.mill, lead_region=cast.huashi.id)

    assert allowed(cast.by(cast.town), "issue.acknowledge", led)
    assert not allowed(cast.by(cast.town), "issue.acknowledge", elsewhere)


def test_only_the_author_withdraws(cast):
    mine = subject(cast.bakery, owner=cast.liaison.id)
    assert allowed(cast.by(cast.liaison), "issue.withdraw", mine)
    assert not allowed(cast.by(cast.office), "issue.withdraw", mine)


def test_roles_add_up(cast):
    cast.assign(cast.liaison, Role.HANDLER, department=cast.hrss.id)
    by = cast.by(cast.liaison)
    assert by.roles == {Role.LIAISON, Role.HANDLER}
    assert allowed(by, "issue.reply", Subject(lead=cast.hrss.id))
    assert by.department_codes == {"HRSS"}


def test_an_assignment_counts_only_on_its_days(cast):
    late = cast.person("late")
    cast.assign(late, Role.OFFICE, starts_on=TODAY + timedelta(1))
    assert not may(cast.by(late), "enterprise.write")
    assert may(cast.by(late, on=TODAY + timedelta(1)), "enterprise.write")


def test_a_person_without_roles_may_next_to_nothing(cast):
    nobody = cast.by(cast.person("nobody"))
    for verb, row in VERBS.items():
        assert may(nobody, verb) == ("everyone" in row), verb


def test_the_auditor_changes_nothing(cast):
    auditor = cast.by(cast.auditor)
    own = {verb for verb, row in VERBS.items() if row.get("everyone") == (Relation.OWN,)}
    changing = {verb for verb in VERBS if may(auditor, verb) and not verb.endswith(".read")} - own
    assert changing == set()


def test_a_verb_that_is_not_in_the_table_is_a_mistake_and_not_a_yes(cast):
    with pytest.raises(KeyError):
        may(cast.by(cast.office), "issue.abolish")


def test_a_bare_actor_cannot_pass_for_a_caller(cast):
    with pytest.raises(TypeError):
        allowed(Actor(person=cast.office.id), "enterprise.write")


def test_roles_are_read_once_even_by_copies(cast, django_assert_num_queries):
    by = cast.by(cast.liaison)
    with django_assert_num_queries(1):
        for _ in range(3):
            may(replace(by, mutation=uuid4()), "visit.write")


def test_lists_of_other_rooms_are_scoped_by_a_condition(cast):
    condition = scope(cast.by(cast.town), "visit.read", enterprise="pk")
    assert names(Enterprise.objects.filter(condition)) == {"面包厂", "铸造厂"}


@pytest.mark.parametrize(("held", "wanted"), [(Role.OFFICE, Role.AUDITOR), (Role.AUDITOR, Role.OFFICE)])
def test_the_office_and_the_audit_are_never_one_person(cast, held, wanted):
    person = cast.person("both", held)
    with pytest.raises(Invalid) as refused:
        cast.assign(person, wanted)
    assert {(fault.pointer, fault.code) for fault in refused.value.errors} == {("/role", "separation")}

    other = cast.person("other")
    drafts = [assignments.Draft(other.id, role, TODAY) for role in (held, wanted)]
    with pytest.raises(Invalid):
        assignments.begin(drafts, by=SYSTEM, at=NOW)


def test_an_auditor_may_have_been_of_the_office(cast):
    person = cast.person("former")
    former = assignments.Draft(person.id, Role.OFFICE, TODAY - timedelta(30), TODAY)
    key = assignments.begin([former], by=SYSTEM, at=NOW)[0].id
    cast.assign(person, Role.AUDITOR, starts_on=TODAY + timedelta(1))
    with pytest.raises(Invalid):
        assignments.change(key, {"ends_on": None}, by=SYSTEM, at=NOW)
