"""`manage.py restore FILE`: bring the database back from a backup, and the photos if asked, then begin a new epoch."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import backups


class Command(BaseCommand):
    help = (
        "Replace the database by what FILE holds, and begin a new epoch. Stop the server and the worker first. "
        "Everything received since the backup is gone from here; phones send it again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--media", type=Path, help="the copied photos (with MEDIA_STORAGE=disk)")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"] and input("The present database will be replaced. Type yes: ") != "yes":
            raise CommandError("nothing was done")
        try:
            epoch = backups.restore(options["file"])
        except backups.BackupFailed as error:
            raise CommandError(str(error)) from error
        if options["media"]:
            copied = backups.copy_files(options["media"], Path(settings.MEDIA_ROOT))
            self.stdout.write(f"{copied} photos were brought back.")
        self.stdout.write(f"The epoch is now {epoch}. Phones will start over and send again what the backup lacks.")
