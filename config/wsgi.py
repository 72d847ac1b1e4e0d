"""The WSGI application that app processes serve: Django behind the gate."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

if TYPE_CHECKING:
    from config.admission import Admission


def build() -> Admission:
    django = get_wsgi_application()  # sets Django up, which the gate's own imports need
    from config.admission import Admission

    _ = get_resolver().url_patterns  # every view is imported now and not by the first request
    return Admission(django)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = build()
