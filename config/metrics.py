"""`/metrics` for Prometheus: requests as this server's app processes counted them; sync, work and deadlines as they stand.

What is read from the database at each scrape is true for the whole installation, whichever server answers; requests are
counted for each `manage.py serve` apart (config/counting.py). A server on its own answers anybody; in production the
reader must know METRICS_TOKEN.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from secrets import compare_digest

from django.conf import settings
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from api.doors import open_door
from config import counting
from config.models import Chore
from inspections.models import ENDED_STATES, Issue
from journal.models import Feed
from media.models import Development
from notifications.models import Delivery
from sync.models import ConflictState, FieldConflict, Quarantined, QuarantineState


class Standing:
    """The figures at one moment, as Prometheus collects them."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._sync()
        yield from self._work()
        yield from self._deadlines()

    def _sync(self) -> Iterator[GaugeMetricFamily]:
        feed = Feed.objects.filter(pk=1).first()
        yield gauge("feed_position", "The last position given out by the journal", feed.version if feed else 0)
        waiting = Quarantined.objects.filter(state=QuarantineState.WAITING).aggregate(
            count=Count("id"), oldest=Min("received_at")
        )
        yield gauge("quarantine_waiting", "Mutations waiting in quarantine", waiting["count"])
        yield gauge("quarantine_oldest_seconds", "Age of the oldest of them", self._age(waiting["oldest"]))
        open_conflicts = FieldConflict.objects.filter(state=ConflictState.OPEN).count()
        yield gauge("conflicts_open", "Conflicts nobody has resolved yet", open_conflicts)

    def _work(self) -> Iterator[GaugeMetricFamily]:
        photos = Development.objects.filter(done_at=None).aggregate(
            count=Count("id"), oldest=Min("due_at", filter=Q(due_at__lte=self.at))
        )
        yield gauge("photo_work_waiting", "Pieces of photo work not done yet", photos["count"])
        yield gauge("photo_work_late_seconds", "How late the oldest piece that is due is", self._age(photos["oldest"]))
        deliveries = Delivery.objects.filter(state="pending").count()
        yield gauge("deliveries_waiting", "Deliveries to other systems and mail addresses not made yet", deliveries)
        late = GaugeMetricFamily(
            "sanyuantong_chore_late_seconds", "How late a chore of the worker is", labels=["chore"]
        )
        failed = GaugeMetricFamily("sanyuantong_chore_failed", "Whether its last run failed", labels=["chore"])
        for chore in Chore.objects.order_by("name"):
            late.add_metric([chore.name], self._age(chore.due_at))
            failed.add_metric([chore.name], float(bool(chore.failure)))
        yield late
        yield failed

    def _deadlines(self) -> Iterator[GaugeMetricFamily]:
        states = GaugeMetricFamily("sanyuantong_issues", "Issues that have not ended, by state", labels=["state"])
        running = Issue.objects.exclude(state__in=ENDED_STATES)
        for state, count in running.order_by("state").values_list("state").annotate(Count("id")):
            states.add_metric([state], count)
        yield states
        overdue = running.filter(state__in=("dispatched", "in_progress", "return_pending"), due__lt=self.at).count()
        yield gauge("issues_overdue", "Issues past their due time without a reply", overdue)

    def _age(self, since: datetime | None) -> float:
        return max(0.0, (self.at - since).total_seconds()) if since else 0.0


def gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sanyuantong_{name}", meaning, value=value)


@open_door
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text; 404 for whoever may not read them."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if (token or settings.PRODUCTION) and not (token and compare_digest(given.encode(), token.encode())):
        return HttpResponse(status=404)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Standing(timezone.now()))
    counting.register_in(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


urlpatterns = [path("metrics", metrics, name="metrics")]
