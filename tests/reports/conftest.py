from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine

from tests import scenery
from tests.inspections import cast
from tests.reports.desk import november


@pytest.fixture(autouse=True)
def quick_passwords(settings: pytest.FixtureRequest) -> None:
    """Argon2 is slow on purpose; these tests are not about it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None) -> cast.World:
    return cast.settle()


@pytest.fixture
def busy(db: None) -> Iterator[cast.World]:
    """November, looked at in December."""
    world = scenery.stage(november)
    with time_machine.travel(world.now, tick=True):
        yield world
