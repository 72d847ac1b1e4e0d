"""`manage.py verify_journal`: does the audit trail still hold, and does the feed say what it is made of?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from journal import chain, upkeep


class Command(BaseCommand):
    help = "Verify the chain of the audit trail, the hashes of what phones hold, and the sums of their scopes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--noted",
            nargs=2,
            metavar=("POSITION", "DIGEST"),
            help="what an earlier run told and the auditor wrote down",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(upkeep.check())
        for finding in findings:
            expected = f": expected {finding.expected}" if finding.expected else ""
            self.stdout.write(f"{finding.kind} {finding.place}{expected} {finding.found}".rstrip())
        if findings:
            raise CommandError(f"{len(findings)} findings; nothing was changed")
        noted = options["noted"]
        if noted and not (noted[0].isdecimal() and chain.stands(int(noted[0]), noted[1])):
            raise CommandError(f"the chain does not pass through {noted[0]} {noted[1]}: its past was written anew")
        position, digest = chain.end()
        self.stdout.write(f"The journal holds. Note down: {position} {digest}")
