"""`manage.py verify_photos`: walk every device's chain of photo records and the signed daily roots."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from media.chain import sign_due, verify
from media.models import Link, Root


class Command(BaseCommand):
    help = "Verify the chains of photo records and the signed root of every day that is over."

    def handle(self, *args: Any, **options: Any) -> None:
        sign_due(at=timezone.now())
        broken = 0
        for fault in verify():
            broken += 1
            where = f"day {fault.day}" if fault.day else f"device {fault.device}, number {fault.number}"
            self.stdout.write(f"{fault.kind:10}{where}" + (f", photo {fault.photo}" if fault.photo else ""))
        last = Root.objects.order_by("day").last()
        if last:
            self.stdout.write(
                f"the root of {last.day} is {last.digest}: kept elsewhere, it pins every record up to that day"
            )
        self.stdout.write(f"{Link.objects.count()} links, {Root.objects.count()} signed days, {broken} faults")
        if broken:
            raise CommandError("the photo records are not as they were received")
