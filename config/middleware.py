"""The console's machinery (cookies, sessions, messages), which the API's requests pass by."""

from __future__ import annotations

from collections.abc import Awaitable

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

API = "/api/"


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
