"""The name under which all lines that one request or one piece of work writes into the logs are found again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The request that is being answered, or that caused what a worker does; empty outside of both."""


@contextmanager
def named(name: str) -> Iterator[None]:
    """What is logged in this block belongs to ``name``."""
    token = request_id.set(name)
    try:
        yield
    finally:
        request_id.reset(token)
