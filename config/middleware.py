"""The gate for all, and the console's machinery (cookies, sessions, messages), which the API's requests pass by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from api.errors import page
from api.parsing import refused
from core.texts import Text

API = "/api/"
PAGES_COME_FROM = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
"""The console's own toolkit evaluates expressions in attributes, so scripts may be inline; nothing comes from elsewhere."""


class NoNul:
    """U+0000 in an address is refused at the gate: PostgreSQL would choke on it where SQLite would not."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return page(request, refused("nul", Text("地址中不得含有空字符", "The address must not hold U+0000")))
        return self.get_response(request)


class _PagesOnly(MiddlewareMixin):
    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if request.path_info.startswith(API):
            return self.get_response(request)
        return super().__call__(request)


class PageSessions(_PagesOnly, SessionMiddleware):
    """Sessions by cookie, for pages."""


class PageAuthentication(_PagesOnly, AuthenticationMiddleware):
    """``request.user`` from the session, for pages."""


class PageMessages(_PagesOnly, MessageMiddleware):
    """Flash messages, for pages."""


class PageHeaders(_PagesOnly, MiddlewareMixin):
    """What browsers are told about pages: scripts, styles and frames come from here or not at all."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        response.headers.setdefault("Content-Security-Policy", PAGES_COME_FROM)
        return response
