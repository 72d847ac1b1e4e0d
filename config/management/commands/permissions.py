"""``manage.py permissions``: the readable table of who may do what, for ``docs/permissions.md``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from api.policy import readable


class Command(BaseCommand):
    help = "Print who may do what, or write it to --file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["file"]:
            options["file"].write_text(readable(), encoding="utf-8")
        else:
            self.stdout.write(readable())
