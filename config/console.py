"""The admin application with our own site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    default_site = "api.console.site.ConsoleSite"
