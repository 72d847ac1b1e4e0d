"""An installation without the demo world gets what it needs, and keeps what its office has changed."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from inspections.rulebook import IssueCategory, RoutingRule
from organizations.models import Department, Region
from surveys.models import Version

pytestmark = pytest.mark.django_db


def counted() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Region, Department, IssueCategory, RoutingRule, Version))


def test_furnishing_twice_is_furnishing_once() -> None:
    call_command("furnish")
    first = counted()
    assert all(first)
    assert Version.objects.filter(status="published").count() == 4

    call_command("furnish")

    assert counted() == first
