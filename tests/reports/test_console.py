"""The office's pages for schemes, cadences and snapshots call the same verbs."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from api.console.reports import LedgerForm, MailingForm, SchemeForm
from journal.models import Entry
from organizations.permissions import Caller
from reports import cadences, schemes
from reports.models import CadenceRow, LedgerLine, Mailing, Scheme
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
    for page in ("scheme", "cadencerow", "snapshot", "mailing", "ledgerline", "bulletinnumber"):
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


def test_a_mailing_is_arranged_and_changed_in_the_console(world: World, office: Caller) -> None:
    reader = world.people["hrss"]
    reader.email = "hrss@example.com"
    reader.save()
    form = type("Bound", (MailingForm,), {"by": office})
    values = {
        "title": "督办周报", "rhythm": "week", "workday": 1, "hour": 9, "active": "on", "report": "registers/pressing",
        "dress": "xlsx", "group_by": "department", "readers": [str(reader.pk)],
    }  # fmt: skip

    bad = form(values | {"dress": "docx"})
    assert not bad.is_valid()
    made = form(values)
    assert made.is_valid(), made.errors
    row = Mailing.objects.get()
    assert (row.wanted["register"], row.people, row.active) == ("pressing", [str(reader.pk)], True)
    changed = form(values | {"hour": 14}, instance=row)
    assert changed.is_valid(), changed.errors
    assert Mailing.objects.get().hour == 14


def test_the_office_enters_a_ledger_line_in_the_console(world: World, office: Caller) -> None:
    form = type("Bound", (LedgerForm,), {"by": office})
    told = {
        "region": world.bakery.region_id,
        "kind": "consultation",
        "day": "2026-01-05",
        "subject": "咨询",
        "people": 3,
    }

    made = form(told)
    assert made.is_valid(), made.errors
    assert LedgerLine.objects.get().people == 3
