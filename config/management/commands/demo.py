"""`manage.py demo`: the demo world, the same for the same seed and day."""

from __future__ import annotations

import json
import secrets
import time
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from core.texts import EN
from demo import people, world
from demo.hours import HALF_A_YEAR
from organizations import passwords


def day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text} is not a day like 2026-11-22") from None


class Command(BaseCommand):
    help = "Load the demo world into an empty database: enterprises, people, questionnaires, half a year of work."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="another seed is another world")
        parser.add_argument("--day", type=day, help="the morning on which the world stands (default: today)")
        parser.add_argument("--scale", type=int, default=1, help="times 60 enterprises with all that happens there")
        parser.add_argument("--months", type=int, default=HALF_A_YEAR, help="whole months before the running one")
        parser.add_argument("--if-empty", action="store_true", help="say nothing when there is data already")
        parser.add_argument("--force", action="store_true", help="load it beside the data there is")

    def handle(self, *args: Any, **options: Any) -> None:
        if not world.is_empty() and not options["force"]:
            if not options["if_empty"]:
                self.stdout.write("There is data in the database already; nothing was done. 数据库已有数据,未作改动。")
            return
        if settings.PRODUCTION and not options["force"]:
            raise CommandError("a production installation gets no demo world, unless you say --force")
        if options["scale"] < 1 or options["months"] < 1:
            raise CommandError("--scale and --months are 1 or more")
        password = settings.DEMO_PASSWORD or f"Demo-{secrets.token_hex(5)}"
        if faults := passwords.composition(password):
            raise CommandError("DEMO_PASSWORD: " + "; ".join(fault.detail.of(EN) for fault in faults))
        self.stdout.write("Making the demo world … 正在生成演示数据 …")
        began = time.monotonic()
        made = world.make(
            seed=options["seed"],
            today=options["day"] or timezone.localdate(),
            scale=options["scale"],
            months=options["months"],
            hashed=make_password(password),
            say=(lambda line: self.stdout.write(f"  {line}")) if options["verbosity"] > 1 else (lambda line: None),
        )
        if not settings.PRODUCTION:
            note(password)
        self.stdout.write(
            f"{made.enterprises} enterprises, {made.people} people, {made.visits} visits, {made.responses} responses, "
            f"{made.issues} issues in {time.monotonic() - began:.0f} s."
        )
        self.stdout.write(f"Accounts 账号 (password 密码: {password}):")
        for username, what in people.ACCOUNTS.items():
            self.stdout.write(f"  {username:<10} {what}  {what.en}")


def note(password: str) -> None:
    """Leave the accounts where `serve` and `make tour` find them, readable by nobody else; never in production."""
    path = Path(settings.VAR_DIR) / "demo.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    accounts = [{"username": name, "zh": str(what), "en": what.en} for name, what in people.ACCOUNTS.items()]
    path.write_text(json.dumps({"password": password, "accounts": accounts}, ensure_ascii=False), encoding="utf-8")
