"""The gate for all, and the console's machinery (cookies, sessions, messages), which the API's requests pass by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from django.conf import settings
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject

from api.console.site import signed_in
from api.errors import MethodNotAllowed, page
from api.parsing import refused
from core.problems import Problem
from core.texts import Text

API = "/api/"
LISTS = "/api/v1/open311/"
"""Here a parameter may stand twice: others' clients say several codes so."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What this server understands at all. TRACE would echo a request with its credentials."""
PAGES_COME_FROM = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Scripts are files of ours, never part of a page. The console's toolkit evaluates expressions that its own templates hold in
attributes, which is what 'unsafe-eval' lets it."""
ANSWERS_COME_FROM = (
    "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""For the API: what it answers runs nothing and loads nothing, even when a browser takes it for a page."""


class TLSRequired(Problem):
    """The address of a program was spoken to in the clear."""

    kind = "tls-required"
    status = 403
    title = Text("请使用 HTTPS", "Use https")


class SoundAddresses:
    """What an address must not say is refused at the gate.

    Plain HTTP where TLS is wanted: people's pages are led there, but a program that speaks plainly has to notice. U+0000,
    because PostgreSQL would choke on it where SQLite would not. And for the API a parameter that stands there twice, because
    one reader would take the first and another the last.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SECURE_SSL_REDIRECT and request.path_info.startswith(API) and not request.is_secure():
            return page(request, TLSRequired())
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return page(request, refused("nul", Text("地址中不得含有空字符", "The address must not hold U+0000")))
        asked = request.META.get("QUERY_STRING", "")
        if "&" in asked and request.path_info.startswith(API) and not request.path_info.startswith(LISTS):
            names = [name for name, _ in parse_qsl(asked, keep_blank_values=True)]
            if len(names) > len(set(names)):
                said = Text("地址中同一参数出现两次", "The address says a parameter twice")
                return page(request, refused("repeated", said))
        return self.get_response(request)


class _PagesOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path_info.startswith(API):
            return self.get_response(request)
        return super().__call__(request)


class PageSessions(_PagesOnly, SessionMiddleware):
    """Sessions by cookie, for pages."""


class PageAuthentication(_PagesOnly, AuthenticationMiddleware):
    """``request.user`` from the session, for pages; nobody once the session at the console has ended."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: signed_in(request))  # type: ignore[assignment]  # what Django does itself


class PageMessages(_PagesOnly, MessageMiddleware):
    """Flash messages, for pages."""


class Headers:
    """What browsers are told: what a page may load, that nobody may frame it, and to keep no answer of the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method not in METHODS:
            return self._told(request, page(request, MethodNotAllowed(allow=sorted(METHODS))))
        return self._told(request, self.get_response(request))

    def _told(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        headers = response.headers
        if request.path_info.startswith(API):
            headers.setdefault("Content-Security-Policy", ANSWERS_COME_FROM)
            headers.setdefault("Cache-Control", "no-store")
        else:
            headers.setdefault("Content-Security-Policy", PAGES_COME_FROM)
        return response
