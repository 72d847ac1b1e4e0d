"""The WSGI application that app processes serve: Django behind the gate."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

if TYPE_CHECKING:
    from config.admission import Admission


def build() -> Admission:
    django = get_wsgi_application()  # sets Django up, which the gate's own imports need
    from config.admission import Admission
    from config.legible import Legible

    _ = get_resolver().url_patterns  # every view is imported now and not by the first request
    spare_the_collector()
    return Admission(Legible(django))


def spare_the_collector() -> None:
    """What is loaded now lives as long as the process, so the collector need never walk it again.

    A batch makes tens of thousands of objects that die by themselves; with the interpreter's own thresholds a tenth of a push
    was spent looking at them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = build()
