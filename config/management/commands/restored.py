"""`manage.py restored`: say that the database was brought back from a backup, before serving again."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import backups


class Command(BaseCommand):
    help = "Begin a new epoch after a restore, so that phones start over and send again what the backup may lack."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--backup", type=Path, help="the file that was restored, with its note beside it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            epoch = backups.returned(options["backup"])
        except FileNotFoundError as error:
            raise CommandError(f"{error.filename} is not there; leave --backup out if it is lost") from error
        self.stdout.write(f"The epoch is now {epoch}. Phones will start over and send again what the backup lacks.")
