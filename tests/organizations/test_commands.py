"""The first person of an installation is let in from the server's own console."""

from __future__ import annotations

import io
import sys

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from organizations.models import Person
from organizations.permissions import may
from tests.organizations.cast import Cast


def run(monkeypatch, password):
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    call_command("add_person", "first", "第一人", stdout=io.StringIO())


def test_the_first_person_of_the_office(cast: Cast, monkeypatch):
    run(monkeypatch, "Correct-Horse-9")

    assert may(cast.by(Person.objects.get(username="first"), on=timezone.localdate()), "console.use")


def test_a_weak_password_enters_nobody(cast: Cast, monkeypatch):
    with pytest.raises(CommandError, match="Must have"):
        run(monkeypatch, "short")
    assert not Person.objects.filter(username="first").exists()
