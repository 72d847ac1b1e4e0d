"""Requests whose kind of content cannot be read come to Django as of a kind that nobody takes.

Django reads the header before any view or middleware of ours could answer, and decodes the address by its ``charset``. It falls
over an encoding that it does not know (RFC 2231) and over codecs that decode no text, such as ``rot13``: a 500 to whoever
asks for it, signed in or not.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from django.utils.http import parse_header_parameters

from config.admission import Application

UNREADABLE = "application/x-unreadable"
ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1", "gb18030", "gbk", "gb2312", "big5"})
"""What addresses and forms may say they are in; each of them decodes any bytes at all."""


class Legible:
    """The WSGI application, asked with headers that can be read."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["CONTENT_TYPE"] = readable(environ.get("CONTENT_TYPE") or "")
        return self.application(environ, start_response)


@lru_cache(maxsize=256)
def readable(content_type: str) -> str:
    """The header as it came, or ``UNREADABLE``."""
    if ";" not in content_type:
        return content_type
    try:
        _, parameters = parse_header_parameters(content_type)
        encoding = codecs.lookup(parameters.get("charset", "utf-8")).name
    except LookupError:
        return content_type  # Django passes over a name that it does not know
    except ValueError:
        return UNREADABLE
    return content_type if encoding in ENCODINGS else UNREADABLE
