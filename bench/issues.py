"""How the desk and the clock do with a million issues on a real PostgreSQL: queue pages, counts, the escalation sweep.

    python -m bench.issues [--issues 1000000] [--open 100000] [--rounds 5]

Rows are made in the database by ``generate_series``. A page's figure is database time: what its statements took.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from tempfile import mkdtemp
from typing import Any

from bench.reports import ISSUES, SEGMENTS


def main() -> None:
    """Make the issues, turn the pages, sweep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--open", type=int, default=100_000)
    parser.add_argument("--enterprises", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    from tests.services.postgres import Postgres

    with Postgres(settings={"shared_buffers": "512MB", "work_mem": "32MB", "max_wal_size": "4GB"}) as server:
        os.environ["DATABASE_URL"] = server.create("issues")
        os.environ["VAR_DIR"] = mkdtemp(prefix="bench-issues-")
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        fill(asked.issues, asked.open, asked.enterprises)
        pages(asked.rounds)
        sweeps()
        arithmetic()


def fill(issues: int, running: int, enterprises: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from bench.reports import _people
    from tests.reports import worlds

    call_command("migrate", verbosity=0)
    worlds.furnish()
    _people(enterprises)
    text = ISSUES.replace("* 0.98 THEN", f"* {1 - running / issues} THEN")
    text = text.replace("state, previous_state, lead_code,", "state, previous_state, lead_code, lead_id,")
    text = text.replace("d.code, '[]',", "d.code, d.id, '[]',")
    numbered = "row_number() OVER () - 1 AS k FROM organizations_department"
    text = text.replace(f"code, {numbered}", f"code, id, {numbered}")
    with connection.cursor() as cursor:
        for statement in (text, SEGMENTS):
            for name, amount in (("issues", issues), ("enterprises", enterprises)):
                statement = statement.replace(f"%({name})s", str(amount))
            cursor.execute(statement.replace("%%", "%"))
        cursor.execute("ANALYZE")


def pages(rounds: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from api.issue_shapes import rendered
    from api.issues import _chosen, fetched
    from inspections import issues
    from inspections.deadlines import SHANGHAI
    from inspections.models import ENDED_STATES
    from organizations import permissions
    from organizations.models import Assignment, Department, Person

    at = datetime(2026, 11, 2, 12, tzinfo=SHANGHAI)
    handler, office = (Person.objects.create(username=name, name=name) for name in ("handler", "office"))
    hrss = Department.objects.get(code="HRSS")
    Assignment.objects.create(person=handler, role="handler", department=hrss, starts_on="2024-01-01")
    Assignment.objects.create(person=office, role="office", starts_on="2024-01-01")

    def page(person: Person, order: tuple[str, ...], **asked: Any) -> Callable[[], int]:
        by = permissions.caller(person.id, on=at.date())

        def turn() -> int:
            rows = fetched(_chosen(issues.visible(by), asked, at))
            if order[0] == "due":
                rows = rows.exclude(state__in=ENDED_STATES).exclude(due=None)
            return len(rendered(list(rows.order_by(*order)[:101]), by, at))

        return turn

    for name, turn in (
        ("a department's queue by due time", page(handler, ("due", "id"))),
        ("the same, asked for by its lead", page(handler, ("due", "id"), lead="HRSS")),
        ("a department's overdue issues", page(handler, ("due", "id"), lead="HRSS", overdue=True)),
        ("the office's queue", page(office, ("due", "id"))),
        ("the office's newest", page(office, ("-submitted_at", "id"))),
    ):
        database, wall = [], []
        for _ in range(rounds):
            with CaptureQueriesContext(connection) as captured:
                began = time.perf_counter()
                turn()
                wall.append(time.perf_counter() - began)
            database.append(sum(float(query["time"]) for query in captured))
        print(
            f"{name:44} database {statistics.median(database) * 1000:7.1f} ms, page {statistics.median(wall) * 1000:7.1f} ms"
        )


def sweeps() -> None:
    from inspections import escalation
    from inspections.deadlines import SHANGHAI

    at = datetime(2026, 11, 2, 12, tzinfo=SHANGHAI)
    for name in ("first sweep, everything to be warned", "second sweep, nothing new"):
        began, processor = time.perf_counter(), time.process_time()
        swept = escalation.sweep(at=at)
        busy = time.process_time() - processor
        print(f"{name:44} {time.perf_counter() - began:7.1f} s ({busy:.1f} s of our processor), {swept.warned} warned")


def arithmetic() -> None:
    """Due times a second, over every day of a year and every limit."""
    from datetime import timedelta

    from inspections import calendar, deadlines
    from inspections.deadlines import SHANGHAI

    of, first = calendar.current(), datetime(2026, 1, 1, 9, tzinfo=SHANGHAI)
    asked = [(first + timedelta(days=day), limit) for day in range(365) for limit in range(1, 61)]
    began = time.process_time()
    for at, limit in asked:
        deadlines.due(of, at, limit)
    print(f"{'calendar arithmetic':44} {len(asked) / (time.process_time() - began):,.0f} due times a processor second")


if __name__ == "__main__":
    main()
