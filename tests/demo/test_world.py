"""The demo world: the same for the same seed, whole, plausible, and made by nobody but the real verbs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings as project
from django.core.management import call_command
from django.db import transaction
from django.db.models import Count, F

from client.phone import Phone
from demo.hours import moment
from inspections.deadlines import local_day
from inspections.models import Issue, IssueAction, Visit
from inspections.workflow import State
from journal import upkeep
from journal.models import Entry
from media.storage import storage
from organizations import uscc
from organizations.models import Assignment, Enterprise, Person
from organizations.roles import Role
from surveys.models import Response

MORNING = date(2026, 11, 23)
PASSWORD = "Demo-World-7"


@pytest.fixture(scope="module")
def made(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The command's own words; the world is made once for all tests here and taken back afterwards."""
    kept = {name: getattr(project, name) for name in ("VAR_DIR", "MEDIA_ROOT", "SPOOL_DIR", "DEMO_PASSWORD")}
    folder: Path = tmp_path_factory.mktemp("demo")
    project.VAR_DIR, project.MEDIA_ROOT, project.SPOOL_DIR = folder, str(folder / "media"), folder / "spool"
    project.DEMO_PASSWORD = PASSWORD
    storage.cache_clear()
    said = StringIO()
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("demo", day=MORNING, months=1, verbosity=2, stdout=said)
        yield said.getvalue()
        transaction.set_rollback(True)
    for name, value in kept.items():
        setattr(project, name, value)
    storage.cache_clear()


@pytest.fixture
def city(made: str) -> Iterator[str]:
    """The world; what a test changes in it is taken back."""
    with transaction.atomic():
        yield made
        transaction.set_rollback(True)


def test_the_accounts_and_their_password_are_told(city: str) -> None:
    assert PASSWORD in city
    accounts = (
        "liaison",
        "liaison2",
        "instructor",
        "observer",
        "station",
        "hrss",
        "embureau",
        "town",
        "office",
        "auditor",
    )
    assert all(Person.objects.filter(username=name, is_active=True).exists() for name in accounts)
    assert not Person.objects.filter(password__contains=PASSWORD).exists()


def test_no_step_of_the_stories_is_refused(city: str) -> None:
    assert "refused" not in city


def test_sixty_enterprises_lie_in_a_cluster_of_two_and_eight_and_more(city: str) -> None:
    slots = dict(Enterprise.objects.order_by().values_list("sample_cluster").annotate(Count("pk")))
    assert slots == {"2": 2, "8": 8, "N": 50}
    assert all(uscc.is_valid(code) for code in Enterprise.objects.values_list("uscc", flat=True))
    places = [row.location for row in Enterprise.objects.all()]
    assert all(31.7 < place["lat"] < 32.0 and 119.9 < place["lon"] < 120.7 for place in places)


def test_every_department_has_a_handler_and_every_enterprise_a_liaison(city: str) -> None:
    led = set(Issue.objects.exclude(lead=None).values_list("lead__code", flat=True))
    handled = set(Assignment.objects.filter(role=Role.HANDLER).values_list("department__code", flat=True))
    assert led <= handled
    towns = set(Assignment.objects.filter(role=Role.LIAISON).values_list("region", flat=True))
    assert set(Enterprise.objects.values_list("region", flat=True)) <= towns


def test_the_work_has_its_late_returned_extended_and_refused_answers(city: str) -> None:
    assert Visit.objects.count() > 80 and Response.objects.count() > 180 and Issue.objects.count() > 80
    assert Issue.objects.filter(replied_at__gt=F("due")).count() > 3
    assert Issue.objects.filter(extended=True).exists()
    assert Issue.objects.filter(instant=True).count() > 3
    done = set(IssueAction.objects.values_list("action", flat=True))
    assert {"request_return", "reject_reply", "urge", "follow_up", "answer_now", "close"} <= done
    assert {State.CLOSED, State.IN_PROGRESS} <= set(Issue.objects.values_list("state", flat=True))
    months = {at.strftime("%Y-%m") for at in Visit.objects.values_list("started_at", flat=True)}
    assert months == {"2026-10", "2026-11"}


def test_nothing_happens_on_a_day_off_or_after_the_morning_it_is_made_on(city: str) -> None:
    days = {local_day(at) for at in Visit.objects.values_list("started_at", flat=True)}
    assert max(days) < MORNING
    assert date(2026, 10, 1) not in days and not any(day.weekday() == 6 for day in days)
    assert not Entry.objects.filter(at__gte=moment(MORNING, 0)).exists()


def test_the_feed_of_the_demo_world_holds_together(city: str) -> None:
    assert list(upkeep.check()) == []


def test_a_liaison_pulls_their_town_and_proves_it_and_the_other_town_stays_out(
    city: str, http: httpx.Client, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    phone = Phone(http, "liaison", PASSWORD).sign_in().pull()
    own = set(phone.mirror.of("enterprises"))
    assert len(own) == 8
    assert phone.verify() == "match"
    outsider = Phone(http, "liaison2", PASSWORD).sign_in().pull()
    assert not own & set(outsider.mirror.of("enterprises"))
    assert not set(phone.mirror.of("issues")) & set(outsider.mirror.of("issues"))


def test_a_second_time_nothing_is_done(city: str) -> None:
    before = Issue.objects.count(), Person.objects.count()
    said = StringIO()
    call_command("demo", stdout=said)
    assert "nothing was done" in said.getvalue()
    assert (Issue.objects.count(), Person.objects.count()) == before
