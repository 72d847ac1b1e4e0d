"""``manage.py verify_reports``: whether every snapshot still is what it was."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from reports import snapshots
from reports.models import Snapshot


class Command(BaseCommand):
    help = "Check the digests of all report snapshots and of the id lists behind their numbers."

    def handle(self, *args: Any, **options: Any) -> None:
        checked, wrong = 0, 0
        for row in Snapshot.objects.order_by("taken_at").iterator(chunk_size=10):
            checked += 1
            for fault in snapshots.verify(row):
                wrong += 1
                self.stderr.write(f"{row.kind} {row.period} {row.group_by} v{row.version} ({row.id}): {fault.en}")
        if wrong:
            raise CommandError(f"{wrong} faults in {checked} snapshots")
        self.stdout.write(f"{checked} snapshots are what they were")
