"""``manage.py privacy_register``: the register of personal information, for ``docs/personal-information.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from privacy.register import page


class Command(BaseCommand):
    help = "Print what is kept of people, or write it to --file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"]:
            options["file"].write_text(page(), encoding="utf-8")
        else:
            self.stdout.write(page())
