"""Row 47: what the phone holds, what the list shows and what a batch may touch are one and the same set."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from core.actors import SYSTEM
from journal.models import Grant
from organizations import assignments, enterprises
from organizations.models import Enterprise
from organizations.permissions import permitted, visible_enterprises
from organizations.roles import HOLDING_ROLES, PLACES, PlaceKind, Role
from tests.organizations.cast import NOW, TODAY


def random_step(dice, cast, person, live):
    """Begin an assignment, end one, or move an enterprise."""
    what = dice.random()
    if what < 0.6 or not live:
        role = dice.choice(sorted(HOLDING_ROLES))
        kind = dice.choice(sorted(PLACES[Role(role)]))
        place = {
            PlaceKind.ENTERPRISE: {"enterprise": dice.choice([cast.bakery, cast.foundry, cast.mill]).id},
            PlaceKind.REGION: {"region": dice.choice([cast.xiake, cast.huashi]).id},
            PlaceKind.CITY: {},
        }[PlaceKind(kind)]
        starts = TODAY + timedelta(dice.choice([-5, 0, 3]))
        draft = assignments.Draft(person.id, Role(role), starts, **place)
        known = {(row.role, row.enterprise_id, row.region_id) for row in person.assignments.filter(revoked_at=None)}
        if (draft.role, draft.enterprise, draft.region) not in known:
            live.append(assignments.begin([draft], by=SYSTEM, at=NOW)[0].id)
    elif what < 0.85:
        assignments.end([live.pop(dice.randrange(len(live)))], by=SYSTEM, at=NOW)
    else:
        row, region = dice.choice([cast.bakery, cast.foundry]), dice.choice([cast.xiake, cast.huashi])
        enterprises.change(row.id, {"region_id": region.id}, by=SYSTEM, at=NOW)


@pytest.mark.parametrize("seed", range(12))
def test_row_47_phone_list_and_batch_agree_over_random_assignments(cast, seed):
    dice, live = random.Random(seed), []
    person = cast.person(f"random{seed}")
    for day in range(8):
        random_step(dice, cast, person, live)
        on = TODAY + timedelta(3 * (day % 2))
        assignments.settle(at=NOW + (on - TODAY))

        held = set(Grant.objects.filter(person=person.id, live=True).values_list("scope__name", flat=True))
        by = cast.by(person, on=on)
        listed = {f"enterprise:{row.id}" for row in visible_enterprises(by)}
        touched = permitted(by, "enterprise.read", Enterprise.objects.values_list("id", flat=True))
        assert held == listed == {f"enterprise:{key}" for key in touched}
        assignments.settle(at=NOW)
