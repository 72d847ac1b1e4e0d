"""What app processes count of the requests they answer, for `/metrics`.

Under `manage.py serve` every app process keeps its counts in files of one folder (PROMETHEUS_MULTIPROC_DIR), so that
whichever of them is asked tells the sum, those of processes that have died included.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.multiprocess import MultiProcessCollector

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REQUESTS = Histogram(
    "sanyuantong_http_request_seconds",
    "Requests answered and how long each took",
    ["method", "route", "status"],
    buckets=SECONDS,
    registry=None,
)
REFUSED = Counter("sanyuantong_http_refused", "Requests refused because too many came at once", registry=None)


@lru_cache(maxsize=5000)
def _child(method: str, route: str, status: int) -> Histogram:
    return REQUESTS.labels(method, route, str(status))


def answered(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answer. A caller's own invention of a method is not a label."""
    _child(method if method in METHODS else "other", route or "(none)", status).observe(seconds)


def register_in(registry: CollectorRegistry) -> None:
    """Add the counts of all app processes of this server to what is told."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        collect: Callable[[CollectorRegistry], object] = MultiProcessCollector
        collect(registry)
    else:
        registry.register(REQUESTS)
        registry.register(REFUSED)
