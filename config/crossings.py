"""Connections that would leave this machine in the clear: production names them and does not start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def in_the_clear(database: Mapping[str, Any], *, storage: str, mail: str, mail_tls: bool) -> Iterator[str]:
    """A fault for each of database, store and mail server that is elsewhere and would be spoken to without TLS."""
    if _is_elsewhere(str(database.get("HOST") or "")) and database["OPTIONS"].get("sslmode") not in ENCRYPTED:
        yield "DATABASE_URL: a database on another machine needs ?sslmode=verify-full (or TRUSTED_NETWORK=true)"
    address = urlsplit(storage)
    if address.scheme != "https" and _is_elsewhere(address.hostname or ""):
        yield "S3_ENDPOINT_URL: a store on another machine needs https:// (or TRUSTED_NETWORK=true)"
    if not mail_tls and _is_elsewhere(mail):
        yield "EMAIL_USE_TLS: a mail server on another machine needs TLS (or TRUSTED_NETWORK=true)"


def _is_elsewhere(host: str) -> bool:
    """A path is a socket of this machine, and so is no host at all."""
    if not host or host.startswith("/") or host == "localhost":
        return False
    try:
        return not ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return True
