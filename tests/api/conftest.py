from __future__ import annotations

import pytest

from tests import scenery
from tests.api.ground import Ground, stand
from tests.organizations.cast import Cast


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Argon2 is slow on purpose; these tests are not about it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db) -> Cast:
    return scenery.stage(Cast)


@pytest.fixture
def ground(files) -> Ground:
    """Something of everything, and people in every relation to it."""
    return stand()
