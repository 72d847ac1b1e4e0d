"""The doors of the house, each mounted by the floor that owns it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("api.urls")),
    path("console/", admin.site.urls),
]
