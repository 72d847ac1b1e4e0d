"""What a request says about the answer it wants: its form, and which one it has already."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import itemgetter
from typing import Any

from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

WEIGHT = re.compile(r"[01](\.[0-9]{0,3})?")


def has(request: HttpRequest | Request, tag: str) -> bool:
    """Whether the caller has the representation of this strong tag already (``If-None-Match``).

    Tags are compared weakly (RFC 9110, 13.1.2): a proxy that compresses answers has put ``W/`` before ours.
    """
    known = [name.strip().removeprefix("W/") for name in request.headers.get("If-None-Match", "").split(",")]
    return tag in known or known == ["*"]


def preferred(accept: str) -> list[str]:
    """The media types of an ``Accept`` header, best first; what cannot be read or is refused (``q=0``) is left out."""
    found: list[tuple[float, str]] = []
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        if WEIGHT.fullmatch(weight) and float(weight):
            found.append((-float(weight), kind))
    return [kind for _, kind in sorted(found, key=itemgetter(0))]


class ByAddress(BaseContentNegotiation):
    """For views whose answer is a file: takes the first parser and renderer, since the address says the form (``?format=``)."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, Any]:
        first = next(iter(renderers))
        return first, first.media_type


class ParsedByType(DefaultContentNegotiation):
    """The parser by content type as usual; the answer's form is the view's own affair."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, Any]:
        first = next(iter(renderers))
        return first, first.media_type
