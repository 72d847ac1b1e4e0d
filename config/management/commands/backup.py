"""`manage.py backup FILE`: a consistent copy of the database, and word to the phones that it exists."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config import backups


class Command(BaseCommand):
    help = "Back the database up into FILE (SQLite: a database; PostgreSQL: for pg_restore). Copy the photos after it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--media", type=Path, help="copy the photos there too (with MEDIA_STORAGE=disk)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            note = backups.take(options["file"], at=timezone.now())
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{options['file']} holds everything up to position {note.version}; "
            f"phones may forget what was received before {note.durable_until}."
        )
        if options["media"]:
            copied = backups.copy_files(Path(settings.MEDIA_ROOT), options["media"])
            self.stdout.write(f"{copied} photos were copied.")
