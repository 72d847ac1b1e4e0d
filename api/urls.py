"""Every route of the API: each module of this floor lists its own, and is named here once."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern

MODULES: list[str] = [
    "sync",  # the busiest first: a route is found by going down this list
    "uploads",
    "photos",
    "auth",
    "users",
    "assignments",
    "devices",
    "places",
    "enterprises",
    "visits",
    "issues",
    "conference",
    "reply_templates",
    "open311",
    "routing",
    "calendar",
    "messages",
    "webhooks",
    "questionnaires",
    "responses",
    "public",
    "openrosa",
    "quarantine",
    "conflicts",
    "journal",
    "privacy",
    "reports",
    "report_tasks",
    "mailings",
    "ledgers",
    "snapshots",
    "layouts",
    "schemes",
    "schema",
]

urlpatterns: list[URLPattern] = [
    pattern for module in MODULES for pattern in import_module(f"api.{module}").urlpatterns
]
