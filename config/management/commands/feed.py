"""`manage.py feed check | repair | purge`: does the feed say what the tables hold, and which deletions may be forgotten?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from config.renderings import rooms
from inspections import copies
from journal import upkeep


class Command(BaseCommand):
    help = (
        "check: compare chain, sums, hashes, every record's document and what reports read with the tables. "
        "repair: put right what can be derived, so that phones learn of it. "
        "purge: forget deletions that are older than 180 days; phones that were away for longer start over."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=("check", "repair", "purge"))

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        if options["what"] == "purge":
            self.stdout.write(f"{upkeep.purge(before=now - upkeep.TOMBSTONES_KEPT)} tombstones are gone.")
            return
        if options["what"] == "repair":
            self.stdout.write(f"{upkeep.repair(rooms(), at=now) + copies.mend()} repairs.")
        findings = [*upkeep.check(rooms()), *copies.check()]
        for finding in findings:
            expected = f": expected {finding.expected}" if finding.expected else ""
            self.stdout.write(f"{finding.kind} {finding.place}{expected} {finding.found}".rstrip())
        if findings:
            raise CommandError(f"{len(findings)} findings")
        self.stdout.write("The feed says what the tables hold.")
