"""Requests whose headers cannot be read come to Django as asking for, or bringing, a kind of content that nobody knows.

Django and the REST framework read these headers before any view of ours could answer, and decode the address by what
``Content-Type`` says. They fall over an encoding that they do not know (RFC 2231), over parameters numbered in vain, and over
codecs that decode no text, such as ``rot13``: a 500 to whoever asks for it, signed in or not.
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
        if "HTTP_ACCEPT" in environ:
            environ["HTTP_ACCEPT"] = acceptable(environ["HTTP_ACCEPT"])
        return self.application(environ, start_response)


def parameters(line: str) -> tuple[str, dict[str, str]]:
    """A header's value and its parameters. Raises ValueError for whatever cannot be read, as its users expect."""
    try:
        value, found = parse_header_parameters(line)
    except TypeError as fault:  # the standard library's, over parameters of which only some are numbered
        raise ValueError(str(fault)) from fault
    return value, found


@lru_cache(maxsize=256)
def readable(content_type: str) -> str:
    """The ``Content-Type`` as it came, or ``UNREADABLE``."""
    if ";" not in content_type:
        return content_type
    try:
        encoding = _encoding(parameters(content_type)[1].get("charset", "utf-8"))
    except ValueError:
        return UNREADABLE
    return content_type if encoding in ENCODINGS else UNREADABLE


def _encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"  # Django passes over a name that it does not know


@lru_cache(maxsize=256)
def acceptable(accept: str) -> str:
    """The ``Accept`` as it came, or ``UNREADABLE``."""
    try:
        for kind in accept.split(","):
            parameters(kind)
    except ValueError:
        return UNREADABLE
    return accept
