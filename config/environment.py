"""Reading the environment so that every fault is told at once, before anything starts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import environ

T = TypeVar("T")
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}


class Environment:
    """The process environment plus an optional ``.env`` file, read with named faults.

    Every accessor notes the key it was asked for (``known``), so that ``.env.example`` can be held to it.
    """

    def __init__(self, dotenv: Path) -> None:
        if dotenv.is_file():
            environ.Env.read_env(str(dotenv))
        self.known: dict[str, str] = {}
        self.faults: list[str] = []

    def _read(self, key: str, default: str, convert: Callable[[str], T], fallback: T) -> T:
        self.known[key] = default
        value = os.environ.get(key, default)
        try:
            return convert(value)
        except ValueError as error:
            self.faults.append(f"{key}={value!r}: {error}")
            return fallback

    def text(self, key: str, default: str = "") -> str:
        return self._read(key, default, str.strip, default)

    def choice(self, key: str, default: str, options: tuple[str, ...]) -> str:
        def convert(value: str) -> str:
            if value not in options:
                raise ValueError(f"must be one of {', '.join(options)}")
            return value

        return self._read(key, default, convert, default)

    def boolean(self, key: str, *, default: bool) -> bool:
        def convert(value: str) -> bool:
            if value.lower() in TRUE | FALSE:
                return value.lower() in TRUE
            raise ValueError("must be true or false")

        return self._read(key, str(default).lower(), convert, default)

    def number(self, key: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        def convert(value: str) -> int:
            if not value.strip().isdigit() or not least <= int(value) <= most:
                raise ValueError(f"must be a whole number from {least} to {most}")
            return int(value)

        return self._read(key, str(default), convert, default)

    def words(self, key: str, default: str = "") -> list[str]:
        return self._read(key, default, lambda value: [word.strip() for word in value.split(",") if word.strip()], [])

    def database(self, key: str, default: str) -> dict[str, object]:
        def convert(value: str) -> dict[str, object]:
            with warnings.catch_warnings():  # it warns of an address that we refuse by name
                warnings.simplefilter("ignore", UserWarning)
                parsed = dict(environ.Env.db_url_config(value))
            if parsed.get("ENGINE") not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
                raise ValueError("must begin with sqlite:/// or postgres://")
            return parsed

        try:
            return self._read(key, default, convert, {})
        except environ.ImproperlyConfigured as error:
            self.faults.append(f"{key}: {error}")
            return {}

    def refuse(self, fault: str) -> None:
        """Note a fault that concerns several keys at once."""
        self.faults.append(fault)

    def stop_on_faults(self) -> None:
        """Leave with all the faults named, one a line."""
        if self.faults:
            lines = "\n".join(f"  - {fault}" for fault in self.faults)
            raise SystemExit(f"The settings are not usable (see .env.example):\n{lines}")
