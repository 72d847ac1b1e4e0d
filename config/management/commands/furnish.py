"""``manage.py furnish``: reference data, rules, schemes and the four questionnaires, for an installation without the demo world."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config import furnishing


class Command(BaseCommand):
    help = "Load reference data, routing rules, cadences, assessment schemes and the four questionnaires that are not there yet."

    def handle(self, *args: Any, **options: Any) -> None:
        at = timezone.now()
        furnishing.furnish(at=at)
        furnishing.publish_forms(at=at)
        self.stdout.write(
            "Furnished: reference data, rules, schemes and questionnaires stand. 基础数据、规则、考核方案和问卷已就绪。"
        )
