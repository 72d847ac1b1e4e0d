"""What the demo world is made of, and what its command refuses."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from demo import world
from demo.dice import Dice
from demo.firms import credit_code
from demo.hours import Agenda, moment

MORNING = date(2026, 11, 23)


def test_a_weak_password_is_refused_before_anything_is_made(db: None, settings: Any) -> None:
    settings.DEMO_PASSWORD = "short"
    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        call_command("demo", stdout=StringIO())
    assert world.is_empty()


def test_a_production_installation_gets_no_demo_world(db: None, settings: Any) -> None:
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="production"):
        call_command("demo", stdout=StringIO())
    assert world.is_empty()


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    one, again, other = (Dice(seed, "firms") for seed in (1, 1, 2))
    names = [[dice.key(moment(MORNING, 8)) for _ in range(5)] + [credit_code(dice)] for dice in (one, again, other)]
    assert names[0] == names[1] != names[2]


def test_the_agenda_keeps_time_and_puts_what_one_person_does_together() -> None:
    agenda, noon = Agenda(), moment(MORNING, 12)
    anne, bert = (Dice(1, name).key(noon) for name in "ab")
    agenda.put(noon, bert, "late")
    agenda.put(noon - timedelta(hours=1), anne, "early")
    agenda.put(noon - timedelta(hours=1), anne, "too")
    agenda.put(noon + timedelta(days=1), anne, "never")
    assert [(who, items) for _, who, items in agenda.until(noon + timedelta(hours=1))] == [
        (anne, ["early", "too"]),
        (bert, ["late"]),
    ]
