"""The office's pages for schemes, cadences and snapshots call the same verbs."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from api.console.reports import SchemeForm
from journal.models import Entry
from organizations.permissions import Caller
from reports import cadences, schemes
from reports.models import CadenceRow, Scheme
from tests.inspections.cast import World


@pytest.fixture
def office(world: World) -> Caller:
    return world.caller("office")


def test_a_cadence_is_changed_by_the_verb_and_remembered(world: World, office: Caller) -> None:
    schemes.load_cadences(by=office, at=world.now)
    schemes.set_cadence("liaison", visits=2, months=1, each="enterprise", by=office, at=world.now)
    schemes.load_cadences(by=office, at=world.now)

    assert CadenceRow.objects.get(role="liaison").visits == 2
    assert Entry.objects.filter(verb="cadence.set").count() == len(cadences.shipped()) + 1


def test_the_pages_open_for_nobody_else(world: World) -> None:
    for page in ("scheme", "cadencerow", "snapshot"):
        assert Client().get(f"/console/reports/{page}/").status_code in (302, 403)


def test_a_scheme_edited_in_the_console_is_a_new_version(world: World, office: Caller) -> None:
    department, _ = schemes.load_defaults(by=office, at=world.now)
    form = type("Bound", (SchemeForm,), {"by": office})
    values = {"code": "department", "title_zh": "考核", "title_en": "Scheme", "group_by": "department", "items": "[]"}

    refused = form(values, instance=Scheme.objects.get(pk=department.pk))
    assert not refused.is_valid()
    assert "items" in refused.errors
    accepted = form(values | {"items": json.dumps(department.items[:1])}, instance=Scheme.objects.get(pk=department.pk))
    assert accepted.is_valid(), accepted.errors
    assert (accepted.instance.version, accepted.instance.state) == (2, "draft")
    assert Scheme.objects.get(pk=department.pk).items == department.items
