"""Requests whose kind of content cannot be read come to Django as of a kind that nobody takes.

Django reads the header before any view or middleware of ours could answer, and falls over an encoding that it does not know
(RFC 2231): a 500 to whoever asks for it, signed in or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

from config.admission import Application

UNREADABLE = "application/x-unreadable"


class Legible:
    """The WSGI application, asked with headers that can be read."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = readable(environ.get("CONTENT_TYPE") or "")
        return self.application(environ, start_response)


def readable(content_type: str) -> str:
    """The header as it came, or ``UNREADABLE``. Only what has an encoding of its own (``name*=``) can be wrong."""
    if "*" in content_type:
        try:
            parse_header_parameters(content_type)
        except ValueError:
            return UNREADABLE
    return content_type
