"""Every route of the API: each module of this floor lists its own, and is named here once."""

from __future__ import annotations

from importlib import import_module

from django.urls import URLPattern

MODULES: list[str] = [
    "auth",
    "users",
    "assignments",
    "devices",
    "places",
    "enterprises",
    "visits",
    "issues",
    "routing",
    "calendar",
    "questionnaires",
    "responses",
    "public",
    "sync",
    "quarantine",
    "conflicts",
    "journal",
    "photos",
    "uploads",
    "reports",
    "snapshots",
    "schemes",
    "schema",
]

urlpatterns: list[URLPattern] = [
    pattern for module in MODULES for pattern in import_module(f"api.{module}").urlpatterns
]
