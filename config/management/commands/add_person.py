"""``manage.py add_person``: the first person of a new installation, or one more, from the server's own console."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from core.actors import SYSTEM
from core.problems import Problem
from journal import journal
from organizations import assignments, people
from organizations.roles import Role


class Command(BaseCommand):
    help = "Enter a person with a city-wide role (office by default); the password is asked for, or read from a pipe."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("name")
        parser.add_argument("--role", choices=[Role.OFFICE.value, Role.AUDITOR.value], default=Role.OFFICE.value)

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        values = {"username": options["username"], "name": options["name"]}
        password = getpass.getpass("Password: ") if sys.stdin.isatty() else input()
        try:
            with journal.unit(by=SYSTEM, at=at):
                person = people.create(values, password=password, by=SYSTEM, at=at)
                draft = assignments.Draft(person.id, Role(options["role"]), timezone.localdate(at))
                assignments.begin([draft], by=SYSTEM, at=at)
        except Problem as problem:
            faults = "; ".join(fault.detail.en for fault in problem.errors)
            raise CommandError(faults or problem.detail.en) from None
        self.stdout.write(f"{person.username} {person.id}")
