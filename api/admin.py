"""Where Django's admin looks for pages: each module of the console registers its own."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from api.console import collect, issues, people, places, privacy, questionnaires, reports, responses, rules

__all__ = ["collect", "issues", "people", "places", "privacy", "questionnaires", "reports", "responses", "rules"]

admin.site.unregister(Group)  # roles are assignments; Django's groups mean nothing here
