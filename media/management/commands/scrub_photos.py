"""`manage.py scrub_photos`: read every original back and compare it with its digest."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from media.scrub import scrub


class Command(BaseCommand):
    help = "Find missing and damaged photo originals and ask the phones for them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, help="so many, those verified longest ago first; default all")

    def handle(self, *args: Any, **options: Any) -> None:
        found = scrub(at=timezone.now(), limit=options["limit"])
        for word, digests in (("missing", found.missing), ("damaged", found.damaged), ("whole again", found.healed)):
            for digest in digests:
                self.stdout.write(f"{word:12}{digest}")
        told = (
            f"{found.read} read, {len(found.missing)} missing, {len(found.damaged)} damaged, {len(found.healed)} healed"
        )
        self.stdout.write(told)
        if found.missing or found.damaged:
            raise CommandError("some originals are not whole; their phones have been asked for them again")
