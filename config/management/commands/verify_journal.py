"""`manage.py verify_journal`: does the audit trail still hold, and does the feed say what it is made of?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from journal import upkeep


class Command(BaseCommand):
    help = "Verify the chain of the audit trail, the hashes of what phones hold, and the sums of their scopes."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = list(upkeep.check())
        for finding in findings:
            expected = f": expected {finding.expected}" if finding.expected else ""
            self.stdout.write(f"{finding.kind} {finding.place}{expected} {finding.found}".rstrip())
        if findings:
            raise CommandError(f"{len(findings)} findings; nothing was changed")
        self.stdout.write("The journal holds.")
