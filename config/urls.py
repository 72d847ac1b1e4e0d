"""The doors of the house, each mounted by the floor that owns it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from api.photos import check_page
from api.schema import house

urlpatterns = [
    path("", house, name="house"),
    path("", include("api.health")),
    path("", include("config.metrics")),
    path("api/v1/", include("api.urls")),
    path("check/<str:code>", check_page, name="photo-check-page"),
    path("console/", admin.site.urls),
]
handler400 = "api.errors.bad_request"
handler403 = "api.errors.forbidden"
handler404 = "api.errors.not_found"
handler500 = "api.errors.crashed"
