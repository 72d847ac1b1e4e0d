"""How long reports take over a large city: a million issues and two million visits on a real PostgreSQL.

    python -m bench.reports [--issues 1000000] [--visits 2000000] [--rounds 3] [--database URL]

With ``--database`` the city is made in an empty database of a server that runs already, or measured where it was made
before and migrated to what the code now wants: making it takes minutes. Without, a server is started for this run alone.

Rows are made in the database by ``generate_series``, spread evenly over two years and in the order of
their times, as they would have come in; the figures are medians:
seconds by the clock, and CPU-seconds of ours and of all of the server's processes together.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

ISSUES = """
INSERT INTO inspections_issue (id, enterprise_id, region_id, category_id, description, severity, confidential, external_channel,
  external_case_no, reporter_id, submitted_at, state, previous_state, lead_code, assists, deadline_class_id, "limit", allowance,
  dispatched_at, acknowledge_due, acknowledged_at, first_response_due, first_response_at, due, original_due, provisional_due,
  replied_at, outcome, closed_at, satisfaction, solved, method, instant, round, reworks, segment, returns, adjudicated, extended,
  paused_workdays, colour, level, updated_at)
SELECT gen_random_uuid(), e.id, e.region_id, c.code, repeat('问题描述', 20), 'normal', false, '', '', p.id, t, state, '', d.code, '[]',
  'B', 5, 5, t + interval '1 hour', t + interval '1 day', t + interval '20 hours' * (0.5 + random()), t + interval '1 day',
  t + interval '18 hours' * (0.5 + random()), t + interval '7 days', t + interval '7 days', false,
  CASE WHEN state IN ('closed', 'follow_up', 'replied') THEN t + interval '4 days' * (0.2 + random()) END, '',
  CASE WHEN state = 'closed' THEN t + interval '9 days' END,
  CASE WHEN state = 'closed' THEN (ARRAY['satisfied', 'very_satisfied', 'dissatisfied', 'not_rated'])[1 + n % 4] ELSE '' END,
  CASE WHEN state = 'closed' THEN n % 9 > 0 END, 'phone', n % 40 = 0 AND state = 'closed', 1 + (n % 20 = 0)::int, 0, 1, '[]', false,
  n % 15 = 0, CASE WHEN n % 25 = 0 THEN 3 ELSE 0 END, 'none', 0, t
FROM (SELECT n, timestamptz '2024-11-01' + (n * 730.0 / %(issues)s) * interval '1 day' AS t,
        CASE WHEN n > %(issues)s * 0.98 THEN (ARRAY['dispatched', 'in_progress', 'replied', 'follow_up', 'submitted'])[1 + n % 5]
             WHEN n % 50 = 0 THEN 'rejected' ELSE 'closed' END AS state
      FROM generate_series(1, %(issues)s) n) s
JOIN (SELECT id, region_id, row_number() OVER () - 1 AS k FROM organizations_enterprise) e ON e.k = n % %(enterprises)s
JOIN (SELECT code, row_number() OVER () - 1 AS k FROM inspections_issuecategory) c ON c.k = n % 38
JOIN (SELECT code, row_number() OVER () - 1 AS k FROM organizations_department) d ON d.k = (n / 7) % 32
JOIN (SELECT id, row_number() OVER () - 1 AS k FROM organizations_person) p ON p.k = (n %% %(enterprises)s) / 10
ORDER BY n
"""
SEGMENTS = """
INSERT INTO inspections_segment (id, issue_id, number, round, how, lead_code, deadline_class_id, dispatched_at, acknowledge_due,
  acknowledged_at, due, replied_at, return_asked_at, return_result, region_id, reporter_id)
SELECT gen_random_uuid(), id, 1, 1, 'rule', lead_code, 'B', dispatched_at, acknowledge_due, acknowledged_at, due, replied_at, NULL, '',
  region_id, reporter_id
FROM inspections_issue ORDER BY submitted_at
"""
VISITS = """
INSERT INTO inspections_visit (id, enterprise_id, author_id, mode, started_at, participants, check_in, interviewee, summary, status,
  private, review_comment, created_at)
SELECT gen_random_uuid(), e.id, p.id, CASE WHEN n % 10 = 0 THEN 'phone' ELSE 'on_site' END,
  timestamptz '2024-11-01' + (n * 730.0 / %(visits)s) * interval '1 day', '[]', '{"lat": 31.9, "lon": 120.3}', '', '', 'submitted',
  false, '', now()
FROM generate_series(1, %(visits)s) n
JOIN (SELECT id, row_number() OVER () - 1 AS k FROM organizations_enterprise) e ON e.k = n % %(enterprises)s
JOIN (SELECT id, row_number() OVER () - 1 AS k FROM organizations_person) p ON p.k = (n %% %(enterprises)s) / 10
ORDER BY n
"""
JOINT = """
INSERT INTO inspections_jointparticipant (id, visit_id, person_id)
SELECT gen_random_uuid(), v.id, p.id FROM (SELECT id, author_id, row_number() OVER () AS n FROM inspections_visit) v
JOIN (SELECT id, row_number() OVER () - 1 AS k FROM organizations_person) p ON p.k = n % 100 WHERE n % 10 = 5 AND p.id <> v.author_id
"""
RESPONSES = """
INSERT INTO surveys_response (id, enterprise_id, visit, questionnaire_id, version, author_id, answers, status, private, started_at,
  received_at, findings, scores, review_comment, comments)
SELECT gen_random_uuid(), enterprise_id, id, 'visit', 1, author_id, '{}', 'submitted', false, started_at, started_at, '[]', '{}', '', '{}'
FROM inspections_visit ORDER BY started_at
"""
ATTENDANCE = """
INSERT INTO surveys_attendance (visit, person, enterprise, began)
SELECT v.id, person, enterprise_id, started_at FROM inspections_visit v
JOIN (SELECT id AS visit, author_id AS person FROM inspections_visit UNION ALL
      SELECT visit_id, person_id FROM inspections_jointparticipant) p ON p.visit = v.id
WHERE mode = 'on_site' ORDER BY started_at
"""


def main() -> None:
    """Make the city, ask for every standard report, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--issues", type=int, default=1_000_000)
    parser.add_argument("--visits", type=int, default=2_000_000)
    parser.add_argument("--enterprises", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", help="where the city is or shall be, as DATABASE_URL says it; kept afterwards")
    asked = parser.parse_args()
    from tests.services.postgres import Postgres

    with contextlib.ExitStack() as running:
        settings = {"shared_buffers": "1GB", "work_mem": "64MB", "max_wal_size": "4GB"}
        url = asked.database or running.enter_context(Postgres(settings=settings)).create("reports")
        os.environ["DATABASE_URL"] = url
        os.environ["VAR_DIR"] = mkdtemp(prefix="bench-reports-")
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        fill(asked.issues, asked.visits, asked.enterprises)
        measure(asked.rounds)


def fill(issues: int, visits: int, enterprises: int) -> None:
    """Make the city, unless it is there already."""
    from django.core.management import call_command
    from django.db import connection

    from inspections.models import Issue
    from tests.reports import worlds

    call_command("migrate", verbosity=0)
    if Issue.objects.exists():
        return
    worlds.furnish()
    amounts = {"issues": issues, "visits": visits, "enterprises": enterprises}
    with connection.cursor() as cursor:
        _people(enterprises)
        for statement in (ISSUES, SEGMENTS, VISITS, JOINT, RESPONSES, ATTENDANCE):
            began = time.perf_counter()
            text = statement
            for name, amount in amounts.items():
                text = text.replace(f"%({name})s", str(amount))
            cursor.execute(text.replace("%%", "%"))
            print(
                f"{statement.split()[2]}: {cursor.rowcount} rows in {time.perf_counter() - began:.0f} s",
                file=sys.stderr,
            )
        cursor.execute("VACUUM ANALYZE")  # as autovacuum will have done


def _people(enterprises: int) -> None:
    from organizations.models import Assignment, Enterprise, Person, Region

    regions = list(Region.objects.order_by("code"))
    people = [Person(username=f"p{n}", name=f"三员{n}") for n in range(enterprises // 10)]
    Person.objects.bulk_create(people)
    firms = [
        Enterprise(name=f"企业{n}", region=regions[n % 21], pilot_tier="city", industrial_park=["", "园"][n % 2])
        for n in range(enterprises)
    ]
    Enterprise.objects.bulk_create(firms)
    Assignment.objects.bulk_create(
        [
            Assignment(person=people[n // 10], role="liaison", enterprise=firm, starts_on="2024-01-01")
            for n, firm in enumerate(firms)
        ]
    )


def measure(rounds: int) -> None:
    from reports import supervision
    from reports.groups import WHOLE_CITY
    from reports.periods import SHANGHAI, read

    at = datetime(2026, 11, 22, 12, tzinfo=SHANGHAI)

    def timed(name: str, run: Callable[[], Any]) -> None:
        seconds, cpu = [], []
        for _ in range(rounds):
            began, busy = time.perf_counter(), _cpu()
            run()
            seconds.append(time.perf_counter() - began)
            cpu.append(_cpu() - busy)
        print(f"{name:48} {statistics.median(seconds):7.2f} s {statistics.median(cpu):7.2f} CPU-s", flush=True)

    for code in ("2026-10", "2026-Q3", "2026"):
        for group_by in ("department", "region", "field_member"):
            period = read(code)
            timed(
                f"supervision {code} by {group_by}",
                lambda period=period, group_by=group_by: supervision.report(period, group_by, sight=WHOLE_CITY, at=at),
            )
    for code in ("2026-Q3", "2026"):
        took = dict(pages(read(code), at))
        slowest = sorted(took, key=lambda page: -took[page])[:3]
        print(f"{f'evidence {code}: {len(took)} pages, median':48} {statistics.median(took.values()):7.3f} s")
        for page in slowest:
            print(f"{f'  slowest: {page}':56} {took[page]:7.3f} s", flush=True)


def pages(period: Any, at: datetime) -> Iterator[tuple[str, float]]:
    """The first page behind every number of three groupings, of the total and of one group: what it is, and seconds."""
    from organizations.models import Person, Region
    from reports import evidence
    from reports.groups import WHOLE_CITY
    from reports.indicators import for_group

    town, member = Region.objects.values_list("code", flat=True)[0], str(Person.objects.values_list("pk", flat=True)[0])
    for group_by, group in (("department", "HRSS"), ("region", town), ("field_member", member)):
        for indicator in for_group(group_by):
            for side, kind in zip(evidence.SIDES, indicator.evidence, strict=True):
                for one in (None, group) if kind else ():
                    began = time.perf_counter()
                    evidence.page(period, group_by, indicator.key, side, group=one, sight=WHOLE_CITY, at=at)
                    yield f"{indicator.key} {side} of {one or 'all'} by {group_by}"[:44], time.perf_counter() - began


def _cpu() -> float:
    """CPU seconds that we and all processes of the server have used: steadier than the clock where others work too."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        server = int(_stat(cursor.fetchone()[0])[1])
    ticks = sum(map(int, _stat(server)[11:15]))  # its own, and of the workers that have ended
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = _stat(int(folder.name))
            ticks += sum(map(int, fields[11:13])) if int(fields[1]) == server else 0
    return ticks / os.sysconf("SC_CLK_TCK") + time.process_time()


def _stat(pid: int) -> list[str]:
    """What Linux says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()


if __name__ == "__main__":
    main()
