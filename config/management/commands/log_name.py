"""``manage.py log_name``: how somebody is called in the logs, for whoever looks into a case."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from organizations.alarms import pseudonym
from organizations.models import Person


class Command(BaseCommand):
    help = "Tell under which pseudonym a user name stands in the logs: as a person, and as a name that nobody has."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        username = Person.normalize_username(options["username"])
        person = Person.objects.filter(username=username).first()
        if person is not None:
            self.stdout.write(f"person {pseudonym(person.id)}")
        self.stdout.write(f"name {pseudonym(username)}")
