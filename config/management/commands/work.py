"""``manage.py work``: the worker. Any number may run; stopping one at any point loses nothing."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from config import safety
from config.chores import DUTIES, round_of

PAUSE = 1.0
PATIENCE = 5.0


class Command(BaseCommand):
    help = "Do what is due: develop photos, urge and escalate issues, tell people, tidy up. Until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="do what is due now, then stop")

    def handle(self, *args: Any, **options: Any) -> None:
        safety.refuse_to_start()
        stop = threading.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: stop.set())
        while not stop.is_set():
            pause = PAUSE
            try:
                round_of(DUTIES, now=timezone.now)
            except DatabaseError as error:
                self.stderr.write(f"the database is away ({type(error).__name__}), trying again")
                close_old_connections()
                pause = PATIENCE
            if options["once"]:
                return
            stop.wait(pause)
