"""`manage.py retention`: what is kept longer than the register says; with --apply, let it go."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from privacy import retention


class Command(BaseCommand):
    help = "Tell what personal data has reached the end of its time; nothing happens without --apply."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--apply", action="store_true", help="let it go, as the worker does daily")

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        for due in retention.report(at=at):
            days = f"{due.days} days" if due.days is not None else "with its record"
            count = "-" if due.count is None else str(due.count)
            self.stdout.write(f"{due.category:<14} {days:<16} {count:>8}")
        if options["apply"]:
            done = 0
            while some := retention.keep(at=at):
                done += some
            self.stdout.write(f"{done} rows let go")
