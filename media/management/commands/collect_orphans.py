"""`manage.py collect_orphans`: clear away objects in the store that no row speaks of."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from media.orphans import GRACE, collect


class Command(BaseCommand):
    help = "Note objects that no photo record speaks of, and remove those noted long enough ago."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=GRACE.days, help="how long an object is left alone, twice over")

    def handle(self, *args: Any, **options: Any) -> None:
        done = collect(at=timezone.now(), grace=timedelta(days=max(options["days"], 1)))
        self.stdout.write(
            f"{done.seen} old objects seen, {done.noted} belong to nobody, {done.claimed} were claimed, {done.removed} removed"
        )
